/* Sums of weights by bin: what is summed, and that the order of floats is that of the shape alone. */
#include <check.h>
#include <math.h>
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

static op_expr *bincount(op_expr *x, int64_t bins, op_expr *weights)
{
    return op_bincount_opt(x, bins, &(op_count_options){.weights = weights});
}

static op_expr *histogram(op_expr *x, int64_t bins, double lo, double hi, op_expr *weights)
{
    return op_histogram_opt(x, bins, lo, hi, &(op_count_options){.weights = weights});
}

static void evaluate(op_expr *e, op_dtype dtype, void *result, int64_t n)
{
    ck_assert_msg(e != NULL, "%s", op_graph_error(graph)->message);
    ck_assert_int_eq(op_expr_dtype(e), dtype);
    ck_assert_msg(op_eval(e, op_view_1d(dtype, result, n)) == OP_OK, "%s", op_last_error()->message);
}

#define SUMS(dtype, type, e, ...)                                                                                      \
    do {                                                                                                               \
        type expected[] = {__VA_ARGS__}, got[sizeof expected / sizeof *expected];                                      \
        evaluate(e, dtype, got, sizeof expected / sizeof *expected);                                                   \
        for (size_t i_ = 0; i_ < sizeof expected / sizeof *expected; i_++)                                             \
            ck_assert_msg(got[i_] == expected[i_], "bin %zu: %g", i_, (double)got[i_]);                                \
    } while (0)

START_TEST(bincount_adds_weights_in_f64)
{
    int32_t x[] = {3, 0, 1, 3, -1, 4};
    double w[] = {0.5, 1, 2, 0.25, NAN, INFINITY};
    int64_t big[] = {1, 2, 3, 4, 5, 6};
    uint8_t truth[] = {1, 0, 1, 1, 1, 1};
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_I32, x, 6)), *W = op_input(graph, OP_VIEW_1D(OP_F64, w, 6));
    SUMS(OP_F64, double, bincount(X, 4, W), 1, 2, 0, 0.75);
    SUMS(OP_F64, double, bincount(X, 4, op_mul(W, 2.0)), 2, 4, 0, 1.5);
    SUMS(OP_F64, double, bincount(X, 4, op_input(graph, OP_VIEW_1D(OP_I64, big, 6))), 2, 3, 0, 5);
    SUMS(OP_F64, double, bincount(X, 5, op_input(graph, OP_VIEW_1D(OP_BOOL, truth, 6))), 0, 1, 0, 2, 1);
    SUMS(OP_F64, double, bincount(op_slice(X, 0, 0, 0, 1), 2, op_slice(W, 0, 0, 0, 1)), 0, 0);
    SUMS(OP_F64, double, bincount(op_const_i32(graph, 1), 2, op_const_f32(graph, 2.5f)), 0, 2.5);
    SUMS(OP_F64, double, bincount(X, 4, op_scalar(graph, 1.5)), 1.5, 1.5, 0, 3); /* broadcasts */
    op_count_options both = {.weights = W, .where = (op_less)(W, op_scalar(graph, 1))};
    SUMS(OP_F64, double, op_bincount_opt(X, 4, &both), 0, 0, 0, 0.75);
    SUMS(OP_F64, double, op_cumsum(bincount(X, 4, W), 0), 1, 3, 3, 3.75);
}
END_TEST

START_TEST(histogram_has_the_dtype_of_its_weights)
{
    double x[] = {0, 0.5, 1, 1.5, 2, NAN, 3};
    float f[] = {1.5f, 2, 4, 8, 16, 32, 64};
    int8_t b[] = {100, 100, 100, -100, -100, 1, 1};
    uint64_t u[] = {UINT64_MAX, 2, 3, 4, 5, 6, 7};
    uint8_t t[] = {0, 0, 1, 1, 0, 1, 1};
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 7));
    SUMS(OP_F32, float, histogram(X, 2, 0, 2, op_input(graph, OP_VIEW_1D(OP_F32, f, 7))), 3.5f, 28);
    SUMS(OP_I8, int8_t, histogram(X, 2, 0, 2, op_input(graph, OP_VIEW_1D(OP_I8, b, 7))), -56, -100);
    SUMS(OP_U64, uint64_t, histogram(X, 2, 0, 2, op_input(graph, OP_VIEW_1D(OP_U64, u, 7))), 1, 12);
    SUMS(OP_BOOL, uint8_t, histogram(X, 2, 0, 2, op_input(graph, OP_VIEW_1D(OP_BOOL, t, 7))), 0, 1);
    SUMS(OP_F64, double, histogram(X, 2, 0, 2, X), 0.5, 4.5);
}
END_TEST

enum { ROWS = 700, COLS = 900, N = ROWS * COLS, BINS = 77 };

/* The promised order: chunks of elements one after another, and then their totals. */
static void reference(const int32_t *x, const double *w, int64_t n, int64_t bins, double *total)
{
    int64_t chunk = bins <= 8192 ? 65536 : 8 * bins;
    double *table = malloc(sizeof *table * (size_t)bins);
    memset(total, 0, sizeof *total * (size_t)bins);
    for (int64_t first = 0; first < n; first += chunk) {
        memset(table, 0, sizeof *table * (size_t)bins);
        for (int64_t i = first; i < n && i < first + chunk; i++)
            if (x[i] >= 0 && x[i] < bins)
                table[x[i]] += w[i];
        for (int64_t b = 0; b < bins; b++)
            total[b] += table[b];
    }
    free(table);
}

typedef struct data {
    int32_t *x, *turned_x;
    double *w, *turned_w; /* the same in the C order of the transposed arrays */
} data;

static data make_data(int64_t bins)
{
    data d = {malloc(sizeof *d.x * N), malloc(sizeof *d.x * N), malloc(sizeof *d.w * N), malloc(sizeof *d.w * N)};
    for (int64_t i = 0; i < N; i++) {
        d.x[i] = (int32_t)(((uint64_t)i * 2654435761u >> 7) % (uint64_t)(bins + bins / 8 + 1));
        d.w[i] = sin((double)i) * exp((double)(i % 41) - 20); /* sums that depend on their order */
    }
    for (int64_t i = 0; i < N; i++) {
        d.turned_x[i] = d.x[i % ROWS * COLS + i / ROWS];
        d.turned_w[i] = d.w[i % ROWS * COLS + i / ROWS];
    }
    return d;
}

static void free_data(data *d)
{
    free(d->x), free(d->turned_x), free(d->w), free(d->turned_w);
}

/* Plain and transposed, on 1 to 8 threads of one engine. */
static void compare(op_engine *own, const data *d, int64_t bins, const double *plain, const double *turned)
{
    op_graph *mine = op_graph_new(own);
    double *got = malloc(sizeof *got * (size_t)bins);
    op_expr *X = op_input(mine, OP_VIEW_2D(OP_I32, d->x, ROWS, COLS)),
            *W = op_input(mine, OP_VIEW_2D(OP_F64, d->w, ROWS, COLS));
    op_expr *exprs[] = {bincount(X, bins, W), bincount(op_transpose(X), bins, op_transpose(W)),
                        bincount(op_reshape(X, 1, (int64_t[]){N}), bins, op_reshape(W, 1, (int64_t[]){N}))};
    for (int threads = 1; threads <= 8; threads++)
        for (size_t k = 0; k < sizeof exprs / sizeof exprs[0]; k++) {
            op_launch launch;
            ck_assert_int_eq(op_engine_set_threads(own, threads), OP_OK);
            ck_assert_msg(op_eval(exprs[k], OP_VIEW_1D(OP_F64, got, bins)) == OP_OK, "%s", op_last_error()->message);
            ck_assert_int_eq(op_last_launch(mine, &launch), OP_OK);
            ck_assert_int_eq(launch.passes, 1);
            ck_assert_msg(!memcmp(got, k == 1 ? turned : plain, sizeof *got * (size_t)bins),
                          "%s, %d threads, layout %zu", op_engine_isa(own), threads, k);
        }
    op_graph_free(mine);
    free(got);
}

START_TEST(the_order_of_sums_is_that_of_the_shape)
{
    static const int64_t sizes[] = {1, BINS, 9000, 1 << 17};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        data d = make_data(sizes[s]);
        size_t bytes = sizeof(double) * (size_t)sizes[s];
        double *plain = malloc(bytes), *turned = malloc(bytes);
        reference(d.x, d.w, N, sizes[s], plain);
        reference(d.turned_x, d.turned_w, N, sizes[s], turned);
        ck_assert(sizes[s] > 9000 || memcmp(plain, turned, bytes)); /* or the test would prove nothing */
        compare(engine, &d, sizes[s], plain, turned);
        op_engine *interpreter = op_engine_new(&(op_options){.flags = OP_ENGINE_INTERPRET});
        compare(interpreter, &d, sizes[s], plain, turned);
        op_engine_free(interpreter);
        for (int i = 0; op_isa_level(i); i++) {
            op_engine *level = op_engine_new(&(op_options){.isa = op_isa_level(i)});
            compare(level, &d, sizes[s], plain, turned);
            op_engine_free(level);
        }
        free_data(&d);
        free(plain), free(turned);
    }
}
END_TEST

START_TEST(weights_and_counts_stand_side_by_side)
{
    data d = make_data(BINS);
    double sums[BINS], want[BINS], means[BINS];
    int64_t counts[BINS];
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_I32, d.x, N)), *W = op_input(graph, OP_VIEW_1D(OP_F64, d.w, N));
    op_expr *exprs[] = {bincount(X, BINS, W), op_bincount(X, BINS),
                        (op_div)(bincount(X, BINS, W), op_bincount(X, BINS))};
    op_view outs[] = {OP_VIEW_1D(OP_F64, sums, BINS), OP_VIEW_1D(OP_I64, counts, BINS),
                      OP_VIEW_1D(OP_F64, means, BINS)};
    reference(d.x, d.w, N, BINS, want);
    ck_assert_ptr_eq(exprs[0], bincount(X, BINS, W));
    ck_assert_ptr_ne(exprs[0], bincount(X, BINS, op_add(W, 1.0)));
    ck_assert_int_eq(op_eval_many(graph, 3, exprs, outs), OP_OK);
    ck_assert(!memcmp(sums, want, sizeof want));
    for (int i = 0; i < BINS; i++)
        ck_assert(means[i] == sums[i] / (double)counts[i]);
    ck_assert_int_eq(op_eval(exprs[0], OP_VIEW_1D(OP_F64, d.w, BINS)), OP_OK); /* over its own weights */
    ck_assert(!memcmp(d.w, want, sizeof want));
    free_data(&d);
}
END_TEST

START_TEST(weights_that_come_later)
{
    op_kernel *kernel;
    op_expr *sums = histogram(op_param(graph, 0, OP_F64, 2), 2, 0, 4, op_param(graph, 1, OP_F32, 2));
    double x[] = {0, 1, 2, 3, 3, 4};
    float w[] = {1, 2, 3, 4, 5, 6}, got[2];
    ck_assert_int_eq(op_compile(graph, 1, &sums, &kernel), OP_OK);
    op_view ins[] = {OP_VIEW_2D(OP_F64, x, 3, 2), OP_VIEW_2D(OP_F32, w, 3, 2)}, out = OP_VIEW_1D(OP_F32, got, 2);
    ck_assert_int_eq(op_run(kernel, 2, ins, 1, &out, NULL), OP_OK);
    ck_assert(got[0] == 3 && got[1] == 18);
    ins[1] = OP_VIEW_2D(OP_F32, w, 1, 2); /* each row's */
    ck_assert_int_eq(op_run(kernel, 2, ins, 1, &out, NULL), OP_OK);
    ck_assert(got[0] == 3 && got[1] == 6);
    ins[1] = OP_VIEW_2D(OP_F32, w, 2, 2);
    ck_assert_int_eq(op_run(kernel, 2, ins, 1, &out, NULL), OP_ERR_SHAPE);
    ck_assert_str_eq(op_last_error()->message,
                     "weights of shape (2, 2) do not broadcast to (3, 2), the shape of what is counted");
    op_kernel_free(kernel);
}
END_TEST

static void refused(op_expr *e, op_status code, const char *message)
{
    ck_assert_ptr_null(e);
    ck_assert_int_eq(op_graph_error(graph)->code, code);
    ck_assert_str_eq(op_graph_error(graph)->message, message);
    op_graph_clear_error(graph);
}

START_TEST(weights_that_cannot_be_are_refused)
{
    int32_t x[6] = {0};
    double w[12] = {0};
    op_graph *others = op_graph_new(engine);
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_I32, x, 6));
    refused(bincount(X, 4, op_input(graph, OP_VIEW_1D(OP_F64, w, 5))), OP_ERR_SHAPE,
            "bincount: weights of shape (5,) do not broadcast to (6,), the shape of what is counted");
    refused(histogram(X, 4, 0, 1, op_input(graph, OP_VIEW_2D(OP_F64, w, 2, 6))), OP_ERR_SHAPE,
            "histogram: weights of shape (2, 6) do not broadcast to (6,), the shape of what is counted");
    refused(histogram(X, 4, 0, 1, op_input(others, OP_VIEW_1D(OP_F64, w, 6))), OP_ERR_INVALID,
            "histogram: the weights are no expression of this graph");
    refused(op_bincount_opt(X, 4, &(op_count_options){.reserved[3] = 1}), OP_ERR_INVALID,
            "bincount: op_count_options: reserved[3] is not zero; zero the whole struct before setting fields");
    op_graph_free(others);
}
END_TEST

START_TEST(plans_show_weights)
{
    double x[6] = {0};
    char text[2000] = "";
    FILE *file = tmpfile();
    op_expr *X = op_named(op_input(graph, OP_VIEW_1D(OP_F64, x, 6)), "x");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(op_dump(histogram(X, 4, -1, 1, op_mul(X, 2.0)), OP_DUMP_PLAN, file), OP_OK);
    rewind(file);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    ck_assert_msg(strstr(text, "pass 1 of 1: weigh over (6,), 80 bytes, into 4 bins\n"
                               "  computes histogram(x, 4, -1, 1, weights (x * 2))\n") != NULL,
                  "%s", text);
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("weights");
    TCase *tests = tcase_create("weights");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, bincount_adds_weights_in_f64);
    tcase_add_test(tests, histogram_has_the_dtype_of_its_weights);
    tcase_add_test(tests, the_order_of_sums_is_that_of_the_shape);
    tcase_add_test(tests, weights_and_counts_stand_side_by_side);
    tcase_add_test(tests, weights_that_come_later);
    tcase_add_test(tests, weights_that_cannot_be_are_refused);
    tcase_add_test(tests, plans_show_weights);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
