/* Stages: how many passes over memory an expression takes, and what reductions and scans give. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onepass/onepass.h"
#include "onepass/sugar.h"

enum { ROWS = 64, COLS = 1700, N = ROWS * COLS };

static op_engine *engine;
static op_graph *graph;
static double *b, *c, *out;
static op_expr *B, *C;

static void begin(void)
{
    engine = op_engine_new(NULL);
    graph = op_graph_new(engine);
    b = malloc(sizeof *b * N), c = malloc(sizeof *c * N), out = malloc(sizeof *out * N);
    for (int i = 0; i < N; i++) {
        b[i] = sin(i * 0.37) * 3;
        c[i] = cos(i * 0.11) + 2;
    }
    B = op_input(graph, OP_VIEW_2D(OP_F64, b, ROWS, COLS));
    C = op_input(graph, OP_VIEW_2D(OP_F64, c, ROWS, COLS));
}

static void end(void)
{
    free(b), free(c), free(out);
    op_graph_free(graph);
    op_engine_free(engine);
}

static op_launch last_launch(void)
{
    op_launch launch;
    ck_assert_int_eq(op_last_launch(graph, &launch), OP_OK);
    return launch;
}

static op_launch launch_of(op_expr *e)
{
    int64_t shape[OP_MAX_NDIM];
    ck_assert_msg(e != NULL, "%s", op_graph_error(graph)->message);
    ck_assert_int_eq(op_expr_shape(e, shape), OP_OK);
    op_view view = op_view_nd(op_expr_dtype(e), out, op_expr_ndim(e), shape, NULL);
    ck_assert_msg(op_eval(e, view) == OP_OK, "%s", op_last_error()->message);
    return last_launch();
}

#define PASSES(expected, ...) ck_assert_int_eq(launch_of(__VA_ARGS__).passes, expected)

START_TEST(passes_are_those_that_a_person_would_find)
{
    op_expr *product = (op_mul)(op_sin(B), C);
    PASSES(1, (op_add)(op_sin(B), C));                                             /* element-wise */
    PASSES(1, op_sum((op_mul)(B, C), OP_ALL, 0));                                  /* a fused reduction */
    PASSES(1, op_var(product, OP_ALL, 0));                                         /* one pass, not two */
    PASSES(2, op_ptp(product, OP_AXIS(1), 0)); /* max and min together, then one over their differences */
    PASSES(1, op_softmax(B, OP_AXIS(1), 0));                                       /* a row stays in cache */
    PASSES(1, op_div((op_sub)(B, op_mean(B, OP_AXIS(1), OP_KEEPDIMS)), op_std(B, OP_AXIS(1), OP_KEEPDIMS)));
    PASSES(2, (op_sub)(B, op_mean(B, OP_ALL, 0)));                                 /* all of B before any result */
    PASSES(2, (op_div)((op_sub)(B, op_mean(B, OP_AXIS(0), 0)), op_std(B, OP_AXIS(0), 0))); /* columns */
    PASSES(2, op_sum(op_square((op_sub)(B, op_mean(B, OP_ALL, 0))), OP_ALL, 0));   /* the second sum needs the first */
    PASSES(1, op_exp(op_cumsum(B, 1)));                                            /* a scan of a row, too */
    PASSES(2, op_exp(op_cumsum(B, 0)));                                            /* a scan, then its consumer */
    op_expr *all = op_sum(B, OP_ALL, 0);                                           /* 20 sums of one shape: one pass */
    for (int i = 1; i < 20; i++)
        all = (op_add)(all, op_sum(op_add(op_sin(B), (double)i), OP_ALL, 0));
    PASSES(1, all);
}
END_TEST

START_TEST(mean_and_var_read_their_expression_once)
{
    double mean, var, low, high;
    op_expr *x = (op_mul)(op_sin(B), C);
    op_expr *exprs[] = {op_mean(x, OP_ALL, 0), op_var(x, OP_ALL, 0), op_min(x, OP_ALL, 0), op_max(x, OP_ALL, 0)};
    op_view outs[] = {OP_VIEW_0D(OP_F64, &mean), OP_VIEW_0D(OP_F64, &var), OP_VIEW_0D(OP_F64, &low),
                      OP_VIEW_0D(OP_F64, &high)};
    ck_assert_int_eq(op_eval_many(graph, 4, exprs, outs), OP_OK);
    ck_assert_int_eq(last_launch().passes, 1);
    double sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
    for (int i = 0; i < N; i++) {
        double v = sin(b[i]) * c[i];
        sum += v;
        least = fmin(least, v), most = fmax(most, v);
    }
    for (int i = 0; i < N; i++)
        squares += pow(sin(b[i]) * c[i] - sum / N, 2);
    ck_assert_double_eq_tol(mean, sum / N, 1e-13);
    ck_assert_double_eq_tol(var, squares / N, 1e-13);
    ck_assert_double_eq_tol(low, least, 1e-14);
    ck_assert_double_eq_tol(high, most, 1e-14);
}
END_TEST

START_TEST(softmax_moves_each_element_once)
{
    op_launch launch = launch_of(op_softmax(B, OP_AXIS(1), 0));
    ck_assert_int_eq(launch.bytes, 2 * 8 * N);
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int i = 0; i < COLS; i++)
            sum += out[r * COLS + i];
        ck_assert_double_eq_tol(sum, 1, 1e-13);
    }
}
END_TEST

/* The same numbers whether the plan goes by rows or, node by node, does not. */
START_TEST(rows_change_no_bit)
{
    double *largest = malloc(sizeof *largest * ROWS), *shifted = malloc(sizeof *shifted * N);
    double *sums = malloc(sizeof *sums * ROWS), *expected = malloc(sizeof *expected * N);
    op_view column = OP_VIEW_2D(OP_F64, largest, ROWS, 1), sum_view = OP_VIEW_2D(OP_F64, sums, ROWS, 1);
    op_view whole = OP_VIEW_2D(OP_F64, shifted, ROWS, COLS);
    ck_assert_int_eq(op_eval(op_max(B, OP_AXIS(1), OP_KEEPDIMS), column), OP_OK);
    ck_assert_int_eq(op_eval(op_exp((op_sub)(B, op_input(graph, column))), whole), OP_OK);
    ck_assert_int_eq(op_eval(op_sum(op_input(graph, whole), OP_AXIS(1), OP_KEEPDIMS), sum_view), OP_OK);
    op_expr *share = (op_mul)(op_input(graph, whole), op_reciprocal(op_input(graph, sum_view)));
    ck_assert_int_eq(op_eval(share, OP_VIEW_2D(OP_F64, expected, ROWS, COLS)), OP_OK);
    launch_of(op_softmax(B, OP_AXIS(1), 0));
    ck_assert(memcmp(out, expected, sizeof *out * N) == 0);
    free(largest), free(shifted), free(sums), free(expected);
}
END_TEST

/* Rows are finished one after another: the results of one must not replace the operands of a later one. */
START_TEST(rows_in_place)
{
    double *expected = malloc(sizeof *expected * N);
    op_expr *softmax = op_softmax(op_flip(B, 0), OP_AXIS(1), 0);
    ck_assert_int_eq(op_eval(softmax, OP_VIEW_2D(OP_F64, expected, ROWS, COLS)), OP_OK);
    ck_assert_int_eq(op_eval(softmax, OP_VIEW_2D(OP_F64, b, ROWS, COLS)), OP_OK);
    ck_assert(!memcmp(b, expected, sizeof *b * N));
    op_expr *above = op_slice(C, 0, 0, -1, 1);
    ck_assert_int_eq(op_eval(op_softmax(above, OP_AXIS(1), 0), OP_VIEW_2D(OP_F64, expected, ROWS - 1, COLS)), OP_OK);
    ck_assert_int_eq(op_eval(op_softmax(above, OP_AXIS(1), 0), OP_VIEW_2D(OP_F64, c + COLS, ROWS - 1, COLS)), OP_OK);
    ck_assert(!memcmp(c + COLS, expected, sizeof *c * (N - COLS)));
    ck_assert_int_eq(last_launch().passes, 1);
    op_expr *same = op_softmax(B, OP_AXIS(1), 0); /* each row over itself: nothing is copied */
    ck_assert_int_eq(op_eval(same, OP_VIEW_2D(OP_F64, expected, ROWS, COLS)), OP_OK);
    int64_t scratch = last_launch().scratch_bytes;
    ck_assert_int_eq(op_eval(same, OP_VIEW_2D(OP_F64, b, ROWS, COLS)), OP_OK);
    ck_assert_int_eq(last_launch().scratch_bytes, scratch);
    ck_assert(!memcmp(b, expected, sizeof *b * N));
    free(expected);
}
END_TEST

/* An array and reductions of it in one pass by pieces, on any number of threads, and each of them alone. The second
 * shape goes by rows, which end anywhere in a leaf. */
START_TEST(pieces_change_no_bit)
{
    enum { LENGTH = 300 * 1650 + 50, RESULTS = 6 };
    double *x = malloc(sizeof *x * LENGTH), *whole = malloc(sizeof *x * LENGTH), *alone = malloc(sizeof *x * LENGTH);
    double *rows[2] = {malloc(sizeof *x * 300), malloc(sizeof *x * 300)};
    for (int i = 0; i < LENGTH; i++)
        x[i] = cos(i * 0.7) * 5;
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        int64_t shape[] = {300, 1650}, length[] = {LENGTH}, row_shape[] = {300, 1};
        int ndim = by_rows ? 2 : 1;
        op_expr *X = op_input(graph, op_view_nd(OP_F64, x, ndim, by_rows ? shape : length, NULL));
        op_expr *y = (op_add)(op_sin(X), op_exp(X));
        op_expr *sum = op_sum(y, by_rows ? OP_AXIS(1) : OP_ALL, by_rows ? OP_KEEPDIMS : 0);
        op_expr *z = by_rows ? (op_div)(y, sum) : y;
        op_expr *exprs[RESULTS] = {z, op_sum(z, OP_ALL, 0), op_var(z, OP_ALL, 0), op_argmin(z, OP_ALL, 0),
                                   op_max(X, OP_ALL, 0), sum};
        double values[2][RESULTS];
        for (int threads = 1; threads <= 8; threads++) {
            ck_assert_int_eq(op_engine_set_threads(engine, threads), OP_OK);
            for (int one = 0; one < 2; one++) { /* all together, then one after another */
                op_view outs[RESULTS] = {
                    op_view_nd(OP_F64, one ? alone : whole, ndim, by_rows ? shape : length, NULL)};
                for (int k = 1; k < RESULTS; k++)
                    outs[k] = op_view_nd(op_expr_dtype(exprs[k]), &values[one][k], 0, NULL, NULL);
                if (by_rows)
                    outs[5] = op_view_nd(OP_F64, rows[one], 2, row_shape, NULL);
                for (int k = 0; k < (one ? RESULTS : 1); k++)
                    ck_assert_int_eq(op_eval_many(graph, one ? 1 : RESULTS, exprs + k, outs + k), OP_OK);
                ck_assert(one || last_launch().passes == 1);
            }
            ck_assert(!memcmp(whole, alone, sizeof *x * (size_t)(by_rows ? 300 * 1650 : LENGTH)));
            ck_assert(!memcmp(values[0] + 1, values[1] + 1, sizeof(double) * (RESULTS - 1 - by_rows)));
            ck_assert(!by_rows || !memcmp(rows[0], rows[1], sizeof *x * 300));
        }
    }
    free(x), free(whole), free(alone), free(rows[0]), free(rows[1]);
}
END_TEST

/* Outputs over memory of inputs that later pieces, or later stages of the same piece, still need. */
START_TEST(pieces_in_place)
{
    double *expected = malloc(sizeof *expected * N), sums[2][2];
    for (int shift = 0; shift < 3; shift++) {
        op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, b, N - 2)), *y = op_exp(op_mul(X, 0.001));
        op_expr *exprs[] = {y, op_sum(X, OP_ALL, 0), op_sum(op_abs(y), OP_ALL, 0)};
        op_view outs[] = {OP_VIEW_1D(OP_F64, expected, N - 2), OP_VIEW_0D(OP_F64, &sums[0][0]),
                          OP_VIEW_0D(OP_F64, &sums[0][1])};
        ck_assert_int_eq(op_eval_many(graph, 3, exprs, outs), OP_OK);
        outs[0] = OP_VIEW_1D(OP_F64, b + shift, N - 2);
        outs[1] = OP_VIEW_0D(OP_F64, &sums[1][0]), outs[2] = OP_VIEW_0D(OP_F64, &sums[1][1]);
        ck_assert_int_eq(op_eval_many(graph, 3, exprs, outs), OP_OK);
        ck_assert_int_eq(last_launch().passes, 1);
        ck_assert(!memcmp(b + shift, expected, sizeof *b * (N - 2)));
        ck_assert(!memcmp(sums[0], sums[1], sizeof sums[0]));
    }
    free(expected);
}
END_TEST

START_TEST(a_pass_by_pieces_moves_each_element_once)
{
    double sum, largest;
    op_expr *y = (op_add)(op_sin(B), C);
    op_expr *exprs[] = {y, op_sum(y, OP_ALL, 0), op_max(y, OP_ALL, 0)};
    op_view outs[] = {OP_VIEW_2D(OP_F64, out, ROWS, COLS), OP_VIEW_0D(OP_F64, &sum), OP_VIEW_0D(OP_F64, &largest)};
    ck_assert_int_eq(op_eval_many(graph, 3, exprs, outs), OP_OK);
    ck_assert_int_eq(last_launch().passes, 1);
    ck_assert_int_eq(last_launch().bytes, 3 * 8 * N + 2 * 8);
}
END_TEST

START_TEST(code_is_shown_by_stages)
{
    char text[100] = "";
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(op_dump(op_softmax(B, OP_AXIS(1), 0), OP_DUMP_SIGNATURE, file), OP_OK); /* one pass of three */
    rewind(file);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    ck_assert_msg(!strncmp(text, "; stage 1 of 3\nsignature ", 25), "%s", text);
    fclose(file);
}
END_TEST

/* An array that is no sequence in memory takes two passes with its sum. Another one and its sum still share theirs. */
START_TEST(one_way_of_cutting_that_fails_leaves_the_others)
{
    double sum[2], *more = malloc(sizeof *more * N);
    op_expr *turned = op_add(op_transpose(B), 1.0), *flat = op_add(op_input(graph, OP_VIEW_1D(OP_F64, c, N - 2)), 1.0);
    op_expr *exprs[] = {turned, op_sum(turned, OP_ALL, 0), flat, op_sum(flat, OP_ALL, 0)};
    op_view outs[] = {OP_VIEW_2D(OP_F64, out, COLS, ROWS), OP_VIEW_0D(OP_F64, &sum[0]),
                      OP_VIEW_1D(OP_F64, more, N - 2), OP_VIEW_0D(OP_F64, &sum[1])};
    ck_assert_int_eq(op_eval_many(graph, 2, exprs, outs), OP_OK);
    int alone = last_launch().passes;
    ck_assert_int_eq(op_eval_many(graph, 4, exprs, outs), OP_OK);
    ck_assert_int_eq(last_launch().passes, alone + 1);
    free(more);
}
END_TEST

START_TEST(several_expressions_are_explained_together)
{
    char text[4096] = "";
    op_graph *other = op_graph_new(engine);
    op_expr *y = (op_add)(op_sin(B), C), *exprs[] = {y, op_sum(y, OP_ALL, 0), op_const_f64(other, 1)};
    FILE *file = tmpfile();
    ck_assert_int_eq(op_dump_many(graph, 2, exprs, OP_DUMP_EXPLAIN, file), OP_OK);
    rewind(file);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    ck_assert_msg(strstr(text, "\n1 pass, ") != NULL, "%s", text);
    ck_assert_int_eq(op_dump_many(graph, 0, exprs, OP_DUMP_EXPLAIN, file), OP_ERR_INVALID);
    ck_assert_int_eq(op_dump_many(graph, 2, exprs, OP_DUMP_EXPLAIN, NULL), OP_ERR_INVALID);
    ck_assert_int_eq(op_dump_many(graph, 2, exprs, (op_dump_what)99, file), OP_ERR_INVALID);
    ck_assert_int_eq(op_dump_many(graph, 3, exprs, OP_DUMP_PLAN, file), OP_ERR_INVALID);
    ck_assert_str_eq(op_last_error()->message, "op_dump_many: expression 2 belongs to another graph");
    fclose(file);
    op_graph_free(other);
}
END_TEST

static struct {
    _Atomic int left, live; /* allocations until there is no memory any more; blocks not freed */
} memory; /* threads of a run allocate, too */

static void *allocate(size_t bytes, void *ctx)
{
    (void)ctx;
    if (memory.left-- <= 0)
        return NULL;
    memory.live++;
    return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
}

static void release(void *block, void *ctx)
{
    (void)ctx;
    memory.live -= block != NULL;
    free(block);
}

/* Each allocation of a run fails in its turn: an error, nothing lost, and the next evaluation is whole. */
START_TEST(no_memory_for_pieces)
{
    op_options options = {.alloc = allocate, .free = release, .flags = OP_ENGINE_INTERPRET, .threads = 2};
    memory.left = 1 << 30;
    op_engine *small = op_engine_new(&options);
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        op_graph *g = op_graph_new(small);
        op_view in = by_rows ? OP_VIEW_2D(OP_F64, b, ROWS, COLS) : OP_VIEW_1D(OP_F64, b, N);
        op_view array = by_rows ? OP_VIEW_2D(OP_F64, out, ROWS, COLS) : OP_VIEW_1D(OP_F64, out, N);
        op_expr *x = op_exp(op_input(g, in)), *running = op_cumsum(x, by_rows);
        op_expr *y = by_rows ? (op_div)(running, op_sum(x, OP_AXIS(1), OP_KEEPDIMS)) : running;
        op_expr *exprs[] = {op_sin(y), op_sum(y, OP_ALL, 0), op_argmax(y, OP_ALL, 0)};
        double sums[2] = {0};
        int64_t at;
        op_view outs[] = {array, OP_VIEW_0D(OP_F64, &sums[0]), OP_VIEW_0D(OP_I64, &at)};
        ck_assert_int_eq(op_eval_many(g, 3, exprs, outs), OP_OK);
        outs[1] = OP_VIEW_0D(OP_F64, &sums[1]);
        int live = memory.live, failures = 0;
        for (op_status status = OP_ERR_MEMORY; status != OP_OK; failures++) {
            memory.left = failures;
            status = op_eval_many(g, 3, exprs, outs);
            ck_assert_int_eq(memory.live, live);
            ck_assert(status == OP_OK || status == OP_ERR_MEMORY);
        }
        ck_assert_int_gt(failures, 10);
        ck_assert(!memcmp(&sums[0], &sums[1], sizeof sums[0]));
        memory.left = 1 << 30;
        op_graph_free(g);
    }
    op_engine_free(small);
    ck_assert_int_eq(memory.live, 0);
}
END_TEST

START_TEST(arguments_of_extremes)
{
    int64_t at;
    double x[] = {1, 7, -3, 7, -3, 2};
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 6));
    ck_assert_int_eq(op_eval(op_argmax(X, OP_ALL, 0), OP_VIEW_0D(OP_I64, &at)), OP_OK);
    ck_assert_int_eq(at, 1);
    ck_assert_int_eq(op_eval(op_argmin(X, OP_ALL, 0), OP_VIEW_0D(OP_I64, &at)), OP_OK);
    ck_assert_int_eq(at, 2);
    x[4] = NAN;
    ck_assert_int_eq(op_eval(op_argmax(X, OP_ALL, 0), OP_VIEW_0D(OP_I64, &at)), OP_OK);
    ck_assert_int_eq(at, 4);
    ck_assert_ptr_null(op_argmax(op_slice(X, 0, 0, 0, 1), OP_ALL, 0));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_SHAPE);
}
END_TEST

START_TEST(nan_kin_leave_nans_out)
{
    double x[] = {1, NAN, 3, NAN, 8}, result;
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 5));
    struct {
        op_expr *e;
        double expected;
    } cases[] = {{op_nansum(X, OP_ALL, 0), 12}, {op_nanmean(X, OP_ALL, 0), 4},    {op_nanmax(X, OP_ALL, 0), 8},
                 {op_nanmin(X, OP_ALL, 0), 1},  {op_nanvar(X, OP_ALL, 0), 26. / 3}, {op_nanprod(X, OP_ALL, 0), 24},
                 {op_norm_inf(op_slice(X, 0, 0, OP_END, 2), OP_ALL, 0), 8}, {op_norm1(op_slice(X, 0, 0, OP_END, 2), OP_ALL, 0), 12}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(op_eval(cases[i].e, OP_VIEW_0D(OP_F64, &result)), OP_OK);
        ck_assert_double_eq_tol(result, cases[i].expected, 1e-14);
    }
}
END_TEST

START_TEST(accumulators_that_cannot_be_are_refused)
{
    double x[] = {0, 2, 3}, result;
    uint8_t truth;
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, 3));
    ck_assert_ptr_null(op_sum_opt(X, OP_ALL, &(op_reduce_options){.dtype = (op_dtype)77}));
    ck_assert_ptr_null(op_sum_opt(X, OP_ALL, &(op_reduce_options){.dtype = OP_C64}));
    ck_assert_ptr_null(op_sum(X, op_axes_of(1, NULL), 0));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_DTYPE);
    op_graph_clear_error(graph);
    op_expr *any = op_sum_opt(X, OP_ALL, &(op_reduce_options){.dtype = OP_BOOL});
    ck_assert_int_eq(op_eval(any, OP_VIEW_0D(OP_BOOL, &truth)), OP_OK);
    ck_assert_int_eq(truth, 1);
    op_expr *masked = op_sum_opt(X, OP_ALL, &(op_reduce_options){.where = op_scalar_bool(graph, 0)});
    ck_assert_int_eq(op_eval(masked, OP_VIEW_0D(OP_F64, &result)), OP_OK);
    ck_assert_double_eq(result, 0);
    int64_t shape[] = {3}, stride[] = {4};
    ck_assert_int_eq(op_eval(X, op_view_nd(OP_F64, out, 1, shape, stride)), OP_ERR_OVERLAP);
    ck_assert_ptr_null((op_add)(X, OP_NONE));
    ck_assert_int_eq(op_graph_error(graph)->code, OP_ERR_INVALID);
}
END_TEST

START_TEST(a_reshape_of_nothing_has_a_sum)
{
    double sum = 1;
    op_expr *nothing = op_sin(op_slice(B, 0, 0, 0, 1)); /* 0 rows */
    op_expr *flat = op_reshape(nothing, 1, (int64_t[]){0});
    for (int i = 0; i < 50; i++) { /* the planner's memory must not hold what an earlier plan left there */
        ck_assert_int_eq(op_eval(op_sum((op_mul)(B, C), OP_ALL, 0), OP_VIEW_0D(OP_F64, &sum)), OP_OK);
        ck_assert_int_eq(op_eval(op_sum(op_exp(flat), OP_ALL, 0), OP_VIEW_0D(OP_F64, &sum)), OP_OK);
        ck_assert_double_eq(sum, 0);
    }
}
END_TEST

START_TEST(scans_do_not_depend_on_threads)
{
    int64_t n = 300001;
    double *x = malloc(sizeof *x * (size_t)n), *first = malloc(sizeof *x * (size_t)n), *y = malloc(sizeof *x * (size_t)n);
    for (int64_t i = 0; i < n; i++)
        x[i] = sin((double)i) + 0.1;
    op_expr *X = op_input(graph, OP_VIEW_1D(OP_F64, x, n));
    for (int threads = 1; threads <= 8; threads++) {
        ck_assert_int_eq(op_engine_set_threads(engine, threads), OP_OK);
        ck_assert_int_eq(op_eval(op_cumsum(op_mul(X, 2.0), 0), OP_VIEW_1D(OP_F64, threads == 1 ? first : y, n)), OP_OK);
        ck_assert(threads == 1 || memcmp(first, y, sizeof *x * (size_t)n) == 0);
    }
    long double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += 2 * x[i];
        ck_assert_double_eq_tol(first[i], (double)sum, 1e-9);
    }
    ck_assert_int_eq(op_eval(op_cumsum(X, 0), OP_VIEW_1D(OP_F64, x, n)), OP_OK); /* in place */
    ck_assert_double_eq_tol(x[n - 1], (double)(sum / 2), 1e-9);
    free(x), free(first), free(y);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stages");
    TCase *tests = tcase_create("stages");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, passes_are_those_that_a_person_would_find);
    tcase_add_test(tests, mean_and_var_read_their_expression_once);
    tcase_add_test(tests, softmax_moves_each_element_once);
    tcase_add_test(tests, rows_change_no_bit);
    tcase_add_test(tests, rows_in_place);
    tcase_add_test(tests, pieces_change_no_bit);
    tcase_add_test(tests, pieces_in_place);
    tcase_add_test(tests, a_pass_by_pieces_moves_each_element_once);
    tcase_add_test(tests, several_expressions_are_explained_together);
    tcase_add_test(tests, code_is_shown_by_stages);
    tcase_add_test(tests, one_way_of_cutting_that_fails_leaves_the_others);
    tcase_add_test(tests, no_memory_for_pieces);
    tcase_add_test(tests, arguments_of_extremes);
    tcase_add_test(tests, nan_kin_leave_nans_out);
    tcase_add_test(tests, accumulators_that_cannot_be_are_refused);
    tcase_add_test(tests, a_reshape_of_nothing_has_a_sum);
    tcase_add_test(tests, scans_do_not_depend_on_threads);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
