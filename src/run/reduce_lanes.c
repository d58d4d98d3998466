/* Reductions along the innermost axis: sequences of OP_LANES lanes. */
#include <string.h>

#include "run/reduction.h"

enum {
    SUBTREE = 128 * OP_LEAF, /* most elements of a subtree that one thread reduces; a power of two of leaves */
};

/* Values begin..end-1 of the sequence of one result. */
static void evaluate_sequence(op_worker *w, int64_t kept, int64_t begin, int64_t end)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    if (!op_evaluate_sequence(&evaluation, kept, begin, end, 0))
        op_run_fail(w->r->run, OP_ERR_MEMORY);
}

/* Trees of a sequence that this thread reduces alone, from its first value to its last: reducers that can take values
 * do, though the first block of a sequence, where the best changes often, costs more than its leaves would. */
static void begin_sequence(op_worker *w)
{
    op_clear_trees(w);
    for (int k = 0; k < w->r->n; k++) {
        op_tree *tree = &w->tree[k];
        tree->takes = tree->reducer->take != NULL;
        if (tree->takes) {
            tree->reducer->leaf(op_tree_next(tree), OP_LANES, NULL, 0, 0, 0, 0, 0);
            op_tree_push(tree);
        }
    }
}

/* Adds the leaf, or the two leaves, that n values at x begin, to the tree of reduction k, and of its rider. Returns how
 * many values they have. */
static int64_t push_leaf(op_worker *w, int k, const char *x, int64_t n, int64_t first)
{
    const op_reduce_item *item = &w->r->item[k];
    const op_reducer *reducer = item->reducer;
    op_tree *tree = &w->tree[k], *sum = item->rider < 0 ? NULL : &w->tree[item->rider];
    int64_t leaves = reducer->pair_and_sum && n >= 2 * OP_LEAF && tree->pushed % 2 == 0 ? 2 : 1;
    int64_t count = n < leaves * OP_LEAF ? n : leaves * OP_LEAF, rows = count / OP_LANES, rest = count % OP_LANES;
    if (leaves == 2)
        reducer->pair_and_sum(op_tree_next(tree), sum ? op_tree_next(sum) : NULL, x);
    else if (sum)
        reducer->leaf_and_sum(op_tree_next(tree), op_tree_next(sum), OP_LANES, x, rows, rest);
    else
        reducer->leaf(op_tree_next(tree), OP_LANES, x, rows, rest, first, OP_LANES, 1);
    op_tree_push_subtree(tree, leaves);
    if (sum)
        op_tree_push_subtree(sum, leaves);
    return count;
}

/* Adds the n values at x, which begin a leaf and have position `first`, to the tree of reduction k, and of its rider. */
static void push_leaves(op_worker *w, int k, const char *x, int64_t n, int64_t first)
{
    if (w->tree[k].takes) {
        w->tree[k].reducer->take(w->tree[k].stack, x, n, first);
        return;
    }
    for (int64_t done = 0; done < n;)
        done += push_leaf(w, k, x + done * w->r->item[k].size, n - done, first + done);
}

void op_push_values(op_worker *w, int64_t at, int64_t n, int64_t first)
{
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        if (!item->is_rider)
            push_leaves(w, k, w->memory + item->block * w->block_bytes + at * item->size, n, first);
    }
}

/* Where the values of a block lie, if they are in place. */
static const char *place_of(const op_worker *w, int block)
{
    const op_program *program = &w->r->stage->program;
    return w->args->operand[program->insn[program->store[block]].arg[0]].data;
}

/* Adds values begin..end-1 of one sequence from where they lie. Returns 0 if they are not aligned. */
static int push_in_place(op_worker *w, int64_t kept, int64_t begin, int64_t end)
{
    const op_stage *stage = w->r->stage;
    op_evaluation evaluation = {stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    op_place_inputs(&evaluation, stage->ndim - 1, kept, 0, begin);
    for (int k = 0; k < w->r->n; k++)
        if ((uintptr_t)place_of(w, w->r->item[k].block) % (uintptr_t)w->r->item[k].size)
            return 0;
    for (int64_t at = begin; at < end; at += OP_BLOCK) /* one block for all reductions, while it is in cache */
        for (int k = 0; k < w->r->n; k++) {
            const op_reduce_item *item = &w->r->item[k];
            const char *x = place_of(w, item->block) + (at - begin) * item->size;
            if (item->is_rider)
                continue;
            push_leaves(w, k, x, end - at < OP_BLOCK ? end - at : OP_BLOCK, at);
        }
    return 1;
}

static void store_value(char *to, const char *value, int size)
{
    if (size == 8)
        memcpy(to, value, 8);
    else if (size == 4)
        memcpy(to, value, 4);
    else
        memcpy(to, value, (size_t)size);
}

/* Combines the lanes of a root, halves, halves of halves, ..., and stores the result. `used` lanes hold more
 * than the identity. */
static void store_result(const op_reduce_run *r, const op_reduce_item *item, int64_t kept, char *root, int64_t used)
{
    _Alignas(8) char value[8];
    if (item->reducer->lanes) {
        item->reducer->lanes(value, root, 1, OP_LANES);
    } else {
        for (int64_t half = OP_LANES / 2; half > 0; half /= 2)
            if (used > half)
                item->reducer->merge(root, 0, root, half, half, OP_LANES);
        item->reducer->finish(value, root, 0, 1, OP_LANES);
    }
    int64_t offset = kept ? op_offset_of(r->stage, item->strides, r->stage->ndim, kept, 0) : 0;
    store_value(item->result + offset, value, item->result_size);
}

void op_finish_sequence(op_worker *w, int64_t kept, int64_t n)
{
    for (int k = 0; k < w->r->n; k++)
        store_result(w->r, &w->r->item[k], kept, op_tree_finish(&w->tree[k]), w->tree[k].takes ? 1 : n);
}

int op_kernel_gives_results(const op_reduce_run *r)
{
    return op_program_folds(&r->stage->program) && r->reduced <= 2 * OP_LEAF;
}

static int64_t leaves_of(int64_t n)
{
    return (n + OP_LEAF - 1) / OP_LEAF;
}

static void join_leaves(op_worker *w, int64_t leaves)
{
    for (int k = 0; k < w->r->n; k++)
        w->r->item[k].reducer->leaves(w->memory + w->r->item[k].block * w->block_bytes, leaves);
}

void op_fold_block(op_worker *w, int64_t kept, int64_t begin, int64_t n)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    if (!op_fold_leaves(&evaluation, kept, begin, n))
        op_run_fail(w->r->run, OP_ERR_MEMORY);
    join_leaves(w, leaves_of(n));
}

/* Trees over elements begin..end-1 of one sequence. A block is an aligned subtree. */
static void fold_sequence(op_worker *w, int64_t kept, int64_t begin, int64_t end)
{
    op_clear_trees(w);
    for (; begin < end; begin += OP_FOLDED) {
        op_fold_block(w, kept, begin, end - begin < OP_FOLDED ? end - begin : OP_FOLDED);
        for (int k = 0; k < w->r->n; k++)
            op_tree_add(&w->tree[k], w->memory + w->r->item[k].block * w->block_bytes);
    }
}

/* Trees over values begin..end-1 of one sequence. */
static void reduce_sequence(op_worker *w, int64_t kept, int64_t begin, int64_t end)
{
    if (op_program_folds(&w->r->stage->program)) {
        fold_sequence(w, kept, begin, end);
        return;
    }
    begin_sequence(w);
    if (w->r->in_place && push_in_place(w, kept, begin, end))
        return;
    for (; begin < end; begin += OP_BLOCK) {
        int64_t count = end - begin < OP_BLOCK ? end - begin : OP_BLOCK;
        evaluate_sequence(w, kept, begin, begin + count);
        op_push_values(w, 0, count, begin);
    }
}

/* Of a sequence of one block, which has no tree above it. */
static void store_results(op_worker *w, int64_t kept)
{
    for (int k = 0; k < w->r->n; k++)
        store_result(w->r, &w->r->item[k], kept, w->memory + w->r->item[k].block * w->block_bytes, OP_LANES);
}

/* The kernel gives results: those of `kept`, and of those that follow along dimension `dim`, if that is not -1. */
static void place_results(op_worker *w, int64_t kept, int dim)
{
    const op_stage *stage = w->r->stage;
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        char *to = item->result + (kept ? op_offset_of(stage, item->strides, stage->ndim, kept, 0) : 0);
        w->args->operand[stage->program.n_in + (uint32_t)item->block] =
            (op_operand){.data = to,
                         .row_stride = dim < 0 ? 0 : item->strides[dim],
                         .ahead = stage->reduction[k].result.piece_stride};
    }
    w->args->flags |= OP_KERNEL_RESULTS;
}

void op_begin_row(op_worker *w)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    op_begin_leaves(&evaluation, w->r->reduced);
    if (op_kernel_gives_results(w->r))
        place_results(w, 0, -1);
}

void op_run_row(op_worker *w)
{
    int64_t leaves = leaves_of(w->r->reduced);
    if (!op_code_run(w->r->code, w->args, 0, leaves))
        op_run_fail(w->r->run, OP_ERR_MEMORY);
    if (op_kernel_gives_results(w->r))
        return;
    join_leaves(w, leaves);
    store_results(w, 0);
}

/* What all operands advance by from one sequence to the next along dimension `dim`. */
static void set_advances(op_worker *w, int dim)
{
    const op_stage *stage = w->r->stage;
    for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++)
        w->args->operand[k].ahead = stage->operand[k].strides[dim];
    for (int k = 0; k < w->r->n; k++)
        w->args->operand[stage->program.n_in + (uint32_t)w->r->item[k].block].ahead = w->r->item[k].strides[dim];
}

/* Results first..first+count-1, of sequences whose leaves the kernel joins. */
static void fold_to_results(op_worker *w, int64_t first, int64_t count)
{
    const op_stage *stage = w->r->stage;
    op_evaluation evaluation = {stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    int outer = stage->ndim - 2;
    int64_t extent = outer < 0 ? 1 : stage->shape[outer], leaves = leaves_of(w->r->reduced);
    for (int64_t i = 0; i < count && !op_run_stopped(w->r->run); i++) {
        if (i == 0 || (first + i) % extent == 0) {
            op_place_inputs(&evaluation, stage->ndim - 1, first + i, 0, 0);
            op_begin_leaves(&evaluation, w->r->reduced);
            place_results(w, first + i, -1);
            if (outer >= 0)
                set_advances(w, outer);
        }
        if (!op_code_run(w->r->code, w->args, 0, leaves))
            op_run_fail(w->r->run, OP_ERR_MEMORY);
        op_args_advance(w->args, stage);
    }
}

void op_reduce_sequence(op_worker *w, int64_t kept)
{
    if (op_program_folds(&w->r->stage->program) && w->r->reduced <= OP_FOLDED) {
        op_fold_block(w, kept, 0, w->r->reduced);
        store_results(w, kept);
        return;
    }
    reduce_sequence(w, kept, 0, w->r->reduced);
    op_finish_sequence(w, kept, w->r->reduced);
}

/* Stores the results of rows whose n <= OP_LANES lanes lie one row after another in the blocks. */
static void finish_rows(op_worker *w, int64_t first, int64_t rows, int64_t n)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1;
    _Alignas(8) char value[OP_BLOCK * 8];
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        char *to = item->result + op_offset_of(stage, item->strides, stage->ndim, first, 0);
        item->reducer->lanes(value, w->memory + item->block * w->block_bytes, rows, n);
        if (item->strides[inner - 1] == item->size)
            memcpy(to, value, (size_t)(rows * item->size));
        else
            for (int64_t i = 0; i < rows; i++)
                memcpy(to + i * item->strides[inner - 1], value + i * item->size, (size_t)item->size);
    }
}

static void push_rows(op_worker *w, int64_t first, int64_t rows, int64_t n)
{
    for (int64_t i = 0; i < rows; i++) {
        op_clear_trees(w);
        op_push_values(w, i * n, n, 0);
        op_finish_sequence(w, first + i, n);
    }
}

/* Results first..first+rows-1, all in one run of the dimension before the innermost one, of rows of n values. */
static void reduce_values(op_worker *w, int64_t first, int64_t rows, int64_t n)
{
    op_worker_evaluate(w, w->r->stage->ndim - 1, first, 0, 0, rows, n, 0);
    if (n <= OP_LANES && op_stage_states_are_values(w->r->stage))
        finish_rows(w, first, rows, n);
    else
        push_rows(w, first, rows, n);
}

/* The same by a kernel that folds. */
static void fold_short_rows(op_worker *w, int64_t first, int64_t rows)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    op_begin_rows(&evaluation, first, w->r->reduced);
    place_results(w, first, w->r->stage->ndim - 2);
    if (!op_code_run(w->r->code, w->args, 0, rows))
        op_run_fail(w->r->run, OP_ERR_MEMORY);
}

/* Results first..first+count-1 when sequences are short and are rows of the kernel: many at once. */
static void reduce_short_rows(op_worker *w, int64_t first, int64_t count)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1, folds = op_program_folds(&stage->program);
    int64_t n = w->r->reduced, extent = stage->shape[inner - 1];
    int64_t most = folds ? count : OP_BLOCK / n;
    while (count > 0) {
        int64_t rows = count < most ? count : most, left = extent - first % extent;
        rows = rows < left ? rows : left;
        if (folds)
            fold_short_rows(w, first, rows);
        else
            reduce_values(w, first, rows, n);
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
    int64_t values = op_kernel_gives_results(r) ? 0 : OP_BLOCK;
    op_worker w;
    if (!op_worker_begin(&w, r, values, OP_LANES, op_tree_levels(r->reduced / OP_LEAF + 1)))
        return;
    if (rows_are_short(r))
        reduce_short_rows(&w, first, count);
    else if (op_kernel_gives_results(r))
        fold_to_results(&w, first, count);
    else
        for (int64_t k = first; k < first + count && !op_run_stopped(r->run); k++)
            op_reduce_sequence(&w, k);
    op_worker_end(&w);
}

static void chunk_of_sequence(void *ctx, int64_t i)
{
    op_reduce_run *r = ctx;
    int64_t kept = i / r->subtrees, begin = i % r->subtrees * r->subtree, end = begin + r->subtree;
    op_worker w;
    if (!op_worker_begin(&w, r, OP_BLOCK, OP_LANES, op_tree_levels(r->subtree / OP_LEAF)))
        return;
    reduce_sequence(&w, kept, begin, end < r->reduced ? end : r->reduced);
    for (int k = 0; k < r->n; k++)
        memcpy(r->item[k].partial + i * w.tree[k].row_bytes, op_tree_finish(&w.tree[k]), (size_t)w.tree[k].row_bytes);
    op_worker_end(&w);
}

/* A tree over the subtrees of one sequence. */
static void join_subtrees(op_worker *w, int64_t kept)
{
    int64_t first = kept * w->r->subtrees;
    op_clear_trees(w);
    for (int k = 0; k < w->r->n; k++)
        for (int64_t i = first; i < first + w->r->subtrees; i++)
            op_tree_add(&w->tree[k], w->r->item[k].partial + i * w->tree[k].row_bytes);
}

void op_reduce_lanes(op_reduce_run *r, int threads)
{
    r->subtree = SUBTREE;
    while (threads > 1 && r->subtree > OP_FOLDED && r->reduced < r->subtree * 4 * threads)
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
    if (!op_make_partials(r, r->kept * r->subtrees, OP_LANES))
        return;
    op_parallel(r->run, threads, r->kept * r->subtrees, chunk_of_sequence, r);
    op_worker w;
    if (op_run_stopped(r->run) || !op_worker_begin(&w, r, 0, OP_LANES, op_tree_levels(r->subtrees)))
        return;
    for (int64_t k = 0; k < r->kept; k++) {
        join_subtrees(&w, k);
        op_finish_sequence(&w, k, r->reduced);
    }
    op_worker_end(&w);
}
