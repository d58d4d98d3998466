/* Reductions of columns, side by side: the promised order, written down once more, against every level, the interpreter
 * and several threads. Operands end, or begin, where readable memory does. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/isa.h"
#include "onepass/onepass.h"

enum { LEAF = 16, MOST_ROWS = 700, MOST_COLUMNS = 2200 };

/* A matrix whose elements lie in guarded memory. */
typedef struct matrix {
    void *map;
    size_t bytes;
    char *first;
    int64_t strides[2];
} matrix;

typedef struct layout {
    int row_sign, step; /* of columns: elements to the next one, negative ones too */
} layout;

static matrix guarded(int64_t rows, int64_t columns, int64_t size, layout how)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int64_t wide = columns * llabs(how.step), used = size * (rows * wide - llabs(how.step) + 1);
    size_t inner = ((size_t)used + page - 1) / page * page;
    matrix m = {.bytes = inner + 2 * page, .strides = {how.row_sign * wide * size, how.step * size}};
    m.map = mmap(NULL, m.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(m.map != MAP_FAILED && mprotect((char *)m.map + page, inner, PROT_READ | PROT_WRITE) == 0);
    int64_t at_end = (int64_t)inner - used; /* negative strides start at the end */
    m.first = (char *)m.map + page + (how.row_sign < 0 || how.step < 0 ? 0 : at_end);
    m.first += how.row_sign < 0 ? (rows - 1) * wide * size : 0;
    m.first += how.step < 0 ? (columns - 1) * -how.step * size : 0;
    return m;
}

static double *f64_at(const matrix *m, int64_t i, int64_t j)
{
    return (double *)(void *)(m->first + i * m->strides[0] + j * m->strides[1]);
}

static float *f32_at(const matrix *m, int64_t i, int64_t j)
{
    return (float *)(void *)(m->first + i * m->strides[0] + j * m->strides[1]);
}

/* ---- the promised results of one column ---- */

typedef struct moments {
    double n, mean, square;
} moments;

static double sum_of(const double *x, int64_t n)
{
    double leaf[MOST_ROWS / LEAF + 1];
    int64_t leaves = (n + LEAF - 1) / LEAF;
    for (int64_t i = 0; i < leaves; i++) {
        leaf[i] = -0.0;
        for (int64_t k = LEAF * i; k < n && k < LEAF * (i + 1); k++)
            leaf[i] += x[k];
    }
    for (int64_t step = 1; step < leaves; step *= 2)
        for (int64_t i = 0; i + step < leaves; i += 2 * step)
            leaf[i] += leaf[i + step];
    return leaf[0] + 0;
}

static moments leaf_of(const double *x, int64_t n)
{
    moments m = {(double)n, -0.0, 0};
    for (int64_t k = 0; k < n; k++)
        m.mean += x[k];
    m.mean /= m.n;
    for (int64_t k = 0; k < n; k++)
        m.square += (x[k] - m.mean) * (x[k] - m.mean);
    return m;
}

static moments both(moments a, moments b)
{
    double d = b.mean - a.mean, share = b.n / (a.n + b.n);
    return (moments){a.n + b.n, a.mean + d * share, a.square + b.square + d * d * (a.n * share)};
}

static double variance_of(const double *x, int64_t n)
{
    moments leaf[MOST_ROWS / LEAF + 1];
    int64_t leaves = (n + LEAF - 1) / LEAF;
    for (int64_t i = 0; i < leaves; i++)
        leaf[i] = leaf_of(x + LEAF * i, n - LEAF * i < LEAF ? n - LEAF * i : LEAF);
    for (int64_t step = 1; step < leaves; step *= 2)
        for (int64_t i = 0; i + step < leaves; i += 2 * step)
            leaf[i] = both(leaf[i], leaf[i + step]);
    return leaf[0].square / (double)n;
}

/* ---- one matrix on one engine ---- */

typedef struct expected {
    double sum[MOST_COLUMNS], mixed[MOST_COLUMNS], variance[MOST_COLUMNS], largest[MOST_COLUMNS];
} expected;

static void expect(expected *e, const matrix *x, const matrix *y, int64_t rows, int64_t columns)
{
    double v[MOST_ROWS], mixed[MOST_ROWS];
    for (int64_t j = 0; j < columns; j++) {
        e->largest[j] = -INFINITY;
        for (int64_t i = 0; i < rows; i++) {
            v[i] = *f64_at(x, i, j);
            mixed[i] = v[i] * (double)*f32_at(y, i, j) + 0.5;
            e->largest[j] = v[i] > e->largest[j] ? v[i] : e->largest[j];
        }
        e->sum[j] = sum_of(v, rows);
        e->mixed[j] = sum_of(mixed, rows);
        e->variance[j] = variance_of(v, rows);
    }
}

static void compare(const double *got, const double *want, int64_t columns, const char *what, int64_t rows)
{
    for (int64_t j = 0; j < columns; j++)
        ck_assert_msg(!memcmp(&got[j], &want[j], sizeof *got), "%s of %lld x %lld, column %lld: %.17g, not %.17g", what,
                      (long long)rows, (long long)columns, (long long)j, got[j], want[j]);
}

/* Sums alone, sums of mixed dtypes with an extreme in one pass, deviations alone and with a sum. */
static void check_on(op_engine *engine, const expected *e, const matrix *x, const matrix *y, int64_t rows, int64_t columns)
{
    int64_t shape[2] = {rows, columns};
    double *out[3];
    op_view to[3];
    matrix room[3];
    for (int i = 0; i < 3; i++) {
        room[i] = guarded(1, columns, sizeof(double), (layout){1, 1});
        out[i] = (double *)(void *)room[i].first;
        to[i] = OP_VIEW_1D(OP_F64, out[i], columns);
    }
    op_graph *graph = op_graph_new(engine);
    op_expr *X = op_input(graph, op_view_nd(OP_F64, x->first, 2, shape, x->strides));
    op_expr *Y = op_input(graph, op_view_nd(OP_F32, y->first, 2, shape, y->strides));
    op_expr *sum = op_sum(X, OP_AXIS(0), 0), *largest = op_max(X, OP_AXIS(0), 0), *variance = op_var(X, OP_AXIS(0), 0);
    op_expr *mixed = op_sum(op_add(op_multiply(X, Y), op_scalar(graph, 0.5)), OP_AXIS(0), 0);
    ck_assert_int_eq(op_eval(sum, to[0]), OP_OK);
    compare(out[0], e->sum, columns, "the sum", rows);
    ck_assert_int_eq(op_eval_many(graph, 2, (op_expr *[]){mixed, largest}, to), OP_OK);
    compare(out[0], e->mixed, columns, "the sum of products", rows);
    compare(out[1], e->largest, columns, "the largest", rows);
    ck_assert_int_eq(op_eval(variance, to[0]), OP_OK);
    compare(out[0], e->variance, columns, "the variance", rows);
    ck_assert_int_eq(op_eval_many(graph, 3, (op_expr *[]){sum, variance, largest}, to), OP_OK);
    compare(out[0], e->sum, columns, "the sum beside the variance", rows);
    compare(out[1], e->variance, columns, "the variance beside the sum", rows);
    compare(out[2], e->largest, columns, "the largest beside the variance", rows);
    op_graph_free(graph);
    for (int i = 0; i < 3; i++)
        munmap(room[i].map, room[i].bytes);
}

static void check_matrices(op_engine *engine)
{
    static const int64_t shapes[][2] = {{1, 40},   {2, 33},  {16, 32}, {17, 64},   {40, 7},     {33, 2},   {50, 100},
                                        {48, 127}, {64, 65}, {15, 47}, {30, 2101}, {700, 129}, {257, 300}};
    static const layout layouts[] = {{1, 1}, {-1, 1}, {1, -1}, {1, 2}, {-1, -3}};
    expected *e = malloc(sizeof *e);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
            int64_t rows = shapes[s][0], columns = shapes[s][1];
            matrix x = guarded(rows, columns, sizeof(double), layouts[l]);
            matrix y = guarded(rows, columns, sizeof(float), layouts[s % 3]);
            for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < columns; j++) {
                    *f64_at(&x, i, j) = sin((double)(i * columns + j)) * exp((double)((i + j) % 13));
                    *f32_at(&y, i, j) = (float)cos((double)(i + 3 * j));
                }
            expect(e, &x, &y, rows, columns);
            check_on(engine, e, &x, &y, rows, columns);
            munmap(x.map, x.bytes);
            munmap(y.map, y.bytes);
        }
    free(e);
}

static void check_engine(const char *isa, int threads, unsigned flags)
{
    op_options options = {.isa = isa, .threads = threads, .flags = flags};
    op_engine *engine = op_engine_new(&options);
    ck_assert_msg(engine != NULL, "%s", op_last_error()->message);
    check_matrices(engine);
    op_engine_free(engine);
}

START_TEST(on_every_level)
{
    for (int i = 0; op_isa_level(i); i++)
        if (op_isa_runs(op_isa_from_name(op_isa_level(i))))
            check_engine(op_isa_level(i), 1, 0);
}
END_TEST

START_TEST(in_the_interpreter)
{
    check_engine(NULL, 1, OP_ENGINE_INTERPRET);
}
END_TEST

START_TEST(on_several_threads)
{
    check_engine(NULL, 3, 0);
}
END_TEST

/* Rows of a leaf in two dimensions, which do not merge. */
START_TEST(of_three_dimensions)
{
    enum { A = 3, B = 11, C = 70 };
    static double x[A * B * C], got[A * C];
    op_engine *engine = op_engine_new(NULL);
    op_graph *graph = op_graph_new(engine);
    for (int i = 0; i < A * B * C; i++)
        x[i] = sin(i) * exp(i % 11);
    op_expr *X = op_input(graph, op_view_nd(OP_F64, x, 3, (int64_t[]){A, B, C}, NULL));
    double column[A * B], want[A * C], squares[A * C];
    for (int c = 0; c < C; c++) {
        for (int i = 0; i < A * B; i++)
            column[i] = x[i * C + c];
        want[c] = sum_of(column, A * B);
        squares[c] = variance_of(column, A * B);
    }
    op_expr *inner = op_slice(X, 2, 1, C - 1, 1);
    ck_assert_int_eq(op_eval(op_sum(inner, OP_AXES(0, 1), 0), OP_VIEW_1D(OP_F64, got, C - 2)), OP_OK);
    compare(got, want + 1, C - 2, "the sum", A * B);
    op_expr *every_other = op_slice(X, 1, 0, B, 2);
    ck_assert_int_eq(op_eval(op_var(X, OP_AXES(0, 1), 0), OP_VIEW_1D(OP_F64, got, C)), OP_OK);
    compare(got, squares, C, "the variance", A * B);
    for (int c = 0; c < C; c++) {
        for (int i = 0; i < A * 6; i++)
            column[i] = x[(i / 6 * B + i % 6 * 2) * C + c];
        want[c] = sum_of(column, A * 6);
        squares[c] = variance_of(column, A * 6);
    }
    ck_assert_int_eq(op_eval(op_sum(every_other, OP_AXES(0, 1), 0), OP_VIEW_1D(OP_F64, got, C)), OP_OK);
    compare(got, want, C, "the sum of every other", A * 6);
    ck_assert_int_eq(op_eval(op_var(every_other, OP_AXES(0, 1), 0), OP_VIEW_1D(OP_F64, got, C)), OP_OK);
    compare(got, squares, C, "the variance of every other", A * 6);
    op_graph_free(graph);
    op_engine_free(engine);
}
END_TEST

/* Operand and result are not aligned to their elements: sanitizers tell. */
START_TEST(at_any_address)
{
    enum { R = 40, N = 300 };
    static char x[8 * R * N + 8], got[8 * N + 8];
    for (int i = 0; i < R * N; i++) {
        double value = i % 7;
        memcpy(x + 3 + 8 * i, &value, sizeof value);
    }
    op_engine *engine = op_engine_new(&(op_options){.flags = OP_ENGINE_NO_ENV | OP_ENGINE_INTERPRET});
    op_graph *graph = op_graph_new(engine);
    op_expr *operand = op_input(graph, OP_VIEW_2D(OP_F64, x + 3, R, N));
    ck_assert_int_eq(op_eval(op_sum(operand, OP_AXIS(0), 0), OP_VIEW_1D(OP_F64, got + 3, N)), OP_OK);
    for (int j = 0; j < N; j++) {
        double sum = 0, result;
        for (int i = 0; i < R; i++)
            sum += (i * N + j) % 7;
        memcpy(&result, got + 3 + 8 * j, sizeof result);
        ck_assert_double_eq(result, sum);
    }
    op_graph_free(graph);
    op_engine_free(engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("columns");
    TCase *tests = tcase_create("columns");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, on_every_level);
    tcase_add_test(tests, in_the_interpreter);
    tcase_add_test(tests, on_several_threads);
    tcase_add_test(tests, of_three_dimensions);
    tcase_add_test(tests, at_any_address);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
