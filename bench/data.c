/* A row's arrays, and its evaluation by each contestant. */
#define _GNU_SOURCE
#include "bench.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 1 << 21, SLACK = 4096 };

/* ---- Arrays: aligned, on huge pages, the same for everyone ---- */

static void *array_make(int64_t bytes)
{
    size_t size = ((size_t)bytes + SLACK + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
    void *memory = aligned_alloc(HUGE_PAGE, size);
    if (memory) {
        madvise(memory, size, MADV_HUGEPAGE);
        memset(memory, 0, size);
    }
    return memory;
}

int arrays_make(arrays *a, int64_t bytes)
{
    *a = (arrays){.bytes = bytes};
    int good = (a->out = array_make(bytes)) != NULL;
    for (int i = 0; i < LETTERS && good; i++)
        good = (a->in[i] = array_make(bytes)) != NULL;
    return good;
}

void arrays_free(arrays *a)
{
    for (int i = 0; i < LETTERS; i++)
        free(a->in[i]);
    free(a->out);
}

/* Values in no order that a processor could learn: the fractions of multiples of the golden ratio. */
static void fill(const work *w, int letter, void *to)
{
    const row *r = w->row;
    for (int64_t i = 0; i < w->n; i++) {
        double fraction =
            (double)(((uint64_t)i + 1) * (0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du * (uint64_t)letter) >> 11) *
            0x1p-53;
        double value = r->low + (r->high - r->low) * fraction;
        if (w->dtype == OP_F32)
            ((float *)to)[i] = (float)value;
        else
            ((double *)to)[i] = value;
    }
}

/* ---- Making ---- */

static op_view view_of(const work *w, const void *data, int64_t side)
{
    return w->row->kind == MAP || w->row->kind == SUM ? OP_VIEW_1D(w->dtype, data, w->n)
                                                      : OP_VIEW_2D(w->dtype, data, side, side);
}

/* The formula over arrays, for op_eval, and over holes, for op_run. */
static op_status prepare(work *w)
{
    op_expr *arrays_of[LETTERS], *holes[LETTERS], *prepared;
    const char *names[LETTERS];
    static const char letters[LETTERS][2] = {"a", "b", "c", "d"};
    for (int i = 0; i < w->n_in; i++) {
        names[i] = letters[w->row->inputs[i] - 'a'];
        arrays_of[i] = op_input(w->graph, w->ins[i]);
        holes[i] = op_param(w->graph, i, w->dtype, w->ins[i].ndim);
    }
    op_status status = op_parse(w->graph, w->row->formula, w->n_in, names, arrays_of, &w->expr);
    if (status == OP_OK)
        status = op_parse(w->graph, w->row->formula, w->n_in, names, holes, &prepared);
    if (status == OP_OK)
        status = op_compile(w->graph, 1, &prepared, &w->kernel);
    if (status == OP_OK)
        status = op_run(w->kernel, w->n_in, w->ins, 1, &w->out_view, &w->options);
    return status == OP_OK ? op_graph_set_run_options(w->graph, &w->options) : status;
}

int work_make(work *w, const row *r, op_dtype dtype, int64_t n, int threads, const arrays *a)
{
    *w = (work){.row = r, .dtype = dtype, .n = n, .units = n, .threads = threads, .out = a->out};
    int64_t item = op_dtype_size(dtype), out_side = 0;
    if (r->kind == TRANSPOSE || r->kind == JACOBI) {
        w->side = (int64_t)(sqrt((double)n) / 16 + 0.5) * 16;
        w->n = w->side * w->side;
        w->units = out_side = r->kind == JACOBI ? w->side - 2 : w->side;
    }
    w->bytes = (int64_t)(row_bytes(r, item) * (double)w->n);
    w->n_in = (int)strlen(r->inputs);
    for (int i = 0; i < LETTERS; i++)
        w->in[i] = a->in[r->inputs[0] - 'a'];
    for (int i = 0; i < w->n_in; i++) {
        int letter = r->inputs[i] - 'a';
        fill(w, letter, a->in[letter]);
        w->in[letter] = a->in[letter];
        w->ins[i] = view_of(w, a->in[letter], w->side);
    }
    w->out_view = r->kind == SUM ? OP_VIEW_0D(dtype, w->out) : view_of(w, w->out, out_side);

    w->options.threads = threads;
    w->engine = op_engine_new(NULL);
    w->graph = w->engine ? op_graph_new(w->engine) : NULL;
    if (!w->graph || prepare(w) != OP_OK)
        w->failure = op_last_error()->message;
    return w->failure == NULL;
}

void work_free(work *w)
{
    op_kernel_free(w->kernel);
    op_graph_free(w->graph);
    op_engine_free(w->engine);
}

/* ---- The contestants ---- */

void run_hand(void *ctx)
{
    work *w = ctx;
    hand_loop *loop = w->dtype == OP_F32 ? hand_rows[w->row - rows].f32 : hand_rows[w->row - rows].f64;
    int sums = w->row->kind == SUM;
    if (sums)
        memset(w->out, 0, 8);
    if (w->threads == 1 || w->n < 32768) { // as a person would: threads only where they pay
        loop(w->in, w->out, 0, w->units, w->side);
        return;
    }
#pragma omp parallel num_threads(w->threads)
    {
        int64_t threads = omp_get_num_threads(), me = omp_get_thread_num();
        int64_t begin = me == 0 ? 0 : w->units * me / threads / 64 * 64;
        int64_t end = me + 1 == threads ? w->units : w->units * (me + 1) / threads / 64 * 64;
        double part = 0;
        loop(w->in, sums ? (void *)&part : w->out, begin, end, w->side);
        if (sums && w->dtype == OP_F32) {
            float value;
            memcpy(&value, &part, sizeof value);
#pragma omp atomic
            *(float *)w->out += value;
        } else if (sums) {
#pragma omp atomic
            *(double *)w->out += part;
        }
    }
}

static void must(op_status status)
{
    if (status != OP_OK) {
        fprintf(stderr, "bench: %s\n", op_last_error()->message);
        exit(1);
    }
}

void run_kernel(void *ctx)
{
    work *w = ctx;
    must(op_run(w->kernel, w->n_in, w->ins, 1, &w->out_view, &w->options));
}

void run_eval(void *ctx)
{
    work *w = ctx;
    must(op_eval(w->expr, w->out_view));
}

static void roof(work *w, int stream)
{
    const void *in[LETTERS];
    int64_t bytes = w->n * op_dtype_size(w->dtype);
    for (int i = 0; i < w->n_in; i++)
        in[i] = w->in[w->row->inputs[i] - 'a'];
    void *out = w->row->kind == SUM ? NULL : w->out;
    if (w->threads == 1 || w->n < 32768) {
        roof_move(w->n_in, in, out, bytes, stream);
        return;
    }
#pragma omp parallel num_threads(w->threads)
    {
        int64_t threads = omp_get_num_threads(), me = omp_get_thread_num();
        int64_t begin = bytes * me / threads / 64 * 64;
        int64_t end = me + 1 == threads ? bytes : bytes * (me + 1) / threads / 64 * 64;
        const void *part[LETTERS];
        for (int i = 0; i < w->n_in; i++)
            part[i] = (const char *)in[i] + begin;
        roof_move(w->n_in, part, out ? (char *)out + begin : NULL, end - begin, stream);
    }
}

void run_roof_plain(void *ctx)
{
    roof(ctx, 0);
}

void run_roof_stream(void *ctx)
{
    roof(ctx, 1);
}

/* ---- Verification ---- */

static double element(const work *w, const void *array, int64_t i)
{
    return w->dtype == OP_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static double ulp_of(const work *w, double exact)
{
    double size = fabs(exact) > 1 ? fabs(exact) : 1;
    return ldexp(1, ilogb(size)) * (w->dtype == OP_F32 ? FLT_EPSILON : DBL_EPSILON);
}

double work_error(work *w)
{
    double worst = 0;
    exact_function *exact = exact_of(w->row);
    if (exact) {
        int64_t step = w->n > 100000 ? 101 : 1;
        for (int64_t i = 0; i < w->n; i += step) {
            long double x[LETTERS];
            for (int k = 0; k < LETTERS; k++)
                x[k] = element(w, w->in[k], i);
            long double y = exact(x);
            double error = (double)fabsl((long double)element(w, w->out, i) - y) / ulp_of(w, (double)y);
            worst = error > worst || error != error ? error : worst;
        }
        return worst;
    }
    if (w->row->kind == SUM) {
        long double y = 0;
        for (int64_t i = 0; i < w->n; i++)
            y += (long double)element(w, w->in[1], i) * element(w, w->in[2], i);
        return (double)fabsl(element(w, w->out, 0) - y) / ulp_of(w, sqrt((double)w->n));
    }
    int64_t size = w->units * w->units;
    double *seen = malloc((size_t)size * sizeof *seen);
    if (!seen)
        return NAN;
    for (int64_t i = 0; i < size; i++)
        seen[i] = element(w, w->out, i);
    run_hand(w);
    for (int64_t i = 0; i < size; i++) {
        double y = element(w, w->out, i), error = fabs(seen[i] - y) / ulp_of(w, y);
        worst = error > worst || error != error ? error : worst;
    }
    free(seen);
    return worst;
}
