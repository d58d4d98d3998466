/* bench_functions: nanoseconds per element of every elementary function, in cache, on one core, beside the
 * vector libraries of the same machine. Contestants take turns in short samples; the best one counts.
 *
 *   bench_functions [--rounds N] [NAME]... */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { N = 8192, AT_LEAST = 9 }; /* two or three arrays of 64 kB at most: in the caches of a core, and long beside a call */

typedef struct function {
    const char *name;
    int arity;
    double low, high;
    const char *c_name; /* in libmvec and, with its bound, in SLEEF; NULL: in neither */
    const char *sleef;
} function;

static const function functions[] = {
    {"sin", 1, -10, 10, "sin", "u10"},       {"cos", 1, -10, 10, "cos", "u10"},
    {"tan", 1, -10, 10, "tan", "u10"},       {"sinpi", 1, -4, 4, "sinpi", "u05"},
    {"cospi", 1, -4, 4, "cospi", "u05"},     {"tanpi", 1, -4, 4, NULL, NULL},
    {"arcsin", 1, -1, 1, "asin", "u10"},     {"arccos", 1, -1, 1, "acos", "u10"},
    {"arctan", 1, -10, 10, "atan", "u10"},   {"arctan2", 2, -10, 10, "atan2", "u10"},
    {"exp", 1, -20, 20, "exp", "u10"},       {"exp2", 1, -20, 20, "exp2", "u10"},
    {"exp10", 1, -20, 20, "exp10", "u10"},   {"expm1", 1, -3, 3, "expm1", "u10"},
    {"log", 1, 0, 100, "log", "u10"},        {"log2", 1, 0, 100, "log2", "u10"},
    {"log10", 1, 0, 100, "log10", "u10"},    {"log1p", 1, 0, 100, "log1p", "u10"},
    {"power", 2, 0.1, 8, "pow", "u10"},      {"sinh", 1, -10, 10, "sinh", "u10"},
    {"cosh", 1, -10, 10, "cosh", "u10"},     {"tanh", 1, -5, 5, "tanh", "u10"},
    {"arcsinh", 1, -10, 10, "asinh", "u10"}, {"arccosh", 1, 1, 10, "acosh", "u10"},
    {"arctanh", 1, -1, 1, "atanh", "u10"},   {"hypot", 2, -10, 10, "hypot", "u05"},
    {"cbrt", 1, -10, 10, "cbrt", "u10"},     {"rsqrt", 1, 0, 10, NULL, NULL},
    {"logaddexp", 2, -10, 10, NULL, NULL},   {"logaddexp2", 2, -10, 10, NULL, NULL},
    {"expit", 1, -20, 20, NULL, NULL},       {"softplus", 1, -20, 20, NULL, NULL},
    {"erf", 1, -4, 4, "erf", "u10"},         {"erfc", 1, -4, 8, "erfc", "u15"},
    {"erfcx", 1, -4, 8, NULL, NULL},         {"erfinv", 1, -1, 1, NULL, NULL},
    {"erfcinv", 1, 0, 2, NULL, NULL},        {"ndtr", 1, -8, 8, NULL, NULL},
    {"ndtri", 1, 0, 1, NULL, NULL},          {"log_ndtr", 1, -8, 8, NULL, NULL},
    {"normal_density", 1, -8, 8, NULL, NULL}, {"log_normal_density", 1, -8, 8, NULL, NULL},
};

typedef struct subject {
    op_dtype dtype;
    int arity;
    const op_kernel *kernel;
    void *mvec, *sleef; /* functions of one or two registers */
    op_view in[2], out;
    const op_run_options *options;
} subject;

/* ---- Contestants ---- */

static void run_ours(void *ctx)
{
    subject *s = ctx;
    if (op_run(s->kernel, s->arity, s->in, 1, &s->out, s->options) != OP_OK) {
        fprintf(stderr, "%s\n", op_last_error()->message);
        exit(1);
    }
}

#if defined(__x86_64__)
/* f over arrays of T, a register R at a time. */
#define LOOP(name, isa, T, R, load, store)                                                                             \
    __attribute__((target(isa))) static void name(void *f, const subject *s)                                           \
    {                                                                                                                  \
        const T *x = s->in[0].cdata, *y = s->in[1].cdata;                                                              \
        T *out = s->out.data;                                                                                          \
        R (*f1)(R) = (R (*)(R))f;                                                                                      \
        R (*f2)(R, R) = (R (*)(R, R))f;                                                                                \
        for (int i = 0; i < N; i += (int)(sizeof(R) / sizeof(T)))                                                      \
            store(out + i, s->arity == 1 ? f1(load(x + i)) : f2(load(x + i), load(y + i)));                            \
    }
LOOP(loop_f64_512, "avx512f", double, __m512d, _mm512_loadu_pd, _mm512_storeu_pd)
LOOP(loop_f32_512, "avx512f", float, __m512, _mm512_loadu_ps, _mm512_storeu_ps)
LOOP(loop_f64_256, "avx2", double, __m256d, _mm256_loadu_pd, _mm256_storeu_pd)
LOOP(loop_f32_256, "avx2", float, __m256, _mm256_loadu_ps, _mm256_storeu_ps)

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

static void run_library(void *f, const subject *s)
{
    if (has_avx512())
        (s->dtype == OP_F64 ? loop_f64_512 : loop_f32_512)(f, s);
    else
        (s->dtype == OP_F64 ? loop_f64_256 : loop_f32_256)(f, s);
}

/* The libraries' names of the widest version that this machine runs. */
static void find_peers(const function *f, subject *s)
{
    static void *mvec, *sleef;
    char name[64];
    int is_f64 = s->dtype == OP_F64, wide = has_avx512();
    int lanes = (wide ? 64 : 32) / (is_f64 ? 8 : 4);
    s->mvec = s->sleef = NULL;
    if (!f->c_name || !__builtin_cpu_supports("avx2"))
        return;
    mvec = mvec ? mvec : dlopen("libmvec.so.1", RTLD_NOW);
    sleef = sleef ? sleef : dlopen("libsleef.so.3", RTLD_NOW);
    if (mvec) {
        snprintf(name, sizeof name, "_ZGV%cN%d%s_%s%s", wide ? 'e' : 'd', lanes, f->arity == 1 ? "v" : "vv", f->c_name,
                 is_f64 ? "" : "f");
        s->mvec = dlsym(mvec, name);
    }
    if (sleef) {
        snprintf(name, sizeof name, "Sleef_%s%c%d_%s%s", f->c_name, is_f64 ? 'd' : 'f', lanes, f->sleef,
                 wide ? "avx512f" : "avx2");
        s->sleef = dlsym(sleef, name);
    }
}
#else
static void run_library(void *f, const subject *s)
{
    (void)f, (void)s;
}
static void find_peers(const function *f, subject *s)
{
    (void)f;
    s->mvec = s->sleef = NULL;
}
#endif

static void run_mvec(void *ctx)
{
    run_library(((subject *)ctx)->mvec, ctx);
}

static void run_sleef(void *ctx)
{
    run_library(((subject *)ctx)->sleef, ctx);
}

/* ---- Measuring ---- */

static op_kernel *compiled(op_engine *engine, const function *f, op_dtype dtype)
{
    static const char *const names[] = {"x", "y"};
    char text[64];
    op_expr *x[2] = {NULL}, *expr;
    op_kernel *kernel = NULL;
    op_graph *graph = op_graph_new(engine);
    for (int i = 0; i < f->arity; i++)
        x[i] = op_param(graph, i, dtype, 1);
    snprintf(text, sizeof text, "%s(x%s)", f->name, f->arity == 1 ? "" : ", y");
    if (op_parse(graph, text, f->arity, names, x, &expr) != OP_OK || op_compile(graph, 1, &expr, &kernel) != OP_OK)
        fprintf(stderr, "%s: %s\n", f->name, op_last_error()->message);
    op_graph_free(graph);
    return kernel;
}

static void fill(const function *f, op_dtype dtype, void *data, unsigned seed)
{
    uint64_t state = seed;
    for (int i = 0; i < N; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double x = f->low + (f->high - f->low) * ((double)(state >> 11) + 0.5) * 0x1p-53;
        if (dtype == OP_F64)
            ((double *)data)[i] = x;
        else
            ((float *)data)[i] = (float)x;
    }
}

static void print_time(const contestant *c, double ours)
{
    if (c)
        printf(" | %.3f | %.2f", 1e9 * c->best / N, c->best / ours);
    else
        printf(" | - | -");
}

static void measure(op_engine *engine, const function *f, op_dtype dtype, int rounds)
{
    static _Alignas(64) char memory[3][N * sizeof(double)];
    const op_run_options options = {.threads = 1};
    op_kernel *kernel = compiled(engine, f, dtype);
    if (!kernel)
        return;
    subject s = {.dtype = dtype, .arity = f->arity, .kernel = kernel, .options = &options};
    for (int i = 0; i < 2; i++) {
        fill(f, dtype, memory[i], (unsigned)i + 1);
        s.in[i] = op_view_1d(dtype, memory[i], N);
    }
    s.out = op_view_1d(dtype, memory[2], N);
    find_peers(f, &s);
    contestant all[3] = {{.call = run_ours}}, *mvec = NULL, *sleef = NULL;
    int n = 1;
    if (s.mvec)
        *(mvec = &all[n++]) = (contestant){.call = run_mvec};
    if (s.sleef)
        *(sleef = &all[n++]) = (contestant){.call = run_sleef};
    take_turns(n, all, &s, rounds, 5e-5);
    printf("| %s | %s | %.3f", f->name, op_dtype_name(dtype), 1e9 * all[0].best / N);
    print_time(mvec, all[0].best);
    print_time(sleef, all[0].best);
    printf(" |\n");
    fflush(stdout);
    op_kernel_free(kernel);
}

static int is_wanted(const char *name, int n, char **names)
{
    int any = 0;
    for (int i = 0; i < n; i++) {
        if (!strcmp(names[i], name))
            return 1;
        any = 1;
    }
    return !any;
}

int main(int argc, char **argv)
{
    int rounds = AT_LEAST, first = 1;
    if (argc > 2 && !strcmp(argv[1], "--rounds")) {
        rounds = atoi(argv[2]) > AT_LEAST ? atoi(argv[2]) : AT_LEAST;
        first = 3;
    }
    op_options options = {.threads = 1};
    op_engine *engine = op_engine_new(&options);
    if (!engine)
        return fprintf(stderr, "%s\n", op_last_error()->message), 1;
    printf("ns per element, one core, %d elements in cache, %s\n\n", N, op_engine_isa(engine));
    printf("| function | type | onepass | libmvec | ratio | SLEEF | ratio |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (is_wanted(functions[i].name, argc - first, argv + first))
            for (int is_f64 = 1; is_f64 >= 0; is_f64--)
                measure(engine, &functions[i], is_f64 ? OP_F64 : OP_F32, rounds);
    op_engine_free(engine);
    return 0;
}
