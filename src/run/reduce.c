/* Reduce stages. The kernel writes a cache-sized block of the operand's values, in logical order, and the
 * loops of the reduction table combine them while they are hot, in the order of tree.h. What a thread
 * reduces is a whole subtree, so neither their number nor the kernel's width changes a bit. */
#include <string.h>

#include "run/run.h"
#include "run/tree.h"

enum {
    LEAF = OP_LEAF_ROWS * OP_LANES, /* elements of a leaf along the innermost axis */
    BLOCK_ELEMENTS = 8 * LEAF,      /* values evaluated at a time: 32 kB of doubles */
    SUBTREE = 128 * LEAF,           /* elements of a subtree that one thread reduces; a power of two of leaves */
    COLUMNS = 512,                  /* at a time, when the innermost axis is kept */
};

typedef struct op_reduce_run {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    op_kernel_args *args;
    op_fold_loop fold;
    op_loop identity;
    int size;              /* bytes of an accumulator */
    int64_t kept, reduced; /* elements of the result; elements behind each */
    int64_t columns;       /* innermost kept extent, when the innermost axis is kept; else 1 */
    int64_t subtree;       /* elements of a sequence (rows, when the innermost axis is kept) of one chunk */
    int64_t subtrees;      /* chunks of each sequence */
    int64_t batch;         /* results of one chunk, when sequences are not split */
    int64_t column_blocks;
    char *partial;         /* roots of subtrees, when there is more than one */
    char *result;
} op_reduce_run;

static void fail(op_reduce_run *r)
{
    int none = OP_OK;
    atomic_compare_exchange_strong(&r->run->failed, &none, (int)OP_ERR_MEMORY);
}

static int is_reduced(const op_stage *stage, int d)
{
    return stage->reduced >> d & 1;
}

/* ---- evaluating the operand ---- */

/* A thread's own copy of the arguments and its memory. */
typedef struct op_worker {
    op_reduce_run *r;
    op_args_room room;
    op_kernel_args *args;
    char *memory, *values; /* a block of the operand's values */
    op_tree tree;
} op_worker;

static int begin_worker(op_worker *w, op_reduce_run *r, int64_t values, int64_t width, int64_t leaves)
{
    int levels = op_tree_levels(leaves);
    int64_t row_bytes = (width * r->size + 63) & ~(int64_t)63, value_bytes = (values * r->size + 63) & ~(int64_t)63;
    w->r = r;
    w->args = op_args_copy(r->run, r->stage, r->args, &w->room);
    w->memory = op_alloc(&r->run->engine->allocator, (size_t)(value_bytes + levels * row_bytes));
    if (!w->args || !w->memory) {
        op_args_free(r->run, w->args, &w->room);
        op_release(&r->run->engine->allocator, w->memory);
        fail(r);
        return 0;
    }
    w->values = w->memory;
    w->tree = (op_tree){.fold = r->fold, .width = width, .row_bytes = row_bytes, .stack = w->memory + value_bytes,
                        .levels = levels};
    return 1;
}

static void end_worker(op_worker *w)
{
    op_args_free(w->r->run, w->args, &w->room);
    op_release(&w->r->run->engine->allocator, w->memory);
}

/* Byte offset of an operand at index `kept` of the kept dimensions and `reduced` of the reduced ones, in
 * C order; dimensions from `last` on are not counted. */
static int64_t offset_of(const op_stage *stage, const int64_t *strides, int last, int64_t kept, int64_t reduced)
{
    int64_t offset = 0;
    for (int d = last - 1; d >= 0; d--) {
        if (stage->shape[d] == 0) /* reduced, and there is nothing to reduce */
            continue;
        int64_t *index = is_reduced(stage, d) ? &reduced : &kept;
        offset += *index % stage->shape[d] * strides[d];
        *index /= stage->shape[d];
    }
    return offset;
}

/* Evaluates `rows` rows of `n` elements from the given place into `to`, rows one after another. */
static void evaluate(op_worker *w, int last, int64_t kept, int64_t reduced, int64_t column, int64_t rows, int64_t n,
                     char *to)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1;
    for (uint32_t k = 0; k < stage->program.n_in; k++) {
        const int64_t *strides = stage->operand[k].strides;
        w->args->operand[k].data = w->r->args->operand[k].data + offset_of(stage, strides, last, kept, reduced) +
                                   column * strides[inner];
    }
    w->args->operand[stage->program.n_in] = (op_operand){to, w->r->size, n * w->r->size};
    w->args->n = n;
    int rank_1 = stage->program.rank == 1;
    if (!op_code_run(w->r->code, w->args, 0, rank_1 ? n : rows))
        fail(w->r);
}

/* ---- the innermost axis is reduced: sequences of OP_LANES lanes ---- */

/* Values begin..end-1 of the sequence of one result. */
static void evaluate_sequence(op_worker *w, int64_t kept, int64_t begin, int64_t end, char *to)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1;
    int64_t n = stage->shape[inner];
    int rows_too = inner > 0 && is_reduced(stage, inner - 1);
    while (begin < end) {
        int64_t column = begin % n, row = begin / n, count = n - column < end - begin ? n - column : end - begin;
        int64_t rows = 1;
        if (rows_too && column == 0 && end - begin >= n) { /* whole rows at once */
            int64_t extent = stage->shape[inner - 1], left = extent - row % extent;
            rows = (end - begin) / n < left ? (end - begin) / n : left;
            count = n;
        }
        evaluate(w, inner, kept, row, column, rows, count, to);
        to += rows * count * w->r->size;
        begin += rows * count;
    }
}

/* Adds n values, which begin at a leaf, to the tree. */
static void push_values(op_worker *w, const char *x, int64_t n)
{
    op_reduce_run *r = w->r;
    while (n > 0) {
        int64_t count = n < LEAF ? n : LEAF, rows = count / OP_LANES, rest = count % OP_LANES;
        void *leaf = op_tree_next(&w->tree);
        r->identity(leaf, NULL, OP_LANES);
        r->fold(leaf, x, rows, OP_LANES);
        if (rest)
            r->fold(leaf, x + rows * OP_LANES * r->size, 1, rest);
        op_tree_push(&w->tree);
        x += count * r->size;
        n -= count;
    }
}

/* Combines the lanes: halves, halves of halves, ... `used` lanes hold more than the identity. */
static void finish_lanes(const op_reduce_run *r, char *lanes, int64_t used)
{
    for (int64_t half = OP_LANES / 2; half > 0; half /= 2)
        if (used > half)
            r->fold(lanes, lanes + half * r->size, 1, half);
}

/* The identity of a float sum is -0.0, which changes nothing; NumPy's sums begin with 0. */
static void add_zero(const op_reduce_run *r, char *values, int64_t n)
{
    uint64_t zero = 0;
    for (int64_t i = 0; i < n && r->stage->reduce == OP_REDUCE_sum; i++)
        r->fold(values + i * r->size, &zero, 1, 1);
}

static void store_result(const op_reduce_run *r, int64_t kept, char *value)
{
    const op_stage *stage = r->stage;
    add_zero(r, value, 1);
    memcpy(r->result + offset_of(stage, stage->result_strides, stage->ndim, kept, 0), value, (size_t)r->size);
}

/* The tree over values begin..end-1 of one sequence; its root's lanes. */
static char *reduce_sequence(op_worker *w, int64_t kept, int64_t begin, int64_t end)
{
    w->tree.top = 0;
    w->tree.pushed = 0;
    for (; begin < end; begin += BLOCK_ELEMENTS) {
        int64_t count = end - begin < BLOCK_ELEMENTS ? end - begin : BLOCK_ELEMENTS;
        evaluate_sequence(w, kept, begin, begin + count, w->values);
        push_values(w, w->values, count);
    }
    return op_tree_finish(&w->tree);
}

/* Results first..first+count-1 when sequences are short and are rows of the kernel: many at once. */
static void reduce_short_rows(op_worker *w, int64_t first, int64_t count)
{
    op_reduce_run *r = w->r;
    const op_stage *stage = r->stage;
    int inner = stage->ndim - 1;
    int64_t n = r->reduced, extent = stage->shape[inner - 1];
    int64_t most = BLOCK_ELEMENTS / n > 0 ? BLOCK_ELEMENTS / n : 1;
    while (count > 0) {
        int64_t rows = count < most ? count : most, left = extent - first % extent;
        rows = rows < left ? rows : left;
        evaluate(w, inner, first, 0, 0, rows, n, w->values);
        for (int64_t i = 0; i < rows; i++) {
            w->tree.top = 0;
            w->tree.pushed = 0;
            push_values(w, w->values + i * n * r->size, n);
            char *root = op_tree_finish(&w->tree);
            finish_lanes(r, root, n);
            store_result(r, first + i, root);
        }
        first += rows;
        count -= rows;
    }
}

static int rows_are_short(const op_reduce_run *r)
{
    const op_stage *stage = r->stage;
    int inner = stage->ndim - 1;
    return inner > 0 && !is_reduced(stage, inner - 1) && stage->shape[inner] == r->reduced &&
           r->reduced <= BLOCK_ELEMENTS / 2;
}

static void chunk_of_results(void *ctx, int64_t i)
{
    op_reduce_run *r = ctx;
    int64_t first = i * r->batch, count = r->kept - first < r->batch ? r->kept - first : r->batch;
    op_worker w;
    if (!begin_worker(&w, r, BLOCK_ELEMENTS, OP_LANES, r->reduced / LEAF + 1))
        return;
    if (rows_are_short(r))
        reduce_short_rows(&w, first, count);
    else
        for (int64_t k = first; k < first + count && !op_run_stopped(r->run); k++) {
            char *root = reduce_sequence(&w, k, 0, r->reduced);
            finish_lanes(r, root, r->reduced);
            store_result(r, k, root);
        }
    end_worker(&w);
}

static void chunk_of_sequence(void *ctx, int64_t i)
{
    op_reduce_run *r = ctx;
    int64_t kept = i / r->subtrees, begin = i % r->subtrees * r->subtree, end = begin + r->subtree;
    op_worker w;
    if (!begin_worker(&w, r, BLOCK_ELEMENTS, OP_LANES, r->subtree / LEAF))
        return;
    char *root = reduce_sequence(&w, kept, begin, end < r->reduced ? end : r->reduced);
    memcpy(r->partial + i * OP_LANES * r->size, root, (size_t)(OP_LANES * r->size));
    end_worker(&w);
}

/* The tree over the subtrees of one result. */
static char *join_subtrees(op_worker *w, int64_t first, int64_t step, int64_t width)
{
    op_reduce_run *r = w->r;
    for (int64_t i = 0; i < r->subtrees; i++) {
        memcpy(op_tree_next(&w->tree), r->partial + (first + i * step) * r->size, (size_t)(width * r->size));
        op_tree_push(&w->tree);
    }
    return op_tree_finish(&w->tree);
}

static void reduce_along_rows(op_reduce_run *r, int threads)
{
    r->subtrees = (r->reduced + SUBTREE - 1) / SUBTREE;
    r->subtree = SUBTREE;
    if (r->kept >= 2 * threads || r->subtrees <= 1) {
        int64_t work = r->reduced < 1 ? 1 : r->reduced;
        r->batch = SUBTREE / work > 0 ? SUBTREE / work : 1;
        if (r->batch > r->kept / (threads * 4) && threads > 1)
            r->batch = r->kept / (threads * 4) > 0 ? r->kept / (threads * 4) : 1;
        op_parallel(r->run, threads, (r->kept + r->batch - 1) / r->batch, chunk_of_results, r);
        return;
    }
    int64_t bytes = r->kept * r->subtrees * OP_LANES * r->size;
    r->partial = op_alloc(&r->run->engine->allocator, (size_t)bytes);
    r->run->scratch_bytes += bytes;
    if (!r->partial) {
        fail(r);
        return;
    }
    op_parallel(r->run, threads, r->kept * r->subtrees, chunk_of_sequence, r);
    for (int64_t k = 0; k < r->kept && !op_run_stopped(r->run); k++) {
        op_worker w;
        if (!begin_worker(&w, r, 0, OP_LANES, r->subtrees))
            break;
        char *root = join_subtrees(&w, k * r->subtrees * OP_LANES, OP_LANES, OP_LANES);
        finish_lanes(r, root, r->reduced);
        store_result(r, k, root);
        end_worker(&w);
    }
}

/* ---- the innermost axis is kept: one lane for each column ---- */

/* Values of `rows` positions of the sequences of columns first..first+width-1. */
static void evaluate_columns(op_worker *w, int64_t outer, int64_t position, int64_t rows, int64_t first, int64_t width)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1, rows_too = inner > 0 && is_reduced(stage, inner - 1);
    char *to = w->values;
    while (rows > 0) {
        int64_t extent = rows_too ? stage->shape[inner - 1] : 1, left = extent - position % extent;
        int64_t count = rows < left ? rows : left;
        /* when rows are kept, or start inside their dimension, the offset counts every dimension but the last */
        evaluate(w, inner, outer, position, first, count, width, to);
        to += count * width * w->r->size;
        position += count;
        rows -= count;
    }
}

static char *reduce_columns(op_worker *w, int64_t outer, int64_t begin, int64_t end, int64_t first, int64_t width)
{
    op_reduce_run *r = w->r;
    for (; begin < end; begin += OP_LEAF_ROWS) {
        int64_t rows = end - begin < OP_LEAF_ROWS ? end - begin : OP_LEAF_ROWS;
        evaluate_columns(w, outer, begin, rows, first, width);
        void *leaf = op_tree_next(&w->tree);
        r->identity(leaf, NULL, width);
        r->fold(leaf, w->values, rows, width);
        op_tree_push(&w->tree);
    }
    return op_tree_finish(&w->tree);
}

static void store_columns(const op_reduce_run *r, int64_t outer, int64_t first, int64_t width, char *values)
{
    const op_stage *stage = r->stage;
    int inner = stage->ndim - 1;
    add_zero(r, values, width);
    int64_t stride = stage->result_strides[inner];
    char *to = r->result + offset_of(stage, stage->result_strides, inner, outer, 0) + first * stride;
    for (int64_t j = 0; j < width; j++)
        memcpy(to + j * stride, values + j * r->size, (size_t)r->size);
}

static int64_t width_of(const op_reduce_run *r, int64_t first)
{
    return r->columns - first < COLUMNS ? r->columns - first : COLUMNS;
}

/* Chunk: outer index, then subtree, then block of columns, the last one fastest. */
static void chunk_of_columns(void *ctx, int64_t i)
{
    op_reduce_run *r = ctx;
    int64_t first = i % r->column_blocks * COLUMNS, width = width_of(r, first);
    int64_t subtree = i / r->column_blocks % r->subtrees, outer = i / r->column_blocks / r->subtrees;
    int64_t begin = subtree * r->subtree, end = begin + r->subtree;
    op_worker w;
    if (!begin_worker(&w, r, OP_LEAF_ROWS * width, width, r->subtree / OP_LEAF_ROWS + 1))
        return;
    char *root = reduce_columns(&w, outer, begin, end < r->reduced ? end : r->reduced, first, width);
    if (r->subtrees == 1)
        store_columns(r, outer, first, width, root);
    else
        memcpy(r->partial + ((outer * r->subtrees + subtree) * r->columns + first) * r->size, root,
               (size_t)(width * r->size));
    end_worker(&w);
}

static void reduce_along_columns(op_reduce_run *r, int threads)
{
    r->columns = r->stage->shape[r->stage->ndim - 1];
    r->column_blocks = (r->columns + COLUMNS - 1) / COLUMNS;
    int64_t outer = r->kept / r->columns, blocks = outer * r->column_blocks;
    r->subtree = OP_LEAF_ROWS;
    while (r->subtree < r->reduced && (blocks >= 2 * threads || r->subtree * 8 * threads < r->reduced))
        r->subtree *= 2;
    r->subtrees = (r->reduced + r->subtree - 1) / r->subtree;
    if (r->subtrees > 1) {
        int64_t bytes = r->kept * r->subtrees * r->size;
        r->partial = op_alloc(&r->run->engine->allocator, (size_t)bytes);
        r->run->scratch_bytes += bytes;
        if (!r->partial) {
            fail(r);
            return;
        }
    }
    op_parallel(r->run, threads, blocks * r->subtrees, chunk_of_columns, r);
    for (int64_t i = 0; i < blocks && r->subtrees > 1 && !op_run_stopped(r->run); i++) {
        int64_t first = i % r->column_blocks * COLUMNS, width = width_of(r, first), at = i / r->column_blocks;
        op_worker w;
        if (!begin_worker(&w, r, 0, width, r->subtrees))
            break;
        store_columns(r, at, first, width, join_subtrees(&w, at * r->subtrees * r->columns + first, r->columns, width));
        end_worker(&w);
    }
}

/* ---- the whole ---- */

/* Every result is the identity: nothing is reduced. */
static void store_identities(op_reduce_run *r)
{
    uint64_t value = 0;
    r->identity(&value, NULL, 1);
    for (int64_t k = 0; k < r->kept; k++)
        store_result(r, k, (char *)&value);
}

op_status op_run_reduce(op_run_state *run, const op_stage *stage, const op_code *code)
{
    op_args_room room;
    const op_loops *loops = op_loops_best();
    op_reduce_run r = {.run = run,
                       .stage = stage,
                       .code = code,
                       .fold = loops->fold[stage->reduce][stage->dtype],
                       .identity = loops->identity[stage->reduce][stage->dtype],
                       .size = (int)op_dtype_size(stage->dtype),
                       .kept = 1,
                       .reduced = 1,
                       .columns = 1,
                       .result = op_run_address(run, &stage->result)};
    for (int d = 0; d < stage->ndim; d++)
        *(is_reduced(stage, d) ? &r.reduced : &r.kept) *= stage->shape[d];
    if (r.kept == 0)
        return OP_OK;
    if (r.reduced == 0) {
        store_identities(&r);
        return OP_OK;
    }
    r.args = op_args_new(run, stage, &room);
    if (!r.args)
        return op_fail(OP_ERR_MEMORY, "out of memory for a kernel's arguments");
    int threads = op_threads_for(run, stage, code, (double)r.kept * (double)r.reduced);
    if (stage->lanes == 1)
        reduce_along_columns(&r, threads);
    else
        reduce_along_rows(&r, threads);
    op_release(&run->engine->allocator, r.partial);
    op_args_free(run, r.args, &room);
    return OP_OK;
}
