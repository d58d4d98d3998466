/* Evaluation: results, launch records, threads, overlap, holes, forks, limits. */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "onepass/onepass.h"
#include "onepass/sugar.h"

static op_engine *engine;
static op_graph *graph;

static void begin(void)
{
    engine = op_engine_new(NULL); /* with the environment: ONEPASS_ISA and ONEPASS_TIER choose what is tested */
    graph = op_graph_new(engine);
    ck_assert_ptr_nonnull(graph);
}

static void end(void)
{
    op_graph_free(graph);
    op_engine_free(engine);
}

static op_launch last_launch(void)
{
    op_launch launch;
    ck_assert_int_eq(op_last_launch(graph, &launch), OP_OK);
    return launch;
}

static double *ramp(int64_t n, double start, double step)
{
    double *x = malloc(sizeof *x * (size_t)(n ? n : 1));
    for (int64_t i = 0; i < n; i++)
        x[i] = start + step * (double)i;
    return x;
}

START_TEST(sin_plus_c)
{
    static const int64_t sizes[] = {0, 1, 7, 8, 9, 1000, 100003};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        int64_t n = sizes[k];
        double *b = ramp(n, -3, 0.37), *c = ramp(n, 10, -0.01), *a = ramp(n, 0, 0);
        op_expr *A = (op_add)(op_sin(op_input(graph, OP_VIEW_1D(OP_F64, b, n))), op_input(graph, OP_VIEW_1D(OP_F64, c, n)));
        ck_assert_int_eq(op_eval(A, OP_VIEW_1D(OP_F64, a, n)), OP_OK);
        for (int64_t i = 0; i < n; i++)
            ck_assert_double_eq_tol(a[i], sin(b[i]) + c[i], 2e-15 * (1 + fabs(c[i])));
        free(a), free(b), free(c);
    }
}
END_TEST

START_TEST(another_length_stride_or_constant_compiles_nothing)
{
    double *b = ramp(4000, 0, 1), *a = ramp(4000, 0, 0);
    op_stats stats;
    int64_t stride_2[] = {16}, stride_3[] = {-24}, shape[] = {1000};
    for (int64_t n = 2; n < 2000; n *= 3) {
        op_expr *x = op_input(graph, OP_VIEW_1D(OP_F64, b, n));
        ck_assert_int_eq(op_eval(op_add(op_mul(x, (double)n), 2.0), OP_VIEW_1D(OP_F64, a, n)), OP_OK);
    }
    ck_assert_int_eq(op_engine_stats(engine, &stats), OP_OK);
    ck_assert_int_le(stats.compiles, 1);
    ck_assert_int_eq(stats.compiles + stats.interpreted, stats.interpreted ? stats.launches : 1);
    op_expr *x = op_input(graph, op_view_nd(OP_F64, b, 1, shape, stride_2));
    ck_assert_int_eq(op_eval(op_mul(x, 3.0), OP_VIEW_1D(OP_F64, a, 1000)), OP_OK);
    x = op_input(graph, op_view_nd(OP_F64, b + 3999, 1, shape, stride_3));
    ck_assert_int_eq(op_eval(op_mul(x, 5.0), OP_VIEW_1D(OP_F64, a, 1000)), OP_OK);
    ck_assert_int_eq(last_launch().hits_memory, 1);
    for (int i = 0; i < 1000; i++)
        ck_assert_double_eq(a[i], 5.0 * b[3999 - 3 * i]);
    free(a), free(b);
}
END_TEST

START_TEST(equal_constants_make_no_other_kernel)
{
    double b[16] = {0}, a[16];
    op_expr *x = op_input(graph, OP_VIEW_1D(OP_F64, b, 16));
    ck_assert_int_eq(op_eval(op_add(op_mul(x, 2.0), 3.0), OP_VIEW_1D(OP_F64, a, 16)), OP_OK);
    ck_assert_int_eq(op_eval(op_add(op_mul(x, 2.0), 2.0), OP_VIEW_1D(OP_F64, a, 16)), OP_OK);
    ck_assert_int_eq(last_launch().hits_memory, 1);
}
END_TEST

/* Every output offset around the input, both directions: as if the input had been read first. */
START_TEST(overlap_behaves_as_if_inputs_were_read_first)
{
    enum { N = 300, PAD = 70 };
    double memory[N + 2 * PAD], expected[N];
    for (int sign = -1; sign <= 1; sign += 2)
        for (int offset = -64; offset <= 64; offset++) {
            for (int i = 0; i < N + 2 * PAD; i++)
                memory[i] = i * 1.25;
            double *in = memory + PAD, *out = in + offset;
            for (int i = 0; i < N; i++)
                expected[i] = in[i] * 2 + 1;
            op_expr *x = op_input(graph, OP_VIEW_1D(OP_F64, in, N));
            int64_t shape[] = {N}, strides[] = {8 * sign};
            op_view view = op_view_nd(OP_F64, sign > 0 ? out : out + N - 1, 1, shape, strides);
            ck_assert_int_eq(op_eval(op_add(op_mul(x, 2.0), 1.0), view), OP_OK);
            for (int i = 0; i < N; i++)
                ck_assert_double_eq(sign > 0 ? out[i] : out[N - 1 - i], expected[i]);
        }
}
END_TEST

START_TEST(in_place_after_a_reduction)
{
    double x[100], mean = 0;
    for (int i = 0; i < 100; i++)
        mean += x[i] = i;
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 100));
    op_expr *centred = (op_sub)(X, op_div(op_sum(X, OP_ALL, 0), 100.0));
    ck_assert_int_eq(op_eval(centred, OP_VIEW_1D(OP_F64, x, 100)), OP_OK);
    for (int i = 0; i < 100; i++)
        ck_assert_double_eq(x[i], i - mean / 100);
}
END_TEST

START_TEST(outputs_that_cannot_be_are_refused)
{
    double x[8] = {0}, out[8];
    int64_t shape[] = {8}, zero[] = {0};
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 8));
    ck_assert_int_eq(op_eval(X, op_view_nd(OP_F64, out, 1, shape, zero)), OP_ERR_OVERLAP);
    ck_assert_int_eq(op_eval(X, OP_VIEW_1D(OP_I32, out, 8)), OP_ERR_DTYPE);
    ck_assert_str_eq(op_last_error()->message, "output 0: f64 cannot be cast to i32 by the same_kind rule; use op_cast");
    ck_assert_int_eq(op_eval(X, OP_VIEW_1D(OP_F64, out, 7)), OP_ERR_SHAPE);
    ck_assert_int_eq(op_eval(X, OP_VIEW_1D(OP_F64, NULL, 8)), OP_ERR_INVALID);
    ck_assert_int_eq(op_eval(op_sum(X, OP_ALL, 0), OP_VIEW_1D(OP_F64, out, 8)), OP_ERR_SHAPE);
    op_expr *both[] = {X, op_sin(X)};
    op_view views[] = {OP_VIEW_1D(OP_F64, out, 8), OP_VIEW_1D(OP_F64, out, 8)};
    ck_assert_int_eq(op_eval_many(graph, 2, both, views), OP_ERR_OVERLAP);
    ck_assert_int_eq(op_eval(op_param(graph, 0, OP_F64, 1), OP_VIEW_1D(OP_F64, out, 8)), OP_ERR_INVALID);
}
END_TEST

START_TEST(several_outputs_are_one_pass)
{
    double x[50], s[50], y[50];
    for (int i = 0; i < 50; i++)
        x[i] = i * 0.1;
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 50)), *S = op_sin(X);
    op_expr *exprs[] = {S, (op_mul)(S, X)};
    op_view outs[] = {OP_VIEW_1D(OP_F64, s, 50), OP_VIEW_1D(OP_F64, y, 50)};
    ck_assert_int_eq(op_eval_many(graph, 2, exprs, outs), OP_OK);
    ck_assert_int_eq(last_launch().kernels, 1);
    ck_assert_int_eq(last_launch().bytes, 3 * 50 * 8);
    for (int i = 0; i < 50; i++)
        ck_assert_double_eq(y[i], s[i] * x[i]);
}
END_TEST

START_TEST(results_broadcast_into_larger_outputs)
{
    double x[4] = {1, 2, 3, 4}, out[12];
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 4));
    ck_assert_int_eq(op_eval(op_add(X, 1.0), OP_VIEW_2D(OP_F64, out, 3, 4)), OP_OK);
    for (int i = 0; i < 12; i++)
        ck_assert_double_eq(out[i], x[i % 4] + 1);
}
END_TEST

START_TEST(sums_do_not_depend_on_threads)
{
    int64_t n = 3000001;
    double *x = ramp(n, 0.1, 1e-7), first = 0, columns[7][3];
    for (int threads = 1; threads <= 8; threads++) {
        double sum;
        ck_assert_int_eq(op_engine_set_threads(engine, threads), OP_OK);
        op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, n));
        ck_assert_int_eq(op_eval(op_sum((op_mul)(X, X), OP_ALL, 0), OP_VIEW_0D(OP_F64, &sum)), OP_OK);
        first = threads == 1 ? sum : first;
        ck_assert(memcmp(&sum, &first, sizeof sum) == 0);
        op_expr *Y = op_input(graph, OP_VIEW_2D(OP_F64, x, 1000000, 3));
        double *to = columns[threads < 3 ? threads - 1 : 2];
        ck_assert_int_eq(op_eval(op_sum(Y, OP_AXIS(0), 0), OP_VIEW_1D(OP_F64, to, 3)), OP_OK);
        ck_assert(memcmp(to, columns[0], sizeof columns[0]) == 0);
    }
    ck_assert_double_eq_tol(first, 250285.25, 50000); /* the order of magnitude; exactly: the tester against NumPy */
    free(x);
}
END_TEST

START_TEST(prepared_kernels)
{
    enum { N = 100 };
    double a[N], b[2 * N], out[N];
    for (int i = 0; i < N; i++)
        a[i] = i, b[2 * i] = 2 * i, b[2 * i + 1] = -1;
    op_kernel *kernel;
    op_expr *sum = (op_add)(op_param(graph, 0, OP_F64, 1), op_param_named(graph, 1, "b", OP_F64, 1));
    ck_assert_int_eq(op_compile(graph, 1, &sum, &kernel), OP_OK);
    op_graph_free(graph); /* the kernel outlives it */
    graph = op_graph_new(engine);
    op_view ins[] = {OP_VIEW_1D(OP_F64, a, N), OP_VIEW_1D(OP_F64, b, N)}, view = OP_VIEW_1D(OP_F64, out, N);
    op_stats before, after;
    ck_assert_int_eq(op_engine_stats(engine, &before), OP_OK);
    ck_assert_int_eq(op_run(kernel, 2, ins, 1, &view, NULL), OP_OK);
    ck_assert_int_eq(op_engine_stats(engine, &after), OP_OK);
    ck_assert_int_eq(after.compiles, before.compiles);
    for (int i = 0; i < N; i++)
        ck_assert_double_eq(out[i], a[i] + b[i]);
    int64_t shape[] = {N}, stride[] = {16};
    ins[1] = op_view_nd(OP_F64, b, 1, shape, stride);
    ck_assert_int_eq(op_run(kernel, 2, ins, 1, &view, NULL), OP_OK);
    for (int i = 0; i < N; i++)
        ck_assert_double_eq(out[i], 3.0 * i);
    ins[1] = OP_VIEW_1D(OP_F64, b, 7);
    ck_assert_int_eq(op_run(kernel, 2, ins, 1, &view, NULL), OP_ERR_SHAPE);
    ins[1] = OP_VIEW_1D(OP_F32, b, N);
    ck_assert_int_eq(op_run(kernel, 2, ins, 1, &view, NULL), OP_ERR_DTYPE);
    ck_assert_int_eq(op_run(kernel, 1, ins, 1, &view, NULL), OP_ERR_INVALID);
    op_kernel_free(kernel);
}
END_TEST

START_TEST(slices_of_holes_are_settled_at_the_run)
{
    double x[10], out[9];
    for (int i = 0; i < 10; i++)
        x[i] = i * i;
    op_expr *X = op_param(graph, 0, OP_F64, 1);
    op_expr *steps = (op_sub)(op_slice(X, 0, 1, OP_END, 1), op_slice(X, 0, OP_END, -1, 1));
    op_kernel *kernel;
    ck_assert_int_eq(op_compile(graph, 1, &steps, &kernel), OP_OK);
    for (int n = 2; n <= 10; n++) {
        op_view in = OP_VIEW_1D(OP_F64, x, n), view = OP_VIEW_1D(OP_F64, out, n - 1);
        ck_assert_int_eq(op_run(kernel, 1, &in, 1, &view, NULL), OP_OK);
        for (int i = 0; i < n - 1; i++)
            ck_assert_double_eq(out[i], x[i + 1] - x[i]);
    }
    op_kernel_free(kernel);
}
END_TEST

static void *run_many(void *kernel)
{
    double x[1000], y[1000];
    for (int i = 0; i < 1000; i++)
        x[i] = i;
    for (int k = 0; k < 200; k++) {
        int n = 1 + (k * 37) % 1000;
        op_view in = OP_VIEW_1D(OP_F64, x, n), out = OP_VIEW_1D(OP_F64, y, n);
        if (op_run(kernel, 1, &in, 1, &out, NULL) != OP_OK)
            return kernel;
        for (int i = 0; i < n; i++)
            if (y[i] != 2 * x[i])
                return kernel;
    }
    return NULL;
}

START_TEST(kernels_run_concurrently)
{
    op_expr *twice = op_mul(op_param(graph, 0, OP_F64, 1), 2.0);
    op_kernel *kernel;
    pthread_t thread[8];
    ck_assert_int_eq(op_compile(graph, 1, &twice, &kernel), OP_OK);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, run_many, kernel), 0);
    for (int i = 0; i < 8; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        ck_assert_ptr_null(failed);
    }
    op_kernel_free(kernel);
}
END_TEST

/* libgomp hangs in a forked child's first region unless something is done about it. */
START_TEST(forked_children_work)
{
    int64_t n = 400000;
    double *x = ramp(n, 0, 1), *y = ramp(n, 0, 0);
    ck_assert_int_eq(op_engine_set_threads(engine, 2), OP_OK);
    op_expr *e = op_exp(op_sin(op_input(graph, OP_VIEW_1D(OP_F64, x, n))));
    ck_assert_int_eq(op_eval(e, OP_VIEW_1D(OP_F64, y, n)), OP_OK);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            op_expr *other = op_add(e, 1.0); /* a new kernel, too */
            int ok = op_eval(e, OP_VIEW_1D(OP_F64, y, n)) == OP_OK && op_eval(other, OP_VIEW_1D(OP_F64, y, n)) == OP_OK;
            _exit(ok ? 0 : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    free(x), free(y);
}
END_TEST

static void cancel_soon(void *ctx, double done)
{
    (void)done;
    op_cancel(ctx);
}

START_TEST(cancelling)
{
    double x[10] = {0}, y[10];
    int flag = 1;
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 10));
    op_run_options options = {.cancel = &flag};
    ck_assert_int_eq(op_graph_set_run_options(graph, &options), OP_OK);
    ck_assert_int_eq(op_eval(op_sin(X), OP_VIEW_1D(OP_F64, y, 10)), OP_ERR_CANCELLED);
    flag = 0;
    ck_assert_int_eq(op_eval(op_sin(X), OP_VIEW_1D(OP_F64, y, 10)), OP_OK);
    options = (op_run_options){.progress = cancel_soon, .ctx = engine}; /* after the first of two passes */
    ck_assert_int_eq(op_graph_set_run_options(graph, &options), OP_OK);
    ck_assert_int_eq(op_eval((op_sub)(X, op_sum(X, OP_ALL, 0)), OP_VIEW_1D(OP_F64, y, 10)), OP_ERR_CANCELLED);
    ck_assert_int_eq(op_graph_set_run_options(graph, NULL), OP_OK);
    ck_assert_int_eq(op_eval(op_sin(X), OP_VIEW_1D(OP_F64, y, 10)), OP_OK);
}
END_TEST

/* Raises the caller's flag for one chunk only. */
static void pool_that_cancels(void *ctx, int64_t n, void (*chunk)(void *chunk_ctx, int64_t i), void *chunk_ctx)
{
    for (int64_t i = 0; i < n; i++) {
        *(int *)ctx = i == n / 2;
        chunk(chunk_ctx, i);
    }
    *(int *)ctx = 0;
}

START_TEST(a_flag_that_is_cleared_again_has_cancelled)
{
    int flag = 0;
    int64_t n = 2000000;
    double *x = ramp(n, 0, 1), *y = ramp(n, 0, 0);
    op_options options = {.parallel_for = pool_that_cancels, .parallel_ctx = &flag, .threads = 4};
    op_engine *own = op_engine_new(&options);
    op_graph *g = op_graph_new(own);
    op_run_options run = {.cancel = &flag};
    ck_assert_int_eq(op_graph_set_run_options(g, &run), OP_OK);
    op_expr *e = op_add(op_input(g, OP_VIEW_1D(OP_F64, x, n)), 1.0);
    ck_assert_int_eq(op_eval(e, OP_VIEW_1D(OP_F64, y, n)), OP_ERR_CANCELLED);
    ck_assert_str_eq(op_last_error()->message, "the evaluation was cancelled");
    op_graph_free(g);
    op_engine_free(own);
    free(x), free(y);
}
END_TEST

static void serial_pool(void *ctx, int64_t n, void (*chunk)(void *chunk_ctx, int64_t i), void *chunk_ctx)
{
    ++*(int *)ctx;
    for (int64_t i = n; i-- > 0;)
        chunk(chunk_ctx, i);
}

START_TEST(a_host_may_bring_its_own_pool)
{
    int calls = 0;
    int64_t n = 2000000;
    double *x = ramp(n, 0, 1), *y = ramp(n, 0, 0);
    op_options options = {.parallel_for = serial_pool, .parallel_ctx = &calls, .threads = 4};
    op_engine *own = op_engine_new(&options);
    op_graph *g = op_graph_new(own);
    ck_assert_int_eq(op_eval(op_add(op_input(g, OP_VIEW_1D(OP_F64, x, n)), 1.0), OP_VIEW_1D(OP_F64, y, n)), OP_OK);
    ck_assert_int_gt(calls, 0);
    for (int64_t i = 0; i < n; i++)
        ck_assert(y[i] == x[i] + 1);
    op_graph_free(g);
    op_engine_free(own);
    free(x), free(y);
}
END_TEST

START_TEST(engines_outlive_their_first_owner)
{
    double x[3] = {1, 2, 3};
    op_engine *own = op_engine_new(NULL);
    op_graph *g = op_graph_new(own);
    op_engine_free(own);
    op_array *array;
    ck_assert_int_eq(op_compute(op_mul(op_input(g, OP_VIEW_1D(OP_F64, x, 3)), 2.0), &array), OP_OK);
    op_graph_free(g);
    op_view view = op_array_view(array);
    ck_assert_int_eq(view.ndim, 1);
    ck_assert_int_eq(view.shape[0], 3);
    ck_assert_uint_eq((uintptr_t)view.data % 64, 0);
    ck_assert_double_eq(((double *)view.data)[2], 6);
    op_array_free(array);
}
END_TEST

/* More nodes than one kernel holds, built and evaluated on a small stack. */
static void *long_chain(void *unused)
{
    (void)unused;
    double x[32], y[32];
    for (int i = 0; i < 32; i++)
        x[i] = i;
    op_expr *e = op_input(graph, OP_VIEW_1D(OP_F64, x, 32));
    for (int i = 0; i < 20000; i++)
        e = op_add(e, (double)(i & 1));
    if (op_eval(e, OP_VIEW_1D(OP_F64, y, 32)) != OP_OK)
        return graph;
    for (int i = 0; i < 32; i++)
        if (y[i] != x[i] + 10000)
            return graph;
    return NULL;
}

START_TEST(long_expressions_on_a_small_stack)
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *failed;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 << 10);
    ck_assert_int_eq(pthread_create(&thread, &attributes, long_chain, NULL), 0);
    pthread_join(thread, &failed);
    ck_assert_msg(!failed, "%s", op_last_error()->message);
    ck_assert_int_ge(last_launch().kernels, 10);
    ck_assert_int_le(last_launch().compiles, 4);
}
END_TEST

START_TEST(dumps_say_something)
{
    double x[4] = {0};
    op_expr *X = op_named(op_input(graph, OP_VIEW_1D(OP_F64, x, 4)), "X");
    op_expr *e = (op_sub)(op_sin(X), op_sum(X, OP_ALL, 0));
    char *text = NULL;
    size_t size;
    double y[4];
    op_stats stats;
    ck_assert_int_eq(op_eval(e, OP_VIEW_1D(OP_F64, y, 4)), OP_OK);
    ck_assert_int_eq(op_engine_stats(engine, &stats), OP_OK);
    int no_compiler = stats.compiles == 0 && !getenv("ONEPASS_TIER"); /* then code cannot be shown, and that is said */
    for (int what = OP_DUMP_GRAPH; what <= OP_DUMP_EXPLAIN; what++) {
        if (no_compiler && (what == OP_DUMP_IR || what == OP_DUMP_IR_OPT || what == OP_DUMP_ASM)) {
            ck_assert_int_eq(op_dump(e, (op_dump_what)what, stdout), OP_ERR_BACKEND);
            continue;
        }
        FILE *file = open_memstream(&text, &size);
        ck_assert_msg(op_dump(e, (op_dump_what)what, file) == OP_OK, "%s", op_last_error()->message);
        fclose(file);
        ck_assert_uint_gt(size, 20);
        free(text);
    }
    ck_assert_int_eq(op_dump(e, (op_dump_what)99, stdout), OP_ERR_INVALID);
}
END_TEST

START_TEST(floating_point_state_is_the_callers)
{
#if defined(__x86_64__)
    unsigned before = __builtin_ia32_stmxcsr(), set = before | 0x8040; /* flush to zero, denormals are zero */
    double x[100], y[100];
    for (int i = 0; i < 100; i++)
        x[i] = 1e-310 * (i + 1);
    __builtin_ia32_ldmxcsr(set);
    op_expr *e = op_mul(op_input(graph, OP_VIEW_1D(OP_F64, x, 100)), 0.5);
    op_status status = op_eval(e, OP_VIEW_1D(OP_F64, y, 100));
    unsigned after = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before);
    ck_assert_int_eq(status, OP_OK);
    ck_assert_uint_eq(after, set);
    for (int i = 0; i < 100; i++)
        ck_assert(y[i] == x[i] * 0.5 && y[i] != 0);
#endif
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("eval");
    TCase *tests = tcase_create("eval");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, sin_plus_c);
    tcase_add_test(tests, another_length_stride_or_constant_compiles_nothing);
    tcase_add_test(tests, equal_constants_make_no_other_kernel);
    tcase_add_test(tests, overlap_behaves_as_if_inputs_were_read_first);
    tcase_add_test(tests, in_place_after_a_reduction);
    tcase_add_test(tests, outputs_that_cannot_be_are_refused);
    tcase_add_test(tests, several_outputs_are_one_pass);
    tcase_add_test(tests, results_broadcast_into_larger_outputs);
    tcase_add_test(tests, sums_do_not_depend_on_threads);
    tcase_add_test(tests, prepared_kernels);
    tcase_add_test(tests, slices_of_holes_are_settled_at_the_run);
    tcase_add_test(tests, kernels_run_concurrently);
    tcase_add_test(tests, forked_children_work);
    tcase_add_test(tests, cancelling);
    tcase_add_test(tests, a_flag_that_is_cleared_again_has_cancelled);
    tcase_add_test(tests, a_host_may_bring_its_own_pool);
    tcase_add_test(tests, engines_outlive_their_first_owner);
    tcase_add_test(tests, long_expressions_on_a_small_stack);
    tcase_add_test(tests, dumps_say_something);
    tcase_add_test(tests, floating_point_state_is_the_callers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
