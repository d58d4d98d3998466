/* What a kernel may touch: sizes around every vector width, every misalignment, guard pages directly
 * before and after every buffer, and outputs that overlap inputs; at every level and in the interpreter. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "onepass/onepass.h"

enum { MOST_ENGINES = 8 };
static op_engine *engines[MOST_ENGINES];
static int n_engines;

static void begin(void)
{
    op_options options = {.flags = OP_ENGINE_NO_ENV | OP_ENGINE_INTERPRET, .threads = 2};
    n_engines = 0;
    engines[n_engines++] = op_engine_new(&options);
    options.flags = OP_ENGINE_NO_ENV;
    for (int i = 0; (options.isa = op_isa_level(i)) && n_engines < MOST_ENGINES; i++)
        engines[n_engines++] = op_engine_new(&options);
    for (int i = 0; i < n_engines; i++)
        ck_assert_ptr_nonnull(engines[i]);
}

static void end(void)
{
    while (n_engines > 0)
        op_engine_free(engines[--n_engines]);
}

/* ---- memory between two pages that nobody may touch ---- */

typedef struct guarded {
    unsigned char *map, *begin, *end; /* begin..end can be used */
    size_t size;
} guarded;

static guarded guarded_new(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page) / page * page;
    guarded g = {.size = room + 2 * page};
    g.map = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(g.map != MAP_FAILED);
    ck_assert_int_eq(mprotect(g.map, page, PROT_NONE), 0);
    ck_assert_int_eq(mprotect(g.map + page + room, page, PROT_NONE), 0);
    g.begin = g.map + page;
    g.end = g.begin + room;
    return g;
}

static void guarded_free(guarded *g)
{
    munmap(g->map, g->size);
}

/* `bytes` bytes, `away` bytes from the page before or from the page after. */
static unsigned char *place(const guarded *g, int after, size_t bytes, size_t away)
{
    return after ? g->end - away - bytes : g->begin + away;
}

/* ---- one formula for every dtype, in C ---- */

static const op_dtype dtypes[] = {OP_BOOL, OP_I8, OP_U16, OP_I32, OP_I64, OP_F32, OP_F64};
enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

#define FORMULA(type, wide)                                                                                            \
    {                                                                                                                  \
        type x, y, z;                                                                                                  \
        memcpy(&x, a, sizeof x);                                                                                       \
        memcpy(&y, b, sizeof y);                                                                                       \
        z = (type)((wide)(x > y ? x : y) + (wide)x);                                                                   \
        memcpy(to, &z, sizeof z);                                                                                      \
    }

/* maximum(a, b) + a of one element */
static void expect_one(op_dtype dtype, void *to, const void *a, const void *b)
{
    switch (dtype) {
    case OP_BOOL:
        *(unsigned char *)to = *(const unsigned char *)a | *(const unsigned char *)b;
        break;
    case OP_I8:
        FORMULA(int8_t, uint64_t)
        break;
    case OP_U16:
        FORMULA(uint16_t, uint64_t)
        break;
    case OP_I32:
        FORMULA(int32_t, uint64_t)
        break;
    case OP_I64:
        FORMULA(int64_t, uint64_t)
        break;
    case OP_F32:
        FORMULA(float, float)
        break;
    default:
        FORMULA(double, double)
        break;
    }
}

static op_expr *formula(op_expr *a, op_expr *b)
{
    return op_add(op_maximum(a, b), a);
}

/* Values that are numbers in every dtype. */
static void fill(op_dtype dtype, unsigned char *to, int64_t n, uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int64_t bits = (int64_t)(seed >> 33);
        float f = (float)(bits % 1000) * 0.25f;
        double d = (double)(bits % 100000) * 0.125;
        const void *from = dtype == OP_F32   ? (const void *)&f
                           : dtype == OP_F64 ? (const void *)&d
                                             : (const void *)&bits;
        memcpy(to + i * op_dtype_size(dtype), from, (size_t)op_dtype_size(dtype));
        if (dtype == OP_BOOL)
            to[i] = bits & 1;
    }
}

/* ---- sizes, misalignment, guard pages ---- */

static const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 257};
enum { N_SIZES = sizeof sizes / sizeof sizes[0], MOST = 300, PATTERN = 0xa5 };

static int untouched(const unsigned char *begin, const unsigned char *end)
{
    while (begin < end && *begin == PATTERN)
        begin++;
    return begin == end;
}

/* Every byte of the output's pages that is no element must still be the pattern. */
static void check_output(const guarded *g, const unsigned char *out, const unsigned char *expected, size_t bytes)
{
    if (bytes)
        ck_assert_mem_eq(out, expected, bytes);
    ck_assert_msg(untouched(g->begin, out) && untouched(out + bytes, g->end), "a byte beside the output was written");
}

static void contiguous(op_engine *engine, op_dtype dtype, const guarded *memory, int after, size_t away, int64_t n)
{
    size_t size = (size_t)op_dtype_size(dtype), bytes = (size_t)n * size;
    unsigned char *a = place(&memory[0], after, bytes, away), *b = place(&memory[1], after, bytes, away / 2);
    unsigned char *out = place(&memory[2], after, bytes, away), expected[MOST * 8];
    fill(dtype, a, n, 1 + (uint64_t)n);
    fill(dtype, b, n, 77 + away);
    for (int64_t i = 0; i < n; i++)
        expect_one(dtype, expected + (size_t)i * size, a + (size_t)i * size, b + (size_t)i * size);
    memset(memory[2].begin, PATTERN, (size_t)(memory[2].end - memory[2].begin));
    op_graph *graph = op_graph_new(engine);
    op_expr *y = formula(op_input(graph, OP_VIEW_1D(dtype, a, n)), op_input(graph, OP_VIEW_1D(dtype, b, n)));
    ck_assert_int_eq(op_eval(y, OP_VIEW_1D(dtype, out, n)), OP_OK);
    check_output(&memory[2], out, expected, bytes);
    op_graph_free(graph);
}

START_TEST(every_size_and_misalignment_between_guard_pages)
{
    guarded memory[3];
    for (int i = 0; i < 3; i++)
        memory[i] = guarded_new(MOST * 8 + 64);
    for (int e = 0; e < n_engines; e++)
        for (int d = 0; d < N_DTYPES; d++)
            for (int s = 0; s < N_SIZES; s++)
                for (int after = 0; after < 2; after++)
                    for (size_t away = 0; away < 64; away += away < 8 || sizes[s] == 33 ? 1 : 11)
                        contiguous(engines[e], dtypes[d], memory, after, away, sizes[s]);
    for (int i = 0; i < 3; i++)
        guarded_free(&memory[i]);
}
END_TEST

/* A view of n elements, every `step`-th of the bytes between the guards, backwards if step is negative. */
static op_view stepped(op_dtype dtype, const guarded *g, int after, int64_t n, int64_t step)
{
    int64_t size = op_dtype_size(dtype), stride = step * size;
    int64_t span = n ? (n - 1) * llabs(stride) + size : 0;
    unsigned char *low = place(g, after, (size_t)span, 0);
    return op_view_nd(dtype, step < 0 && n ? low + span - size : low, 1, &n, &stride);
}

static unsigned char *element(const op_view *v, int64_t i)
{
    return (unsigned char *)v->data + i * v->strides[0];
}

START_TEST(strided_views_between_guard_pages)
{
    static const int64_t steps[] = {1, -1, 2, -2, 3, 5, -7};
    enum { N_STEPS = sizeof steps / sizeof steps[0] };
    guarded memory[3];
    for (int i = 0; i < 3; i++)
        memory[i] = guarded_new(MOST * 8 * 7);
    for (int e = 0; e < n_engines; e++)
        for (int d = 0; d < N_DTYPES; d++)
            for (int s = 0; s < N_SIZES; s++)
                for (int k = 0; k < N_STEPS * 2; k++) {
                    op_dtype dtype = dtypes[d];
                    int64_t n = sizes[s], size = op_dtype_size(dtype);
                    int wrong = 0;
                    op_view a = stepped(dtype, &memory[0], k & 1, n, steps[k / 2]);
                    op_view b = stepped(dtype, &memory[1], k & 1, n, steps[(k / 2 + d) % N_STEPS]);
                    op_view out = stepped(dtype, &memory[2], k & 1, n, steps[(k / 2 + 2 * s) % N_STEPS]);
                    unsigned char values[MOST * 8], expected[8];
                    fill(dtype, values, n, (uint64_t)k);
                    for (int64_t i = 0; i < n; i++) {
                        memcpy(element(&a, i), values + i * size, (size_t)size);
                        memcpy(element(&b, i), values + (n - 1 - i) * size, (size_t)size);
                    }
                    memset(memory[2].begin, PATTERN, (size_t)(memory[2].end - memory[2].begin));
                    op_graph *graph = op_graph_new(engines[e]);
                    ck_assert_int_eq(op_eval(formula(op_input(graph, a), op_input(graph, b)), out), OP_OK);
                    op_graph_free(graph);
                    for (int64_t i = 0; i < n; i++) {
                        expect_one(dtype, expected, element(&a, i), element(&b, i));
                        wrong += memcmp(element(&out, i), expected, (size_t)size) != 0;
                        memset(element(&out, i), PATTERN, (size_t)size);
                    }
                    ck_assert_msg(!wrong, "%d elements are wrong: %s, %s, n %lld, steps %lld", wrong,
                                  op_engine_isa(engines[e]), op_dtype_name(dtype), (long long)n,
                                  (long long)steps[k / 2]);
                    ck_assert_msg(untouched(memory[2].begin, memory[2].end), "a byte between the elements was written");
                }
    for (int i = 0; i < 3; i++)
        guarded_free(&memory[i]);
}
END_TEST

/* A chain of operations, which is done on several vectors at once: y = (((y x + 1) x + 1) ...), into x if in place. */
static void chain(op_engine *engine, op_dtype dtype, const guarded *memory, int after, size_t away, int64_t n,
                  int in_place)
{
    enum { STEPS = 9 };
    size_t bytes = (size_t)(n * op_dtype_size(dtype));
    unsigned char *x = place(&memory[0], after, bytes, away), *out = in_place ? x : place(&memory[1], after, bytes, 0);
    unsigned char expected[MOST * 8];
    memset(out == x ? memory[0].begin : memory[1].begin, PATTERN, (size_t)(memory[0].end - memory[0].begin));
    for (int64_t i = 0; i < n; i++) {
        double v = (double)(i % 7) - 3, y = 0.5; /* small enough to be exact in both types */
        for (int k = 0; k < STEPS; k++)
            y = y * v + 1;
        float v32 = (float)v, y32 = (float)y;
        memcpy(x + i * op_dtype_size(dtype), dtype == OP_F32 ? (void *)&v32 : (void *)&v, (size_t)op_dtype_size(dtype));
        memcpy(expected + i * op_dtype_size(dtype), dtype == OP_F32 ? (void *)&y32 : (void *)&y,
               (size_t)op_dtype_size(dtype));
    }
    op_graph *graph = op_graph_new(engine);
    op_expr *in = op_input(graph, OP_VIEW_1D(dtype, x, n)), *y = op_const_f32(graph, 0.5f);
    for (int k = 0; k < STEPS; k++)
        y = op_add(op_multiply(y, in), op_const_f32(graph, 1));
    ck_assert_int_eq(op_eval(y, OP_VIEW_1D(dtype, out, n)), OP_OK);
    op_graph_free(graph);
    check_output(&memory[in_place ? 0 : 1], out, expected, bytes);
}

START_TEST(long_chains_between_guard_pages)
{
    guarded memory[2] = {guarded_new(MOST * 8 + 64), guarded_new(MOST * 8 + 64)};
    for (int e = 0; e < n_engines; e++)
        for (int d = 0; d < 2; d++)
            for (int s = 0; s < N_SIZES; s++)
                for (int k = 0; k < 8; k++)
                    chain(engines[e], d ? OP_F32 : OP_F64, memory, k & 1, k & 2 ? 20 : 0, sizes[s], k & 4);
    guarded_free(&memory[0]);
    guarded_free(&memory[1]);
}
END_TEST

START_TEST(reductions_between_guard_pages)
{
    guarded in = guarded_new(MOST * MOST * 8), out = guarded_new(MOST * 8);
    for (int e = 0; e < n_engines; e++)
        for (int s = 0; s < N_SIZES; s++)
            for (int k = 0; k < 12; k++) {
                int after = k & 1, axis = k / 2 % 2;
                int64_t rows = k < 4 ? 3 : k < 8 ? 33 : 17, n = sizes[s];
                int64_t *x = (int64_t *)(void *)place(&in, after, (size_t)(rows * n * 8), 0);
                int64_t kept = axis ? rows : n, sums[MOST] = {0};
                int64_t *y = (int64_t *)(void *)place(&out, after, (size_t)kept * 8, 0);
                for (int64_t i = 0; i < rows * n; i++) {
                    x[i] = i * i - 7 * i;
                    sums[axis ? i / n : i % n] += x[i];
                }
                op_graph *graph = op_graph_new(engines[e]);
                op_expr *sum = op_sum(op_input(graph, OP_VIEW_2D(OP_I64, x, rows, n)), OP_AXIS(axis), 0);
                ck_assert_int_eq(op_eval(sum, OP_VIEW_1D(OP_I64, y, kept)), OP_OK);
                op_graph_free(graph);
                if (kept)
                    ck_assert_mem_eq(y, sums, (size_t)kept * 8);
            }
    guarded_free(&in);
    guarded_free(&out);
}
END_TEST

/* ---- overlap ---- */

/* out = maximum(x, y) + x for x and y in the same memory as out. */
static void overlap(op_engine *engine, op_dtype dtype, int64_t n, int64_t offset, int in_step, int out_step,
                    int misalign, unsigned char *memory)
{
    int64_t size = op_dtype_size(dtype), pad = 70;
    int64_t in_stride = in_step * size, out_stride = out_step * size;
    unsigned char *base = memory + pad * size + misalign, *low = base + offset * size;
    fill(dtype, memory + misalign, n * 2 + 2 * pad, (uint64_t)offset);
    op_view x = op_view_nd(dtype, in_step < 0 ? base + (n - 1) * size : base, 1, &n, &in_stride);
    op_view y = op_view_nd(dtype, base + 3 * size, 1, &n, NULL);
    op_view out = op_view_nd(dtype, out_step < 0 ? low - (n - 1) * out_stride : low, 1, &n, &out_stride);
    unsigned char *expected = malloc((size_t)(n * size));
    for (int64_t i = 0; i < n; i++)
        expect_one(dtype, expected + i * size, element(&x, i), element(&y, i));
    op_graph *graph = op_graph_new(engine);
    ck_assert_int_eq(op_eval(formula(op_input(graph, x), op_input(graph, y)), out), OP_OK);
    op_graph_free(graph);
    int64_t same = 0;
    while (same < n && !memcmp(element(&out, same), expected + same * size, (size_t)size))
        same++;
    ck_assert_msg(same == n, "%s, %s, n %lld, offset %lld, steps %d -> %d: element %lld", op_engine_isa(engine),
                  op_dtype_name(dtype), (long long)n, (long long)offset, in_step, out_step, (long long)same);
    free(expected);
}

START_TEST(every_offset_of_an_overlapping_output)
{
    static const op_dtype some[] = {OP_I8, OP_F32, OP_F64};
    static const int64_t lengths[] = {1, 33, 100, 700};
    unsigned char *memory = malloc(8 * (700 * 2 + 200));
    for (int e = 0; e < n_engines; e++)
        for (int d = 0; d < 3; d++)
            for (int l = 0; l < 4; l++)
                for (int64_t offset = -64; offset <= 64; offset++)
                    for (int signs = 0; signs < 6; signs++)
                        overlap(engines[e], some[d], lengths[l], offset, signs & 1 ? -1 : 1,
                                signs < 2   ? 1
                                : signs < 4 ? -1
                                            : 2,
                                signs & 4 ? 3 : 0, memory);
    free(memory);
}
END_TEST

START_TEST(overlap_of_what_several_threads_share)
{
    static const int64_t offsets[] = {-64, -17, -1, 0, 1, 5, 64};
    int64_t n = 400003;
    unsigned char *memory = malloc(8 * (size_t)(n * 2 + 200));
    for (int e = 0; e < n_engines; e++)
        for (int i = 0; i < 7; i++)
            for (int signs = 0; signs < 4; signs++)
                overlap(engines[e], OP_F64, n, offsets[i], signs & 1 ? -1 : 1, signs & 2 ? -1 : 1, 0, memory);
    free(memory);
}
END_TEST

/* An output whose elements are wider or narrower than the input's, in the same memory. */
START_TEST(overlap_of_different_dtypes)
{
    enum { N = 200 };
    static double memory[3 * N];
    for (int e = 0; e < n_engines; e++)
        for (int offset = -64; offset <= 64; offset++) {
            float *narrow = (float *)(void *)(memory + N);
            double *wide = (double *)(void *)((char *)narrow + offset * 4), expected[N];
            for (int i = 0; i < N; i++)
                expected[i] = (narrow[i] = (float)(i * 3 + offset)) * 0.5;
            op_graph *graph = op_graph_new(engines[e]);
            op_expr *x = op_cast(op_input(graph, OP_VIEW_1D(OP_F32, narrow, N)), OP_F64);
            ck_assert_int_eq(op_eval(op_mul(x, op_scalar(graph, 0.5)), OP_VIEW_1D(OP_F64, wide, N)), OP_OK);
            ck_assert_mem_eq(wide, expected, sizeof expected);
            op_graph_free(graph);
        }
}
END_TEST

START_TEST(a_square_is_transposed_in_place)
{
    enum { N = 67 };
    static int32_t x[N][N], expected[N][N];
    for (int e = 0; e < n_engines; e++) {
        for (int i = 0; i < N * N; i++)
            x[i / N][i % N] = expected[i % N][i / N] = i;
        op_graph *graph = op_graph_new(engines[e]);
        op_view view = OP_VIEW_2D(OP_I32, x, N, N);
        ck_assert_int_eq(op_eval(op_transpose(op_input(graph, view)), view), OP_OK);
        ck_assert_mem_eq(x, expected, sizeof x);
        op_graph_free(graph);
    }
}
END_TEST

START_TEST(two_arrays_change_places)
{
    enum { N = 1000 };
    static double a[N], b[N];
    for (int e = 0; e < n_engines; e++) {
        for (int i = 0; i < N; i++) {
            a[i] = i;
            b[i] = -2 * i;
        }
        op_graph *graph = op_graph_new(engines[e]);
        op_view views[] = {OP_VIEW_1D(OP_F64, b, N), OP_VIEW_1D(OP_F64, a, N)};
        op_expr *exprs[] = {op_input(graph, views[1]), op_input(graph, views[0])};
        ck_assert_int_eq(op_eval_many(graph, 2, exprs, views), OP_OK);
        int wrong = 0;
        for (int i = 0; i < N; i++)
            wrong += a[i] != -2 * i || b[i] != i;
        ck_assert_int_eq(wrong, 0);
        op_graph_free(graph);
    }
}
END_TEST

START_TEST(a_reduction_lands_in_its_own_input)
{
    enum { ROWS = 40, COLUMNS = 90 };
    static int64_t x[ROWS * COLUMNS];
    for (int e = 0; e < n_engines; e++)
        for (int axis = 0; axis < 2; axis++)
            for (int offset = 0; offset < 200; offset += 7) {
                int64_t sums[COLUMNS] = {0};
                int n = axis ? ROWS : COLUMNS;
                for (int i = 0; i < ROWS * COLUMNS; i++)
                    sums[axis ? i / COLUMNS : i % COLUMNS] += x[i] = i * 5 - 1000;
                op_graph *graph = op_graph_new(engines[e]);
                op_expr *sum = op_sum(op_input(graph, OP_VIEW_2D(OP_I64, x, ROWS, COLUMNS)), OP_AXIS(axis), 0);
                ck_assert_int_eq(op_eval(sum, OP_VIEW_1D(OP_I64, x + offset, n)), OP_OK);
                ck_assert_mem_eq(x + offset, sums, (size_t)n * sizeof *x);
                op_graph_free(graph);
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 300);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, every_size_and_misalignment_between_guard_pages);
    tcase_add_test(tests, strided_views_between_guard_pages);
    tcase_add_test(tests, long_chains_between_guard_pages);
    tcase_add_test(tests, reductions_between_guard_pages);
    tcase_add_test(tests, every_offset_of_an_overlapping_output);
    tcase_add_test(tests, overlap_of_what_several_threads_share);
    tcase_add_test(tests, overlap_of_different_dtypes);
    tcase_add_test(tests, a_square_is_transposed_in_place);
    tcase_add_test(tests, two_arrays_change_places);
    tcase_add_test(tests, a_reduction_lands_in_its_own_input);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
