/* Counts by bin: what is counted, and that neither threads nor layout nor the compiler have a say. */
#include <check.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onepass/onepass.h"
#include "onepass/sugar.h"

static op_engine *engine;
static op_graph *graph;

static void begin(void)
{
    engine = op_engine_new(NULL);
    graph = op_graph_new(engine);
}

static void end(void)
{
    op_graph_free(graph);
    op_engine_free(engine);
}

static op_launch eval(op_expr *e, int64_t *counts, int64_t n)
{
    op_launch launch;
    ck_assert_msg(e != NULL, "%s", op_graph_error(graph)->message);
    ck_assert_int_eq(op_expr_dtype(e), OP_I64);
    ck_assert_msg(op_eval(e, OP_VIEW_1D(OP_I64, counts, n)) == OP_OK, "%s", op_last_error()->message);
    ck_assert_int_eq(op_last_launch(graph, &launch), OP_OK);
    return launch;
}

#define COUNTS(e, ...)                                                                                                 \
    do {                                                                                                               \
        int64_t expected[] = {__VA_ARGS__}, got[sizeof expected / 8];                                                  \
        eval(e, got, sizeof expected / 8);                                                                             \
        for (size_t i_ = 0; i_ < sizeof expected / 8; i_++)                                                            \
            ck_assert_int_eq(got[i_], expected[i_]);                                                                   \
    } while (0)

static void refused(op_expr *e, op_status code)
{
    ck_assert_ptr_null(e);
    ck_assert_int_eq(op_graph_error(graph)->code, code);
    op_graph_clear_error(graph);
}

START_TEST(bincount_counts_what_has_a_bin)
{
    int32_t x[] = {3, 0, 1, 3, -1, 4, 3, INT32_MIN, INT32_MAX};
    uint64_t u[] = {1, UINT64_MAX, (uint64_t)1 << 63, 0, 1};
    uint8_t b[] = {1, 0, 1, 1};
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_I32, x, 9));
    COUNTS(op_bincount(X, 4), 1, 1, 0, 3);
    COUNTS(op_bincount(X, 6), 1, 1, 0, 3, 1, 0);
    COUNTS(op_bincount(op_input(graph, OP_VIEW_1D(OP_U64, u, 5)), 3), 1, 2, 0);
    COUNTS(op_bincount(op_input(graph, OP_VIEW_1D(OP_BOOL, b, 4)), 2), 1, 3);
    COUNTS(op_bincount(op_slice(X, 0, 0, 0, 1), 2), 0, 0);
    COUNTS(op_bincount(op_const_i32(graph, 1), 2), 0, 1);
    COUNTS(op_cumsum(op_bincount(X, 4), 0), 1, 2, 2, 5);
    COUNTS(op_bincount((op_where)((op_greater)(X, op_scalar_i64(graph, 0)), X, op_scalar_i64(graph, -1)), 4), 0, 1, 0, 3);
    refused(op_bincount(X, 0), OP_ERR_LIMIT);
    refused(op_bincount(X, ((int64_t)1 << 24) + 1), OP_ERR_LIMIT);
    refused(op_bincount(op_cast(X, OP_F64), 4), OP_ERR_DTYPE);
}
END_TEST

enum { ROWS = 700, COLS = 900, N = ROWS * COLS };

static int32_t *many(int32_t below)
{
    int32_t *x = malloc(sizeof *x * N);
    for (int64_t i = 0; i < N; i++)
        x[i] = (int32_t)(((uint64_t)i * 2654435761u >> 7) % (uint64_t)(below + below / 8 + 1));
    return x;
}

START_TEST(counts_do_not_depend_on_threads_or_layout)
{
    static const int64_t sizes[] = {1, 7, 300, 5000, 1 << 20};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int64_t bins = sizes[s];
        int32_t *x = many((int32_t)bins);
        int64_t *expected = calloc((size_t)bins, 8), *got = malloc((size_t)bins * 8);
        for (int64_t i = 0; i < N; i++)
            if (x[i] < bins)
                expected[x[i]]++;
        op_expr *X = op_input(graph, OP_VIEW_2D(OP_I32, x, ROWS, COLS));
        op_expr *layouts[] = {X, op_transpose(X), op_flip(op_flip(X, 0), 1), (op_add)(op_transpose(X), op_const_i32(graph, 0)),
                              op_reshape(X, 3, (int64_t[]){70, 10, COLS})};
        for (int threads = 1; threads <= 4; threads++)
            for (size_t k = 0; k < sizeof layouts / sizeof layouts[0]; k++) {
                ck_assert_int_eq(op_engine_set_threads(engine, threads), OP_OK);
                op_launch launch = eval(op_bincount(layouts[k], bins), got, bins);
                ck_assert_int_eq(launch.passes, 1);
                ck_assert_int_eq(launch.bytes, 4 * (int64_t)N + 8 * bins);
                ck_assert(memcmp(got, expected, (size_t)bins * 8) == 0);
            }
        free(x), free(expected), free(got);
    }
}
END_TEST

START_TEST(counts_share_a_pass)
{
    int32_t *x = many(100);
    int64_t small[10], large[200], places[3] = {0, 0, 0};
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_I32, x, N));
    op_expr *exprs[] = {op_bincount(X, 10), op_bincount(X, 200), op_bincount((op_add)(X, op_const_i32(graph, -100)), 3)};
    op_view outs[] = {OP_VIEW_1D(OP_I64, small, 10), OP_VIEW_1D(OP_I64, large, 200), OP_VIEW_1D(OP_I64, places, 3)};
    op_launch launch;
    ck_assert_int_eq(op_eval_many(graph, 3, exprs, outs), OP_OK);
    ck_assert_int_eq(op_last_launch(graph, &launch), OP_OK);
    ck_assert_int_eq(launch.passes, 1);
    ck_assert(memcmp(small, large, sizeof small) == 0);
    ck_assert(memcmp(places, large + 100, sizeof places) == 0);
    free(x);
}
END_TEST

START_TEST(counts_go_where_outputs_are)
{
    int64_t x[] = {0, 1, 1, 2, 2, 2}, wide[8] = {9, 9, 9, 9, 9, 9, 9, 9}, stride = -16, shape = 3;
    float f[3];
    op_expr *counts = op_bincount(op_input(graph, OP_VIEW_1D(OP_I64, x, 6)), 3);
    ck_assert_int_eq(op_eval(counts, op_view_nd(OP_I64, wide + 4, 1, &shape, &stride)), OP_OK);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(wide[i], i == 4 ? 1 : i == 2 ? 2 : i == 0 ? 3 : 9);
    ck_assert_int_eq(op_eval(op_div(counts, 2.0), OP_VIEW_1D(OP_F32, f, 3)), OP_OK);
    ck_assert_float_eq(f[2], 1.5f);
    ck_assert_int_eq(op_eval(counts, OP_VIEW_2D(OP_I64, wide, 2, 3)), OP_ERR_SHAPE);
    ck_assert_int_eq(op_eval(counts, OP_VIEW_1D(OP_I64, x, 3)), OP_OK); /* over its own operand */
    ck_assert_int_eq(x[2], 3);
}
END_TEST

START_TEST(counts_of_arguments_that_come_later)
{
    op_kernel *kernel;
    op_expr *counts = op_bincount(op_param(graph, 0, OP_U8, 2), 4);
    uint8_t x[] = {0, 1, 2, 3, 3, 3};
    int64_t got[4];
    ck_assert_int_eq(op_compile(graph, 1, &counts, &kernel), OP_OK);
    for (int rows = 1; rows <= 3; rows++) {
        op_view in = OP_VIEW_2D(OP_U8, x, rows, 2), out = OP_VIEW_1D(OP_I64, got, 4);
        ck_assert_int_eq(op_run(kernel, 1, &in, 1, &out, NULL), OP_OK);
        ck_assert_int_eq(got[0] + got[1] + got[2] + got[3], 2 * rows);
    }
    ck_assert_int_eq(got[3], 3);
    op_kernel_free(kernel);
}
END_TEST

/* What NumPy's histogram(x, bins, range=(lo, hi)) does, one element at a time. */
static void reference(const double *x, int64_t n, int64_t bins, double lo, double hi, int64_t *counts)
{
    double step = (hi - lo) / (double)bins;
    memset(counts, 0, sizeof *counts * (size_t)bins);
    for (int64_t i = 0; i < n; i++) {
        if (!(x[i] >= lo && x[i] <= hi))
            continue;
        int64_t at = (int64_t)((x[i] - lo) / (hi - lo) * (double)bins);
        at -= at == bins;
        at -= x[i] < (double)at * step + lo;
        at += x[i] >= (double)(at + 1) * step + lo && at != bins - 1;
        counts[at]++;
    }
}

START_TEST(histogram_has_closed_ends)
{
    double x[] = {0, 0.5, 1, 1.5, 2, 2.5, 3, -0.0, -1e-300, 3.0000000000000004, NAN, INFINITY, -INFINITY};
    float f[] = {0.1f, 0.2f, 0.3f, 0.4f};
    int8_t i[] = {-128, -1, 0, 1, 2, 3, 127};
    uint8_t b[] = {0, 1, 1, 0, 1};
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 13));
    COUNTS(op_histogram(X, 3, 0, 3), 3, 2, 3);
    COUNTS(op_histogram(X, 1, -1, 4), 10);
    COUNTS(op_histogram(op_input(graph, OP_VIEW_1D(OP_F32, f, 4)), 3, 0.1, 0.4), 1, 1, 2);
    COUNTS(op_histogram(op_input(graph, OP_VIEW_1D(OP_I8, i, 7)), 2, -1, 3), 2, 3);
    COUNTS(op_histogram(op_input(graph, OP_VIEW_1D(OP_BOOL, b, 5)), 2, 0, 1), 2, 3);
    COUNTS(op_histogram(op_slice(X, 0, 0, 0, 1), 2, 0, 1), 0, 0);
    COUNTS(op_histogram(op_scalar(graph, 0.75), 2, 0, 1), 0, 1);
    COUNTS(op_cumsum(op_histogram(X, 3, 0, 3), 0), 3, 5, 8);
}
END_TEST

START_TEST(histogram_is_that_of_numpy_around_every_edge)
{
    static const struct {
        int64_t bins;
        double lo, hi;
    } ranges[] = {{10, 0, 1}, {49, 0, 1}, {3, 0.1, 0.4}, {1000, -1e-3, 7}, {255, -128, 127}, {997, 1e10, 1e10 + 1}};
    for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
        int64_t bins = ranges[r].bins, n = 3 * (bins + 1), *got = malloc((size_t)bins * 8), *want = malloc((size_t)bins * 8);
        double lo = ranges[r].lo, hi = ranges[r].hi, *x = malloc(sizeof *x * (size_t)n);
        for (int64_t i = 0; i <= bins; i++) {
            x[3 * i] = (double)i * ((hi - lo) / (double)bins) + lo;
            x[3 * i + 1] = nextafter(x[3 * i], INFINITY);
            x[3 * i + 2] = nextafter(x[3 * i], -INFINITY);
        }
        reference(x, n, bins, lo, hi, want);
        eval(op_histogram(op_input(graph, OP_VIEW_1D(OP_F64, x, n)), bins, lo, hi), got, bins);
        ck_assert_msg(memcmp(got, want, (size_t)bins * 8) == 0, "range %zu", r);
        free(x), free(got), free(want);
    }
}
END_TEST

START_TEST(histogram_is_fused_and_the_same_everywhere)
{
    enum { BINS = 77 };
    double *x = malloc(sizeof *x * N), *y = malloc(sizeof *y * N);
    int64_t got[BINS], want[BINS];
    for (int64_t i = 0; i < N; i++) {
        x[i] = sin((double)i) * 3;
        y[i] = x[i] * 2;
    }
    reference(y, N, BINS, -5.5, 4, want);
    op_expr *X = op_mul(op_input(graph, OP_VIEW_2D(OP_F64, x, ROWS, COLS)), 2.0);
    for (int threads = 1; threads <= 3; threads++) {
        ck_assert_int_eq(op_engine_set_threads(engine, threads), OP_OK);
        op_launch launch = eval(op_histogram(op_transpose(X), BINS, -5.5, 4), got, BINS);
        ck_assert_int_eq(launch.passes, 1);
        ck_assert_int_eq(launch.bytes, 8 * (int64_t)N + 8 * BINS);
        ck_assert(memcmp(got, want, sizeof want) == 0);
    }
    op_options options = {.flags = OP_ENGINE_INTERPRET};
    op_engine *other = op_engine_new(&options);
    op_graph *others = op_graph_new(other);
    op_expr *same = op_histogram(op_mul(op_input(others, OP_VIEW_1D(OP_F64, x, N)), 2.0), BINS, -5.5, 4);
    ck_assert_int_eq(op_eval(same, OP_VIEW_1D(OP_I64, got, BINS)), OP_OK);
    ck_assert(memcmp(got, want, sizeof want) == 0);
    op_graph_free(others);
    op_engine_free(other);
    free(x), free(y);
}
END_TEST

START_TEST(plans_show_what_is_counted)
{
    double x[6] = {0};
    char text[2000] = "";
    FILE *file = tmpfile();
    op_expr *X = op_named(op_input(graph, OP_VIEW_1D(OP_F64, x, 6)), "x");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(op_dump(op_histogram(op_sin(X), 4, -1, 1), OP_DUMP_PLAN, file), OP_OK);
    rewind(file);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    ck_assert_ptr_nonnull(strstr(text, "pass 1 of 1: count over (6,), 80 bytes, into 4 bins\n  computes histogram(sin(x), 4, -1, 1)\n"));
    fclose(file);
}
END_TEST

static _Atomic long before_failure;
static _Atomic long held;

static void *failing_alloc(size_t bytes, void *ctx)
{
    (void)ctx;
    void *memory = atomic_fetch_sub(&before_failure, 1) > 0 ? aligned_alloc(64, (bytes + 64) / 64 * 64) : NULL;
    atomic_fetch_add(&held, memory != NULL);
    return memory;
}

static void counting_free(void *memory, void *ctx)
{
    (void)ctx;
    atomic_fetch_sub(&held, memory != NULL);
    free(memory);
}

static void last_chunk_first(void *ctx, int64_t n, void (*chunk)(void *chunk_ctx, int64_t i), void *chunk_ctx)
{
    (void)ctx;
    while (n-- > 0)
        chunk(chunk_ctx, n);
}

/* Each allocation fails once, and all is given back; the host's pool begins with the last chunk. */
static void fail_each_allocation(int weighted)
{
    double *x = calloc(N, sizeof *x);
    op_options options = {.alloc = failing_alloc, .free = counting_free, .parallel_for = last_chunk_first, .threads = 3,
                          .flags = OP_ENGINE_INTERPRET};
    op_status status = OP_ERR_MEMORY;
    for (long k = 1; status != OP_OK; k++) {
        int64_t counts[3] = {0};
        atomic_store(&before_failure, k);
        op_engine *own = op_engine_new(&options);
        op_graph *mine = own ? op_graph_new(own) : NULL;
        op_expr *X = mine ? op_input(mine, OP_VIEW_1D(OP_F64, x, N)) : NULL;
        op_count_options ones = {.weights = weighted && mine ? op_const_i64(mine, 1) : NULL};
        op_expr *e = X && !ones.weights == !weighted ? op_histogram_opt(X, 3, -1, 1, &ones) : NULL;
        status = e ? op_eval(e, OP_VIEW_1D(OP_I64, counts, 3)) : OP_ERR_MEMORY;
        ck_assert(status == OP_ERR_MEMORY || (status == OP_OK && counts[1] == N));
        op_graph_free(mine);
        op_engine_free(own);
        ck_assert_int_eq(atomic_load(&held), 0);
        ck_assert_int_lt(k, 1000);
    }
    free(x);
}

START_TEST(counts_without_memory_fail)
{
    fail_each_allocation(0);
    fail_each_allocation(1);
}
END_TEST

START_TEST(histograms_that_cannot_be_are_refused)
{
    float f[] = {1, 2};
    op_expr *F = op_input(graph, OP_VIEW_1D(OP_F32, f, 2));
    refused(op_histogram(F, 0, 0, 1), OP_ERR_LIMIT);
    refused(op_histogram(F, (1 << 24) + 1, 0, 1), OP_ERR_LIMIT);
    refused(op_histogram(F, 2, 1, 1), OP_ERR_RANGE);
    refused(op_histogram(F, 2, 1, 0), OP_ERR_RANGE);
    refused(op_histogram(F, 2, NAN, 0), OP_ERR_RANGE);
    refused(op_histogram(F, 2, 0, INFINITY), OP_ERR_RANGE);
    refused(op_histogram(F, 2, -1e308, 1e308), OP_ERR_RANGE);
    refused(op_histogram(F, 100, 1, 1.000001), OP_ERR_RANGE); /* edges that meet in f32 */
    refused(op_histogram(F, 2, 0, 1e39), OP_ERR_RANGE);       /* infinite in f32 */
    ck_assert_ptr_null(op_histogram(NULL, 2, 0, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tests = tcase_create("histogram");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, bincount_counts_what_has_a_bin);
    tcase_add_test(tests, counts_do_not_depend_on_threads_or_layout);
    tcase_add_test(tests, counts_share_a_pass);
    tcase_add_test(tests, counts_go_where_outputs_are);
    tcase_add_test(tests, counts_of_arguments_that_come_later);
    tcase_add_test(tests, histogram_has_closed_ends);
    tcase_add_test(tests, histogram_is_that_of_numpy_around_every_edge);
    tcase_add_test(tests, histogram_is_fused_and_the_same_everywhere);
    tcase_add_test(tests, plans_show_what_is_counted);
    tcase_add_test(tests, counts_without_memory_fail);
    tcase_add_test(tests, histograms_that_cannot_be_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
