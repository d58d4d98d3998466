/* Stages of a row in one kernel: what is stored and folded at once has the bits of node by node, at every level, and
 * nothing outside of the operands is touched. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "onepass/onepass.h"
#include "onepass/sugar.h"

enum { MOST_LEVELS = 8, ROWS = 9 };

static op_engine *engines[MOST_LEVELS + 1]; /* the last one interprets */
static int n_engine;

static void begin(void)
{
    op_options options = {.flags = OP_ENGINE_NO_ENV};
    n_engine = 0;
    for (int i = 0; (options.isa = op_isa_level(i)) && n_engine < MOST_LEVELS; i++)
        engines[n_engine++] = op_engine_new(&options);
    options.isa = NULL;
    options.flags |= OP_ENGINE_INTERPRET;
    engines[n_engine++] = op_engine_new(&options);
}

static void end(void)
{
    for (int i = 0; i < n_engine; i++)
        op_engine_free(engines[i]);
}

typedef struct room {
    void *map;
    size_t bytes;
    char *data; /* ends where memory ends */
} room;

static room guarded(int64_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = ((size_t)bytes + page - 1) / page * page;
    room r = {.bytes = used + page};
    r.map = mmap(NULL, r.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(r.map != MAP_FAILED && mprotect((char *)r.map + used, page, PROT_NONE) == 0);
    r.data = (char *)r.map + used - bytes;
    return r;
}

static void fill(op_dtype dtype, void *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double x = i % 97 == 5 ? -800 : 6 * sin((double)(i * i % 1009)) + (double)(i % 7);
        if (dtype == OP_F32)
            ((float *)data)[i] = (float)x;
        else
            ((double *)data)[i] = x;
    }
}

/* exp(x - max(x)), its sum and its share of it along rows. */
static void build(op_expr *x, op_expr *y[3])
{
    y[0] = op_exp((op_sub)(x, op_max(x, OP_AXIS(1), OP_KEEPDIMS)));
    y[1] = op_sum(y[0], OP_AXIS(1), OP_KEEPDIMS);
    y[2] = (op_div)(y[0], y[1]);
}

static void evaluate(op_expr *e, op_view to)
{
    ck_assert_msg(op_eval(e, to) == OP_OK, "%s", op_last_error()->message);
}

/* Node by node, by the interpreter. */
static void expect(op_view in, op_view out[3])
{
    op_graph *graph = op_graph_new(engines[n_engine - 1]);
    int64_t rows = in.shape[0];
    char *top = malloc(8 * (size_t)rows), *shifted = malloc(8 * (size_t)(rows * in.shape[1]));
    op_view tops = OP_VIEW_2D(in.dtype, top, rows, 1), rest = OP_VIEW_2D(in.dtype, shifted, rows, in.shape[1]);
    evaluate(op_max(op_input(graph, in), OP_AXIS(1), OP_KEEPDIMS), tops);
    evaluate((op_sub)(op_input(graph, in), op_input(graph, tops)), rest);
    evaluate(op_exp(op_input(graph, rest)), out[0]);
    evaluate(op_sum(op_input(graph, out[0]), OP_AXIS(1), OP_KEEPDIMS), out[1]);
    evaluate((op_div)(op_input(graph, out[0]), op_input(graph, out[1])), out[2]);
    op_graph_free(graph);
    free(top), free(shifted);
}

static int same(op_view a, const char *data, int64_t stride)
{
    int64_t size = op_dtype_size(a.dtype);
    for (int64_t i = 0; i < a.shape[0] * a.shape[1]; i++)
        if (memcmp((char *)a.data + i * size, data + i * stride, (size_t)size))
            return 0;
    return 1;
}

/* One width: all results at once, the last alone, one that is not contiguous, and over the operand. */
static void check_width(op_engine *engine, op_dtype dtype, int64_t n, op_view want[3])
{
    int64_t size = op_dtype_size(dtype), bytes = ROWS * n * size;
    op_graph *graph = op_graph_new(engine);
    room in = guarded(bytes), out[3] = {guarded(bytes), guarded(ROWS * size), guarded(bytes)}, wide = guarded(2 * bytes);
    const char *level = op_engine_isa(engine);
    op_expr *y[3];
    op_launch launch;
    fill(dtype, in.data, ROWS * n);
    build(op_input(graph, OP_VIEW_2D(dtype, in.data, ROWS, n)), y);
    op_view all[3] = {OP_VIEW_2D(dtype, out[0].data, ROWS, n), OP_VIEW_2D(dtype, out[1].data, ROWS, 1),
                      OP_VIEW_2D(dtype, out[2].data, ROWS, n)};
    ck_assert_int_eq(op_eval_many(graph, 3, y, all), OP_OK);
    ck_assert_int_eq(op_last_launch(graph, &launch), OP_OK);
    ck_assert_int_eq(launch.passes, 1);
    ck_assert_int_eq(launch.kernels, 3); /* max; exp and sum; division */
    for (int k = 0; k < 3; k++)
        ck_assert_msg(same(want[k], out[k].data, size), "%s, %s[%lld], result %d", level, op_dtype_name(dtype), (long long)n, k);

    memset(out[2].data, 0, (size_t)bytes);
    evaluate(y[2], all[2]);
    ck_assert_msg(same(want[2], out[2].data, size), "%s, %s[%lld] alone", level, op_dtype_name(dtype), (long long)n);

    int64_t shape[2] = {ROWS, n}, strides[2] = {2 * n * size, 2 * size};
    all[0] = op_view_nd(dtype, wide.data, 2, shape, strides);
    ck_assert_int_eq(op_eval_many(graph, 3, y, all), OP_OK);
    ck_assert_msg(same(want[0], wide.data, 2 * size), "%s, %s[%lld] strided", level, op_dtype_name(dtype), (long long)n);
    ck_assert_msg(same(want[2], out[2].data, size), "%s, %s[%lld] beside strided", level, op_dtype_name(dtype), (long long)n);

    all[0] = OP_VIEW_2D(dtype, in.data, ROWS, n); /* each row over itself */
    ck_assert_int_eq(op_eval_many(graph, 3, y, all), OP_OK);
    ck_assert_msg(same(want[0], in.data, size) && same(want[2], out[2].data, size), "%s, %s[%lld] in place", level,
                  op_dtype_name(dtype), (long long)n);
    op_graph_free(graph);
    munmap(in.map, in.bytes), munmap(wide.map, wide.bytes);
    for (int k = 0; k < 3; k++)
        munmap(out[k].map, out[k].bytes);
}

START_TEST(storing_and_folding_have_the_bits_of_node_by_node)
{
    static const int64_t widths[] = {256, 257, 264, 287, 511, 512, 513, 1000, 1023, 4099, 17000};
    static const op_dtype dtypes[] = {OP_F32, OP_F64};
    for (size_t i = 0; i < 2 * sizeof widths / sizeof *widths; i++) {
        op_dtype dtype = dtypes[i % 2];
        int64_t n = widths[i / 2], bytes = ROWS * n * op_dtype_size(dtype);
        char *in = malloc((size_t)bytes), *out[3] = {malloc((size_t)bytes), malloc(8 * ROWS), malloc((size_t)bytes)};
        op_view want[3] = {OP_VIEW_2D(dtype, out[0], ROWS, n), OP_VIEW_2D(dtype, out[1], ROWS, 1),
                           OP_VIEW_2D(dtype, out[2], ROWS, n)};
        fill(dtype, in, ROWS * n);
        expect(OP_VIEW_2D(dtype, in, ROWS, n), want);
        for (int e = 0; e < n_engine; e++)
            check_width(engines[e], dtype, n, want);
        free(in), free(out[0]), free(out[1]), free(out[2]);
    }
}
END_TEST

/* Arrays that are larger than the cache are stored past it, from the first whole cache line of a row to the last. */
START_TEST(rows_begin_anywhere_in_a_cache_line)
{
    enum { N = 1003, LONG = 6000, AT_ONCE = 500 };
    double *x = malloc(sizeof *x * LONG * N), *y = malloc(sizeof *y * (LONG * N + 8)), *part = malloc(sizeof *y * AT_ONCE * N);
    fill(OP_F64, x, LONG * N);
    op_graph *graph = op_graph_new(engines[n_engine - 2]);
    for (int shift = 0; shift < 8; shift += 3) {
        for (int64_t i = 0; i < LONG * N + 8; i++)
            y[i] = 7;
        evaluate(op_softmax(op_input(graph, OP_VIEW_2D(OP_F64, x, LONG, N)), OP_AXIS(1), 0),
                 OP_VIEW_2D(OP_F64, y + shift, LONG, N));
        for (int64_t r = 0; r < LONG; r += AT_ONCE) {
            evaluate(op_softmax(op_input(graph, OP_VIEW_2D(OP_F64, x + r * N, AT_ONCE, N)), OP_AXIS(1), 0),
                     OP_VIEW_2D(OP_F64, part, AT_ONCE, N));
            ck_assert_msg(!memcmp(part, y + shift + r * N, sizeof *part * AT_ONCE * N), "shift %d, rows from %lld", shift,
                          (long long)r);
        }
        for (int i = 0; i < 8; i++)
            ck_assert_double_eq(y[i < shift ? i : LONG * N + i], 7);
    }
    op_graph_free(graph);
    free(x), free(y), free(part);
}
END_TEST

/* Two outputs whose rows begin alike in a cache line, but of elements of different sizes. */
START_TEST(outputs_of_two_sizes_begin_anywhere_in_a_cache_line)
{
    enum { N = 1000, LONG = 6000, WIDE = N + 2, NARROW = N + 12 }; /* rows of 16 mod 64 bytes */
    double *x = malloc(sizeof *x * LONG * N), *y = aligned_alloc(64, sizeof *y * LONG * WIDE);
    float *z = aligned_alloc(64, sizeof *z * LONG * NARROW);
    int64_t shape[2] = {LONG, N}, wide[2] = {8 * WIDE, 8}, narrow[2] = {4 * NARROW, 4};
    fill(OP_F64, x, LONG * N);
    for (int64_t i = 0; i < LONG * NARROW; i++)
        z[i] = 7;
    op_graph *graph = op_graph_new(engines[n_engine - 2]);
    op_expr *e = op_input(graph, OP_VIEW_2D(OP_F64, x, LONG, N));
    e = (op_sub)(e, op_max(e, OP_AXIS(1), OP_KEEPDIMS));
    op_view to[2] = {op_view_nd(OP_F64, y, 2, shape, wide), op_view_nd(OP_F32, z, 2, shape, narrow)};
    ck_assert_int_eq(op_eval_many(graph, 2, (op_expr *[]){e, op_cast(e, OP_F32)}, to), OP_OK);
    for (int64_t r = 0; r < LONG; r++) {
        double most = x[r * N];
        for (int64_t i = 0; i < N; i++)
            most = fmax(most, x[r * N + i]);
        for (int64_t i = 0; i < N; i++)
            ck_assert(y[r * WIDE + i] == x[r * N + i] - most && z[r * NARROW + i] == (float)(x[r * N + i] - most));
        for (int64_t i = N; i < NARROW; i++)
            ck_assert(z[r * NARROW + i] == 7);
    }
    op_graph_free(graph);
    free(x), free(y), free(z);
}
END_TEST

/* ---- results of rows ---- */

enum { APART = 3 /* elements from one result to the next */ };

static op_expr *(*const reductions[])(op_expr *, op_axes, int) = {op_sum, op_prod, op_max,    op_min,
                                                                       op_any, op_all,  op_nanmax, op_nanmin};
enum { REDUCTIONS = sizeof reductions / sizeof *reductions };

/* Reduction r of ROWS rows of n, into results that lie apart from one another, the first one not aligned. */
static void reduce_rows(op_engine *engine, int r, op_dtype dtype, char *x, int64_t n, char *results, int64_t bytes)
{
    op_graph *graph = op_graph_new(engine);
    op_expr *e = reductions[r](op_input(graph, OP_VIEW_2D(dtype, x, ROWS, n)), OP_AXIS(1), 0);
    int64_t size = op_dtype_size(op_expr_dtype(e)), shape[1] = {ROWS}, strides[1] = {APART * size};
    memset(results, 0x55, (size_t)bytes);
    op_view to = op_view_nd(op_expr_dtype(e), results + 1, 1, shape, strides);
    ck_assert_msg(op_eval(e, to) == OP_OK, "%s", op_last_error()->message);
    op_graph_free(graph);
}

static void check_results(op_dtype dtype, int64_t n)
{
    int64_t size = ROWS * n * op_dtype_size(dtype);
    room x = guarded(size);
    fill(dtype, x.data, ROWS * n);
    for (int64_t row = 3; row < 6; row++) /* with NaN, infinities, and zeros of both signs */
        for (int64_t k = 0; k < 3; k++) {
            static const double special[3][3] = {{NAN, 5000, -INFINITY}, {INFINITY, -INFINITY, -0.0}, {0.0, -0.0, 0.0}};
            int64_t at = row * n + (n - 1) * k / 2;
            if (dtype == OP_F32)
                ((float *)x.data)[at] = (float)special[row - 3][k];
            else
                ((double *)x.data)[at] = special[row - 3][k];
        }
    for (int r = 0; r < REDUCTIONS; r++) {
        char want[8 * APART * ROWS + 8], got[sizeof want];
        reduce_rows(engines[n_engine - 1], r, dtype, x.data, n, want, sizeof want);
        for (int e = 0; e < n_engine - 1; e++) {
            reduce_rows(engines[e], r, dtype, x.data, n, got, sizeof got);
            ck_assert_msg(!memcmp(got, want, sizeof want), "level %d, reduction %d, %s[%lld]", e, r, op_dtype_name(dtype),
                          (long long)n);
        }
    }
    munmap(x.map, x.bytes);
}

START_TEST(rows_of_any_length_have_the_results_of_the_interpreter)
{
    for (int64_t n = 1; n <= 2100; n += n < 40 || (n > 505 && n < 516) || (n > 1020 && n < 1028) ? 1 : 61) {
        check_results(OP_F64, n);
        check_results(OP_F32, n);
    }
}
END_TEST

/* Rows of an array with turned dimensions, to results with turned dimensions, are those of each row alone. */
START_TEST(rows_of_turned_arrays_are_those_of_each_row_alone)
{
    enum { A = 5, B = 7, MOST = 1100 };
    static const int64_t widths[] = {40, 512, 600, 1024, 1100};
    double *x = malloc(sizeof *x * A * B * MOST), y[A * B], alone;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        int64_t n = widths[w], shape[3] = {A, B, n}, strides[3] = {8 * n, 8 * A * n, 8}, to[2] = {8, 8 * A};
        fill(OP_F64, x, A * B * n);
        for (int e = 0; e < n_engine; e++) {
            op_graph *graph = op_graph_new(engines[e]);
            op_expr *b = op_input(graph, op_view_nd(OP_F64, x, 3, shape, strides));
            evaluate(op_sum((op_mul)(b, b), OP_AXIS(2), 0), op_view_nd(OP_F64, y, 2, shape, to));
            for (int64_t i = 0; i < A * B; i++) { /* in memory, rows and results lie in the same order */
                op_expr *row = op_input(graph, OP_VIEW_1D(OP_F64, x + i * n, n));
                evaluate(op_sum((op_mul)(row, row), op_axes_all(), 0), op_view_nd(OP_F64, &alone, 0, NULL, NULL));
                ck_assert_msg(!memcmp(&y[i], &alone, sizeof alone), "row %lld of %lld", (long long)i, (long long)n);
            }
            op_graph_free(graph);
        }
    }
    free(x);
}
END_TEST

/* ---- bits that only the order decides ---- */

enum { SUM, MAX, MIN, EXACT };

static double both(int what, double before, double value)
{
    if (what == SUM)
        return before + value;
    int wins = what == MAX ? value > before : value < before;
    return wins || isnan(value) ? value : before;
}

/* n <= 2 * OP_LEAF elements in the order of expr/lanes.h. */
static double in_order(int what, const double *x, int64_t n)
{
    enum { LANES = 32, LEAF = 512 };
    double lane[2][LANES];
    for (int64_t j = 0; j < 2 * LANES; j++)
        lane[j / LANES][j % LANES] = what == SUM ? -0.0 : what == MAX ? -INFINITY : INFINITY;
    for (int64_t i = 0; i < n; i++)
        lane[i / LEAF][i % LANES] = both(what, lane[i / LEAF][i % LANES], x[i]);
    for (int j = 0; j < LANES && n > LEAF; j++)
        lane[0][j] = both(what, lane[0][j], lane[1][j]);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            lane[0][j] = both(what, lane[0][j], lane[0][j + half]);
    return what == SUM ? lane[0][0] + 0 : lane[0][0];
}

/* Zeros of both signs; with NaNs of many payloads; -0 alone. */
static void fill_zeros(double *x, int64_t n, int kind)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t h = ((uint64_t)i * 0x9e3779b97f4a7c15u + (uint64_t)n) >> 20;
        uint64_t nan = 0x7ff8000000000000u | (h & 0xffff) | (h >> 17 & 1) << 63;
        x[i] = kind == 2 || (h & 1) ? -0.0 : 0.0;
        if (kind == 1 && (h >> 3) % 7 == 0)
            memcpy(&x[i], &nan, sizeof nan);
    }
}

/* One reduction of x, and the largest of x beside the smallest of y. */
static void check_order(op_engine *engine, const double *x, const double *y, int64_t n, int what)
{
    double got[3][ROWS], want;
    op_expr *(*const reduce[])(op_expr *, op_axes, int) = {op_sum, op_max, op_min};
    op_graph *graph = op_graph_new(engine);
    op_expr *b = op_input(graph, OP_VIEW_2D(OP_F64, (double *)(uintptr_t)x, ROWS, n));
    op_expr *c = op_input(graph, OP_VIEW_2D(OP_F64, (double *)(uintptr_t)y, ROWS, n));
    evaluate(reduce[what](b, OP_AXIS(1), 0), OP_VIEW_1D(OP_F64, got[0], ROWS));
    op_expr *two[2] = {op_max(b, OP_AXIS(1), 0), op_min(c, OP_AXIS(1), 0)};
    op_view to[2] = {OP_VIEW_1D(OP_F64, got[1], ROWS), OP_VIEW_1D(OP_F64, got[2], ROWS)};
    ck_assert_int_eq(op_eval_many(graph, 2, two, to), OP_OK);
    op_graph_free(graph);
    for (int64_t r = 0; r < 3 * ROWS; r++) {
        const double *row = (r < 2 * ROWS ? x : y) + r % ROWS * n;
        want = in_order(r < ROWS ? what : r < 2 * ROWS ? MAX : MIN, row, n);
        ck_assert_msg(!memcmp(&got[r / ROWS][r % ROWS], &want, sizeof want), "row %lld of %lld", (long long)r, (long long)n);
    }
}

START_TEST(zeros_and_nans_are_combined_in_order)
{
    for (int64_t n = 1; n <= 1024; n += n < 40 ? 1 : 53) {
        double *x = malloc(sizeof *x * (size_t)(ROWS * n)), *y = malloc(sizeof *y * (size_t)(ROWS * n));
        for (int kind = 0; kind < 3; kind++)
            for (int what = kind == 1 ? MAX : SUM; what < EXACT; what++) /* sums of NaNs have any payload */
                for (int e = 0; e < n_engine; e++) {
                    fill_zeros(x, ROWS * n, kind);
                    fill_zeros(y, ROWS * n, (kind + 1) % 3);
                    check_order(engines[e], x, y, n, what);
                }
        free(x), free(y);
    }
}
END_TEST

static double extreme_of(const double *x, int64_t n, int least)
{
    double best = x[0];
    for (int64_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return x[i];
        else if (least ? x[i] < best : x[i] > best)
            best = x[i];
    return best;
}

/* The quick loop must not lose what only the other one keeps. */
START_TEST(no_nan_of_a_row_is_lost)
{
    static const int64_t widths[] = {7, 31, 32, 33, 512, 513, 1000, 1024, 1300};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        int64_t n = widths[w];
        double *x = malloc(sizeof *x * (size_t)(n * n)), *y = malloc(sizeof *y * (size_t)n);
        fill(OP_F64, x, n * n);
        for (int64_t i = 0; i < n; i++) /* one in each row, and none in the last */
            x[i * n + i] = i + 1 < n ? NAN : INFINITY;
        for (int e = 0; e < n_engine; e++)
            for (int least = 0; least < 2; least++) {
                op_graph *graph = op_graph_new(engines[e]);
                op_expr *b = op_input(graph, OP_VIEW_2D(OP_F64, x, n, n));
                evaluate(least ? op_min(b, OP_AXIS(1), 0) : op_max(b, OP_AXIS(1), 0), OP_VIEW_1D(OP_F64, y, n));
                op_graph_free(graph);
                for (int64_t i = 0; i < n; i++) {
                    double want = extreme_of(x + i * n, n, least);
                    ck_assert_msg(isnan(want) ? isnan(y[i]) : y[i] == want, "row %lld of %lld", (long long)i, (long long)n);
                }
            }
        free(x), free(y);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *tests = tcase_create("rows");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, storing_and_folding_have_the_bits_of_node_by_node);
    tcase_add_test(tests, rows_begin_anywhere_in_a_cache_line);
    tcase_add_test(tests, outputs_of_two_sizes_begin_anywhere_in_a_cache_line);
    tcase_add_test(tests, rows_of_any_length_have_the_results_of_the_interpreter);
    tcase_add_test(tests, rows_of_turned_arrays_are_those_of_each_row_alone);
    tcase_add_test(tests, zeros_and_nans_are_combined_in_order);
    tcase_add_test(tests, no_nan_of_a_row_is_lost);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
