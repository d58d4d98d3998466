/* Building expressions: NumPy 2's dtypes, weak scalars, broadcasting, hash-consing, errors, marks. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "expr/graph.h"
#include "onepass/onepass.h"
#include "onepass/sugar.h"
#include <string.h>

static op_engine *engine;
static op_graph *graph;

static void begin(void)
{
    op_options options = {.flags = OP_ENGINE_NO_ENV};
    engine = op_engine_new(&options);
    graph = op_graph_new(engine);
    ck_assert_ptr_nonnull(graph);
}

static void end(void)
{
    op_graph_free(graph);
    op_engine_free(engine);
}

static op_expr *input(op_dtype dtype, int ndim, const int64_t *shape)
{
    static char bytes[4096];
    return op_input(graph, op_view_nd(dtype, bytes, ndim, shape, NULL));
}

static op_expr *vector(op_dtype dtype)
{
    return input(dtype, 1, (int64_t[]){5});
}

START_TEST(promotes_as_numpy)
{
    static const struct {
        op_dtype a, b, sum;
    } known[] = {
        {OP_BOOL, OP_I8, OP_I8},  {OP_U8, OP_I8, OP_I16},   {OP_U16, OP_I8, OP_I32},  {OP_U32, OP_I32, OP_I64},
        {OP_U64, OP_I8, OP_F64},  {OP_I16, OP_F32, OP_F32}, {OP_I32, OP_F32, OP_F64}, {OP_U16, OP_F32, OP_F32},
        {OP_U32, OP_F32, OP_F64}, {OP_F32, OP_F64, OP_F64}, {OP_I64, OP_F32, OP_F64}, {OP_BOOL, OP_F32, OP_F32},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        ck_assert_int_eq(op_expr_dtype((op_add)(vector(known[i].a), vector(known[i].b))), known[i].sum);
        ck_assert_int_eq(op_expr_dtype((op_add)(vector(known[i].b), vector(known[i].a))), known[i].sum);
    }
}
END_TEST

START_TEST(results_have_numpys_dtypes)
{
    ck_assert_int_eq(op_expr_dtype(op_less(vector(OP_I32), vector(OP_F32))), OP_BOOL);
    ck_assert_int_eq(op_expr_dtype(op_div(vector(OP_I8), vector(OP_I8))), OP_F64);
    ck_assert_int_eq(op_expr_dtype(op_sin(vector(OP_I16))), OP_F32);
    ck_assert_int_eq(op_expr_dtype(op_sin(vector(OP_I32))), OP_F64);
    ck_assert_int_eq(op_expr_dtype(op_hypot(vector(OP_U16), vector(OP_I16))), OP_F32);
    ck_assert_int_eq(op_expr_dtype(op_arctan2(vector(OP_I8), vector(OP_U16))), OP_F32);
    ck_assert_int_eq(op_expr_dtype(op_hypot(vector(OP_U32), vector(OP_I8))), OP_F64);
    ck_assert_int_eq(op_expr_dtype(op_hypot(vector(OP_U16), 1)), OP_F32);
    ck_assert_int_eq(op_expr_dtype(op_fma(vector(OP_U16), 9223372036854775808u, 2)), OP_F32);
    ck_assert_int_eq(op_expr_dtype(op_hypot(vector(OP_BOOL), 1)), OP_F64);
    ck_assert_int_eq(op_expr_dtype((op_fma)(vector(OP_U16), vector(OP_I16), vector(OP_BOOL))), OP_F32);
    ck_assert_int_eq(op_expr_dtype(op_signbit(vector(OP_I8))), OP_BOOL);
    ck_assert_int_eq(op_expr_dtype(op_floor_divide(vector(OP_BOOL), vector(OP_BOOL))), OP_I8);
    ck_assert_int_eq(op_expr_dtype(op_where(vector(OP_F64), vector(OP_I8), vector(OP_U8))), OP_I16);
    ck_assert_int_eq(op_expr_dtype(op_sum(vector(OP_I8), OP_ALL, 0)), OP_I64);
    ck_assert_int_eq(op_expr_dtype(op_sum(vector(OP_U8), OP_ALL, 0)), OP_U64);
    ck_assert_int_eq(op_expr_dtype(op_sum(vector(OP_F32), OP_ALL, 0)), OP_F32);
}
END_TEST

START_TEST(what_numpy_computes_in_f16_is_refused)
{
    ck_assert_ptr_null((op_hypot)(vector(OP_I8), vector(OP_U8)));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_UNSUPPORTED);
    ck_assert_str_eq(op_graph_error(graph)->message,
                     "hypot of i8 and u8 gives f16, which is not supported in this version; cast the operand first");
    op_graph_clear_error(graph);
    ck_assert_ptr_null(op_round(vector(OP_BOOL))); /* as rint; floor, ceil and trunc of a bool are bools */
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_UNSUPPORTED);
    op_graph_clear_error(graph);
    ck_assert_int_eq(op_expr_dtype(op_trunc(vector(OP_BOOL))), OP_BOOL);
    ck_assert_int_eq(op_expr_dtype(op_square(vector(OP_BOOL))), OP_I8);
    ck_assert_ptr_null(op_sin(vector(OP_BOOL)));
    ck_assert_str_eq(op_graph_error(graph)->message,
                     "sin of bool gives f16, which is not supported in this version; cast the operand first");
    op_graph_clear_error(graph);
}
END_TEST

START_TEST(weak_scalars_take_the_dtype_that_they_meet)
{
    ck_assert_int_eq(op_expr_dtype(op_mul(vector(OP_F32), 2.5)), OP_F32);
    ck_assert_int_eq(op_expr_dtype(op_mul(vector(OP_U8), 2)), OP_U8);
    ck_assert_int_eq(op_expr_dtype(op_mul(vector(OP_U8), 2.5)), OP_F64);
    ck_assert_int_eq(op_expr_dtype(op_add(vector(OP_BOOL), 2)), OP_I64);
    ck_assert_int_eq(op_expr_dtype((op_add)(op_scalar(graph, 1), op_scalar_i64(graph, 1))), OP_F64);
    op_expr *still_weak = (op_mul)(op_scalar(graph, 2), op_scalar_i64(graph, 3));
    ck_assert_int_eq(op_expr_dtype((op_add)(vector(OP_F32), still_weak)), OP_F32);
    op_expr *strong = op_sqrt(op_scalar(graph, 2)); /* np.sqrt(2.0) is a float64, 2.0 * 2.0 is Python's */
    ck_assert_int_eq(op_expr_dtype((op_add)(vector(OP_F32), strong)), OP_F64);
}
END_TEST

START_TEST(a_number_that_does_not_fit_is_an_error)
{
    ck_assert_ptr_null(op_add(vector(OP_U8), 300));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_RANGE);
    ck_assert_str_eq(op_graph_error(graph)->message, "add: 300 does not fit in u8");
    op_graph_clear_error(graph);
    ck_assert_ptr_null(op_add(vector(OP_U32), -1));
    op_graph_clear_error(graph);
    ck_assert_ptr_nonnull(op_less(vector(OP_U8), 300)); /* comparing is fine */
    ck_assert_int_eq(op_graph_error(graph)->code, OP_OK);
}
END_TEST

START_TEST(a_number_wraps_in_where)
{
    op_expr *x = vector(OP_U16), *mask = vector(OP_BOOL);
    ck_assert_int_eq(op_expr_dtype(op_where(mask, x, -1)), OP_U16);
    ck_assert_ptr_eq(op_where(mask, x, -1), op_where(mask, x, 65535));
    ck_assert_ptr_eq(op_where(mask, 70000, x), op_where(mask, 4464, x));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_OK);
}
END_TEST

START_TEST(equal_expressions_are_one_node)
{
    op_expr *x = vector(OP_F64);
    ck_assert_ptr_eq(op_sin(x), op_sin(x));
    ck_assert_ptr_eq(op_add(op_sin(x), 1.5), op_add(op_sin(x), 1.5));
    ck_assert_ptr_ne(op_add(op_sin(x), 1.5), op_add(op_sin(x), 2.5));
    ck_assert_ptr_eq(op_slice(x, 0, 1, OP_END, 1), op_slice(x, -1, 1, 5, 1));
    ck_assert_ptr_eq(op_slice(x, 0, 0, 5, 1), x);
    ck_assert_ptr_ne(vector(OP_F64), x);
}
END_TEST

START_TEST(shapes_broadcast)
{
    int64_t shape[OP_MAX_NDIM];
    op_expr *a = input(OP_F64, 3, (int64_t[]){4, 1, 3}), *b = input(OP_F64, 2, (int64_t[]){5, 1});
    op_expr *sum = (op_add)(a, b);
    ck_assert_int_eq(op_expr_ndim(sum), 3);
    ck_assert_int_eq(op_expr_shape(sum, shape), OP_OK);
    ck_assert(shape[0] == 4 && shape[1] == 5 && shape[2] == 3);
    ck_assert_ptr_null((op_add)(input(OP_F64, 1, (int64_t[]){4}), input(OP_F32, 1, (int64_t[]){5})));
    const op_error *error = op_graph_error(graph);
    ck_assert_int_eq(error->code, OP_ERR_SHAPE);
    ck_assert_str_eq(error->message, "add: shapes (4,) (f64) and (5,) (f32) do not broadcast");
    ck_assert_str_eq(error->op, "add");
    ck_assert_int_eq(error->operand, 1);
}
END_TEST

START_TEST(the_first_error_stays)
{
    op_expr *x = vector(OP_F64), *bad = (op_bitwise_and)(x, x);
    ck_assert_ptr_null(bad);
    ck_assert_ptr_null((op_add)(op_sin(bad), x));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_DTYPE);
    ck_assert_str_eq(op_graph_error(graph)->op, "bitwise_and");
    double out[5];
    ck_assert_int_eq(op_eval_many(graph, 1, &bad, &(op_view){0}), OP_ERR_DTYPE);
    ck_assert_int_eq(op_eval(bad, op_view_1d(OP_F64, out, 5)), OP_ERR_DTYPE);
    ck_assert_str_eq(op_last_error()->op, "bitwise_and");
}
END_TEST

START_TEST(null_and_zero_are_explained)
{
    op_expr *x = vector(OP_F64);
    ck_assert_ptr_null((op_add)(x, 0));
    ck_assert_ptr_nonnull(strstr(op_graph_error(graph)->message, "without sugar.h"));
    ck_assert_ptr_null(op_input(graph, (op_view){0}));
    ck_assert_ptr_null(op_graph_new(NULL));
    ck_assert_ptr_null(op_input(NULL, op_view_1d(OP_F64, x, 5)));
    op_graph_free(NULL);
    op_engine_free(NULL);
    op_kernel_free(NULL);
    op_array_free(NULL);
}
END_TEST

START_TEST(marks_drop_the_nodes_of_a_loop)
{
    op_expr *x = vector(OP_F64);
    int64_t mark = op_graph_mark(graph);
    uint32_t nodes = graph->n_node;
    for (int i = 0; i < 1000; i++) {
        op_expr *y = op_sin(op_add(x, (double)i));
        ck_assert_ptr_nonnull(y);
        op_graph_release(graph, mark);
        ck_assert_uint_eq(graph->n_node, nodes);
        ck_assert_ptr_null(op_cos(y)); /* a dead handle is recognised */
        op_graph_clear_error(graph);
    }
    ck_assert_ptr_nonnull(op_sin(x));
}
END_TEST

START_TEST(views_have_the_right_shapes)
{
    int64_t shape[OP_MAX_NDIM];
    op_expr *x = input(OP_F64, 2, (int64_t[]){6, 7});
    op_expr_shape(op_slice(x, 1, OP_END, OP_END, -2), shape);
    ck_assert(shape[0] == 6 && shape[1] == 4);
    op_expr_shape(op_slice(x, 0, -2, 100, 1), shape);
    ck_assert(shape[0] == 2 && shape[1] == 7);
    op_expr_shape(op_transpose(x), shape);
    ck_assert(shape[0] == 7 && shape[1] == 6);
    op_expr_shape(op_reshape(x, 2, (int64_t[]){-1, 21}), shape);
    ck_assert(shape[0] == 2 && shape[1] == 21);
    ck_assert_int_eq(op_expr_ndim(op_index(x, 0, -1)), 1);
    ck_assert_int_eq(op_expr_ndim(op_newaxis(x, -1)), 3);
    ck_assert_ptr_null(op_index(x, 0, 6));
    ck_assert_ptr_null(op_reshape(x, 1, (int64_t[]){41}));
    ck_assert_ptr_null(op_slice(x, 2, 0, 1, 1));
    ck_assert_ptr_null(op_slice(x, 0, 0, 1, 0));
    ck_assert_ptr_null(op_permute(x, (int[]){0, 0}));
}
END_TEST

START_TEST(integers_have_no_negative_power)
{
    op_expr *bases[] = {vector(OP_I32), vector(OP_BOOL), op_const_i64(graph, 1), op_const_bool(graph, 1),
                        op_scalar_i64(graph, 2)};
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        ck_assert_ptr_null((op_power)(bases[i], op_scalar_i64(graph, -3)));
        ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_DTYPE);
        ck_assert_str_eq(op_graph_error(graph)->message, "an integer has no negative integer power");
        op_graph_clear_error(graph);
    }
    ck_assert_int_eq(op_expr_dtype((op_power)(vector(OP_BOOL), op_const_bool(graph, 1))), OP_I8);
    ck_assert_int_eq(op_expr_dtype((op_power)(op_const_bool(graph, 1), op_const_i8(graph, 3))), OP_I8);
}
END_TEST

/* The one sentence of the graph's error, which is cleared. */
static const char *complaint(void)
{
    static char message[sizeof op_graph_error(graph)->message];
    memcpy(message, op_graph_error(graph)->message, sizeof message);
    op_graph_clear_error(graph);
    return message;
}

START_TEST(options_that_a_reduction_does_not_take_are_errors)
{
    op_expr *x = vector(OP_F64);
    op_reduce_options dtype = {.dtype = OP_F32}, careful = {.compensated = 1}, ddof = {.ddof = 1},
                      initial = {.initial = op_scalar(graph, 1)}, where = {.where = vector(OP_BOOL)};
    ck_assert_ptr_null(op_argmax_opt(x, OP_ALL, &dtype));
    ck_assert_str_eq(complaint(), "argmax does not take dtype=");
    ck_assert_ptr_null(op_argmin_opt(x, OP_ALL, &where));
    ck_assert_str_eq(complaint(), "argmin does not take where=");
    ck_assert_ptr_null(op_count_nonzero_opt(x, OP_ALL, &dtype));
    ck_assert_str_eq(complaint(), "count_nonzero does not take dtype=");
    ck_assert_ptr_null(op_any_opt(x, OP_ALL, &dtype));
    ck_assert_str_eq(complaint(), "any does not take dtype=");
    ck_assert_ptr_null(op_ptp_opt(x, OP_ALL, &careful));
    ck_assert_str_eq(complaint(), "ptp does not take compensated=");
    ck_assert_ptr_null(op_nanstd_opt(x, OP_ALL, &careful));
    ck_assert_str_eq(complaint(), "nanstd does not take compensated=");
    ck_assert_ptr_null(op_sum_opt(x, OP_ALL, &ddof));
    ck_assert_str_eq(complaint(), "sum does not take ddof=");
    ck_assert_ptr_null(op_logsumexp_opt(x, OP_ALL, &initial));
    ck_assert_str_eq(complaint(), "logsumexp does not take initial=");
    ck_assert_ptr_null(op_nanmean_opt(x, OP_ALL, &initial));
    ck_assert_str_eq(complaint(), "nanmean does not take initial=");
    ck_assert_ptr_nonnull(op_ptp_opt(x, OP_ALL, &where));
    ck_assert_ptr_nonnull(op_var_opt(x, OP_ALL, &ddof));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_OK);
}
END_TEST

START_TEST(unknown_flags_and_reserved_fields_are_errors)
{
    op_expr *x = vector(OP_F64);
    op_reduce_options reduce = {.reserved[15] = 1};
    ck_assert_ptr_null(op_sum_opt(x, OP_ALL, &reduce));
    ck_assert_str_eq(complaint(), "sum: op_reduce_options: reserved[15] is not zero; "
                                  "zero the whole struct before setting fields");
    ck_assert_ptr_null(op_mean(x, OP_ALL, OP_KEEPDIMS | 4));
    ck_assert_str_eq(complaint(), "mean: op_reduce_options: flags has bits that this version does not know: 0x4");

    ck_assert_ptr_null(op_engine_new(&(op_options){.flags = 1u << 30 | OP_ENGINE_NO_ENV}));
    ck_assert_str_eq(op_last_error()->message,
                     "op_options: flags has bits that this version does not know: 0x40000000");
    ck_assert_ptr_null(op_engine_new(&(op_options){.reserved[0] = 1}));
    ck_assert_int_eq(op_last_error()->code, OP_ERR_INVALID);

    ck_assert_int_eq(op_graph_set_run_options(graph, &(op_run_options){.flags = 1}), OP_ERR_INVALID);
    ck_assert_int_eq(op_graph_set_run_options(graph, &(op_run_options){.reserved[7] = 1}), OP_ERR_INVALID);
    op_kernel *kernel = NULL;
    ck_assert_int_eq(op_compile(graph, 1, &x, &kernel), OP_OK);
    double room[5];
    op_view out = OP_VIEW_1D(OP_F64, room, 5);
    ck_assert_int_eq(op_run(kernel, 0, NULL, 1, &out, &(op_run_options){.reserved[7] = 1}), OP_ERR_INVALID);
    ck_assert_str_eq(op_last_error()->message, "op_run_options: reserved[7] is not zero; "
                                               "zero the whole struct before setting fields");
    ck_assert_int_eq(op_run(kernel, 0, NULL, 1, &out, &(op_run_options){.threads = 1}), OP_OK);
    op_kernel_free(kernel);
}
END_TEST

START_TEST(constants_are_folded)
{
    op_expr *c = (op_add)(op_const_f64(graph, 1.5), op_const_f64(graph, 2));
    ck_assert_int_eq(c->kind, OP_NODE_CONST);
    double value;
    memcpy(&value, &c->bits, sizeof value);
    ck_assert_double_eq(value, 3.5);
    int8_t byte;
    c = (op_floor_divide)(op_const_i8(graph, INT8_MIN), op_const_i8(graph, -1));
    memcpy(&byte, &c->bits, sizeof byte);
    ck_assert_int_eq(byte, INT8_MIN);
    c = op_cast(op_const_f64(graph, 1e300), OP_I8);
    memcpy(&byte, &c->bits, sizeof byte);
    ck_assert_int_eq(byte, INT8_MAX);
    c = op_cast(op_const_f64(graph, NAN), OP_I8);
    memcpy(&byte, &c->bits, sizeof byte);
    ck_assert_int_eq(byte, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("graph");
    TCase *tests = tcase_create("graph");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, promotes_as_numpy);
    tcase_add_test(tests, results_have_numpys_dtypes);
    tcase_add_test(tests, what_numpy_computes_in_f16_is_refused);
    tcase_add_test(tests, weak_scalars_take_the_dtype_that_they_meet);
    tcase_add_test(tests, a_number_that_does_not_fit_is_an_error);
    tcase_add_test(tests, a_number_wraps_in_where);
    tcase_add_test(tests, equal_expressions_are_one_node);
    tcase_add_test(tests, shapes_broadcast);
    tcase_add_test(tests, the_first_error_stays);
    tcase_add_test(tests, null_and_zero_are_explained);
    tcase_add_test(tests, marks_drop_the_nodes_of_a_loop);
    tcase_add_test(tests, views_have_the_right_shapes);
    tcase_add_test(tests, integers_have_no_negative_power);
    tcase_add_test(tests, options_that_a_reduction_does_not_take_are_errors);
    tcase_add_test(tests, unknown_flags_and_reserved_fields_are_errors);
    tcase_add_test(tests, constants_are_folded);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
