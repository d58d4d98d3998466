/* Reductions whose lanes are more than a value: places of the best, and deviations from the mean. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/loops.h"
#include "onepass/onepass.h"
#include "onepass/sugar.h"

extern const op_loops op_loops_table; /* what every machine runs */

/* ---- places ---- */

enum { MOST = 150000 };
typedef enum kind { TIES, NANS, ZEROS, DOWN, UP, EQUAL, INFINITE, KINDS } kind;

static double values[MOST];

/* What is best, or NaN, is somewhere in the middle, more than once. */
static void fill(int64_t n, kind k)
{
    for (int64_t i = 0; i < n; i++)
        values[i] = k == DOWN    ? (double)((n - i) % 100003)
                    : k == UP    ? (double)(i % 100003)
                    : k == EQUAL ? 7
                    : k == ZEROS ? (i * 7919 % 3 ? 0.0 : -0.0)
                                 : (double)(i * 7919 % 11);
    if (k == NANS)
        values[n / 2] = values[n / 3 * 2] = values[n - 1] = NAN;
    if (k == INFINITE)
        values[n / 2] = values[n - 1] = INFINITY, values[n / 3] = -INFINITY;
}

static int64_t place_in(int64_t n, int least)
{
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(values[i]))
            return i;
        if (least ? values[i] < values[at] : values[i] > values[at])
            at = i;
    }
    return at;
}

static void store(void *to, op_dtype dtype, int64_t i, double x)
{
    if (dtype == OP_F64)
        ((double *)to)[i] = x;
    else if (dtype == OP_F32)
        ((float *)to)[i] = (float)x;
    else if (dtype == OP_I64)
        ((int64_t *)to)[i] = (int64_t)x;
    else if (dtype == OP_U8)
        ((uint8_t *)to)[i] = (uint8_t)((int64_t)x % 251);
    else
        ((uint8_t *)to)[i] = x != 0;
}

/* As stored. */
static void load_values(const void *from, op_dtype dtype, int64_t n, int64_t step)
{
    for (int64_t i = 0, k = 0; i < n; i++, k += step)
        values[i] = dtype == OP_F64   ? ((const double *)from)[k]
                    : dtype == OP_F32 ? (double)((const float *)from)[k]
                    : dtype == OP_I64 ? (double)((const int64_t *)from)[k]
                                      : ((const uint8_t *)from)[k];
}

static int64_t place_of(op_expr *e)
{
    int64_t at = -1;
    ck_assert_msg(e && op_eval(e, OP_VIEW_0D(OP_I64, &at)) == OP_OK, "%s", op_last_error()->message);
    return at;
}

/* Of values where they lie, and of computed ones. */
static void check_places(op_graph *graph, op_view view, const char *what)
{
    op_expr *x = op_input(graph, view), *computed = op_maximum(x, x);
    int64_t n = view.shape[0], least = place_in(n, 1), greatest = place_in(n, 0);
    ck_assert_msg(place_of(op_argmin(x, OP_ALL, 0)) == least, "argmin of %lld %s", (long long)n, what);
    ck_assert_msg(place_of(op_argmax(x, OP_ALL, 0)) == greatest, "argmax of %lld %s", (long long)n, what);
    ck_assert_msg(place_of(op_argmin(computed, OP_ALL, 0)) == least, "argmin of %lld computed %s", (long long)n, what);
    ck_assert_msg(place_of(op_argmax(computed, OP_ALL, 0)) == greatest, "argmax of %lld computed %s", (long long)n, what);
}

static void check_kind(op_graph *graph, op_dtype dtype, int64_t n, kind k)
{
    static _Alignas(8) char memory[2 * MOST * 8];
    static double original[MOST];
    char what[80];
    fill(n, k);
    memcpy(original, values, sizeof *original * (size_t)n);
    for (int64_t step = 1; step <= 2; step++) {
        int64_t stride = step * op_dtype_size(dtype);
        for (int64_t i = 0; i < n; i++)
            store(memory, dtype, i * step, original[i]);
        snprintf(what, sizeof what, "%s, kind %d, steps of %d", op_dtype_name(dtype), (int)k, (int)step);
        load_values(memory, dtype, n, step);
        check_places(graph, op_view_nd(dtype, memory, 1, &n, &stride), what);
    }
}

START_TEST(first_places)
{
    static const int64_t lengths[] = {1, 15, 33, 511, 512, 513, 1023, 1024, 1025, 1536, 2049, 16385, MOST};
    static const op_dtype dtypes[] = {OP_F64, OP_F32, OP_I64, OP_U8, OP_BOOL};
    op_engine *engine = op_engine_new(NULL);
    op_graph *graph = op_graph_new(engine);
    ck_assert_int_eq(op_engine_set_threads(engine, _i + 1), OP_OK);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
            for (int k = 0; k < KINDS; k++)
                if (dtypes[d] == OP_F64 || dtypes[d] == OP_F32 || (k != NANS && k != INFINITE))
                    check_kind(graph, dtypes[d], lengths[l], (kind)k);
    op_graph_free(graph);
    op_engine_free(engine);
}
END_TEST

/* Rows of many leaves, and of less than one. */
START_TEST(first_places_of_rows)
{
    enum { ROWS = 5 };
    static const int64_t lengths[] = {7, 32, 40, 512, 1100, 3000};
    op_engine *engine = op_engine_new(NULL);
    op_graph *graph = op_graph_new(engine);
    static double x[ROWS * 3000];
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        int64_t n = lengths[l], got[ROWS];
        for (int r = 0; r < ROWS; r++) {
            fill(n, (kind)r);
            memcpy(x + r * n, values, sizeof *x * (size_t)n);
        }
        op_expr *X = op_input(graph, OP_VIEW_2D(OP_F64, x, ROWS, n));
        ck_assert_int_eq(op_eval(op_argmin(X, OP_AXIS(1), 0), OP_VIEW_1D(OP_I64, got, ROWS)), OP_OK);
        for (int r = 0; r < ROWS; r++) {
            memcpy(values, x + r * n, sizeof *x * (size_t)n);
            ck_assert_int_eq(got[r], place_in(n, 1));
        }
    }
    op_graph_free(graph);
    op_engine_free(engine);
}
END_TEST

/* ---- deviations ---- */

enum { PAIR = 2 * OP_LEAF, STATE = 3 * OP_LANES };

static void fill_pair(double *x, float *f, int with)
{
    for (int i = 0; i < PAIR; i++)
        x[i] = sin((double)i) * exp((double)(i % 13));
    if (with)
        x[OP_LEAF + 77] = with == 1 ? NAN : INFINITY;
    for (int i = 0; i < PAIR; i++)
        f[i] = (float)x[i];
}

static void check_bits(const double *got, const double *want, int n, const char *what)
{
    for (int i = 0; i < n; i++)
        ck_assert_msg(isnan(want[i]) ? isnan(got[i]) : !memcmp(&got[i], &want[i], sizeof *got), "%s %d: %.17g, not %.17g",
                      what, i, got[i], want[i]);
}

/* As two leaves, which are merged. */
START_TEST(two_leaves_at_once)
{
    static double x[PAIR];
    static float f[PAIR];
    double a[STATE], b[STATE], got[STATE], sum[OP_LANES], sum_b[OP_LANES], got_sum[OP_LANES];
    for (int with = 0; with < 3; with++)
        for (op_dtype dtype = OP_F32; dtype <= OP_F64; dtype++) {
            const op_reducer *best = &op_loops_best()->reducer[OP_REDUCE_deviations][dtype];
            const op_reducer *plain = &op_loops_table.reducer[OP_REDUCE_deviations][dtype];
            const char *at = dtype == OP_F32 ? (const char *)f : (const char *)x;
            fill_pair(x, f, with);
            if (!best->pair_and_sum)
                return;
            plain->leaf_and_sum(a, sum, OP_LANES, at, OP_LEAF_ROWS, 0);
            plain->leaf_and_sum(b, sum_b, OP_LANES, at + OP_LEAF * op_dtype_size(dtype), OP_LEAF_ROWS, 0);
            plain->merge(a, 0, b, 0, OP_LANES, OP_LANES);
            op_loops_table.reducer[OP_REDUCE_sum][OP_F64].merge(sum, 0, sum_b, 0, OP_LANES, OP_LANES);
            best->pair_and_sum(got, got_sum, at);
            check_bits(got, a, STATE, "state");
            check_bits(got_sum, sum, OP_LANES, "sum");
            best->pair_and_sum(got, NULL, at);
            check_bits(got, a, STATE, "state without the sum");
        }
}
END_TEST

/* Lane j of a leaf is a leaf of one lane with every OP_LANES-th element from number j on. */
START_TEST(leaves_of_any_length)
{
    static double x[PAIR];
    static float f[PAIR];
    const op_reducer *reducer = &op_loops_best()->reducer[OP_REDUCE_deviations][OP_F64];
    fill_pair(x, f, 0);
    for (int n = 1; n <= OP_LEAF; n++) {
        double state[STATE], sum[OP_LANES];
        reducer->leaf_and_sum(state, sum, OP_LANES, x, n / OP_LANES, n % OP_LANES);
        for (int j = 0; j < OP_LANES; j++) {
            double lane[OP_LEAF_ROWS], alone[3], alone_sum, got[3];
            int count = 0;
            for (int i = j; i < n; i += OP_LANES)
                lane[count++] = x[i];
            reducer->leaf_and_sum(alone, &alone_sum, 1, lane, count, 0);
            for (int part = 0; part < 3; part++)
                got[part] = state[part * OP_LANES + j];
            check_bits(got, alone, 3, "lane");
            check_bits(&sum[j], &alone_sum, 1, "sum of lane");
        }
    }
}
END_TEST

/* ---- identities ---- */

/* What kernels begin with is what the loops begin with: of all reductions whose combinations a kernel does. */
START_TEST(kernels_and_loops_have_the_same_identities)
{
    int seen = 0;
    for (int code = 0; code < OP_REDUCE_END; code++)
        for (int dtype = 1; dtype < OP_DTYPE_END; dtype++) {
            const op_reducer *reducer = &op_loops_table.reducer[code][dtype];
            op_opcode combine = (op_opcode)op_reduce_rows[code].combine;
            if (combine == OP_CODE_NONE || !reducer->state_bytes)
                continue;
            uint64_t expected = 0, got = UINT64_MAX;
            reducer->leaf(&expected, 1, NULL, 0, 0, 0, 0, 0);
            ck_assert_msg(op_identity(combine, (op_dtype)dtype, &got), "%s", op_reduce_rows[code].name);
            ck_assert_msg(got == expected, "%s of %s", op_reduce_rows[code].name, op_dtypes[dtype].name);
            seen++;
        }
    ck_assert_int_ge(seen, 30);
    uint64_t none;
    ck_assert(!op_identity(OP_CODE_subtract, OP_F64, &none));
    ck_assert(!op_identity(OP_CODE_arctan2, OP_F32, &none));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leaves");
    TCase *tests = tcase_create("leaves");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, first_places, 0, 3);
    tcase_add_test(tests, first_places_of_rows);
    tcase_add_test(tests, two_leaves_at_once);
    tcase_add_test(tests, leaves_of_any_length);
    tcase_add_test(tests, kernels_and_loops_have_the_same_identities);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
