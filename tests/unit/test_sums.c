/* Compensated sums: what plain sums lose, and where the two must agree. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onepass/onepass.h"
#include "onepass/sugar.h"

static const op_reduce_options compensated = {.compensated = 1};
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

static double value_of(op_expr *e)
{
    double value = 0;
    ck_assert_msg(e != NULL, "%s", op_graph_error(graph)->message);
    ck_assert_msg(op_eval(e, OP_VIEW_0D(OP_F64, &value)) == OP_OK, "%s", op_last_error()->message);
    return value;
}

static op_expr *input(double *x, int64_t n)
{
    return op_input(graph, OP_VIEW_1D(OP_F64, x, n));
}

START_TEST(what_cancels_leaves_the_rest)
{
    double x[] = {1e100, 1, 1, -1e100};
    float f[] = {1, 1e30f, 1, -1e30f};
    op_expr *X = input(x, 4), *F = op_input(graph, OP_VIEW_1D(OP_F32, f, 4));
    ck_assert_double_eq(value_of(op_sum(X, OP_ALL, 0)), 0);
    ck_assert_double_eq(value_of(op_sum_opt(X, OP_ALL, &compensated)), 2);
    ck_assert_double_eq(value_of(op_sum_opt(F, OP_ALL, &compensated)), 2);
    ck_assert_int_eq(op_expr_dtype(op_sum_opt(F, OP_ALL, &compensated)), OP_F32);
    ck_assert_double_eq(value_of(op_mean_opt(X, OP_ALL, &compensated)), 0.5);
    ck_assert_double_eq(value_of(op_nansum_opt(X, OP_ALL, &compensated)), 2);
    ck_assert_double_eq(value_of(op_norm1_opt(X, OP_ALL, &compensated)), 2e100);
}
END_TEST

/* Pairs far apart that cancel around 1000 small values: the sum is 1000 / 1024. */
static double *hard_values(int64_t n)
{
    double *x = malloc(sizeof *x * (size_t)n);
    for (int64_t i = 0; i < n; i++)
        x[i] = 1. / 1024;
    for (int64_t i = 0; i < n / 2 - 500; i++) {
        x[i] = ldexp(1 + sin((double)i), (int)(i * 7919 % 32));
        x[n - 1 - i] = -x[i];
    }
    return x;
}

START_TEST(bits_do_not_depend_on_threads_or_the_compiler)
{
    int64_t n = 300000;
    double *x = hard_values(n);
    op_expr *X = input(x, n), *sum = op_sum_opt(op_mul(X, 2.0), OP_ALL, &compensated);
    for (int threads = 1; threads <= 4; threads++) {
        ck_assert_int_eq(op_engine_set_threads(engine, threads), OP_OK);
        ck_assert_double_eq(value_of(sum), 2000. / 1024);
    }
    op_launch launch;
    ck_assert_int_eq(op_last_launch(graph, &launch), OP_OK);
    ck_assert_int_eq(launch.passes, 1);
    ck_assert_double_ne(value_of(op_sum(op_mul(X, 2.0), OP_ALL, 0)), 2000. / 1024);
    op_options options = {.flags = OP_ENGINE_INTERPRET};
    op_engine *other = op_engine_new(&options);
    op_graph *others = op_graph_new(other);
    double value;
    op_expr *same = op_sum_opt(op_mul(op_input(others, OP_VIEW_1D(OP_F64, x, n)), 2.0), OP_ALL, &compensated);
    ck_assert_int_eq(op_eval(same, OP_VIEW_0D(OP_F64, &value)), OP_OK);
    ck_assert_double_eq(value, 2000. / 1024);
    op_graph_free(others);
    op_engine_free(other);
    free(x);
}
END_TEST

START_TEST(what_is_not_finite_is_that_of_a_plain_sum)
{
    double lists[][3] = {{INFINITY, 1, 2}, {1, INFINITY, -INFINITY}, {NAN, 1, 2},  {1e308, 1e308, -1},
                         {-0.0, -0.0, 0},  {-INFINITY, 5, 1e308},    {1e308, 1, 2}, {-1e308, -1e308, INFINITY}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        double plain = value_of(op_sum(input(lists[i], 3), OP_ALL, 0));
        double careful = value_of(op_sum_opt(input(lists[i], 3), OP_ALL, &compensated));
        ck_assert_msg(isnan(plain) ? isnan(careful) : plain == careful && signbit(plain) == signbit(careful),
                      "list %zu: %g, not %g", i, careful, plain);
    }
}
END_TEST

/* Each column cancels but for its number. */
START_TEST(along_every_axis)
{
    enum { ROWS = 40, COLS = 300 };
    double *x = calloc(ROWS * COLS, sizeof *x), sums[COLS], rows[ROWS];
    for (int j = 0; j < COLS; j++) {
        x[j] = 1e20 * (j + 1);
        x[7 * COLS + j] = j;
        x[39 * COLS + j] = -1e20 * (j + 1);
    }
    op_expr *X = op_input(graph, OP_VIEW_2D(OP_F64, x, ROWS, COLS));
    ck_assert_int_eq(op_eval(op_sum_opt(X, OP_AXIS(0), &compensated), OP_VIEW_1D(OP_F64, sums, COLS)), OP_OK);
    for (int j = 0; j < COLS; j++)
        ck_assert_double_eq(sums[j], j);
    ck_assert_int_eq(op_eval(op_sum_opt(op_transpose(X), OP_AXIS(1), &compensated), OP_VIEW_1D(OP_F64, sums, COLS)),
                     OP_OK);
    for (int j = 0; j < COLS; j++)
        ck_assert_double_eq(sums[j], j);
    op_reduce_options keep = {.flags = OP_KEEPDIMS, .compensated = 1};
    ck_assert_int_eq(op_eval(op_sum_opt(X, OP_AXIS(1), &keep), OP_VIEW_2D(OP_F64, rows, ROWS, 1)), OP_OK);
    ck_assert_double_eq(rows[7], COLS * (COLS - 1) / 2);
    ck_assert_double_eq(value_of(op_sum_opt(X, OP_ALL, &compensated)), COLS * (COLS - 1) / 2);
    ck_assert_double_eq(value_of(op_sum_opt(op_slice(X, 0, 0, 0, 1), OP_ALL, &compensated)), 0);
    free(x);
}
END_TEST

START_TEST(with_the_other_options)
{
    double x[] = {1, 1e100, 1, -1e100, 5};
    float f[] = {1, 1e30f, 1, -1e30f};
    int32_t i[] = {1, 2, 3};
    int64_t total;
    op_expr *X = input(x, 5);
    op_reduce_options options = compensated;
    options.where = (op_less)(X, op_scalar(graph, 2));
    ck_assert_double_eq(value_of(op_sum_opt(op_slice(X, 0, 0, 4, 1), OP_ALL, &compensated)), 2);
    ck_assert_double_eq(value_of(op_sum_opt(X, OP_ALL, &options)), -1e100);
    options.where = (op_not_equal)(X, op_scalar(graph, 5));
    ck_assert_double_eq(value_of(op_sum_opt(X, OP_ALL, &options)), 2);
    options.where = NULL;
    options.initial = op_scalar(graph, 3);
    ck_assert_double_eq(value_of(op_sum_opt(X, OP_ALL, &options)), 10);
    options = compensated;
    options.dtype = OP_F64;
    ck_assert_double_eq(value_of(op_sum_opt(op_input(graph, OP_VIEW_1D(OP_F32, f, 4)), OP_ALL, &options)), 2);
    op_expr *integers = op_sum_opt(op_input(graph, OP_VIEW_1D(OP_I32, i, 3)), OP_ALL, &compensated);
    ck_assert_int_eq(op_eval(integers, OP_VIEW_0D(OP_I64, &total)), OP_OK);
    ck_assert_int_eq(total, 6);
    ck_assert_ptr_null(op_prod_opt(X, OP_ALL, &compensated));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_INVALID);
    ck_assert_ptr_null(op_var_opt(X, OP_ALL, &compensated));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sums");
    TCase *tests = tcase_create("sums");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, what_cancels_leaves_the_rest);
    tcase_add_test(tests, bits_do_not_depend_on_threads_or_the_compiler);
    tcase_add_test(tests, what_is_not_finite_is_that_of_a_plain_sum);
    tcase_add_test(tests, along_every_axis);
    tcase_add_test(tests, with_the_other_options);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
