/* Stages: a program, its operands, and where its results go. */
#include "plan/stages.h"

#include <string.h>

#include "base/view.h"

enum {
    COUNTING = 20, /* cost of counting one element, 1 = an addition */
    COMBINING = 8, /* of combining it with a state that is more than one value */
};

op_status op_plan_no_memory(void)
{
    return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
}

op_pass *op_plan_pass(op_planner *planner)
{
    op_plan *plan = planner->plan;
    if (plan->n_pass == planner->pass_room) {
        int room = planner->pass_room ? planner->pass_room * 2 : 4;
        op_pass *list = OP_NEW_ARRAY(planner->arena, op_pass, room);
        if (!list)
            return NULL;
        if (plan->n_pass)
            memcpy(list, plan->pass, sizeof *list * (size_t)plan->n_pass);
        plan->pass = list;
        planner->pass_room = room;
    }
    op_pass *pass = &plan->pass[plan->n_pass++];
    *pass = (op_pass){.first = plan->n_stage};
    return pass;
}

static op_stage *new_stage(op_planner *planner, op_stage_kind kind)
{
    op_plan *plan = planner->plan;
    if (plan->n_stage == planner->stage_room) {
        int room = planner->stage_room ? planner->stage_room * 2 : 4;
        op_stage **list = OP_NEW_ARRAY(planner->arena, op_stage *, room);
        if (!list)
            return NULL;
        if (plan->n_stage)
            memcpy(list, plan->stage, sizeof *list * (size_t)plan->n_stage);
        plan->stage = list;
        planner->stage_room = room;
    }
    op_stage *stage = op_arena_alloc(planner->arena, sizeof *stage);
    op_pass *pass = stage ? planner->pieces ? &plan->pass[plan->n_pass - 1] : op_plan_pass(planner) : NULL;
    if (!pass)
        return NULL;
    pass->n_stage++;
    *stage = (op_stage){.kind = kind, .pass = plan->n_pass - 1};
    return plan->stage[plan->n_stage++] = stage;
}

/* The stage of a row; elements are counted out when all stages of the pass are there (pieces.c). */
static void begin_piece(op_planner *planner, op_stage *stage)
{
    const op_space *pieces = planner->pieces;
    if (pieces->rows && (stage->ndim < 1 || stage->shape[0] != pieces->rows)) {
        planner->pieces_fail = 1;
        return;
    }
    if (pieces->rows)
        op_stage_take_rows(stage);
    op_stage_collapse(stage, !pieces->rows);
    if (!pieces->rows && (stage->ndim != 1 || stage->shape[0] != pieces->elements))
        planner->pieces_fail = 1;
}

static op_status finish_stage(op_planner *planner, op_stage *stage)
{
    op_stage_count_bytes(stage);
    if (planner->pieces)
        begin_piece(planner, stage);
    else
        op_stage_collapse(stage, 0);
    if (planner->pieces_fail)
        return OP_OK; /* this plan is dropped */
    /* leaves do not end where rows do */
    return stage->is_across && planner->pieces->rows ? OP_OK : op_stage_combine(stage, planner->arena);
}

static int64_t *c_order(op_arena *arena, int ndim, const int64_t *shape, int64_t stride)
{
    int64_t *strides = OP_NEW_ARRAY(arena, int64_t, ndim + 1);
    for (int i = ndim - 1; strides && i >= 0; i--) {
        strides[i] = stride;
        stride *= shape[i] > 0 ? shape[i] : 1;
    }
    return strides;
}

/* The pass that is being built, if it goes by pieces. */
static int this_pass(const op_planner *planner)
{
    return planner->pieces ? planner->plan->n_pass - 1 : -1;
}

/* Is e needed only by later stages of the same row? */
static int stays_in_piece(const op_planner *planner, const op_expr *e)
{
    if (!planner->pieces || op_is_across(e))
        return 0;
    return e->kind == OP_NODE_OP || planner->levels->last[e->id] <= planner->now;
}

op_leaf *op_plan_temp(op_planner *planner, const op_expr *e)
{
    op_plan *plan = planner->plan;
    op_arena *arena = planner->arena;
    const int64_t *shape = op_planner_shape(planner, e);
    op_leaf *leaf = op_arena_alloc(arena, sizeof *leaf);
    op_temp *temp = OP_NEW_ARRAY(arena, op_temp, plan->n_temp + 1); /* temporaries are few */
    if (!leaf || !temp)
        return NULL;
    if (plan->n_temp)
        memcpy(temp, plan->temp, sizeof *temp * (size_t)plan->n_temp);
    int64_t bytes = op_shape_size(e->ndim, shape) * op_dtype_size((op_dtype)e->dtype);
    int is_piece = stays_in_piece(planner, e);
    int64_t rows = is_piece && planner->pieces->rows ? planner->pieces->rows : 1;
    temp[plan->n_temp] = (op_temp){bytes / rows, is_piece ? this_pass(planner) : -1};
    plan->temp = temp;
    *leaf = (op_leaf){{is_piece ? OP_PLACE_PIECE : OP_PLACE_TEMP, plan->n_temp++, NULL, 0, 0},
                      shape,
                      c_order(arena, e->ndim, shape, op_dtype_size((op_dtype)e->dtype)),
                      this_pass(planner)};
    return leaf->strides ? leaf : NULL;
}

op_status op_plan_map(op_planner *planner, int ndim, const int64_t *shape, int n, const op_target *target)
{
    op_arena *arena = planner->arena;
    op_stage *stage = new_stage(planner, OP_STAGE_MAP);
    op_lowering *l = stage ? op_lower_begin(planner, stage, ndim, shape) : NULL;
    uint32_t *value = OP_NEW_ARRAY(arena, uint32_t, n);
    const op_expr **root = OP_NEW_ARRAY(arena, const op_expr *, n);
    if (!l || !value || !root)
        return op_plan_no_memory();
    for (int i = 0; i < n; i++) {
        value[i] = op_lower_cast(l, op_lower_expr(l, target[i].expr), target[i].dtype);
        root[i] = target[i].expr;
    }
    op_status status = op_lower_end(l, n);
    if (status != OP_OK)
        return status;
    stage->root = root;
    stage->n_root = n;
    for (int i = 0; i < n; i++) {
        int64_t *strides = OP_NEW_ARRAY(arena, int64_t, ndim + 1);
        if (!strides)
            return op_plan_no_memory();
        memcpy(strides, target[i].strides, sizeof *strides * (size_t)ndim);
        stage->operand[stage->program.n_in + (uint32_t)i] =
            (op_stage_operand){target[i].place, target[i].dtype, strides, target[i].name, 0};
        stage->program.store[i] = value[i];
    }
    return finish_stage(planner, stage);
}

op_status op_plan_materialise(op_planner *planner, op_expr *e)
{
    op_leaf *leaf = op_plan_temp(planner, e);
    if (!leaf)
        return op_plan_no_memory();
    op_target target = {e, (op_dtype)e->dtype, leaf->place, leaf->strides, NULL};
    op_status status = op_plan_map(planner, e->ndim, leaf->shape, 1, &target);
    planner->leaf[e->id] = leaf;
    return status;
}

/* Where the values of reduction k of a stage are: the output of an earlier one of the same operand, or a
 * new one. The kernel may combine values itself if each reduction has its own. */
static int block_of(op_stage *stage, op_expr *const *e, int n, int k)
{
    int own = 1;
    for (int i = 0; i < n; i++)
        own &= op_reduce_rows[e[i]->reduce.code].combine != OP_CODE_NONE;
    for (int i = 0; i < k && !own; i++)
        if (e[i]->arg[0] == e[k]->arg[0])
            return stage->reduction[i].block;
    return (int)stage->program.n_out++;
}

/* The result's strides in the dimensions of the operand. */
static int64_t *result_strides(op_arena *arena, const op_expr *e, const op_leaf *to)
{
    int64_t *strides = OP_NEW_ARRAY(arena, int64_t, e->arg[0]->ndim + 1);
    int own = 0; /* dimension of the result */
    for (int i = 0; strides && i < e->arg[0]->ndim; i++) {
        int reduced = e->kind != OP_NODE_SCAN && e->reduce.axes >> i & 1;
        strides[i] = reduced ? 0 : to->strides[own];
        own += !reduced || e->reduce.keepdims;
    }
    return strides;
}

static op_stage_kind stage_kind_of(const op_expr *e)
{
    if (e->kind == OP_NODE_COUNT)
        return e->n_args > 1 ? OP_STAGE_WEIGH : OP_STAGE_COUNT;
    return e->kind == OP_NODE_SCAN ? OP_STAGE_SCAN : OP_STAGE_REDUCE;
}

/* Output `block` of a stage is a block in cache. Returns 0 if out of memory. */
static int block_operand(op_planner *planner, op_stage *stage, int block, op_dtype dtype, int ndim, uint32_t value)
{
    int64_t *none = OP_NEW_ARRAY(planner->arena, int64_t, ndim + 1);
    if (!none)
        return 0;
    memset(none, 0, sizeof *none * (size_t)(ndim + 1));
    stage->operand[stage->program.n_in + (uint32_t)block] =
        (op_stage_operand){{OP_PLACE_SCRATCH, 0, NULL, 0, 0}, dtype, none, NULL, 0};
    stage->program.store[block] = value;
    return 1;
}

op_status op_plan_reductions(op_planner *planner, int n, op_expr *const *e, op_leaf *const *to)
{
    op_arena *arena = planner->arena;
    const op_expr *first = e[0]->arg[0];
    int counts = e[0]->kind == OP_NODE_COUNT;
    op_stage *stage = new_stage(planner, stage_kind_of(e[0]));
    op_lowering *l = stage ? op_lower_begin(planner, stage, first->ndim, op_planner_shape(planner, first)) : NULL;
    uint32_t *value = OP_NEW_ARRAY(arena, uint32_t, n + 1); /* by block */
    const op_expr **root = OP_NEW_ARRAY(arena, const op_expr *, n);
    if (!l || !value || !root || !(stage->reduction = OP_NEW_ARRAY(arena, op_stage_reduction, n)))
        return op_plan_no_memory();
    stage->n_reduction = stage->n_root = n;
    stage->reduced = e[0]->reduce.axes;
    stage->is_across = planner->pieces && op_is_across(e[0]);
    stage->root = root;
    for (int k = 0; k < n; k++) {
        root[k] = e[k];
        stage->reduction[k] = (op_stage_reduction){.code = (op_reduce_code)e[k]->reduce.code,
                                                   .block = block_of(stage, e, n, k),
                                                   .dtype = (op_dtype)e[k]->arg[0]->dtype,
                                                   .result_dtype = (op_dtype)e[k]->dtype,
                                                   .result = to[k]->place,
                                                   .strides = result_strides(arena, e[k], to[k]),
                                                   .extent = counts ? to[k]->shape[0] : 1,
                                                   .stride = counts ? to[k]->strides[0] : 0};
        if (!stage->reduction[k].strides)
            return op_plan_no_memory();
        value[stage->reduction[k].block] = op_lower_expr(l, e[k]->arg[0]);
    }
    if (stage->kind == OP_STAGE_WEIGH) {
        stage->reduction[0].weights = (int)stage->program.n_out++;
        value[stage->reduction[0].weights] = op_lower_expr(l, e[0]->arg[1]);
    }
    op_status status = op_lower_end(l, (int)stage->program.n_out);
    for (int k = 0; k < n; k++)
        stage->cost += counts ? COUNTING : op_reduce_rows[e[k]->reduce.code].combine ? 1 : COMBINING;
    for (int k = 0; k < n && status == OP_OK; k++) {
        int block = stage->reduction[k].block;
        if (!block_operand(planner, stage, block, stage->reduction[k].dtype, first->ndim, value[block]))
            return op_plan_no_memory();
    }
    int weights = stage->reduction[0].weights;
    if (stage->kind == OP_STAGE_WEIGH && status == OP_OK &&
        !block_operand(planner, stage, weights, (op_dtype)e[0]->arg[1]->dtype, first->ndim, value[weights]))
        return op_plan_no_memory();
    return status == OP_OK ? finish_stage(planner, stage) : status;
}

/* The output that a reduction can go to directly, or -1. */
static int direct_output(const op_planner *planner, const op_expr *e)
{
    const op_plan_request *request = planner->request;
    for (int i = 0; i < request->n; i++)
        if (request->exprs[i] == e && request->outs[i].dtype == (op_dtype)e->dtype &&
            request->outs[i].ndim == e->ndim &&
            !memcmp(request->outs[i].shape, op_planner_shape(planner, e), sizeof(int64_t) * e->ndim))
            return i;
    return -1;
}

op_leaf *op_plan_result(op_planner *planner, const op_expr *e)
{
    int out = direct_output(planner, e);
    op_leaf *leaf = out < 0 ? op_plan_temp(planner, e) : op_arena_alloc(planner->arena, sizeof *leaf);
    if (leaf && out >= 0)
        *leaf = (op_leaf){{OP_PLACE_OUT, out, NULL, 0, 0},
                          op_planner_shape(planner, e),
                          planner->request->outs[out].strides,
                          this_pass(planner)};
    return leaf;
}

op_status op_plan_single(op_planner *planner, op_expr *e)
{
    op_leaf *to = op_plan_result(planner, e);
    op_status status = to ? op_plan_reductions(planner, 1, &e, &to) : op_plan_no_memory();
    planner->leaf[e->id] = to;
    return status;
}

op_status op_plan_group(op_planner *planner, const op_order *order, uint32_t first)
{
    const op_level *level = planner->levels->node;
    op_expr *const *node = order->node;
    op_expr **e = OP_NEW_ARRAY(planner->arena, op_expr *, order->n - first);
    op_leaf **to = OP_NEW_ARRAY(planner->arena, op_leaf *, order->n - first);
    int n = 0;
    if (!e || !to)
        return op_plan_no_memory();
    for (uint32_t i = first; i < order->n; i++) {
        if (!op_ends_stage(node[i]) || planner->leaf[node[i]->id] || level[i].pass != level[first].pass ||
            level[i].depth != level[first].depth || !op_can_share_stage(planner, node[first], node[i]))
            continue;
        e[n] = node[i];
        to[n] = op_plan_result(planner, node[i]);
        if (!to[n++])
            return op_plan_no_memory();
    }
    op_status status = op_plan_reductions(planner, n, e, to);
    for (int k = 0; k < n; k++)
        planner->leaf[e[k]->id] = to[k];
    return status;
}

/* ---- outputs ---- */

static int same_shape(const op_view *a, int ndim, const int64_t *shape)
{
    return a->ndim == ndim && !memcmp(a->shape, shape, sizeof *shape * (size_t)ndim);
}

/* What an output of a pass by pieces has as it is, later stages read there. */
static op_status read_from_outputs(op_planner *planner, int n, const op_target *target)
{
    for (int k = 0; k < n && planner->pieces; k++) {
        const op_expr *e = target[k].expr;
        const op_view *out = &planner->request->outs[target[k].place.index];
        if (planner->leaf[e->id] || e->kind != OP_NODE_OP || e->dtype != out->dtype ||
            !same_shape(out, e->ndim, op_planner_shape(planner, e)))
            continue;
        op_leaf *leaf = op_arena_alloc(planner->arena, sizeof *leaf);
        if (!leaf)
            return op_plan_no_memory();
        *leaf = (op_leaf){target[k].place, out->shape, out->strides, this_pass(planner)};
        planner->leaf[e->id] = leaf;
    }
    return OP_OK;
}

/* By a map stage, or directly by a reduction. */
static int is_written(const op_planner *planner, int out)
{
    const op_leaf *leaf = planner->leaf ? planner->leaf[planner->request->exprs[out]->id] : NULL;
    return planner->written[out] || (leaf && leaf->place.kind == OP_PLACE_OUT && leaf->place.index == out);
}

op_status op_plan_outputs(op_planner *planner, const uint8_t *wanted)
{
    const op_plan_request *request = planner->request;
    op_target *target = OP_NEW_ARRAY(planner->arena, op_target, request->n);
    if (!target)
        return op_plan_no_memory();
    for (int first = 0; first < request->n; first++) {
        const op_view *like = &request->outs[first];
        int n = 0;
        for (int i = first; i < request->n; i++) {
            const op_view *out = &request->outs[i];
            if ((wanted && !wanted[i]) || is_written(planner, i) || !same_shape(out, like->ndim, like->shape))
                continue;
            planner->written[i] = 1;
            target[n++] = (op_target){
                request->exprs[i], out->dtype, {OP_PLACE_OUT, i, NULL, 0, 0}, out->strides, request->exprs[i]->name};
        }
        op_status status = n ? op_plan_map(planner, like->ndim, like->shape, n, target) : OP_OK;
        if (status == OP_OK)
            status = read_from_outputs(planner, n, target);
        if (status != OP_OK)
            return status;
    }
    return OP_OK;
}
