/* Reduce stages. The kernel combines the elements of each leaf, or it writes a cache-sized block of the
 * operand's values, in logical order, and the loops of the reduction table combine them while they are hot:
 * the order of lanes.h and tree.h in both cases. What a thread reduces is a whole subtree, so neither
 * their number nor the kernel's width changes a bit. */
#include <string.h>

#include "run/reduction.h"

/* ---- a thread's part ---- */

void op_worker_end(op_worker *w)
{
    if (w->args)
        op_args_free(w->r->run, w->args, &w->room);
    if (w->memory != w->few)
        op_release(&w->r->run->engine->allocator, w->memory);
}

int op_worker_begin(op_worker *w, op_reduce_run *r, int64_t values, int64_t lanes, int levels)
{
    const op_program *program = &r->stage->program;
    int n_block = (int)(op_program_folds(program) ? op_program_folded(program) : program->n_out);
    int64_t bytes = 0, block_bytes = op_aligned(values * 8), trees = op_aligned((int64_t)sizeof(op_tree) * r->n);
    for (int k = 0; k < r->n; k++)
        bytes += levels * op_state_row(r->item[k].reducer, lanes);
    w->r = r;
    w->block_bytes = block_bytes;
    w->args = op_args_copy(r->run, r->stage, r->args, &w->room);
    bytes += n_block * block_bytes + trees;
    w->memory = bytes <= (int64_t)sizeof w->few ? w->few : op_alloc(&r->run->engine->allocator, (size_t)bytes);
    if (!w->args || !w->memory) {
        op_worker_end(w);
        op_run_fail(r->run, OP_ERR_MEMORY);
        return 0;
    }
    w->tree = (op_tree *)(void *)(w->memory + n_block * block_bytes);
    char *stack = (char *)w->tree + trees;
    for (int k = 0; k < r->n; k++) {
        int64_t row_bytes = op_state_row(r->item[k].reducer, lanes);
        w->tree[k] = (op_tree){.reducer = r->item[k].reducer, .width = lanes, .row_bytes = row_bytes, .stack = stack};
        stack += levels * row_bytes;
    }
    return 1;
}

void op_clear_trees(op_worker *w)
{
    for (int k = 0; k < w->r->n; k++)
        w->tree[k].top = 0, w->tree[k].first = w->tree[k].pushed = 0;
}

int64_t op_state_row(const op_reducer *reducer, int64_t lanes)
{
    return op_aligned(lanes * reducer->state_bytes);
}

void op_worker_evaluate(op_worker *w, int last, int64_t kept, int64_t reduced, int64_t column, int64_t rows, int64_t n,
                     int64_t at)
{
    op_evaluation evaluation = {w->r->stage, w->r->code, w->r->args, w->args, w->memory, w->block_bytes};
    if (!op_evaluate(&evaluation, last, kept, reduced, column, rows, n, at))
        op_run_fail(w->r->run, OP_ERR_MEMORY);
}

int op_make_partials(op_reduce_run *r, int64_t n, int64_t lanes)
{
    for (int k = 0; k < r->n; k++) {
        int64_t bytes = n * op_state_row(r->item[k].reducer, lanes);
        r->item[k].partial = op_alloc(&r->run->engine->allocator, (size_t)bytes);
        r->run->scratch_bytes += bytes;
        if (!r->item[k].partial) {
            op_run_fail(r->run, OP_ERR_MEMORY);
            return 0;
        }
    }
    return 1;
}

/* ---- the whole ---- */

/* Every result is the identity: nothing is reduced. */
static void store_identities(op_reduce_run *r)
{
    for (int k = 0; k < r->n; k++) {
        const op_reduce_item *item = &r->item[k];
        _Alignas(8) char state[64], value[8];
        item->reducer->leaf(state, 1, NULL, 0, 0, 0, 0, 0);
        item->reducer->finish(value, state, 0, 1, 1);
        for (int64_t i = 0; i < r->kept; i++)
            memcpy(item->result + op_offset_of(r->stage, item->strides, r->stage->ndim, i, 0), value,
                   (size_t)item->result_size);
    }
}

/* A sum of the values that reduction k has, in its dtype, if its leaves give that sum; it can ride once. */
static void find_rider(op_reduce_run *r, int k)
{
    const op_stage_reduction *reduction = r->stage->reduction;
    if (!r->item[k].reducer->leaf_and_sum || reduction[k].dtype != OP_F64)
        return;
    for (int i = 0; i < r->n; i++)
        if (reduction[i].code == OP_REDUCE_sum && reduction[i].block == reduction[k].block && !r->item[i].is_rider) {
            r->item[k].rider = i;
            r->item[i].is_rider = 1;
            return;
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
                                      .result = op_run_address(r->run, &reduction->result),
                                      .rider = -1};
    }
    for (int k = 0; k < r->n; k++)
        find_rider(r, k);
}

static void reduce(op_reduce_run *r)
{
    double elements = (double)r->kept * (double)r->reduced;
    int threads = op_threads_for(r->run, r->stage, r->code, elements);
    if (r->reduced == 0)
        store_identities(r);
    else if (!op_is_reduced(r->stage, r->stage->ndim - 1))
        op_reduce_columns(r, threads);
    else
        op_reduce_lanes(r, threads);
}

int op_reduce_open(op_reduce_run *r, op_run_state *run, const op_stage *stage, const op_code *code)
{
    *r = (op_reduce_run){.run = run, .stage = stage, .code = code, .n = stage->n_reduction, .kept = 1, .reduced = 1,
                         .columns = 1};
    for (int d = 0; d < stage->ndim; d++)
        *(op_is_reduced(stage, d) ? &r->reduced : &r->kept) *= stage->shape[d];
    r->item = r->n <= 4 ? r->few : op_alloc_zero(&run->engine->allocator, sizeof *r->item * (size_t)r->n);
    r->args = op_args_new(run, stage, &r->room);
    if (r->item && r->args) {
        fill_items(r);
        r->in_place = op_values_are_in_place(stage);
        return 1;
    }
    op_run_fail(r->run, OP_ERR_MEMORY);
    return 0;
}

void op_reduce_close(op_reduce_run *r)
{
    const op_allocator *allocator = &r->run->engine->allocator;
    for (int k = 0; k < r->n && r->item; k++)
        op_release(allocator, r->item[k].partial);
    if (r->args)
        op_args_free(r->run, r->args, &r->room);
    if (r->item != r->few)
        op_release(allocator, r->item);
}

void op_reduce_move(op_reduce_run *r)
{
    for (uint32_t k = 0; k < r->stage->program.n_in + r->stage->program.n_out; k++)
        r->args->operand[k].data = op_run_address(r->run, &r->stage->operand[k].place);
    for (int k = 0; k < r->n; k++)
        r->item[k].result = op_run_address(r->run, &r->stage->reduction[k].result);
}

op_status op_run_reduce(op_run_state *run, const op_stage *stage, const op_code *code)
{
    op_reduce_run r;
    if (op_reduce_open(&r, run, stage, code) && r.kept)
        reduce(&r);
    op_reduce_close(&r);
    return OP_OK;
}

/* ---- the rows of a pass ---- */

struct op_row_reduction {
    op_reduce_run r;
    op_worker worker;
    int is_block; /* a row is one block, and folds */
};

op_row_reduction *op_row_reduction_open(op_run_state *run, const op_stage *stage, const op_code *code)
{
    const op_allocator *allocator = &run->engine->allocator;
    op_row_reduction *row = op_alloc(allocator, sizeof *row);
    if (!row)
        return NULL;
    if (op_reduce_open(&row->r, run, stage, code) &&
        op_worker_begin(&row->worker, &row->r, op_kernel_gives_results(&row->r) ? 0 : OP_BLOCK, OP_LANES,
                        op_tree_levels(row->r.reduced / OP_LEAF + 1))) {
        row->is_block = op_program_folds(&stage->program) && row->r.reduced <= OP_FOLDED;
        if (row->is_block)
            op_begin_row(&row->worker);
        return row;
    }
    op_reduce_close(&row->r);
    op_release(allocator, row);
    return NULL;
}

int op_row_reduction_serves(const op_stage *stage)
{
    return stage->kind == OP_STAGE_REDUCE && stage->ndim == 1 && stage->lanes == OP_LANES && stage->shape[0] > 0;
}

static void to_next_row(op_row_reduction *row)
{
    op_args_advance(row->worker.args, row->r.stage);
    for (int k = 0; k < row->r.n; k++)
        row->r.item[k].result += row->r.stage->reduction[k].result.piece_stride;
}

void op_row_reduction_run(op_row_reduction *row)
{
    if (row->is_block) {
        op_run_row(&row->worker);
        to_next_row(row);
        return;
    }
    op_reduce_move(&row->r);
    op_reduce_sequence(&row->worker, 0);
}

void op_row_reduction_close(op_row_reduction *row)
{
    if (!row)
        return;
    const op_allocator *allocator = &row->r.run->engine->allocator;
    op_worker_end(&row->worker);
    op_reduce_close(&row->r);
    op_release(allocator, row);
}
