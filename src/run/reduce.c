/* Reduce stages. The kernel combines the elements of each leaf, or it writes a cache-sized block of the
 * operand's values, in logical order, and the loops of the reduction table combine them while they are hot:
 * the order of lanes.h and tree.h in both cases. What a thread
 * reduces is a whole subtree, so neither their number nor the kernel's width changes a bit. */
#include <string.h>

#include "run/blocks.h"
#include "run/tree.h"

enum {
    BLOCK_ELEMENTS = 2 * OP_LEAF,      /* values evaluated at a time: 8 kB of doubles, which stay in the first-level cache */
    SUBTREE = 128 * OP_LEAF, /* most elements of a subtree that one thread reduces; a power of two of leaves */
    COLUMNS = 128,                  /* at a time, when the innermost axis is kept: their leaf stays in cache */
    FOLDED_ROWS = BLOCK_ELEMENTS / OP_LANES, /* at a time, when the kernel folds */
};

typedef struct op_reduce_item {
    const op_reducer *reducer;
    int block;          /* output of the kernel */
    int size;           /* bytes of a value there */
    int result_size;    /* bytes of a result */
    const int64_t *strides; /* of the results */
    char *result;
    char *partial;      /* roots of subtrees, when there is more than one */
} op_reduce_item;

typedef struct op_reduce_run {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    op_kernel_args *args;
    int n;
    op_reduce_item *item, few[4];
    op_args_room room;
    int64_t kept, reduced; /* elements of a result; elements behind each */
    int64_t columns;       /* innermost kept extent, when the innermost axis is kept; else 1 */
    int64_t subtree;       /* elements of a sequence (rows, when the innermost axis is kept) of one chunk */
    int64_t subtrees;      /* chunks of each sequence */
    int64_t batch;         /* results of one chunk, when sequences are not split */
    int64_t column_blocks;
} op_reduce_run;

static void fail(op_reduce_run *r)
{
    int none = OP_OK;
    atomic_compare_exchange_strong(&r->run->failed, &none, (int)OP_ERR_MEMORY);
}

/* ---- evaluating the operand ---- */

/* A thread's own copy of the arguments and its memory. */
typedef struct op_worker {
    op_reduce_run *r;
    op_args_room room;
    op_kernel_args *args;
    char *memory;
    int64_t block_bytes; /* of one output's values; they lie one after another at `memory` */
    op_tree *tree;       /* by reduction */
    _Alignas(OP_ALIGNMENT) char few[16 << 10]; /* memory for one reduction, as a rule */
} op_worker;

static int64_t aligned(int64_t bytes)
{
    return (bytes + OP_ALIGNMENT - 1) & ~(int64_t)(OP_ALIGNMENT - 1);
}

static void end_worker(op_worker *w)
{
    if (w->args)
        op_args_free(w->r->run, w->args, &w->room);
    if (w->memory != w->few)
        op_release(&w->r->run->engine->allocator, w->memory);
}

/* Memory for `values` values of each output, and for a tree over so many leaves for each reduction. */
static int begin_worker(op_worker *w, op_reduce_run *r, int64_t values, int64_t lanes, int64_t leaves)
{
    int levels = op_tree_levels(leaves), n_block = (int)r->stage->program.n_out;
    int64_t bytes = 0, block_bytes = aligned(values * 8), trees = aligned((int64_t)sizeof(op_tree) * r->n);
    for (int k = 0; k < r->n; k++)
        bytes += levels * aligned(lanes * r->item[k].reducer->state_bytes);
    w->r = r;
    w->block_bytes = block_bytes;
    w->args = op_args_copy(r->run, r->stage, r->args, &w->room);
    bytes += n_block * block_bytes + trees;
    w->memory = bytes <= (int64_t)sizeof w->few ? w->few : op_alloc(&r->run->engine->allocator, (size_t)bytes);
    if (!w->args || !w->memory) {
        end_worker(w);
        fail(r);
        return 0;
    }
    w->tree = (op_tree *)(void *)(w->memory + n_block * block_bytes);
    char *stack = (char *)w->tree + trees;
    for (int k = 0; k < r->n; k++) {
        int64_t row_bytes = aligned(lanes * r->item[k].reducer->state_bytes);
        w->tree[k] = (op_tree){.reducer = r->item[k].reducer, .width = lanes, .row_bytes = row_bytes, .stack = stack};
        stack += levels * row_bytes;
    }
    return 1;
}

static void clear_trees(op_worker *w)
{
    for (int k = 0; k < w->r->n; k++)
        w->tree[k].top = 0, w->tree[k].pushed = 0;
}

/* Evaluates rows into the blocks of a worker: see op_evaluate. */
static void evaluate(op_worker *w, int last, int64_t kept, int64_t reduced, int64_t column, int64_t rows, int64_t n,
                     int64_t at)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    if (!op_evaluate(&evaluation, last, kept, reduced, column, rows, n, at))
        fail(w->r);
}

/* ---- the innermost axis is reduced: sequences of OP_LANES lanes ---- */

/* Values begin..end-1 of the sequence of one result. */
static void evaluate_sequence(op_worker *w, int64_t kept, int64_t begin, int64_t end)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    if (!op_evaluate_sequence(&evaluation, kept, begin, end))
        fail(w->r);
}

/* Adds n values from number `at` on, which begin a leaf and have position `first`, to every tree. */
static void push_values(op_worker *w, int64_t at, int64_t n, int64_t first)
{
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        const char *x = w->memory + item->block * w->block_bytes + at * item->size;
        for (int64_t done = 0; done < n; done += OP_LEAF) {
            int64_t count = n - done < OP_LEAF ? n - done : OP_LEAF;
            item->reducer->leaf(op_tree_next(&w->tree[k]), OP_LANES, x + done * item->size, count / OP_LANES,
                                count % OP_LANES, first + done, OP_LANES, 1);
            op_tree_push(&w->tree[k]);
        }
    }
}

/* Combines the lanes of every tree, halves, halves of halves, ..., and stores the results. `used` lanes
 * hold more than the identity. */
static void finish_lanes(op_worker *w, int64_t kept, int64_t used)
{
    const op_reduce_run *r = w->r;
    for (int k = 0; k < r->n; k++) {
        const op_reduce_item *item = &r->item[k];
        char value[8], *root = op_tree_finish(&w->tree[k]);
        if (item->reducer->lanes) {
            item->reducer->lanes(value, root, 1, OP_LANES);
        } else {
            for (int64_t half = OP_LANES / 2; half > 0; half /= 2)
                if (used > half)
                    item->reducer->merge(root, 0, root, half, half, OP_LANES);
            item->reducer->finish(value, root, 0, 1, OP_LANES);
        }
        memcpy(item->result + op_offset_of(r->stage, item->strides, r->stage->ndim, kept, 0), value,
               (size_t)item->result_size);
    }
}

/* Rows of OP_LANES lanes in every block begin as the identity. */
static void clear_lanes(op_worker *w, int64_t rows)
{
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        item->reducer->leaf(w->memory + item->block * w->block_bytes, rows * OP_LANES, NULL, 0, 0, 0, 0, 0);
    }
}

/* See op_fold_rows. `at`: the row of the blocks that is the first one's. */
static void fold_rows(op_worker *w, int64_t kept, int64_t column, int is_leaves, int64_t rows, int64_t n, int64_t at)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    if (rows && !op_fold_rows(&evaluation, kept, column, is_leaves, rows, n, at))
        fail(w->r);
}

/* Trees over elements begin..end-1 of one sequence. A block of FOLDED_ROWS leaves is an aligned subtree. */
static void fold_sequence(op_worker *w, int64_t kept, int64_t begin, int64_t end)
{
    clear_trees(w);
    for (; begin < end; begin += FOLDED_ROWS * OP_LEAF) {
        int64_t n = end - begin < FOLDED_ROWS * OP_LEAF ? end - begin : FOLDED_ROWS * OP_LEAF;
        int64_t rows = n / OP_LEAF, rest = n % OP_LEAF;
        clear_lanes(w, rows + (rest > 0));
        fold_rows(w, kept, begin, 1, rows, OP_LEAF, 0);
        fold_rows(w, kept, begin + rows * OP_LEAF, 1, rest > 0, rest, rows);
        for (int k = 0; k < w->r->n; k++) {
            const op_reduce_item *item = &w->r->item[k];
            char *lanes = w->memory + item->block * w->block_bytes;
            item->reducer->leaves(lanes, rows + (rest > 0));
            op_tree_add(&w->tree[k], lanes);
        }
    }
}

/* Trees over values begin..end-1 of one sequence. */
static void reduce_sequence(op_worker *w, int64_t kept, int64_t begin, int64_t end)
{
    if (op_program_folds(&w->r->stage->program)) {
        fold_sequence(w, kept, begin, end);
        return;
    }
    clear_trees(w);
    for (; begin < end; begin += BLOCK_ELEMENTS) {
        int64_t count = end - begin < BLOCK_ELEMENTS ? end - begin : BLOCK_ELEMENTS;
        evaluate_sequence(w, kept, begin, begin + count);
        push_values(w, 0, count, begin);
    }
}

/* Stores the results of rows whose n <= OP_LANES lanes lie one row after another in the blocks. */
static void finish_rows(op_worker *w, int64_t first, int64_t rows, int64_t n)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1;
    char value[BLOCK_ELEMENTS * 8];
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        char *to = item->result + op_offset_of(stage, item->strides, stage->ndim, first, 0);
        item->reducer->lanes(value, w->memory + item->block * w->block_bytes, rows, n);
        for (int64_t i = 0; i < rows; i++)
            memcpy(to + i * item->strides[inner - 1], value + i * item->size, (size_t)item->size);
    }
}

static void push_rows(op_worker *w, int64_t first, int64_t rows, int64_t n)
{
    for (int64_t i = 0; i < rows; i++) {
        clear_trees(w);
        push_values(w, i * n, n, 0);
        finish_lanes(w, first + i, n);
    }
}

/* Every reduction's state is one value. */
static int states_are_values(const op_reduce_run *r)
{
    for (int k = 0; k < r->n; k++)
        if (!r->item[k].reducer->lanes)
            return 0;
    return 1;
}

/* Results first..first+count-1 when sequences are short and are rows of the kernel: many at once. */
static void reduce_short_rows(op_worker *w, int64_t first, int64_t count)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1, folds = op_program_folds(&stage->program);
    int64_t n = w->r->reduced, extent = stage->shape[inner - 1];
    int64_t most = folds ? FOLDED_ROWS : BLOCK_ELEMENTS / n;
    while (count > 0) {
        int64_t rows = count < most ? count : most, left = extent - first % extent;
        rows = rows < left ? rows : left;
        if (folds) {
            clear_lanes(w, rows);
            fold_rows(w, first, 0, 0, rows, n, 0);
        } else {
            evaluate(w, inner, first, 0, 0, rows, n, 0);
        }
        if (folds || (n <= OP_LANES && states_are_values(w->r)))
            finish_rows(w, first, rows, folds ? OP_LANES : n);
        else
            push_rows(w, first, rows, n);
        first += rows;
        count -= rows;
    }
}

/* Each sequence is a row of the kernel, and at most a leaf. */
static int rows_are_short(const op_reduce_run *r)
{
    const op_stage *stage = r->stage;
    int inner = stage->ndim - 1;
    return inner > 0 && !op_is_reduced(stage, inner - 1) && stage->shape[inner] == r->reduced && r->reduced <= OP_LEAF;
}

static void chunk_of_results(void *ctx, int64_t i)
{
    op_reduce_run *r = ctx;
    int64_t first = i * r->batch, count = r->kept - first < r->batch ? r->kept - first : r->batch;
    op_worker w;
    if (!begin_worker(&w, r, BLOCK_ELEMENTS, OP_LANES, r->reduced / OP_LEAF + 1))
        return;
    if (rows_are_short(r))
        reduce_short_rows(&w, first, count);
    else
        for (int64_t k = first; k < first + count && !op_run_stopped(r->run); k++) {
            reduce_sequence(&w, k, 0, r->reduced);
            finish_lanes(&w, k, r->reduced);
        }
    end_worker(&w);
}

static void chunk_of_sequence(void *ctx, int64_t i)
{
    op_reduce_run *r = ctx;
    int64_t kept = i / r->subtrees, begin = i % r->subtrees * r->subtree, end = begin + r->subtree;
    op_worker w;
    if (!begin_worker(&w, r, BLOCK_ELEMENTS, OP_LANES, r->subtree / OP_LEAF))
        return;
    reduce_sequence(&w, kept, begin, end < r->reduced ? end : r->reduced);
    for (int k = 0; k < r->n; k++)
        memcpy(r->item[k].partial + i * w.tree[k].row_bytes, op_tree_finish(&w.tree[k]), (size_t)w.tree[k].row_bytes);
    end_worker(&w);
}

/* Room for the roots of `n` subtrees of so many lanes, for every reduction. */
static int make_partials(op_reduce_run *r, int64_t n, int64_t lanes)
{
    for (int k = 0; k < r->n; k++) {
        int64_t bytes = n * aligned(lanes * r->item[k].reducer->state_bytes);
        r->item[k].partial = op_alloc(&r->run->engine->allocator, (size_t)bytes);
        r->run->scratch_bytes += bytes;
        if (!r->item[k].partial) {
            fail(r);
            return 0;
        }
    }
    return 1;
}

/* Trees over the subtrees number first, first + step, ... */
static void join_subtrees(op_worker *w, int64_t first, int64_t step)
{
    clear_trees(w);
    for (int k = 0; k < w->r->n; k++)
        for (int64_t i = 0; i < w->r->subtrees; i++) {
            op_tree *tree = &w->tree[k];
            memcpy(op_tree_next(tree), w->r->item[k].partial + (first + i * step) * tree->row_bytes,
                   (size_t)tree->row_bytes);
            op_tree_push(tree);
        }
}

static void reduce_along_rows(op_reduce_run *r, int threads)
{
    r->subtree = SUBTREE;
    while (r->subtree > FOLDED_ROWS * OP_LEAF && r->reduced < r->subtree * 4 * threads)
        r->subtree /= 2;
    r->subtrees = (r->reduced + r->subtree - 1) / r->subtree;
    if (r->kept >= 2 * threads || r->subtrees <= 1) {
        int64_t work = r->reduced < 1 ? 1 : r->reduced;
        r->batch = SUBTREE / work > 0 ? SUBTREE / work : 1;
        if (r->batch > r->kept / (threads * 4) && threads > 1)
            r->batch = r->kept / (threads * 4) > 0 ? r->kept / (threads * 4) : 1;
        op_parallel(r->run, threads, (r->kept + r->batch - 1) / r->batch, chunk_of_results, r);
        return;
    }
    if (!make_partials(r, r->kept * r->subtrees, OP_LANES))
        return;
    op_parallel(r->run, threads, r->kept * r->subtrees, chunk_of_sequence, r);
    op_worker w;
    if (op_run_stopped(r->run) || !begin_worker(&w, r, 0, OP_LANES, r->subtrees))
        return;
    for (int64_t k = 0; k < r->kept; k++) {
        join_subtrees(&w, k * r->subtrees, 1);
        finish_lanes(&w, k, r->reduced);
    }
    end_worker(&w);
}

/* ---- the innermost axis is kept: one lane for each column ---- */

/* Values of `rows` positions of the sequences of columns first..first+width-1. */
static void evaluate_columns(op_worker *w, int64_t outer, int64_t position, int64_t rows, int64_t first, int64_t width)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1, rows_too = inner > 0 && op_is_reduced(stage, inner - 1);
    int64_t at = 0;
    while (rows > 0) {
        int64_t extent = rows_too ? stage->shape[inner - 1] : 1, left = extent - position % extent;
        int64_t count = rows < left ? rows : left;
        /* when rows are kept, or start inside their dimension, the offset counts every dimension but the last */
        evaluate(w, inner, outer, position, first, count, width, at);
        at += count * width;
        position += count;
        rows -= count;
    }
}

static void reduce_columns(op_worker *w, int64_t outer, int64_t begin, int64_t end, int64_t first, int64_t width)
{
    const op_reduce_run *r = w->r;
    clear_trees(w);
    for (; begin < end; begin += OP_LEAF_ROWS) {
        int64_t rows = end - begin < OP_LEAF_ROWS ? end - begin : OP_LEAF_ROWS;
        evaluate_columns(w, outer, begin, rows, first, width);
        for (int k = 0; k < r->n; k++) {
            r->item[k].reducer->leaf(op_tree_next(&w->tree[k]), width, w->memory + r->item[k].block * w->block_bytes,
                                     rows, 0, begin, 1, 0);
            op_tree_push(&w->tree[k]);
        }
    }
}

/* The results of `width` columns. */
static void finish_columns(op_worker *w, int64_t outer, int64_t first, int64_t width)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1;
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        int64_t stride = item->strides[inner];
        char *to = item->result + op_offset_of(stage, item->strides, inner, outer, 0) + first * stride;
        const char *root = op_tree_finish(&w->tree[k]);
        for (int64_t j = 0; j < width; j++) {
            char value[8];
            item->reducer->finish(value, root, j, 1, width);
            memcpy(to + j * stride, value, (size_t)item->result_size);
        }
    }
}

static int64_t width_of(const op_reduce_run *r, int64_t first)
{
    return r->columns - first < COLUMNS ? r->columns - first : COLUMNS;
}

/* Chunk: outer index, then block of columns, then subtree, the last one fastest. Partial results have room
 * for COLUMNS lanes, whatever the block's width. */
static void chunk_of_columns(void *ctx, int64_t i)
{
    op_reduce_run *r = ctx;
    int64_t subtree = i % r->subtrees, block = i / r->subtrees % r->column_blocks;
    int64_t outer = i / r->subtrees / r->column_blocks, first = block * COLUMNS, width = width_of(r, first);
    int64_t begin = subtree * r->subtree, end = begin + r->subtree;
    op_worker w;
    if (!begin_worker(&w, r, OP_LEAF_ROWS * width, width, r->subtree / OP_LEAF_ROWS + 1))
        return;
    reduce_columns(&w, outer, begin, end < r->reduced ? end : r->reduced, first, width);
    if (r->subtrees == 1)
        finish_columns(&w, outer, first, width);
    for (int k = 0; k < r->n && r->subtrees > 1; k++)
        memcpy(r->item[k].partial + i * aligned(COLUMNS * r->item[k].reducer->state_bytes), op_tree_finish(&w.tree[k]),
               (size_t)w.tree[k].row_bytes);
    end_worker(&w);
}

/* Joins the subtrees of one block of columns. */
static void join_columns(op_reduce_run *r, int64_t i)
{
    int64_t first = i % r->column_blocks * COLUMNS, width = width_of(r, first);
    op_worker w;
    if (!begin_worker(&w, r, 0, width, r->subtrees))
        return;
    clear_trees(&w);
    for (int k = 0; k < r->n; k++)
        for (int64_t s = 0; s < r->subtrees; s++) {
            int64_t room = aligned(COLUMNS * r->item[k].reducer->state_bytes);
            memcpy(op_tree_next(&w.tree[k]), r->item[k].partial + (i * r->subtrees + s) * room,
                   (size_t)w.tree[k].row_bytes);
            op_tree_push(&w.tree[k]);
        }
    finish_columns(&w, i / r->column_blocks, first, width);
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
    if (r->subtrees > 1 && !make_partials(r, blocks * r->subtrees, COLUMNS))
        return;
    op_parallel(r->run, threads, blocks * r->subtrees, chunk_of_columns, r);
    for (int64_t i = 0; i < blocks && r->subtrees > 1 && !op_run_stopped(r->run); i++)
        join_columns(r, i);
}

/* ---- the whole ---- */

/* Every result is the identity: nothing is reduced. */
static void store_identities(op_reduce_run *r)
{
    for (int k = 0; k < r->n; k++) {
        const op_reduce_item *item = &r->item[k];
        char state[64], value[8];
        item->reducer->leaf(state, 1, NULL, 0, 0, 0, 0, 0);
        item->reducer->finish(value, state, 0, 1, 1);
        for (int64_t i = 0; i < r->kept; i++)
            memcpy(item->result + op_offset_of(r->stage, item->strides, r->stage->ndim, i, 0), value,
                   (size_t)item->result_size);
    }
}

static void fill_items(op_reduce_run *r)
{
    for (int k = 0; k < r->n; k++) {
        const op_stage_reduction *reduction = &r->stage->reduction[k];
        r->item[k] = (op_reduce_item){.reducer = &op_loops_best()->reducer[reduction->code][reduction->dtype],
                                      .block = reduction->block,
                                      .size = (int)op_dtype_size(reduction->dtype),
                                      .result_size = (int)op_dtype_size(reduction->result_dtype),
                                      .strides = reduction->strides,
                                      .result = op_run_address(r->run, &reduction->result)};
    }
}

static void reduce(op_reduce_run *r)
{
    double elements = (double)r->kept * (double)r->reduced;
    int threads = op_threads_for(r->run, r->stage, r->code, elements);
    if (r->reduced == 0)
        store_identities(r);
    else if (r->stage->lanes == 1)
        reduce_along_columns(r, threads);
    else
        reduce_along_rows(r, threads);
}

/* Returns 0 if out of memory; close_run in any case. */
static int open_run(op_reduce_run *r, op_run_state *run, const op_stage *stage, const op_code *code)
{
    *r = (op_reduce_run){.run = run, .stage = stage, .code = code, .n = stage->n_reduction, .kept = 1, .reduced = 1,
                         .columns = 1};
    for (int d = 0; d < stage->ndim; d++)
        *(op_is_reduced(stage, d) ? &r->reduced : &r->kept) *= stage->shape[d];
    r->item = r->n <= 4 ? r->few : op_alloc(&run->engine->allocator, sizeof *r->item * (size_t)r->n);
    r->args = op_args_new(run, stage, &r->room);
    if (r->item && r->args) {
        fill_items(r);
        return 1;
    }
    fail(r);
    return 0;
}

static void close_run(op_reduce_run *r)
{
    const op_allocator *allocator = &r->run->engine->allocator;
    for (int k = 0; k < r->n && r->item; k++)
        op_release(allocator, r->item[k].partial);
    if (r->args)
        op_args_free(r->run, r->args, &r->room);
    if (r->item != r->few)
        op_release(allocator, r->item);
}

op_status op_run_reduce(op_run_state *run, const op_stage *stage, const op_code *code)
{
    op_reduce_run r;
    if (open_run(&r, run, stage, code) && r.kept)
        reduce(&r);
    close_run(&r);
    return OP_OK;
}

/* ---- the rows of a plan ---- */

struct op_row_reduction {
    op_reduce_run r;
    op_worker worker;
};

op_row_reduction *op_row_reduction_open(op_run_state *run, const op_stage *stage, const op_code *code)
{
    const op_allocator *allocator = &run->engine->allocator;
    op_row_reduction *row = op_alloc(allocator, sizeof *row);
    if (!row)
        return NULL;
    if (open_run(&row->r, run, stage, code) &&
        begin_worker(&row->worker, &row->r, BLOCK_ELEMENTS, OP_LANES, row->r.reduced / OP_LEAF + 1))
        return row;
    close_run(&row->r);
    op_release(allocator, row);
    return NULL;
}

int op_row_reduction_serves(const op_stage *stage)
{
    return stage->kind == OP_STAGE_REDUCE && stage->ndim == 1 && stage->lanes == OP_LANES && stage->shape[0] > 0;
}

void op_row_reduction_run(op_row_reduction *row)
{
    op_reduce_run *r = &row->r;
    for (uint32_t k = 0; k < r->stage->program.n_in; k++)
        r->args->operand[k].data = op_run_address(r->run, &r->stage->operand[k].place);
    for (int k = 0; k < r->n; k++)
        r->item[k].result = op_run_address(r->run, &r->stage->reduction[k].result);
    reduce_sequence(&row->worker, 0, 0, r->reduced);
    finish_lanes(&row->worker, 0, r->reduced);
}

void op_row_reduction_close(op_row_reduction *row)
{
    if (!row)
        return;
    const op_allocator *allocator = &row->r.run->engine->allocator;
    end_worker(&row->worker);
    close_run(&row->r);
    op_release(allocator, row);
}
