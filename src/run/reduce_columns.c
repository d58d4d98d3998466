/* Reductions whose innermost axis is kept: columns side by side. A column has one lane, or OP_LANES of them if
 * the planner has turned the innermost, reduced axis outwards because memory runs along another one. */
#include <string.h>

#include "run/reduction.h"

enum {
    LEAF_VALUES = OP_LEAF_ROWS * 128, /* of a block: the values of a leaf stay in cache */
    MOST_LANES = 2048,                /* of a leaf that the kernel accumulates */
    FEWEST_LANES = 128,               /* of it, if columns are divided among threads */
    FAIR_LANES = 32,
    IN_PLACE_LANES = 512,
};

/* Positions of a column in a leaf. */
static int64_t leaf_of(const op_reduce_run *r)
{
    return OP_LEAF_ROWS * r->stage->lanes;
}

/* Values begin..begin+n-1 of the columns into the blocks, by runs that lie in one dimension. */
static void evaluate(op_worker *w, int64_t begin, int64_t n)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1, rows_too = inner > 0 && op_is_reduced(stage, inner - 1);
    int64_t extent = rows_too ? stage->shape[inner - 1] : 1, count;
    for (int64_t at = 0; at < n; at += count) {
        int64_t left = extent - (begin + at) % extent;
        count = n - at < left ? n - at : left;
        op_worker_evaluate(w, inner, w->outer, begin + at, w->first, count, w->width, at * w->width);
    }
}

/* The reduced dimension whose indices are the rows of a kernel that accumulates. */
static int row_dim(const op_stage *stage)
{
    int d = stage->ndim - 1;
    while (d > 0 && !op_is_reduced(stage, d))
        d--;
    return d;
}

/* A row of identities, above the levels of the tree. */
static char *identities(const op_worker *w, int k)
{
    return w->tree[k].stack + w->levels * w->tree[k].row_bytes;
}

/* The states of one lane of every column are those in the next leaf of every tree, where they begin as the identity. */
static void place_states(op_worker *w, int64_t lane, int begin)
{
    const op_program *program = &w->r->stage->program;
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        char *state = (char *)op_tree_next(&w->tree[k]) + lane * w->width * item->size;
        op_operand *out = &w->args->operand[program->n_in + (uint32_t)item->block];
        *out = (op_operand){state, item->size, 0};
        out[-(int)program->n_out] = (op_operand){begin ? identities(w, k) : state, item->size, 0};
    }
}

static void place_inputs(op_worker *w, int64_t position)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    op_place_inputs(&evaluation, w->r->stage->ndim - 1, w->outer, position, w->first);
}

static void run_rows(op_worker *w, int64_t begin, int64_t end)
{
    if (!op_code_run(w->r->code, w->args, begin, end))
        op_run_fail(w->r->run, OP_ERR_MEMORY);
}

/* n positions of a leaf, in one dimension. Inputs stay where the first leaf of that dimension has placed them. */
static void accumulate_rows(op_worker *w, int64_t position, int64_t n, int64_t left, int64_t at)
{
    if (position < w->run || position >= w->run_end) {
        place_inputs(w, position);
        w->run = position;
        w->run_end = position + left;
    }
    place_states(w, 0, at == 0);
    run_rows(w, position - w->run, position - w->run + n);
}

/* The same where every OP_LANES-th position belongs to the same lane; `at` positions of the leaf come before. */
static void accumulate_lanes(op_worker *w, int64_t position, int64_t n, int64_t at)
{
    const op_stage *stage = w->r->stage;
    int rows = row_dim(stage);
    place_inputs(w, position);
    for (int64_t i = 0; i < n && i < stage->lanes; i++) {
        place_states(w, (at + i) % stage->lanes, at + i < stage->lanes);
        run_rows(w, 0, (n - i + stage->lanes - 1) / stage->lanes);
        for (uint32_t k = 0; k < stage->program.n_in - stage->program.n_out; k++)
            w->args->operand[k].data += stage->operand[k].strides[rows];
    }
}

static void accumulate(op_worker *w, int64_t begin, int64_t n)
{
    const op_stage *stage = w->r->stage;
    int64_t extent = stage->shape[row_dim(stage)], count;
    for (int64_t at = 0; at < n; at += count) {
        int64_t position = begin + at, left = extent - position % extent;
        count = n - at < left ? n - at : left;
        if (stage->lanes == 1)
            accumulate_rows(w, position, count, left, at);
        else
            accumulate_lanes(w, position, count, at);
    }
}

/* Lanes that no position of a leaf belongs to. */
static void clear_other_lanes(op_worker *w, int64_t n)
{
    for (int k = 0; k < w->r->n; k++) {
        const op_reducer *reducer = w->r->item[k].reducer;
        char *others = (char *)op_tree_next(&w->tree[k]) + n * w->width * reducer->state_bytes;
        reducer->leaf(others, (w->r->stage->lanes - n) * w->width, NULL, 0, 0, 0, 0, 0);
    }
}

/* Rows of the kernel are along the innermost reduced dimension. */
static void begin_accumulation(op_worker *w)
{
    const op_stage *stage = w->r->stage;
    int rows = row_dim(stage);
    for (int k = 0; k < w->r->n; k++)
        w->r->item[k].reducer->leaf(identities(w, k), w->width, NULL, 0, 0, 0, 0, 0);
    for (uint32_t k = 0; k < stage->program.n_in - stage->program.n_out; k++)
        w->args->operand[k].row_stride = stage->operand[k].strides[rows] * stage->lanes;
    w->args->n = w->width;
    w->run = w->run_end = 0;
}

/* The input that the values of a block are loaded from. */
static uint32_t input_of(const op_stage *stage, int block)
{
    return stage->program.insn[stage->program.store[block]].arg[0];
}

/* True if all that the kernel does is to load values, which lie in rows. */
static int values_are_in_rows(const op_reduce_run *r)
{
    const op_stage *stage = r->stage;
    for (int k = 0; k < r->n; k++) {
        const op_reduce_item *item = &r->item[k];
        op_dtype dtype = stage->reduction[k].dtype; /* a bool in memory may be any byte */
        if (!item->reducer->rows || dtype == OP_BOOL || stage->lanes > 1 ||
            stage->program.insn[stage->program.store[item->block]].code != OP_CODE_LOAD)
            return 0;
        const op_stage_operand *from = &stage->operand[input_of(stage, item->block)];
        if (from->dtype != dtype || from->strides[stage->ndim - 1] != item->size)
            return 0;
    }
    return !stage->accumulates;
}

/* The leaf of n rows of values at x becomes the next one of the tree of reduction k, and of its rider. */
static void reduce_rows(op_worker *w, int k, const void *x, int64_t row_bytes, int64_t n)
{
    const op_reduce_item *item = &w->r->item[k];
    void *sum = item->rider < 0 ? NULL : op_tree_next(&w->tree[item->rider]);
    if (!item->is_rider)
        item->reducer->rows(op_tree_next(&w->tree[k]), sum, w->width, x, row_bytes, n);
}

/* Returns 0 if the rows of a leaf are not in one dimension. */
static int reduce_in_place(op_worker *w, int64_t begin, int64_t n)
{
    const op_stage *stage = w->r->stage;
    int rows = row_dim(stage);
    if (begin % stage->shape[rows] + n > stage->shape[rows])
        return 0;
    place_inputs(w, begin);
    for (int k = 0; k < w->r->n; k++) {
        uint32_t from = input_of(stage, w->r->item[k].block);
        reduce_rows(w, k, w->args->operand[from].data, stage->operand[from].strides[rows], n);
    }
    return 1;
}

/* By way of blocks. */
static void reduce_values(op_worker *w, int64_t begin, int64_t n)
{
    int64_t side = w->r->stage->lanes, rest = n % side * w->width;
    evaluate(w, begin, n);
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        const char *x = w->memory + item->block * w->block_bytes;
        if (item->reducer->rows && side == 1)
            reduce_rows(w, k, x, w->width * item->size, n);
        else
            item->reducer->leaf(op_tree_next(&w->tree[k]), w->width * side, x, n / side, rest, begin, 1, 0);
    }
}

/* The leaf of positions begin..begin+n-1 becomes the next one of every tree. */
static void reduce_leaf(op_worker *w, int64_t begin, int64_t n)
{
    const op_reduce_run *r = w->r;
    if (r->stage->accumulates) {
        if (n < r->stage->lanes)
            clear_other_lanes(w, n);
        accumulate(w, begin, n);
    } else if (!r->in_place || !reduce_in_place(w, begin, n)) {
        reduce_values(w, begin, n);
    }
    for (int k = 0; k < r->n; k++)
        op_tree_push(&w->tree[k]);
}

/* The results of the worker's columns. */
static void finish_columns(op_worker *w)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1;
    int64_t lanes = w->width * stage->lanes;
    for (int k = 0; k < w->r->n; k++) {
        const op_reduce_item *item = &w->r->item[k];
        int64_t stride = item->strides[inner];
        char *to = item->result + op_offset_of(stage, item->strides, inner, w->outer, 0) + w->first * stride;
        char *root = op_tree_finish(&w->tree[k]);
        int at_once = stride == item->result_size && (uintptr_t)to % (uintptr_t)item->result_size == 0;
        for (int64_t half = stage->lanes / 2; half > 0; half /= 2)
            item->reducer->merge(root, 0, root, half * w->width, half * w->width, lanes);
        if (at_once)
            item->reducer->finish(to, root, 0, w->width, lanes);
        for (int64_t j = 0; j < w->width && !at_once; j++) {
            _Alignas(8) char value[8];
            item->reducer->finish(value, root, j, 1, lanes);
            memcpy(to + j * stride, value, (size_t)item->result_size);
        }
    }
}

/* Columns of block i, counted through all outer dimensions. Returns 0 if out of memory. */
static int begin_columns(op_worker *w, op_reduce_run *r, int64_t i, int64_t leaves)
{
    int64_t first = i % r->column_blocks * r->column_width;
    int64_t width = r->columns - first < r->column_width ? r->columns - first : r->column_width;
    int64_t values = r->stage->accumulates ? 0 : leaf_of(r) * width; /* in place, too: for leaves in two dimensions */
    w->levels = op_tree_levels(leaves);
    if (!op_worker_begin(w, r, values, width * r->stage->lanes, w->levels + 1))
        return 0;
    w->outer = i / r->column_blocks;
    w->first = first;
    w->width = width;
    if (r->stage->accumulates)
        begin_accumulation(w);
    op_clear_trees(w);
    return 1;
}

/* Bytes of a partial result: all have room for a block of the full width. */
static int64_t partial_bytes(const op_reduce_run *r, int k)
{
    return op_state_row(r->item[k].reducer, r->column_width * r->stage->lanes);
}

/* Chunk: block of columns, then subtree, the last one fastest. */
static void chunk_of_columns(void *ctx, int64_t i)
{
    op_reduce_run *r = ctx;
    int64_t begin = i % r->subtrees * r->subtree, end = begin + r->subtree, leaf = leaf_of(r);
    op_worker w;
    if (!begin_columns(&w, r, i / r->subtrees, r->subtree / leaf + 1))
        return;
    end = end < r->reduced ? end : r->reduced;
    for (; begin < end; begin += leaf)
        reduce_leaf(&w, begin, end - begin < leaf ? end - begin : leaf);
    if (r->subtrees == 1)
        finish_columns(&w);
    for (int k = 0; k < r->n && r->subtrees > 1; k++)
        memcpy(r->item[k].partial + i * partial_bytes(r, k), op_tree_finish(&w.tree[k]), (size_t)w.tree[k].row_bytes);
    op_worker_end(&w);
}

/* Joins the subtrees of one block of columns. */
static void join_columns(op_reduce_run *r, int64_t i)
{
    op_worker w;
    if (!begin_columns(&w, r, i, r->subtrees))
        return;
    for (int k = 0; k < r->n; k++)
        for (int64_t s = 0; s < r->subtrees; s++)
            op_tree_add(&w.tree[k], r->item[k].partial + (i * r->subtrees + s) * partial_bytes(r, k));
    finish_columns(&w);
    op_worker_end(&w);
}

/* Columns of a block: as many as stay in cache; of a kernel that accumulates, what gives each thread some. */
static int64_t choose_width(const op_reduce_run *r, int threads)
{
    const op_stage *stage = r->stage;
    int64_t rows = r->reduced < leaf_of(r) ? r->reduced : leaf_of(r);
    if (!stage->accumulates)
        return r->in_place ? IN_PLACE_LANES : LEAF_VALUES / rows;
    int64_t blocks = r->kept / r->columns, most = MOST_LANES / stage->lanes, fair = r->columns;
    if (threads > 1 && blocks < 2 * threads)
        fair = (r->columns / threads + FAIR_LANES - 1) / FAIR_LANES * FAIR_LANES;
    return most < fair ? most : fair < FEWEST_LANES ? FEWEST_LANES : fair;
}

void op_reduce_columns(op_reduce_run *r, int threads)
{
    r->columns = r->stage->shape[r->stage->ndim - 1];
    r->in_place = values_are_in_rows(r);
    r->column_width = choose_width(r, threads);
    r->column_blocks = (r->columns + r->column_width - 1) / r->column_width;
    int64_t blocks = r->kept / r->columns * r->column_blocks;
    int64_t enough = r->stage->accumulates ? threads : 2 * threads;
    r->subtree = leaf_of(r);
    while (r->subtree < r->reduced && (blocks >= enough || r->subtree * 8 * threads < r->reduced))
        r->subtree *= 2;
    r->subtrees = (r->reduced + r->subtree - 1) / r->subtree;
    if (r->subtrees > 1 && !op_make_partials(r, blocks * r->subtrees, r->column_width * r->stage->lanes))
        return;
    op_parallel(r->run, threads, blocks * r->subtrees, chunk_of_columns, r);
    for (int64_t i = 0; i < blocks && r->subtrees > 1 && !op_run_stopped(r->run); i++)
        join_columns(r, i);
}
