/* Scans: exactly the documented order, whatever the shape, the layout and the number of threads. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onepass/onepass.h"

enum { BLOCK = 1024, MOST_DIMS = 3 };

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

typedef op_expr *op_builder(op_expr *x, int axis);
typedef double op_combine(double a, double b);

static double add(double a, double b)
{
    return a + b;
}

static double larger(double a, double b)
{
    return a > b || a != a ? a : b;
}

/* Of one sequence: y = carry and (the values of the block so far), block by block. */
static void expected_scan(double *y, const double *x, int64_t n, int64_t step, op_combine *both)
{
    double carry = 0;
    for (int64_t first = 0; first < n; first += BLOCK) {
        double local = 0;
        for (int64_t i = first; i < n && i < first + BLOCK; i++) {
            local = i == first ? x[i * step] : both(local, x[i * step]);
            y[i * step] = first ? both(carry, local) : local;
        }
        carry = first ? both(carry, local) : local;
    }
}

static int64_t size_of(int ndim, const int64_t *shape)
{
    int64_t size = 1;
    for (int d = 0; d < ndim; d++)
        size *= shape[d];
    return size;
}

/* All sequences along `axis` of an array in C order. */
static double *expected(const double *x, int ndim, const int64_t *shape, int axis, op_combine *both)
{
    int64_t inner = size_of(ndim - axis - 1, shape + axis + 1), outer = size_of(axis, shape), n = shape[axis];
    double *y = malloc(sizeof *y * (size_t)(size_of(ndim, shape) + 1));
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < inner; j++)
            expected_scan(y + o * n * inner + j, x + o * n * inner + j, n, inner, both);
    return y;
}

static double *random_values(int64_t n)
{
    double *x = malloc(sizeof *x * (size_t)(n + 1));
    uint64_t state = 88172645463325252u;
    for (int64_t i = 0; i < n; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        x[i] = ldexp((double)(int64_t)state, -60) + 0.1;
    }
    return x;
}

/* The result as a view with every stride `spread` times as large, and dimensions in C or Fortran order. */
static op_view spread_view(char *memory, int ndim, const int64_t *shape, int64_t spread, int fortran)
{
    int64_t strides[MOST_DIMS], stride = (int64_t)sizeof(double) * spread;
    for (int i = 0; i < ndim; i++) {
        int d = fortran ? i : ndim - 1 - i;
        strides[d] = stride;
        stride *= shape[d];
    }
    return op_view_nd(OP_F64, memory, ndim, shape, strides);
}

/* Elements of a view, in C order, that differ from y; NaN is like NaN. */
static int64_t differences(const op_view *view, const double *y)
{
    int64_t n = size_of(view->ndim, view->shape), count = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, offset = 0;
        for (int d = view->ndim - 1; d >= 0; d--) {
            offset += rest % view->shape[d] * view->strides[d];
            rest /= view->shape[d];
        }
        double value;
        memcpy(&value, (const char *)view->data + offset, sizeof value);
        count += memcmp(&value, &y[i], sizeof value) && !(value != value && y[i] != y[i]);
    }
    return count;
}

static void check_layouts(op_expr *e, int ndim, const int64_t *shape, int axis, const double *y)
{
    static const struct {
        int64_t spread;
        int fortran, shift;
    } layout[] = {{1, 0, 0}, {1, 0, 3}, {3, 0, 0}, {1, 1, 0}};
    size_t bytes = sizeof(double) * 3 * (size_t)size_of(ndim, shape) + 16;
    char *memory = malloc(bytes);
    for (size_t i = 0; i < sizeof layout / sizeof layout[0]; i++)
        for (int threads = 1; threads <= 4; threads += 1 + (threads == 2)) {
            op_view view = spread_view(memory + layout[i].shift, ndim, shape, layout[i].spread, layout[i].fortran);
            memset(memory, 0xa5, bytes);
            ck_assert_int_eq(op_engine_set_threads(engine, threads), OP_OK);
            ck_assert_msg(op_eval(e, view) == OP_OK, "%s", op_last_error()->message);
            ck_assert_msg(differences(&view, y) == 0, "%lld x %lld x %lld, axis %d, layout %zu, %d threads",
                          (long long)shape[0], ndim > 1 ? (long long)shape[1] : 1, ndim > 2 ? (long long)shape[2] : 1,
                          axis, i, threads);
        }
    free(memory);
}

static void check_shape(int ndim, const int64_t *shape, op_builder *build, op_combine *both, double special)
{
    int64_t n = size_of(ndim, shape);
    double *x = random_values(n);
    if (special != 0 && n > 10)
        x[n / 3] = special;
    op_expr *X = op_input(graph, op_view_nd(OP_F64, x, ndim, shape, NULL));
    for (int axis = 0; axis < ndim; axis++) {
        double *y = expected(x, ndim, shape, axis, both);
        check_layouts(build(X, axis), ndim, shape, axis, y);
        free(y);
    }
    free(x);
}

START_TEST(one_sequence_follows_the_documented_order)
{
    static const int64_t n[] = {0, 1, 2, 1023, 1024, 1025, 2048, 5000, 8191, 8192, 8193, 100003};
    for (size_t i = 0; i < sizeof n / sizeof n[0]; i++) {
        check_shape(1, &n[i], op_cumsum, add, 0);
        check_shape(1, &n[i], op_cummax, larger, NAN);
    }
}
END_TEST

START_TEST(every_axis_follows_the_documented_order)
{
    static const int64_t shape[][MOST_DIMS] = {
        {1, 1, 1},     {20000, 7, 1},  {7, 3000, 1},   {40000, 1, 1},  {20000, 2, 1},   {3, 9000, 1},  {5000, 8, 1},
        {3000, 9, 1},  {1030, 600, 1}, {600, 1030, 1}, {2, 1100, 3},   {1100, 2, 3},    {2, 3, 2100},  {50, 40, 30},
        {3, 2500, 40}, {30, 0, 4},     {0, 5, 1},      {2500, 3, 20},  {20, 130, 70}};
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++) {
        check_shape(3, shape[i], op_cumsum, add, INFINITY);
        if (i % 2)
            check_shape(2, shape[i], op_cummax, larger, NAN);
    }
}
END_TEST

START_TEST(whole_numbers_wrap_and_widen)
{
    enum { ROWS = 3000, COLS = 5 };
    static uint16_t x[ROWS][COLS];
    static uint64_t down[ROWS][COLS], across[ROWS][COLS];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++)
            x[i][j] = (uint16_t)(i * 7919 + j * 104729);
    op_expr *X = op_input(graph, OP_VIEW_2D(OP_U16, x, ROWS, COLS));
    ck_assert_int_eq(op_eval(op_cumsum(X, 0), OP_VIEW_2D(OP_U64, down, ROWS, COLS)), OP_OK);
    ck_assert_int_eq(op_eval(op_cumprod(X, 1), OP_VIEW_2D(OP_U64, across, ROWS, COLS)), OP_OK);
    uint64_t sum[COLS] = {0};
    for (int i = 0; i < ROWS; i++) {
        uint64_t product = 1;
        for (int j = 0; j < COLS; j++) {
            ck_assert_uint_eq(down[i][j], sum[j] += x[i][j]);
            ck_assert_uint_eq(across[i][j], product *= x[i][j]);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scans");
    TCase *tests = tcase_create("scans");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, one_sequence_follows_the_documented_order);
    tcase_add_test(tests, every_axis_follows_the_documented_order);
    tcase_add_test(tests, whole_numbers_wrap_and_widen);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
