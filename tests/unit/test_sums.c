/* Sums: their order, compensated ones and where the two must agree, masks, and no memory. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* The deviations give the sum of what they have on the way, to one sum only, and once. */
START_TEST(sums_beside_deviations)
{
    enum { N = 1200 };
    double x[N], kept[4][2], got[6];
    for (int i = 0; i < N; i++)
        x[i] = (double)(i % 10);
    for (int n = 1; n <= N; n += n < 3 ? 1 : 399) {
        double sum = 0, squares = 0;
        for (int i = 0; i < n; i++)
            sum += x[i], squares += x[i] * x[i];
        op_expr *X = input(x, n);
        op_expr *exprs[] = {op_var(X, OP_ALL, 0), op_var(X, OP_ALL, OP_KEEPDIMS), op_sum(X, OP_ALL, 0),
                            op_sum(X, OP_ALL, OP_KEEPDIMS), op_mean(X, OP_ALL, 0), op_max(X, OP_ALL, 0)};
        op_view outs[6];
        for (int k = 0; k < 6; k++)
            outs[k] = k == 1 || k == 3 ? OP_VIEW_1D(OP_F64, kept[k], 1) : OP_VIEW_0D(OP_F64, &got[k]);
        ck_assert_int_eq(op_eval_many(graph, 6, exprs, outs), OP_OK);
        ck_assert_double_eq_tol(got[0], squares / n - sum / n * (sum / n), 1e-12);
        ck_assert_double_eq(kept[1][0], got[0]);
        ck_assert_double_eq(got[2], sum);
        ck_assert_double_eq(kept[3][0], sum);
        ck_assert_double_eq(got[4], sum / n);
    }
}
END_TEST

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

START_TEST(exponentials_with_a_mask)
{
    double x[] = {2000, 1, 1};
    op_expr *X = input(x, 3);
    op_reduce_options options = {.where = (op_less)(X, op_scalar(graph, 1000))};
    ck_assert_double_eq_tol(value_of(op_logsumexp_opt(X, OP_ALL, &options)), 1 + log(2), 1e-15);
    options.where = (op_less)(X, op_scalar(graph, 0));
    ck_assert_double_eq(value_of(op_logsumexp_opt(X, OP_ALL, &options)), -INFINITY);
    ck_assert_ptr_null(op_softmax_opt(X, OP_ALL, &options));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_INVALID);
}
END_TEST

static long before_failure;

/* Memory that is not zero by chance. */
static void *failing_alloc(size_t bytes, void *ctx)
{
    (void)ctx;
    void *memory = before_failure-- > 0 ? aligned_alloc(64, (bytes + 64) / 64 * 64) : NULL;
    return memory ? memset(memory, 0xa5, bytes) : NULL;
}

static void plain_free(void *memory, void *ctx)
{
    (void)ctx;
    free(memory);
}

/* Thirty sums of as many operands in one pass, each allocation failing once. */
START_TEST(many_sums_without_memory_fail)
{
    enum { SUMS = 30, ROWS = 40, COLUMNS = 50 };
    static double x[ROWS][COLUMNS], out[SUMS][ROWS];
    op_options options = {.alloc = failing_alloc, .free = plain_free, .threads = 1, .flags = OP_ENGINE_INTERPRET};
    op_status status = OP_ERR_MEMORY;
    for (long k = 1; status != OP_OK; k++) {
        op_expr *e[SUMS] = {NULL};
        op_view outs[SUMS];
        before_failure = k;
        op_engine *own = op_engine_new(&options);
        op_graph *mine = own ? op_graph_new(own) : NULL;
        op_expr *X = mine ? op_input(mine, OP_VIEW_2D(OP_F64, x, ROWS, COLUMNS)) : NULL;
        for (int i = 0; i < SUMS; i++) {
            outs[i] = OP_VIEW_1D(OP_F64, out[i], ROWS);
            e[i] = X ? op_sum((op_add)(X, op_scalar(mine, i)), OP_AXIS(1), 0) : NULL;
        }
        status = e[SUMS - 1] ? op_eval_many(mine, SUMS, e, outs) : OP_ERR_MEMORY;
        ck_assert(status == OP_OK || status == OP_ERR_MEMORY);
        op_graph_free(mine);
        op_engine_free(own);
        ck_assert_int_lt(k, 2000);
    }
    ck_assert_double_eq(out[SUMS - 1][ROWS - 1], (SUMS - 1) * COLUMNS);
}
END_TEST

/* What is computed aside, once for all rows, may be the first stage of a plan. */
START_TEST(weights_without_memory_fail)
{
    enum { ROWS = 40, COLUMNS = 50 };
    static double x[ROWS][COLUMNS], weight[COLUMNS], out[ROWS];
    op_options options = {.alloc = failing_alloc, .free = plain_free, .threads = 1, .flags = OP_ENGINE_INTERPRET};
    op_status status = OP_ERR_MEMORY;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            x[i][j] = i;
    for (long k = 1; status != OP_OK; k++) {
        before_failure = k;
        op_engine *own = op_engine_new(&options);
        op_graph *mine = own ? op_graph_new(own) : NULL;
        op_expr *X = mine ? op_input(mine, OP_VIEW_2D(OP_F64, x, ROWS, COLUMNS)) : NULL;
        op_expr *W = X ? op_exp(op_input(mine, OP_VIEW_1D(OP_F64, weight, COLUMNS))) : NULL;
        op_expr *e = W ? op_sum((op_multiply)(X, W), OP_AXIS(1), 0) : NULL;
        status = e ? op_eval(e, OP_VIEW_1D(OP_F64, out, ROWS)) : OP_ERR_MEMORY;
        ck_assert(status == OP_OK || status == OP_ERR_MEMORY);
        op_graph_free(mine);
        op_engine_free(own);
        ck_assert_int_lt(k, 2000);
    }
    ck_assert_double_eq(out[ROWS - 1], (ROWS - 1) * COLUMNS);
}
END_TEST

/* The promised order, written down once more: lanes of leaves, leaves in a binary tree, halves of lanes. */
static double tree_of(double (*leaf)[32], int64_t n)
{
    for (int64_t step = 1; step < n; step *= 2)
        for (int64_t i = 0; i + step < n; i += 2 * step)
            for (int j = 0; j < 32; j++)
                leaf[i][j] += leaf[i + step][j];
    for (int half = 16; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            leaf[0][j] += leaf[0][j + half];
    return leaf[0][0] + 0;
}

static double sum_in_order(const double *x, int64_t n, int64_t stride)
{
    int64_t leaves = (n + 511) / 512;
    double(*leaf)[32] = malloc(sizeof *leaf * (size_t)(leaves + 1));
    for (int64_t i = 0; i < leaves; i++)
        for (int j = 0; j < 32; j++) {
            leaf[i][j] = -0.0;
            for (int64_t at = 512 * i + j; at < n && at < 512 * (i + 1); at += 32)
                leaf[i][j] += x[at * stride];
        }
    double sum = tree_of(leaf, leaves);
    free(leaf);
    return sum;
}

/* Room for n values that ends where readable memory ends. */
static double *guarded(int64_t n, void **map, size_t *bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (sizeof(double) * (size_t)n + page - 1) / page * page;
    *bytes = used + page;
    *map = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(*map != MAP_FAILED && mprotect((char *)*map + used, page, PROT_NONE) == 0);
    return (double *)(void *)((char *)*map + used) - n;
}

/* Folded sequences, short rows, and columns that were turned inside out have the promised bits. */
START_TEST(in_the_promised_order)
{
    static const int64_t shapes[][2] = {{1, 1},   {1, 31},  {1, 33},   {3, 512},  {2, 513},    {1, 16384}, {2, 16385},
                                        {3, 100}, {100, 7}, {200, 32}, {100, 33}, {1, 200000}, {70, 1100}, {64, 40}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t rows = shapes[s][0], n = shapes[s][1];
        void *map, *out_map;
        size_t bytes, out_bytes;
        double *x = guarded(rows * n, &map, &bytes), *out = guarded(rows, &out_map, &out_bytes);
        for (int64_t i = 0; i < rows * n; i++)
            x[i] = sin((double)i) * exp((double)(i % 13));
        for (int transposed = 0; transposed < 2; transposed++) {
            int64_t strides[2] = {transposed ? 8 : 8 * n, transposed ? 8 * rows : 8};
            op_expr *X = op_input(graph, op_view_nd(OP_F64, x, 2, shapes[s], strides));
            ck_assert_int_eq(op_eval(op_sum(X, OP_AXIS(1), 0), OP_VIEW_1D(OP_F64, out, rows)), OP_OK);
            for (int64_t r = 0; r < rows; r++) {
                double want = sum_in_order(x + (transposed ? r : r * n), n, transposed ? rows : 1);
                ck_assert_msg(!memcmp(&want, &out[r], sizeof want), "%lld x %lld%s, row %lld: %.17g, not %.17g",
                              (long long)rows, (long long)n, transposed ? " transposed" : "", (long long)r, out[r], want);
            }
        }
        munmap(map, bytes);
        munmap(out_map, out_bytes);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sums");
    TCase *tests = tcase_create("sums");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, what_cancels_leaves_the_rest);
    tcase_add_test(tests, sums_beside_deviations);
    tcase_add_test(tests, bits_do_not_depend_on_threads_or_the_compiler);
    tcase_add_test(tests, what_is_not_finite_is_that_of_a_plain_sum);
    tcase_add_test(tests, along_every_axis);
    tcase_add_test(tests, with_the_other_options);
    tcase_add_test(tests, exponentials_with_a_mask);
    tcase_add_test(tests, many_sums_without_memory_fail);
    tcase_add_test(tests, weights_without_memory_fail);
    tcase_add_test(tests, in_the_promised_order);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
