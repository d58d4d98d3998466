/* The formula parser. Equal expressions are one node of their graph, so most tests build the same thing
 * twice, from text and with the builders, and compare pointers. */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr/graph.h"
#include "expr/lex.h"
#include "onepass/onepass.h"

static op_engine *engine;
static op_graph *graph;
static op_expr *a, *b, *c, *i, *m;
static double data[24];
static int64_t integers[4];

static void setup(void)
{
    engine = op_engine_new(NULL);
    graph = op_graph_new(engine);
    a = op_input(graph, OP_VIEW_1D(OP_F64, data, 4));
    b = op_input(graph, OP_VIEW_1D(OP_F64, data, 4));
    c = op_input(graph, OP_VIEW_1D(OP_F32, data, 4));
    i = op_input(graph, OP_VIEW_1D(OP_I64, integers, 4));
    m = op_input(graph, OP_VIEW_2D(OP_F64, data, 4, 6));
}

static void teardown(void)
{
    op_graph_free(graph);
    op_engine_free(engine);
}

static const char *const names[] = {"a", "b", "c", "i", "m"};

static op_status parse(const char *text, op_expr **expr)
{
    op_expr *exprs[] = {a, b, c, i, m};
    op_graph_clear_error(graph);
    return op_parse(graph, text, 5, names, exprs, expr);
}

static op_expr *parsed(const char *text)
{
    op_expr *expr;
    op_status status = parse(text, &expr);
    ck_assert_msg(status == OP_OK && expr, "%s: %s", text, op_last_error()->message);
    return expr;
}

#define SAME(text, ...) ck_assert_msg(parsed(text) == (__VA_ARGS__), "%s", text)
#define NUMBER(value) op_scalar(graph, value)
#define WHOLE(value) op_scalar_i64(graph, value)

START_TEST(precedence_is_pythons)
{
    SAME("a+b*c", op_add(a, op_multiply(b, c)));
    SAME("(a+b)*c", op_multiply(op_add(a, b), c));
    SAME("a-b-c", op_subtract(op_subtract(a, b), c));
    SAME("a/b*c", op_multiply(op_divide(a, b), c));
    SAME("-a*b", op_multiply(op_negative(a), b));
    SAME("-b*b/2", op_divide(op_multiply(op_negative(b), b), WHOLE(2)));
    SAME("-a**2", op_negative(op_square(a)));
    SAME("a**2**1", op_square(a));
    SAME("2*-a", op_multiply(WHOLE(2), op_negative(a)));
    SAME("a - -b", op_subtract(a, op_negative(b)));
    SAME("+-+a", op_positive(op_negative(op_positive(a))));
    SAME("a//b%c", op_remainder(op_floor_divide(a, b), c));
    SAME("i|i^i&i<<1", op_bitwise_or(i, op_bitwise_xor(i, op_bitwise_and(i, op_left_shift(i, WHOLE(1))))));
    SAME("i>>1+1", op_right_shift(i, WHOLE(2)));
    SAME("~i&i", op_bitwise_and(op_invert(i), i));
}
END_TEST

START_TEST(comparison_and_logic)
{
    SAME("a<b", op_less(a, b));
    SAME("a+1<=b", op_less_equal(op_add(a, WHOLE(1)), b));
    SAME("a<b<c", op_logical_and(op_less(a, b), op_less(b, c)));
    SAME("a<b<=c!=i", op_logical_and(op_logical_and(op_less(a, b), op_less_equal(b, c)), op_not_equal(c, i)));
    SAME("(a<b)<c", op_less(op_less(a, b), c));
    SAME("1<a<2", op_logical_and(op_less(WHOLE(1), a), op_less(a, WHOLE(2))));
    SAME("a and b or c", op_logical_or(op_logical_and(a, b), c));
    SAME("a or b and c", op_logical_or(a, op_logical_and(b, c)));
    SAME("not a == b", op_logical_not(op_equal(a, b)));
    SAME("not a and not b", op_logical_and(op_logical_not(a), op_logical_not(b)));
    SAME("not not a", op_logical_not(op_logical_not(a)));
    SAME("a < b and b < c", op_logical_and(op_less(a, b), op_less(b, c)));
    SAME("a < b == c", op_logical_and(op_less(a, b), op_equal(b, c)));
}
END_TEST

START_TEST(numbers_alone_are_pythons)
{
    static const struct {
        const char *text;
        double value;
    } reals[] = {
        {"1.5", 1.5},        {".5", 0.5},        {"1.", 1},          {"2.5e-3", 2.5e-3}, {"1e5", 1e5},
        {"1_0.2_5", 10.25},  {"7/2", 3.5},       {"2**-1", 0.5},     {"2**0.5", 0x1.6a09e667f3bcdp+0},
        {"1e400", INFINITY}, {"-7.5//2", -4},    {"-7.5%2", 0.5},    {"pi", 0x1.921fb54442d18p+1},
        {"e", 0x1.5bf0a8b145769p+1},             {"-inf", -INFINITY}, {"1e308*10", INFINITY},
        {"1+0.5", 1.5},      {"True+0.5", 1.5},  {"9007199254740993/3", 3002399751580331.0},
    };
    static const struct {
        const char *text;
        int64_t value;
    } integers_[] = {
        {"0x1F", 31},   {"0b101", 5},      {"0o17", 15},       {"1_000", 1000},    {"2*3+4", 10},
        {"2**10", 1024}, {"-7//2", -4},    {"-7%2", 1},        {"7%-2", -1},       {"-2**2", -4},
        {"~5", -6},     {"1<<4", 16},      {"-5>>1", -3},      {"6&3|8", 10},      {"6^3", 5},
        {"True+True", 2}, {"-True", -1},   {"00", 0},          {"2**3**2", 512},   {"-9223372036854775808", INT64_MIN},
        {"2**63-1", INT64_MAX},            {"2**64//2-1", INT64_MAX},              {"(2)", 2}, {"5>>200", 0},
    };
    static const struct {
        const char *text;
        int value;
    } truths[] = {{"True", 1}, {"False", 0}, {"1<2<3", 1}, {"1<2>3", 0}, {"not 0", 1}, {"1 and 0.5", 1}, {"0 or 0", 0},
                  {"True & False", 0}, {"nan == nan", 0}, {"nan != nan", 1}, {"1 == 1.0", 1}, {"2 <= 1", 0}};
    for (size_t k = 0; k < sizeof reals / sizeof reals[0]; k++)
        SAME(reals[k].text, NUMBER(reals[k].value));
    for (size_t k = 0; k < sizeof integers_ / sizeof integers_[0]; k++)
        SAME(integers_[k].text, WHOLE(integers_[k].value));
    for (size_t k = 0; k < sizeof truths / sizeof truths[0]; k++)
        SAME(truths[k].text, op_scalar_bool(graph, truths[k].value));
    SAME("18446744073709551615", op_scalar_u64(graph, UINT64_MAX));
    ck_assert_int_eq(op_expr_dtype(parsed("nan")), OP_F64);
}
END_TEST

START_TEST(literals_are_weak)
{
    ck_assert_int_eq(op_expr_dtype(parsed("c*2.5")), OP_F32);
    ck_assert_int_eq(op_expr_dtype(parsed("c*(7/2)")), OP_F32);
    ck_assert_int_eq(op_expr_dtype(parsed("k = 2.5; c*k")), OP_F32);
    ck_assert_int_eq(op_expr_dtype(parsed("c*pi")), OP_F32);
    ck_assert_int_eq(op_expr_dtype(parsed("i*2")), OP_I64);
    ck_assert_int_eq(op_expr_dtype(parsed("i*2.")), OP_F64);
    ck_assert_int_eq(op_expr_dtype(parsed("c*f64(2)")), OP_F64);
}
END_TEST

START_TEST(powers)
{
    SAME("a**2", op_square(a));
    SAME("a**1", op_positive(a));
    SAME("a**0.5", op_sqrt(a));
    SAME("a**-1", op_reciprocal(a));
    SAME("i**2", op_multiply(i, i));
    SAME("i**3", op_multiply(i, op_multiply(i, i)));
    SAME("i**1", i);
    SAME("i**2.0", op_square(op_cast(i, OP_F64)));
    ck_assert_int_eq(op_expr_dtype(parsed("i**0")), OP_I64);
    SAME("a**a", op_power(a, a));
    op_expr *never = op_scalar_bool(graph, 0);
    SAME("sum(a, where=False)", op_sum_opt(a, OP_ALL, &(op_reduce_options){.where = never}));
    SAME("2**a", op_power(op_scalar_i64(graph, 2), a));
    ck_assert_int_eq(op_expr_dtype(parsed("c**0")), OP_F32);
}
END_TEST

START_TEST(functions)
{
    SAME("sin(a)", op_sin(a));
    SAME("where(a<b, a, b)", op_where(op_less(a, b), a, b));
    SAME("maximum(a, minimum(b, c),)", op_maximum(a, op_minimum(b, c)));
    SAME("add(a, b)", op_add(a, b));
    SAME("abs(a)", op_absolute(a));
    SAME("mod(a, b)", op_remainder(a, b));
    SAME("f32(a)", op_cast(a, OP_F32));
    SAME("float32(a)", op_cast(a, OP_F32));
    SAME("i32(a + b)", op_cast(op_add(a, b), OP_I32));
    SAME("a.astype(f32)", op_cast(a, OP_F32));
    SAME("a.astype(dtype=i8)", op_cast(a, OP_I8));
    SAME("(a+b).astype(bool)", op_cast(op_add(a, b), OP_BOOL));
    SAME("-a.astype(f32)", op_negative(op_cast(a, OP_F32)));
    SAME("sin(\n a\n)", op_sin(a));
    SAME("sin (a)", op_sin(a));
}
END_TEST

START_TEST(normal_distribution)
{
    op_expr *zero = WHOLE(0), *two = WHOLE(2);
    SAME("norm.isf(a)", op_norm_isf(a, OP_NONE, OP_NONE));
    SAME("norm.isf(a)", op_negative(op_ndtri(a)));
    SAME("norm.isf(a, 0, 1.0)", op_negative(op_ndtri(a)));
    SAME("norm.isf(a, loc=0, scale=1)", op_negative(op_ndtri(a)));
    SAME("norm.ppf(a)", op_ndtri(a));
    SAME("norm.ppf(c)", op_ndtri(c));
    SAME("norm.ppf(i)", op_ndtri(op_cast(i, OP_F64)));
    SAME("norm.cdf(a, b)", op_ndtr(op_subtract(a, b)));
    SAME("norm.cdf(a, scale=2)", op_ndtr(op_divide(a, two)));
    SAME("norm.cdf(i, 2)", op_ndtr(op_subtract(op_cast(i, OP_F64), two)));
    SAME("norm.sf(a, 2, 2)", op_ndtr(op_negative(op_divide(op_subtract(a, two), two))));
    SAME("norm.logcdf(a)", op_log_ndtr(a));
    SAME("norm.logsf(a)", op_log_ndtr(op_negative(a)));
    SAME("norm.pdf(a, scale=2)", op_divide(op_normal_density(op_divide(a, two)), two));
    SAME("norm.logpdf(a, 2)", op_log_normal_density(op_subtract(a, two)));
    SAME("norm.isf(a, scale=2, loc=b)", op_subtract(b, op_multiply(op_ndtri(a), two)));
    SAME("norm.ppf(a, scale=b)",
         op_where(op_greater(b, zero), op_multiply(op_ndtri(a), b), NUMBER(NAN)));
    SAME("norm.isf(sin(a) + 1, 1) * 2", op_multiply(op_norm_isf(op_add(op_sin(a), WHOLE(1)), WHOLE(1), OP_NONE), two));
    SAME("norm.cdf(norm.ppf(a))", op_ndtr(op_ndtri(a)));
    SAME("norm = a; norm.sum()", op_sum(a, OP_ALL, 0));
    SAME("erf(a) + erfcinv(b)", op_add(op_erf(a), op_erfcinv(b)));
    ck_assert_ptr_null(op_norm_isf(a, NULL, OP_NONE));
    ck_assert_ptr_null(op_norm_isf(OP_NONE, OP_NONE, OP_NONE));
}
END_TEST

START_TEST(reductions)
{
    SAME("sum(m)", op_sum(m, OP_ALL, 0));
    SAME("m.sum()", op_sum(m, OP_ALL, 0));
    SAME("sum(m, 0)", op_sum(m, OP_AXIS(0), 0));
    SAME("sum(m, axis=-1)", op_sum(m, OP_AXIS(-1), 0));
    SAME("m.sum(axis=0, keepdims=True)", op_sum(m, OP_AXIS(0), OP_KEEPDIMS));
    SAME("sum(m, axis=(0, 1))", op_sum(m, OP_AXES(0, 1), 0));
    SAME("sum(m, axis=(1,))", op_sum(m, OP_AXIS(1), 0));
    SAME("sum(m, axis=None)", op_sum(m, OP_ALL, 0));
    SAME("m - m.sum(axis=1, keepdims=True)", op_subtract(m, op_sum(m, OP_AXIS(1), OP_KEEPDIMS)));
    op_reduce_options wide = {.dtype = OP_F64};
    SAME("sum(a, compensated=True)", op_sum_opt(a, OP_ALL, &(op_reduce_options){.compensated = 1}));
    SAME("mean(a, compensated=0 == 1)", op_mean(a, OP_ALL, 0));
    SAME("bincount(a > 0, 2)", op_bincount((op_greater)(a, op_scalar_i64(graph, 0)), 2));
    op_expr *positive = (op_greater)(a, op_scalar_i64(graph, 0));
    SAME("bincount(a > 0, 2, where=a > 0)",
         op_bincount((op_where)(positive, op_cast(positive, OP_I64), op_const_i64(graph, -1)), 2));
    SAME("histogram(a, 2 * 8, -1, 2 * pi)", op_histogram(a, 16, -1, 2 * acos(-1)));
    SAME("histogram(a, 16, -1, 1, weights=a * a, where=a > 0)",
         op_histogram_opt(a, 16, -1, 1, &(op_count_options){.weights = op_multiply(a, a), .where = positive}));
    SAME("bincount(a > 0, 2, weights=c)", op_bincount_opt(positive, 2, &(op_count_options){.weights = c}));
    SAME("bincount(a > 0, 2 * 8)[1:]", op_slice(op_bincount((op_greater)(a, op_scalar_i64(graph, 0)), 16), 0, 1, OP_END, 1));
    SAME("sum(c, dtype=f64)", op_sum_opt(c, OP_ALL, &wide));
}
END_TEST

START_TEST(subscripts)
{
    SAME("a[1:-1]", op_slice(a, 0, 1, -1, 1));
    SAME("a[::2]", op_slice(a, 0, OP_END, OP_END, 2));
    SAME("a[::-1]", op_flip(a, 0));
    SAME("a[:]", a);
    SAME("a[2]", op_index(a, 0, 2));
    SAME("a[-1]", op_index(a, 0, -1));
    SAME("m[1:-1, ::2]", op_slice(op_slice(m, 0, 1, -1, 1), 1, OP_END, OP_END, 2));
    SAME("m[0]", op_index(m, 0, 0));
    SAME("m[:, 3]", op_index(m, 1, 3));
    SAME("m[0, 3]", op_index(op_index(m, 0, 0), 0, 3));
    SAME("a[:, None]", op_newaxis(a, 1));
    SAME("a[None]", op_newaxis(a, 0));
    SAME("a[newaxis, :]", op_newaxis(a, 0));
    SAME("m[...]", m);
    SAME("m[..., 0]", op_index(m, 1, 0));
    SAME("m[0, ...]", op_index(m, 0, 0));
    SAME("m[..., None]", op_newaxis(m, 2));
    SAME("m[1:][1:]", op_slice(op_slice(m, 0, 1, OP_END, 1), 0, 1, OP_END, 1));
    SAME("m[2*1:None]", op_slice(m, 0, 2, OP_END, 1));
    SAME("m[1:,]", op_slice(m, 0, 1, OP_END, 1));
    SAME("m.T", op_transpose(m));
    SAME("m.T[0]", op_index(op_transpose(m), 0, 0));
    SAME("transpose(m)", op_transpose(m));
    SAME("-a[0]**2", op_negative(op_square(op_index(a, 0, 0))));
    SAME("(a+b)[1:]", op_slice(op_add(a, b), 0, 1, OP_END, 1));
}
END_TEST

START_TEST(statements)
{
    SAME("s = sin(a); s + s", op_add(op_sin(a), op_sin(a)));
    SAME("s = sin(a)\n# a comment\n\ns + b # another", op_add(op_sin(a), b));
    SAME(";; a ;\n;", a);
    SAME("a = a + 1; a = a + 1", op_add(op_add(a, WHOLE(1)), WHOLE(1)));
    SAME("a +\n b", op_add(a, b));
    SAME("(a\n + b)", op_add(a, b));
    SAME("pi = a; pi", a);
    SAME("e = b\r\ne", b);

    op_expr *exprs[] = {a, b, c, i, m}, *out[3];
    const char *out_names[3];
    int n = 3;
    ck_assert_int_eq(op_parse_many(graph, "s = sin(a); y = s + b; s * y", 5, names, exprs, &n, out_names, out), OP_OK);
    ck_assert_int_eq(n, 3);
    ck_assert_str_eq(out_names[0], "s");
    ck_assert_str_eq(out_names[1], "y");
    ck_assert_str_eq(out_names[2], "");
    ck_assert(out[0] == op_sin(a) && out[1] == op_add(op_sin(a), b) && out[2] == op_multiply(out[0], out[1]));
    n = 1;
    ck_assert_int_eq(op_parse_many(graph, "s = sin(a); y = s + b", 5, names, exprs, &n, out_names, out), OP_ERR_LIMIT);
    ck_assert_int_eq(n, 2);
}
END_TEST

START_TEST(errors_have_a_place)
{
    static const struct {
        const char *text;
        op_status status;
        int begin, end;
        const char *says;
    } cases[] = {
        {"a + q", OP_ERR_NAME, 4, 5, "unknown name 'q'"},
        {"sinn(a)", OP_ERR_NAME, 0, 4, "did you mean 'sin'"},
        {"sin + a", OP_ERR_NAME, 0, 3, "is a function"},
        {"a +", OP_ERR_PARSE, 3, 4, "ends where a value is expected"},
        {"a + ; b", OP_ERR_PARSE, 4, 5, "statement ends"},
        {"a b", OP_ERR_PARSE, 2, 3, "an operator"},
        {"a * / b", OP_ERR_PARSE, 4, 5, "'/' stands where a value is expected"},
        {"(a + b", OP_ERR_PARSE, 0, 1, "never closed"},
        {"a + b)", OP_ERR_PARSE, 5, 6, "')'"},
        {"(a + b]", OP_ERR_PARSE, 6, 7, "']'"},
        {"a[1)", OP_ERR_PARSE, 3, 4, "')'"},
        {"()", OP_ERR_PARSE, 1, 2, "a value"},
        {"a[]", OP_ERR_PARSE, 2, 3, "an index"},
        {"a[1:2:3:4]", OP_ERR_PARSE, 7, 8, "']'"},
        {"a[b]", OP_ERR_PARSE, 2, 3, "an index is"},
        {"a[1.5]", OP_ERR_PARSE, 2, 5, "an index is"},
        {"a[0, 0]", OP_ERR_SHAPE, 0, 7, "2 indices for 1 dimension"},
        {"a[..., ...]", OP_ERR_PARSE, 0, 11, "once"},
        {"sin()", OP_ERR_PARSE, 0, 5, "sin takes 1 operand, not 0"},
        {"sin(a, b)", OP_ERR_PARSE, 0, 9, "sin takes 1 operand, not 2"},
        {"where(a, b)", OP_ERR_PARSE, 0, 11, "where takes 3 operands, not 2"},
        {"sin(axis=a)", OP_ERR_PARSE, 9, 10, "keyword"},
        {"sum(m, axis=)", OP_ERR_PARSE, 12, 13, "a value"},
        {"sum(m, axis=a)", OP_ERR_PARSE, 12, 13, "axis is"},
        {"bincount(m > 0)", OP_ERR_PARSE, 0, 15, "the number of bins"},
        {"bincount(m > 0, m)", OP_ERR_PARSE, 16, 17, "a number, not an array"},
        {"bincount(m > 0, 0)", OP_ERR_LIMIT, 16, 17, "an integer from 1 to 16777216"},
        {"bincount(m > 0, 2.5)", OP_ERR_LIMIT, 16, 19, "an integer from 1 to 16777216"},
        {"bincount(m > 0, 2, weights=m, weights=m)", OP_ERR_PARSE, 27, 28, "keyword"},
        {"bincount(m[0] > 0, 2, weights=m)", OP_ERR_SHAPE, 0, 32, "weights of shape"},
        {"bincount(m > 0, 2, axis=0)", OP_ERR_PARSE, 24, 25, "keyword"},
        {"histogram(m, 2)", OP_ERR_PARSE, 0, 15, "where they begin and end"},
        {"histogram(m, 2, 0, m)", OP_ERR_PARSE, 19, 20, "a number, not an array"},
        {"histogram(m, 2, 1, 1)", OP_ERR_RANGE, 0, 21, "from less to more"},
        {"histogram(m, 2, 0, inf)", OP_ERR_RANGE, 0, 23, "finite width"},
        {"histogram(m[0], 2, 0, 1, where=m)", OP_ERR_SHAPE, 0, 33, "more elements"},
        {"bincount(m, 2)", OP_ERR_DTYPE, 0, 14, "histogram counts floats"},
        {"sum(m, compensated=1.5)", OP_ERR_PARSE, 19, 22, "compensated is True or False"},
        {"sum(m, axis=7)", OP_ERR_SHAPE, 0, 14, "axis 7"},
        {"sum(m, 0, axis=1)", OP_ERR_PARSE, 15, 16, "one too many"},
        {"sum(m, blah=1)", OP_ERR_PARSE, 7, 11, "keyword"},
        {"sum(m, axis=0, 1)", OP_ERR_PARSE, 15, 16, "keyword"},
        {"sum(m, loc=0)", OP_ERR_PARSE, 11, 12, "keyword"},
        {"norm.isf()", OP_ERR_PARSE, 0, 10, "a value first"},
        {"norm.isf(loc=a)", OP_ERR_PARSE, 0, 15, "a value first"},
        {"norm.isf(a, axis=1)", OP_ERR_PARSE, 17, 18, "keyword"},
        {"norm.isf(a, 1, loc=2)", OP_ERR_PARSE, 19, 20, "one too many"},
        {"norm.isf(a, 1, 2, 3)", OP_ERR_PARSE, 18, 19, "one too many"},
        {"norm.isf(a, scale=None)", OP_ERR_PARSE, 18, 22, "None stands"},
        {"a + norm.isf(m + b, m)", OP_ERR_SHAPE, 13, 18, "(4,)"},
        {"a + norm.cdf(b, m)", OP_ERR_SHAPE, 4, 18, "(4,)"},
        {"a + norm.rvs(b)", OP_ERR_NAME, 9, 12, "there are pdf"},
        {"norm.isf", OP_ERR_NAME, 0, 8, "is a function"},
        {"norm.sum()", OP_ERR_NAME, 0, 4, "unknown name 'norm'"},
        {"m.mean2()", OP_ERR_NAME, 2, 7, "mean2"},
        {"m.shape", OP_ERR_NAME, 2, 7, "shape"},
        {"f32", OP_ERR_PARSE, 0, 3, "a dtype stands"},
        {"None", OP_ERR_PARSE, 0, 4, "None stands"},
        {"a + None", OP_ERR_PARSE, 4, 8, "None stands"},
        {"a + (1, 2)", OP_ERR_PARSE, 4, 10, "tuple"},
        {"(a, b)", OP_ERR_PARSE, 0, 6, "tuple"},
        {"...", OP_ERR_PARSE, 0, 3, "'...'"},
        {"a @ b", OP_ERR_UNSUPPORTED, 0, 5, "matrix product"},
        {"3j", OP_ERR_UNSUPPORTED, 0, 2, "complex"},
        {"a + 5x", OP_ERR_PARSE, 4, 6, "not a number"},
        {"012", OP_ERR_PARSE, 0, 3, "begin with 0"},
        {"0x", OP_ERR_PARSE, 0, 2, "not a number"},
        {"1__0", OP_ERR_PARSE, 0, 4, "not a number"},
        {"18446744073709551616", OP_ERR_PARSE, 0, 20, "64 bits"},
        {"a + 2**64", OP_ERR_RANGE, 4, 9, "64 bits"},
        {"2**200", OP_ERR_RANGE, 0, 6, "too large"},
        {"1/0", OP_ERR_RANGE, 0, 3, "division by zero"},
        {"1 << -1", OP_ERR_RANGE, 0, 7, "negative count"},
        {"1.5 & 1", OP_ERR_RANGE, 0, 7, "integers"},
        {"a $ b", OP_ERR_PARSE, 2, 3, "no place"},
        {"a \xc3\x97 b", OP_ERR_PARSE, 2, 4, "no place"},
        {"!a", OP_ERR_PARSE, 0, 1, "'not'"},
        {"a = ", OP_ERR_PARSE, 4, 5, "a value"},
        {"a == b = c", OP_ERR_PARSE, 7, 8, "== compares"},
        {"if = 3", OP_ERR_PARSE, 0, 2, "a name"},
        {"a if b else c", OP_ERR_PARSE, 2, 4, "an operator"},
        {"a + not b", OP_ERR_PARSE, 4, 7, "parentheses"},
        {"a; b", OP_ERR_PARSE, 0, 1, "not used"},
        {"a & b", OP_ERR_DTYPE, 0, 5, "bitwise_and"},
        {"a + m", OP_ERR_SHAPE, 0, 5, "(4,)"},
        {"b + (a + m)", OP_ERR_SHAPE, 5, 10, "(4,)"},
        {"argmax(a, dtype=f32)", OP_ERR_INVALID, 0, 20, "argmax does not take dtype="},
        {"ptp(a, compensated=True)", OP_ERR_INVALID, 0, 24, "ptp does not take compensated="},
        {"i ** -1", OP_ERR_DTYPE, 0, 7, "negative integer power"},
        {"", OP_ERR_PARSE, 0, 0, "empty"},
        {" # nothing\n", OP_ERR_PARSE, 0, 0, "empty"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        op_expr *expr = a;
        op_status status = parse(cases[k].text, &expr);
        const op_error *error = op_last_error();
        ck_assert_msg(status == cases[k].status, "%s: %d %s", cases[k].text, status, error->message);
        ck_assert_msg(strstr(error->message, cases[k].says) != NULL, "%s: %s", cases[k].text, error->message);
        ck_assert_msg(error->begin == cases[k].begin && error->end == cases[k].end, "%s: %d..%d %s", cases[k].text,
                      (int)error->begin, (int)error->end, error->message);
        ck_assert_ptr_null(expr);
        ck_assert_int_eq(op_graph_error(graph)->code, status);
        ck_assert_int_eq(op_graph_error(graph)->begin, error->begin);
        ck_assert_str_eq(op_graph_error(graph)->message, error->message);
    }
}
END_TEST

START_TEST(bad_arguments)
{
    op_expr *exprs[] = {a, NULL}, *expr;
    const char *twice[] = {"a", "a"}, *two[] = {"a", "n"};
    int n = 1;
    ck_assert_int_eq(op_parse(NULL, "a", 1, twice, exprs, &expr), OP_ERR_INVALID);
    ck_assert_int_eq(op_parse(graph, NULL, 1, twice, exprs, &expr), OP_ERR_INVALID);
    ck_assert_int_eq(op_parse(graph, "a", 1, NULL, exprs, &expr), OP_ERR_INVALID);
    ck_assert_int_eq(op_parse(graph, "a", 1, twice, exprs, NULL), OP_ERR_INVALID);
    ck_assert_int_eq(op_parse(graph, "a", 2, twice, exprs, &expr), OP_ERR_INVALID);
    ck_assert_int_eq(op_parse(graph, "n", 2, two, exprs, &expr), OP_ERR_INVALID);
    ck_assert_int_eq(op_parse_many(graph, "a", 1, two, exprs, &n, NULL, NULL), OP_ERR_INVALID);
    ck_assert_int_eq(op_formula_names("a", NULL, NULL), OP_ERR_INVALID);
    op_graph_clear_error(graph);
    ck_assert_int_eq(op_parse(graph, "a", 2, two, exprs, &expr), OP_OK);
}
END_TEST

/* before, then n times middle, then after */
static char *repeat(const char *before, const char *middle, size_t n, const char *after)
{
    size_t length = strlen(middle);
    char *text = malloc(strlen(before) + n * length + strlen(after) + 1), *at = text;
    at = stpcpy(at, before);
    for (size_t k = 0; k < n; k++)
        at = stpcpy(at, middle);
    strcpy(at, after);
    return text;
}

static op_status parse_free(char *text)
{
    op_expr *expr;
    op_status status = parse(text, &expr);
    free(text);
    return status;
}

START_TEST(limits)
{
    ck_assert_int_eq(parse_free(repeat("a", "+a", 100000, "")), OP_OK);
    ck_assert_int_eq(parse_free(repeat("a", "-b", 300000, "")), OP_OK);
    ck_assert_int_eq(parse_free(repeat("a", "<b", 10000, "")), OP_OK);
    ck_assert_int_eq(parse_free(repeat("", "sin(", 1000, "a")), OP_ERR_PARSE); /* never closed */
    ck_assert_int_eq(parse_free(repeat("", "(", 1001, "a")), OP_ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(op_last_error()->message, "1000"));
    ck_assert_int_eq(parse_free(repeat("", "-", 100000, "a")), OP_ERR_LIMIT);
    ck_assert_int_eq(parse_free(repeat("", "not ", 100000, "a")), OP_ERR_LIMIT);
    ck_assert_int_eq(parse_free(repeat("a", "[a", 100000, "")), OP_ERR_LIMIT);
    ck_assert_int_eq(parse_free(repeat("a", "**2", 100000, "")), OP_ERR_LIMIT);
    ck_assert_int_eq(parse_free(repeat("a[", "None,", 400, "]")), OP_ERR_LIMIT);
    ck_assert_int_eq(parse_free(repeat("sum(a, axis=(", "1,", 100000, "))")), OP_ERR_LIMIT);
    ck_assert_int_eq(parse_free(repeat("a", " ", 1 << 20, "")), OP_ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(op_last_error()->message, "1048576"));
    char *deep = repeat("", "(", 999, "a");
    ck_assert_int_eq(parse_free(repeat(deep, ")", 999, "")), OP_OK);
    free(deep);
    ck_assert_int_eq(parse_free(repeat("", "x", 100000, "")), OP_ERR_NAME);
    ck_assert_int_eq(parse_free(repeat("0.", "1", 100000, "")), OP_ERR_PARSE);
}
END_TEST

static char found[256];

static void add_found(void *ctx, const char *name)
{
    (void)ctx;
    strcat(strcat(found, name), " ");
}

START_TEST(names_of_a_formula)
{
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"sin(b) + c*b", "b c "},
        {"s = sin(b); y = s + c; s * y", "b c "},
        {"pi * r**2 + e + inf + nan + True", "r "},
        {"sum(x, axis=0, keepdims=True).astype(f32)[1:, None].T", "x "},
        {"b = b + 1; b", "b "},
        {"b ** n @ 2", NULL},
        {"a < b < c", "a b c "},
        {"x ** y", "x y "},
        {"2 + 3", ""},
        {"norm.isf(p, scale=s)", "p s "},
        {"norm.sum()", "norm "},
        {"norm.rvs(p)", NULL},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        found[0] = 0;
        op_status status = op_formula_names(cases[k].text, add_found, NULL);
        ck_assert_msg((status == OP_OK) == (cases[k].names != NULL), "%s: %s", cases[k].text,
                      op_last_error()->message);
        if (status == OP_OK)
            ck_assert_str_eq(found, cases[k].names);
    }
}
END_TEST

/* Every prefix of every formula, and every one with a byte changed, parses or fails, and nothing else. */
START_TEST(mangled_formulas)
{
    static const char *const texts[] = {"s = sin(a)*2.5e-3; t = where(s<b<c, s, -b**2) # no",
                                        "m[1:-1, ::2, None].T[..., 0]",
                                        "sum(m, axis=(0, 1), keepdims=True) // 0x1F % 3", "not a and ~(i<<1 | i) == 5"};
    static const char bytes[] = "()[],:;=+-*.<1ea_#\n\x80 @~";
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        size_t length = strlen(texts[k]);
        for (size_t at = 0; at < length; at++)
            for (size_t byte = 0; byte < sizeof bytes; byte++) { /* the last one is NUL: a prefix */
                char *text = strdup(texts[k]);
                op_expr *expr;
                text[at] = bytes[byte];
                op_status status = parse(text, &expr);
                ck_assert((status == OP_OK) == (expr != NULL));
                const op_error *error = op_last_error();
                ck_assert(status == OP_OK || (error->code == status && error->message[0] && error->begin >= 0 &&
                                              error->begin <= error->end && error->end <= (int64_t)length + 1));
                free(text);
            }
    }
}
END_TEST

START_TEST(the_locale_does_not_matter)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    for (int k = 0; k < 3; k++)
        if (setlocale(LC_ALL, locales[k]))
            break;
    SAME("1.5", NUMBER(1.5));
    setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parse");
    TCase *tests = tcase_create("parse");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, precedence_is_pythons);
    tcase_add_test(tests, comparison_and_logic);
    tcase_add_test(tests, numbers_alone_are_pythons);
    tcase_add_test(tests, literals_are_weak);
    tcase_add_test(tests, powers);
    tcase_add_test(tests, functions);
    tcase_add_test(tests, normal_distribution);
    tcase_add_test(tests, reductions);
    tcase_add_test(tests, subscripts);
    tcase_add_test(tests, statements);
    tcase_add_test(tests, errors_have_a_place);
    tcase_add_test(tests, bad_arguments);
    tcase_add_test(tests, limits);
    tcase_add_test(tests, names_of_a_formula);
    tcase_add_test(tests, mangled_formulas);
    tcase_add_test(tests, the_locale_does_not_matter);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
