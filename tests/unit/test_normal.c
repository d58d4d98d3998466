/* The normal distribution with its parameters. The values are those of SciPy 1.17 (scipy.stats.norm), with
 * loc 0.5 and scale 2. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onepass/onepass.h"

enum { N = 7 };

typedef op_expr *builder(op_expr *x, op_expr *loc, op_expr *scale);

static const double xs[N] = {-40, -10, -1, 0.3, 2, 9, 38}, ps[N] = {1e-300, 1e-10, 0.025, 0.5, 0.9, 0, 1.5};

static const struct {
    const char *name;
    builder *build;
    const double *x;
    double want[N];
} functions[] = {
    {"pdf", op_norm_pdf, xs, {1.8027669078637926e-90, 2.0642354943149992e-07, 0.15056871607740221, 0.1984762737385059,
                              0.15056871607740221, 2.3859318270602476e-05, 9.100246852206155e-78}},
    {"logpdf", op_norm_logpdf, xs, {-206.64333571376463, -15.393335713764618, -1.893335713764618, -1.617085713764618,
                                    -1.893335713764618, -10.643335713764618, -177.39333571376463}},
    {"cdf", op_norm_cdf, xs, {1.77619986494957e-91, 7.6049605164887e-08, 0.2266273523768682, 0.460172162722971,
                              0.7733726476231317, 0.9999893114742251, 1.0}},
    {"logcdf", op_norm_logcdf, xs, {-208.96076728764925, -16.391880010037795, -1.484448229919656, -0.7761545927302733,
                                    -0.25699426683836524, -1.0688582897633061e-05, -9.679551479134201e-79}},
    {"sf", op_norm_sf, xs, {1.0, 0.9999999239503948, 0.7733726476231317, 0.539827837277029, 0.2266273523768682,
                            1.0688525774934402e-05, 9.679551479134201e-79}},
    {"logsf", op_norm_logsf, xs, {-1.77619986494957e-91, -7.604960805665837e-08, -0.25699426683836524,
                                  -0.6165050101150262, -1.484448229919656, -11.44633974936585, -179.6342067811148}},
    {"ppf", op_norm_ppf, ps, {-73.5941925987224, -12.222681804808111, -3.419927969080109, 0.5, 3.0631031310892007,
                              -INFINITY, NAN}},
    {"isf", op_norm_isf, ps, {74.5941925987224, 13.222681804808111, 4.419927969080109, 0.5, -2.0631031310892007,
                              INFINITY, NAN}},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static op_engine *engine;
static op_graph *graph;

static void begin(void)
{
    engine = op_engine_new(NULL);
    graph = op_graph_new(engine);
    ck_assert_ptr_nonnull(graph);
}

static void end(void)
{
    op_graph_free(graph);
    op_engine_free(engine);
}

static void evaluate(op_expr *expr, double *out)
{
    ck_assert_msg(op_eval(expr, OP_VIEW_1D(OP_F64, out, N)) == OP_OK, "%s", op_last_error()->message);
}

static op_expr *filled(double *data, double value)
{
    for (int i = 0; i < N; i++)
        data[i] = value;
    return op_input(graph, OP_VIEW_1D(OP_F64, data, N));
}

START_TEST(values_are_scipys)
{
    double out[N], loc[N], scale[N];
    op_expr *locs[] = {op_scalar(graph, 0.5), filled(loc, 0.5)}, *scales[] = {op_scalar(graph, 2), filled(scale, 2)};
    for (int f = 0; f < FUNCTIONS; f++)
        for (int how = 0; how < 2; how++) {
            op_expr *x = op_input(graph, OP_VIEW_1D(OP_F64, functions[f].x, N));
            evaluate(functions[f].build(x, locs[how], scales[how]), out);
            for (int i = 0; i < N; i++) {
                double want = functions[f].want[i];
                int same = isfinite(want) ? fabs(out[i] - want) <= 1e-14 * fabs(want)
                                          : isnan(want) ? isnan(out[i]) : out[i] == want;
                ck_assert_msg(same, "%s(%g) is %.17g, not %.17g", functions[f].name, functions[f].x[i], out[i], want);
            }
        }
}
END_TEST

START_TEST(a_scale_that_is_not_positive_gives_nan)
{
    static const double bad[] = {0, -2, NAN, -INFINITY};
    double out[N], scale[N];
    for (int f = 0; f < FUNCTIONS; f++)
        for (size_t k = 0; k < 2 * sizeof bad / sizeof bad[0]; k++) {
            op_expr *x = op_input(graph, OP_VIEW_1D(OP_F64, functions[f].x, N));
            op_expr *s = k % 2 ? op_scalar(graph, bad[k / 2]) : filled(scale, bad[k / 2]);
            evaluate(functions[f].build(x, OP_NONE, s), out);
            for (int i = 0; i < N; i++)
                ck_assert_msg(isnan(out[i]), "%s: scale %g gives %g", functions[f].name, bad[k / 2], out[i]);
        }
}
END_TEST

START_TEST(dtypes)
{
    static const float singles[N];
    static const uint8_t bytes[N] = {0, 1, 2, 3, 4, 5, 6};
    op_expr *x = op_input(graph, OP_VIEW_1D(OP_F32, singles, N)), *i = op_input(graph, OP_VIEW_1D(OP_U8, bytes, N));
    double out[N];
    for (int f = 0; f < FUNCTIONS; f++) {
        ck_assert_int_eq(op_expr_dtype(functions[f].build(x, OP_NONE, OP_NONE)), OP_F32);
        ck_assert_int_eq(op_expr_dtype(functions[f].build(x, op_scalar(graph, 1), op_scalar(graph, 2))), OP_F32);
        ck_assert_int_eq(op_expr_dtype(functions[f].build(x, op_const_f64(graph, 0), OP_NONE)), OP_F64);
        ck_assert_int_eq(op_expr_dtype(functions[f].build(i, op_scalar_i64(graph, 3), OP_NONE)), OP_F64);
    }
    evaluate(op_norm_cdf(i, op_scalar_i64(graph, 300), op_scalar(graph, 100)), out); /* 0 - 300 does not wrap */
    ck_assert_double_eq_tol(out[0], 0.0013498980316300933, 1e-17);
}
END_TEST

START_TEST(operands_that_failed)
{
    op_expr *x = op_input(graph, OP_VIEW_1D(OP_F64, xs, N));
    ck_assert_ptr_null(op_norm_sf(x, NULL, OP_NONE));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_INVALID);
    ck_assert_int_eq(op_graph_error(graph)->operand, 1);
    ck_assert_ptr_nonnull(strstr(op_graph_error(graph)->message, "OP_NONE"));
    op_graph_clear_error(graph);
    ck_assert_ptr_null(op_norm_sf(x, OP_NONE, NULL));
    ck_assert_int_eq(op_graph_error(graph)->operand, 2);
    ck_assert_ptr_null(op_norm_sf(NULL, OP_NONE, OP_NONE));
    ck_assert_ptr_null(op_norm_sf(OP_NONE, OP_NONE, OP_NONE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("normal");
    TCase *tests = tcase_create("normal");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, values_are_scipys);
    tcase_add_test(tests, a_scale_that_is_not_positive_gives_nan);
    tcase_add_test(tests, dtypes);
    tcase_add_test(tests, operands_that_failed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
