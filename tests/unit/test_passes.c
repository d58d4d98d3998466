/* How many passes over memory large expressions take: each case is a DAG of about 200 element-wise nodes and
 * 20 reductions, with the number that a person finds who writes the loops by hand. What the passes compute
 * has the bits of the same nodes evaluated one by one. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onepass/onepass.h"
#include "onepass/sugar.h"

enum { ROWS = 64, COLS = 1700, N = ROWS * COLS, SHORT = 5000, MOST_NODES = 400, MOST_OUTS = 32 };

static op_engine *engine;
static op_graph *graph;
static double *b, *v;
static op_expr *B, *V; /* B has rows and columns, V is one row of another length */
static int by_node;    /* every node is evaluated when it is built */
static int n_map, n_reduction, n_value;
static op_array *value[MOST_NODES];

static void begin(void)
{
    engine = op_engine_new(NULL);
    graph = op_graph_new(engine);
    b = malloc(sizeof *b * N), v = malloc(sizeof *v * SHORT);
    for (int i = 0; i < N; i++)
        b[i] = sin(i * 0.37) * 3 + 4;
    for (int i = 0; i < SHORT; i++)
        v[i] = cos(i * 0.11) + 2;
    B = op_input(graph, OP_VIEW_2D(OP_F64, b, ROWS, COLS));
    V = op_input(graph, OP_VIEW_1D(OP_F64, v, SHORT));
    by_node = n_map = n_reduction = n_value = 0;
}

static void end(void)
{
    for (int i = 0; i < n_value; i++)
        op_array_free(value[i]);
    free(b), free(v);
    op_graph_free(graph);
    op_engine_free(engine);
}

/* ---- nodes ---- */

static op_expr *node(op_expr *e)
{
    ck_assert_msg(e != NULL, "%s", op_graph_error(graph)->message);
    if (!by_node)
        return e;
    ck_assert_int_lt(n_value, MOST_NODES);
    ck_assert_int_eq(op_compute(e, &value[n_value]), OP_OK);
    return op_input(graph, op_array_view(value[n_value++]));
}

static op_expr *map(op_expr *e)
{
    n_map++;
    return node(e);
}

static op_expr *reduction(op_expr *e)
{
    n_reduction++;
    return node(e);
}

static op_expr *sum(op_expr *x)
{
    return reduction(op_sum(x, OP_ALL, 0));
}

static op_expr *row(op_expr *x)
{
    return reduction(op_sum(x, OP_AXIS(1), OP_KEEPDIMS));
}

/* n element-wise nodes, which stay between 0 and 41; `which` makes them unlike those of other chains. */
static op_expr *chain(op_expr *x, int n, int which)
{
    for (int i = 0; i < n; i++)
        x = map(i % 5 == 0   ? op_mul(x, 0.875)
                : i % 5 == 1 ? op_add(x, 1 + which * 0.0625)
                : i % 5 == 2 ? op_minimum(x, 40.0)
                : i % 5 == 3 ? op_abs(x)
                             : op_sqrt(x));
    return x;
}

static op_expr *added(op_expr *const *x, int n)
{
    op_expr *all = x[0];
    for (int i = 1; i < n; i++)
        all = map((op_add)(all, x[i]));
    return all;
}

/* ---- cases: each fills outs and returns how many ---- */

/* The sums of every tenth node of one chain need it in cache only: 1. */
static int sums_along_one_chain(op_expr **outs)
{
    op_expr *x = B;
    for (int i = 0; i < 20; i++)
        outs[i] = sum(x = chain(x, 10, i));
    return 20;
}

/* Chains of the same operand, reductions of several kinds, and their results in one number: 1. */
static int kinds_of_many_chains(op_expr **outs)
{
    op_expr *r[20];
    for (int i = 0; i < 20; i++) {
        op_expr *x = chain(B, 9, i);
        r[i] = i % 4 == 0   ? sum(x)
               : i % 4 == 1 ? reduction(op_max(x, OP_ALL, 0))
               : i % 4 == 2 ? reduction(op_min(x, OP_ALL, 0))
                            : reduction(op_prod(map(op_mul(x, 0.01)), OP_ALL, 0));
    }
    outs[0] = added(r, 20);
    return 1;
}

/* n times: divided by its sum, which needs all of it. */
static op_expr *divided_in_turn(op_expr *x, int n)
{
    for (int i = 0; i < n; i++)
        x = chain(map((op_div)(x, map(op_add(sum(x), 1.0)))), 8, i);
    return x;
}

/* Each sum needs all of the array that the sum before it went into, and so does the result: 20 + 1. */
static int each_sum_needs_the_one_before(op_expr **outs)
{
    outs[0] = divided_in_turn(B, 20);
    return 1;
}

/* The same, but the last result is a number, which is there when the last sum is: 20. */
static int each_sum_needs_the_one_before_and_the_last_is_all(op_expr **outs)
{
    outs[0] = sum(divided_in_turn(B, 19));
    return 1;
}

/* Ten sums, ten more of what needs all of them, and an array that needs those: 3. */
static int two_levels_of_ten(op_expr **outs)
{
    op_expr *first[10], *second[10];
    for (int i = 0; i < 10; i++)
        first[i] = sum(chain(B, 9, i));
    op_expr *shift = map(op_div(added(first, 10), 1e6));
    for (int i = 0; i < 10; i++)
        second[i] = sum(chain(map((op_add)(B, shift)), 7, i));
    outs[0] = map((op_add)(chain(B, 9, 30), added(second, 10)));
    return 1;
}

/* Rows fit in cache, and nothing leaves its own row: all 20 levels of it in 1. */
static int rows_twenty_levels_deep(op_expr **outs)
{
    op_expr *x = B;
    for (int i = 0; i < 20; i++)
        x = chain(map((op_div)(x, map(op_add(row(x), 1.0)))), 8, i);
    outs[0] = x;
    return 1;
}

/* An array and the sums of its rows, while each row is in cache: 1. */
static int an_array_and_sums_of_its_rows(op_expr **outs)
{
    op_expr *x = B;
    for (int i = 0; i < 20; i++)
        outs[i] = row(x = chain(x, 10, i));
    outs[20] = x;
    return 21;
}

/* Running sums along rows stay in their row, too: 1. */
static int rows_with_running_sums(op_expr **outs)
{
    op_expr *x = B;
    for (int i = 0; i < 10; i++) {
        x = chain(map((op_div)(x, map(op_add(row(x), 1.0)))), 8, i);
        x = chain(reduction(op_cumsum(x, 1)), 10, i);
    }
    outs[0] = x;
    return 1;
}

/* Columns are complete only when all rows have been seen: their sums, then what is made of them: 2. */
static int columns_and_their_consumer(op_expr **outs)
{
    op_expr *scaled[20];
    for (int i = 0; i < 20; i++) {
        op_expr *x = chain(B, 7, i);
        scaled[i] = map((op_sub)(x, map(op_div(reduction(op_sum(x, OP_AXIS(0), 0)), (double)ROWS))));
    }
    outs[0] = added(scaled, 20);
    return 1;
}

/* Ten sums of each row, which leave 64 numbers, and ten sums of those: 2. */
static int sums_of_sums(op_expr **outs)
{
    for (int i = 0; i < 10; i++)
        outs[i] = sum(chain(row(chain(B, 10, i)), 10, i));
    return 10;
}

/* Two arrays of unlike shapes, each read once: 2. */
static int two_shapes(op_expr **outs)
{
    for (int i = 0; i < 20; i++)
        outs[i] = sum(chain(i % 2 ? V : B, 10, i));
    return 20;
}

/* The sum over B that needs nothing waits for the ten that need a sum over V: V and B once each: 2. */
static int a_sum_that_can_wait(op_expr **outs)
{
    op_expr *early[9];
    for (int i = 0; i < 9; i++)
        early[i] = sum(chain(V, 9, i));
    op_expr *scale = map(op_div(added(early, 9), 1e5));
    for (int i = 0; i < 10; i++)
        outs[i] = sum(chain(map((op_mul)(B, scale)), 9, i));
    outs[10] = sum(chain(B, 9, 10));
    return 11;
}

/* Sums of rows of B, some of which need the sum over V: V, then all of the rows: 2. */
static int waiting_for_several(op_expr **outs)
{
    op_expr *scale = map(op_div(sum(chain(V, 10, 0)), 1e4));
    for (int i = 0; i < 19; i++)
        outs[i] = row(chain(i % 2 ? B : map((op_add)(B, scale)), 9, i));
    return 19;
}

/* Neighbours are views of the same memory: 1. */
static int sums_of_neighbours(op_expr **outs)
{
    op_expr *left = op_slice(B, 1, 0, -1, 1), *right = op_slice(B, 1, 1, OP_END, 1);
    for (int i = 0; i < 20; i++)
        outs[i] = sum(chain(map((op_sub)(right, map(op_mul(left, 0.0625 * i)))), 8, i));
    return 20;
}

/* Masks are element-wise parts: 1. */
static int masked_sums(op_expr **outs)
{
    op_expr *x = chain(B, 140, 0);
    for (int i = 0; i < 20; i++) {
        op_reduce_options options = {.where = map(op_greater(B, 0.25 * i))};
        outs[i] = reduction(op_sum_opt(map(op_mul(map(op_add(x, (double)i)), 0.5)), OP_ALL, &options));
    }
    return 20;
}

/* Truths, positions and numbers of the same operand: 1. */
static int reductions_of_several_dtypes(op_expr **outs)
{
    for (int i = 0; i < 20; i++) {
        op_expr *x = chain(B, 9, i);
        op_expr *f32 = map(op_cast(x, OP_F32)), *i16 = map(op_cast(x, OP_I16));
        outs[i] = i % 5 == 0   ? reduction(op_argmax(x, OP_ALL, 0))
                  : i % 5 == 1 ? sum(f32)
                  : i % 5 == 2 ? reduction(op_max(i16, OP_ALL, 0))
                  : i % 5 == 3 ? reduction(op_any(map(op_greater(f32, 3.0)), OP_ALL, 0))
                               : reduction(op_argmin(i16, OP_ALL, 0));
    }
    return 20;
}

/* A running sum along a row is complete at its end, where all sums of it can follow: 1. */
static int sums_of_a_running_sum(op_expr **outs)
{
    op_expr *running = node(op_cumsum(chain(B, 10, 0), 1));
    for (int i = 0; i < 20; i++)
        outs[i] = sum(chain(running, 9, i));
    return 20;
}

/* Sums, then a running sum along rows of what they scale, and sums of that: 2. */
static int a_running_sum_between(op_expr **outs)
{
    op_expr *first[10];
    for (int i = 0; i < 10; i++)
        first[i] = sum(chain(B, 8, i));
    op_expr *running = node(op_cumsum(map((op_div)(B, added(first, 10))), 1));
    for (int i = 0; i < 10; i++)
        outs[i] = sum(chain(running, 10, i));
    return 10;
}

/* An array is stored while its sums are taken: 1. */
static int an_array_and_its_sums(op_expr **outs)
{
    op_expr *x = chain(B, 200, 0);
    for (int i = 0; i < 20; i++)
        outs[i] = i % 3 == 0   ? sum(map(op_mul(x, 1.0 + i)))
                  : i % 3 == 1 ? reduction(op_max(x, OP_ALL, 0))
                               : reduction(op_argmin(map(op_add(x, (double)i)), OP_ALL, 0));
    outs[20] = x;
    outs[21] = map(op_cast(x, OP_F32));
    return 22;
}

/* An array and its sums, then another array that needs them, and its sums: 2. */
static int arrays_and_sums_between(op_expr **outs)
{
    op_expr *x = chain(B, 80, 0), *first[10];
    for (int i = 0; i < 10; i++)
        outs[i] = first[i] = sum(map(op_add(x, (double)i)));
    op_expr *y = chain(map((op_div)(x, added(first, 10))), 80, 1);
    for (int i = 0; i < 10; i++)
        outs[10 + i] = sum(map(op_add(y, (double)i)));
    outs[20] = x;
    outs[21] = y;
    return 22;
}

static op_expr *divided_by_rows(op_expr *x, int n, int which)
{
    for (int i = 0; i < n; i++)
        x = chain(map((op_div)(x, map(op_add(row(x), 1.0)))), 8, which + i);
    return x;
}

/* What each row needs of all others is there after the first: 2. */
static int a_sum_then_rows_nineteen_levels_deep(op_expr **outs)
{
    outs[0] = divided_by_rows(map((op_div)(B, map(op_add(sum(B), 1.0)))), 19, 0);
    return 1;
}

/* The sum takes each row when it is complete: 1. */
static int rows_nineteen_levels_deep_then_a_sum(op_expr **outs)
{
    outs[0] = sum(divided_by_rows(B, 19, 0));
    return 1;
}

/* The rows are computed again from what their sums were, for memory is dearer: 2. */
static int rows_then_a_sum_then_rows(op_expr **outs)
{
    op_expr *x = divided_by_rows(B, 9, 0);
    outs[0] = divided_by_rows(map((op_div)(x, map(op_add(sum(x), 1.0)))), 10, 9);
    return 1;
}

/* Of arrays that have nothing in common but their shape: 1. */
static int running_sums_of_many_arrays(op_expr **outs)
{
    static double values[20][N];
    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < N; k++)
            values[i][k] = b[k] + i;
        outs[i] = reduction(op_cumsum(chain(op_input(graph, OP_VIEW_2D(OP_F64, values[i], ROWS, COLS)), 10, i), 1));
    }
    return 20;
}

/* Running sums along rows, sums of rows, of everything, and of the running sums: 1. */
static int running_sums_beside_sums(op_expr **outs)
{
    for (int i = 0; i < 5; i++) {
        op_expr *x = chain(B, 40, i), *running = reduction(op_cumsum(x, 1));
        outs[4 * i] = running;
        outs[4 * i + 1] = row(x);
        outs[4 * i + 2] = sum(x);
        outs[4 * i + 3] = sum(running);
    }
    return 20;
}

/* The same of sequences, with sums of them and of their operands: 1. */
static int running_sums_of_long_sequences(op_expr **outs)
{
    op_expr *flat = op_input(graph, OP_VIEW_1D(OP_F64, b, N));
    for (int i = 0; i < 10; i++) {
        op_expr *x = chain(flat, 20, i), *running = reduction(op_cumsum(x, 0));
        outs[i] = i % 2 ? running : op_exp(op_mul(running, 1e-6));
        outs[10 + i] = sum(i % 2 ? x : running);
    }
    return 20;
}

/* Each element of a running sum is there when the next one needs it: 1. */
static int running_sums_of_running_sums(op_expr **outs)
{
    op_expr *x = op_input(graph, OP_VIEW_1D(OP_F64, b, N));
    for (int i = 0; i < 19; i++)
        x = chain(map(op_mul(reduction(i % 3 ? op_cumsum(x, 0) : op_cummax(x, 0)), 1e-3)), 9, i);
    outs[0] = x;
    outs[1] = sum(x);
    return 2;
}

/* All of a sequence, then running sums of what it scales, and an array that needs them: 2. */
static int a_running_sum_after_a_sum(op_expr **outs)
{
    op_expr *x = op_input(graph, OP_VIEW_1D(OP_F64, b, N)), *first[9];
    for (int i = 0; i < 9; i++)
        first[i] = sum(chain(x, 9, i));
    op_expr *scaled = map((op_div)(x, added(first, 9)));
    for (int i = 0; i < 10; i++)
        outs[i] = chain(reduction(op_cumsum(chain(scaled, 5, i), 0)), 5, i);
    return 10;
}

/* As rows and as one sequence it is the same memory: 1. */
static int sums_of_one_memory_in_two_shapes(op_expr **outs)
{
    op_expr *flat = op_input(graph, OP_VIEW_1D(OP_F64, b, N));
    for (int i = 0; i < 20; i++)
        outs[i] = sum(chain(i % 2 ? B : flat, 10, i));
    return 20;
}

static const struct {
    const char *name;
    int (*build)(op_expr **outs);
    int passes;
} cases[] = {
#define CASE(name) #name, name
    {CASE(sums_along_one_chain), 1},
    {CASE(kinds_of_many_chains), 1},
    {CASE(each_sum_needs_the_one_before), 21},
    {CASE(each_sum_needs_the_one_before_and_the_last_is_all), 20},
    {CASE(two_levels_of_ten), 3},
    {CASE(rows_twenty_levels_deep), 1},
    {CASE(an_array_and_sums_of_its_rows), 1},
    {CASE(rows_with_running_sums), 1},
    {CASE(columns_and_their_consumer), 2},
    {CASE(sums_of_sums), 2},
    {CASE(two_shapes), 2},
    {CASE(a_sum_that_can_wait), 2},
    {CASE(waiting_for_several), 2},
    {CASE(sums_of_neighbours), 1},
    {CASE(masked_sums), 1},
    {CASE(reductions_of_several_dtypes), 1},
    {CASE(sums_of_a_running_sum), 1},
    {CASE(a_running_sum_between), 2},
    {CASE(an_array_and_its_sums), 1},
    {CASE(arrays_and_sums_between), 2},
    {CASE(a_sum_then_rows_nineteen_levels_deep), 2},
    {CASE(rows_nineteen_levels_deep_then_a_sum), 1},
    {CASE(rows_then_a_sum_then_rows), 2},
    {CASE(running_sums_of_many_arrays), 1},
    {CASE(running_sums_beside_sums), 1},
    {CASE(sums_of_one_memory_in_two_shapes), 1},
    {CASE(running_sums_of_long_sequences), 1},
    {CASE(running_sums_of_running_sums), 1},
    {CASE(a_running_sum_after_a_sum), 2},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* ---- the test ---- */

/* Evaluates the expressions together into memory of their own. */
static void evaluate(int n, op_expr *const *exprs, op_view *outs)
{
    for (int i = 0; i < n; i++) {
        int64_t shape[OP_MAX_NDIM];
        ck_assert_int_eq(op_expr_shape(exprs[i], shape), OP_OK);
        outs[i] = op_view_nd(op_expr_dtype(exprs[i]), malloc(8 * N), op_expr_ndim(exprs[i]), shape, NULL);
    }
    ck_assert_msg(op_eval_many(graph, n, exprs, outs) == OP_OK, "%s", op_last_error()->message);
}

static size_t bytes_of(const op_view *view)
{
    size_t bytes = op_dtype_size(view->dtype);
    for (int i = 0; i < view->ndim; i++)
        bytes *= (size_t)view->shape[i];
    return bytes;
}

START_TEST(passes_are_those_of_a_person)
{
    const char *name = cases[_i].name;
    op_expr *exprs[MOST_OUTS];
    op_view fused[MOST_OUTS], single[MOST_OUTS];
    op_launch launch;
    int n = cases[_i].build(exprs);
    ck_assert_msg(n_map >= 180 && n_map <= 230 && n_reduction >= 19 && n_reduction <= 20, "%s: %d and %d nodes", name,
                  n_map, n_reduction);
    evaluate(n, exprs, fused);
    ck_assert_int_eq(op_last_launch(graph, &launch), OP_OK);
    ck_assert_msg(launch.passes == cases[_i].passes, "%s: %d passes", name, launch.passes);
    by_node = 1;
    cases[_i].build(exprs);
    evaluate(n, exprs, single);
    for (int i = 0; i < n; i++) {
        ck_assert_msg(!memcmp(fused[i].data, single[i].data, bytes_of(&fused[i])), "%s: output %d differs", name, i);
        free(fused[i].data), free(single[i].data);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("passes");
    TCase *tests = tcase_create("passes");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, passes_are_those_of_a_person, 0, CASES);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
