/* Expressions -> stages: reductions and reshapes end a stage, a very large expression is cut into
 * several, and the results of one shape are computed together. */
#include "plan/plan.h"

#include <string.h>

#include "base/view.h"
#include "plan/lower.h"

enum {
    COUNTING = 20, /* cost of counting one element, 1 = an addition */
    COMBINING = 8, /* of combining it with a state that is more than one value */
    NODES_PER_STAGE = 2000, /* compile time grows with the nodes of a kernel, a little faster than linearly */
};

static op_status no_memory(void)
{
    return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
}

/* ---- the list of nodes ---- */

typedef struct op_order {
    op_expr **node; /* arguments before users, each node once */
    uint32_t n;
} op_order;

/* Depth first, arguments from left to right, on a stack in the arena. */
static op_status collect(op_planner *planner, op_order *order)
{
    const op_plan_request *request = planner->request;
    op_graph *graph = request->graph;
    uint32_t epoch = ++graph->epoch, n = 0;
    op_expr **stack = OP_NEW_ARRAY(planner->arena, op_expr *, graph->n_node + 1);
    uint8_t *next = OP_NEW_ARRAY(planner->arena, uint8_t, graph->n_node + 1);
    order->node = OP_NEW_ARRAY(planner->arena, op_expr *, graph->n_node + 1);
    if (!stack || !next || !order->node)
        return no_memory();
    for (int i = 0; i < request->n; i++) {
        uint32_t depth = 0;
        if (request->exprs[i]->epoch == epoch)
            continue;
        request->exprs[i]->epoch = epoch;
        stack[depth] = request->exprs[i];
        next[depth++] = 0;
        while (depth) {
            op_expr *e = stack[depth - 1];
            if (next[depth - 1] == e->n_args) {
                order->node[n++] = e;
                depth--;
                continue;
            }
            op_expr *arg = e->arg[next[depth - 1]++];
            if (arg->epoch == epoch)
                continue;
            arg->epoch = epoch;
            stack[depth] = arg;
            next[depth++] = 0;
        }
    }
    order->n = n;
    return OP_OK;
}

/* ---- stages ---- */

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
    if (!stage)
        return NULL;
    *stage = (op_stage){.kind = kind};
    return plan->stage[plan->n_stage++] = stage;
}

static op_status finish_stage(op_planner *planner, op_stage *stage)
{
    if (planner->rows && (stage->ndim < 1 || stage->shape[0] != planner->rows))
        planner->rows_fail = 1;
    if (planner->rows_fail)
        return OP_OK; /* this plan is dropped */
    if (planner->rows)
        op_stage_take_rows(stage);
    op_stage_collapse(stage);
    op_status status = op_stage_combine(stage, planner->arena);
    if (status != OP_OK)
        return status;
    stage->signature_size = op_signature_encode(&stage->program, NULL);
    stage->signature = op_arena_alloc(planner->arena, stage->signature_size);
    if (!stage->signature)
        return no_memory();
    op_signature_encode(&stage->program, stage->signature);
    return OP_OK;
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

/* A temporary for the value of e, which is from now on a leaf. */
static op_leaf *new_temp(op_planner *planner, const op_expr *e)
{
    op_plan *plan = planner->plan;
    op_arena *arena = planner->arena;
    const int64_t *shape = op_planner_shape(planner, e);
    op_leaf *leaf = op_arena_alloc(arena, sizeof *leaf);
    int64_t *bytes = OP_NEW_ARRAY(arena, int64_t, plan->n_temp + 1); /* temporaries are few */
    if (!leaf || !bytes)
        return NULL;
    if (plan->n_temp)
        memcpy(bytes, plan->temp_bytes, sizeof *bytes * (size_t)plan->n_temp);
    bytes[plan->n_temp] = op_shape_size(e->ndim, shape) * op_dtype_size((op_dtype)e->dtype) / (planner->rows ? planner->rows : 1);
    plan->temp_bytes = bytes;
    *leaf = (op_leaf){{OP_PLACE_TEMP, plan->n_temp++, NULL, 0, 0}, shape,
                      c_order(arena, e->ndim, shape, op_dtype_size((op_dtype)e->dtype))};
    return leaf->strides ? leaf : NULL;
}

/* An output of a map stage: where a value goes, in the dimensions of the stage. */
typedef struct op_target {
    op_expr *expr;
    op_dtype dtype;
    op_place place;
    const int64_t *strides;
    const char *name;
} op_target;

/* One map stage over `shape` that computes several values. */
static op_status map_stage(op_planner *planner, int ndim, const int64_t *shape, int n, const op_target *target)
{
    op_arena *arena = planner->arena;
    op_stage *stage = new_stage(planner, OP_STAGE_MAP);
    op_lowering *l = stage ? op_lower_begin(planner, stage, ndim, shape) : NULL;
    uint32_t *value = OP_NEW_ARRAY(arena, uint32_t, n);
    const op_expr **root = OP_NEW_ARRAY(arena, const op_expr *, n);
    if (!l || !value || !root)
        return no_memory();
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
            return no_memory();
        memcpy(strides, target[i].strides, sizeof *strides * (size_t)ndim);
        stage->operand[stage->program.n_in + (uint32_t)i] =
            (op_stage_operand){target[i].place, target[i].dtype, strides, target[i].name};
        stage->program.store[i] = value[i];
    }
    return finish_stage(planner, stage);
}

/* Computes e into a temporary, in C order. */
static op_status materialise(op_planner *planner, op_expr *e)
{
    op_leaf *leaf = new_temp(planner, e);
    if (!leaf)
        return no_memory();
    op_target target = {e, (op_dtype)e->dtype, leaf->place, leaf->strides, NULL};
    op_status status = map_stage(planner, e->ndim, leaf->shape, 1, &target);
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
        (op_stage_operand){{OP_PLACE_SCRATCH, 0, NULL, 0, 0}, dtype, none, NULL};
    stage->program.store[block] = value;
    return 1;
}

/* Several reductions (or counts) over the same axes of operands of the same shape, in one pass. */
static op_status reduce_stage(op_planner *planner, int n, op_expr *const *e, op_leaf *const *to)
{
    op_arena *arena = planner->arena;
    const op_expr *first = e[0]->arg[0];
    int counts = e[0]->kind == OP_NODE_COUNT;
    op_stage *stage = new_stage(planner, stage_kind_of(e[0]));
    op_lowering *l = stage ? op_lower_begin(planner, stage, first->ndim, op_planner_shape(planner, first)) : NULL;
    uint32_t *value = OP_NEW_ARRAY(arena, uint32_t, n + 1); /* by block */
    const op_expr **root = OP_NEW_ARRAY(arena, const op_expr *, n);
    if (!l || !value || !root || !(stage->reduction = OP_NEW_ARRAY(arena, op_stage_reduction, n)))
        return no_memory();
    stage->n_reduction = stage->n_root = n;
    stage->reduced = e[0]->reduce.axes;
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
            return no_memory();
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
            return no_memory();
    }
    int weights = stage->reduction[0].weights;
    if (stage->kind == OP_STAGE_WEIGH && status == OP_OK &&
        !block_operand(planner, stage, weights, (op_dtype)e[0]->arg[1]->dtype, first->ndim, value[weights]))
        return no_memory();
    return status == OP_OK ? finish_stage(planner, stage) : status;
}

/* ---- reshapes ---- */

/* NumPy's reshape without a copy: groups of dimensions with the same number of elements, each of which
 * must lie in one stride. Returns 0 if that cannot be. */
static int reshape_strides(int ndim, const int64_t *shape, const int64_t *strides, int to_ndim, const int64_t *to_shape,
                           int64_t *to_strides)
{
    int i = 0, j = 0;
    while (i < ndim && j < to_ndim) {
        int from = i, to = j;
        int64_t have = shape[i++], want = to_shape[j++];
        while (have != want)
            if (have < want && i < ndim)
                have *= shape[i++];
            else if (j < to_ndim)
                want *= to_shape[j++];
            else
                return 0;
        int64_t stride = strides[i - 1], run = 1;
        for (int k = i - 1; k >= from; k--) { /* extents of 1 have no say */
            if (shape[k] != 1 && run == 1)
                stride = strides[k];
            if (shape[k] != 1 && strides[k] != stride * run)
                return 0;
            run *= shape[k];
        }
        for (int k = j - 1; k >= to; k--) {
            to_strides[k] = stride;
            stride *= to_shape[k];
        }
    }
    for (; j < to_ndim; j++) /* what is left has extent 1 */
        to_strides[j] = 0;
    return 1;
}

static op_status reshape(op_planner *planner, op_expr *e)
{
    op_expr *source = e->arg[0];
    const int64_t *shape = op_planner_shape(planner, e), *from = op_planner_shape(planner, source);
    op_leaf *leaf = op_arena_alloc(planner->arena, sizeof *leaf);
    int64_t *strides = OP_NEW_ARRAY(planner->arena, int64_t, e->ndim + 1);
    if (!leaf || !strides)
        return no_memory();
    leaf->shape = shape;
    leaf->strides = strides;
    leaf->place = (op_place){.kind = OP_PLACE_DATA, .index = -1, .data = leaf}; /* of no elements, if nothing else */
    planner->leaf[e->id] = leaf;
    const int64_t *have = NULL;
    if (planner->leaf[source->id]) {
        have = planner->leaf[source->id]->strides;
        leaf->place = planner->leaf[source->id]->place;
    } else if (source->kind == OP_NODE_INPUT) {
        have = source->input.strides;
        leaf->place = (op_place){OP_PLACE_DATA, -1, source->input.data, 0, 0};
    } else if (source->kind == OP_NODE_HOLE) {
        have = planner->request->holes[source->hole].strides;
        leaf->place = (op_place){OP_PLACE_HOLE, source->hole, NULL, 0, 0};
    }
    if (op_shape_size(e->ndim, shape) == 0) {
        memset(strides, 0, sizeof *strides * (size_t)e->ndim);
        return OP_OK;
    }
    if (have && reshape_strides(source->ndim, from, have, e->ndim, shape, strides))
        return OP_OK;
    op_status status = source->kind == OP_NODE_CONST ? OP_OK : materialise(planner, source);
    if (status != OP_OK || source->kind == OP_NODE_CONST)
        return status != OP_OK ? status : op_fail(OP_ERR_UNSUPPORTED, "a constant cannot be reshaped; broadcast it");
    leaf->place = planner->leaf[source->id]->place;
    reshape_strides(source->ndim, from, planner->leaf[source->id]->strides, e->ndim, shape, strides);
    return OP_OK;
}

/* ---- large expressions ---- */

/* Cuts the list into runs of NODES_PER_STAGE operations. What a later run needs of an earlier one is
 * marked: it becomes a temporary at the end of its run. */
static uint8_t *mark_cuts(op_planner *planner, const op_order *order, uint32_t *run_end)
{
    uint8_t *needed = OP_NEW_ARRAY(planner->arena, uint8_t, order->n + 1);
    uint32_t *run = OP_NEW_ARRAY(planner->arena, uint32_t, planner->request->graph->n_node);
    if (!needed || !run)
        return NULL;
    memset(needed, 0, order->n + 1);
    uint32_t *position = run_end; /* by node id while marking: the place in the list */
    for (uint32_t i = 0; i < order->n; i++) {
        const op_expr *e = order->node[i];
        run[e->id] = i / NODES_PER_STAGE;
        position[e->id] = i;
        for (int k = 0; k < e->n_args; k++) {
            const op_expr *arg = e->arg[k];
            if (run[arg->id] != run[e->id] && (arg->kind == OP_NODE_OP || arg->kind == OP_NODE_VIEW))
                needed[position[arg->id]] = 1;
        }
    }
    return needed;
}

/* Computes the marked nodes among order[begin..end-1] into temporaries, those of one shape together. */
static op_status end_run(op_planner *planner, const op_order *order, uint8_t *needed, uint32_t begin, uint32_t end)
{
    op_target *target = OP_NEW_ARRAY(planner->arena, op_target, end - begin + 1);
    op_leaf **leaf = OP_NEW_ARRAY(planner->arena, op_leaf *, end - begin + 1);
    if (!target || !leaf)
        return no_memory();
    for (uint32_t first = begin; first < end; first++) {
        if (!needed[first])
            continue;
        const op_expr *e = order->node[first];
        const int64_t *shape = op_planner_shape(planner, e);
        int n = 0;
        for (uint32_t i = first; i < end; i++) {
            op_expr *other = order->node[i];
            if (!needed[i] || planner->leaf[other->id] || other->ndim != e->ndim ||
                memcmp(shape, op_planner_shape(planner, other), sizeof *shape * e->ndim))
                continue;
            needed[i] = 0;
            leaf[n] = new_temp(planner, other);
            if (!leaf[n])
                return no_memory();
            target[n] = (op_target){other, (op_dtype)other->dtype, leaf[n]->place, leaf[n]->strides, NULL};
            n++;
        }
        op_status status = n ? map_stage(planner, e->ndim, shape, n, target) : OP_OK;
        if (status != OP_OK)
            return status;
        for (int i = 0; i < n; i++)
            planner->leaf[target[i].expr->id] = leaf[i];
    }
    return OP_OK;
}

/* ---- stages in order ---- */

/* The output that a reduction can go to directly, or -1. */
static int direct_output(const op_planner *planner, const op_expr *e)
{
    const op_plan_request *request = planner->request;
    for (int i = 0; i < request->n; i++)
        if (request->exprs[i] == e && request->outs[i].dtype == (op_dtype)e->dtype && request->outs[i].ndim == e->ndim &&
            !memcmp(request->outs[i].shape, op_planner_shape(planner, e), sizeof(int64_t) * e->ndim))
            return i;
    return -1;
}

static op_leaf *reduce_target(op_planner *planner, const op_expr *e)
{
    int out = direct_output(planner, e);
    op_leaf *leaf = out < 0 ? new_temp(planner, e) : op_arena_alloc(planner->arena, sizeof *leaf);
    if (leaf && out >= 0)
        *leaf = (op_leaf){{OP_PLACE_OUT, out, NULL, 0, 0}, op_planner_shape(planner, e), planner->request->outs[out].strides};
    return leaf;
}

/* A stage for one reduction or scan. */
static op_status single_stage(op_planner *planner, op_expr *e)
{
    op_leaf *to = reduce_target(planner, e);
    op_status status = to ? reduce_stage(planner, 1, &e, &to) : no_memory();
    planner->leaf[e->id] = to;
    return status;
}

/* One stage for order[first] and all later reductions of its level that can share its pass. */
static op_status reduce_group(op_planner *planner, const op_order *order, const uint32_t *level, uint32_t first)
{
    op_expr *const *node = order->node;
    op_expr **e = OP_NEW_ARRAY(planner->arena, op_expr *, order->n - first);
    op_leaf **to = OP_NEW_ARRAY(planner->arena, op_leaf *, order->n - first);
    int n = 0;
    if (!e || !to)
        return no_memory();
    for (uint32_t i = first; i < order->n; i++) {
        if (node[i]->kind != node[first]->kind || level[i] != level[first] || planner->leaf[node[i]->id] ||
            !op_can_share_pass(planner, node[first], node[i]))
            continue;
        e[n] = node[i];
        to[n] = reduce_target(planner, node[i]);
        if (!to[n++])
            return no_memory();
    }
    op_status status = reduce_stage(planner, n, e, to);
    for (int k = 0; k < n; k++)
        planner->leaf[e[k]->id] = to[k];
    return status;
}

/* By node id: how many nodes and outputs use it. */
static uint32_t *count_uses(op_planner *planner, const op_order *order)
{
    size_t n = planner->request->graph->n_node;
    uint32_t *uses = OP_NEW_ARRAY(planner->arena, uint32_t, n);
    if (!uses)
        return NULL;
    memset(uses, 0, sizeof *uses * n);
    for (uint32_t i = 0; i < order->n; i++)
        for (int k = 0; k < order->node[i]->n_args; k++)
            uses[order->node[i]->arg[k]->id]++;
    for (int i = 0; i < planner->request->n; i++)
        uses[planner->request->exprs[i]->id]++;
    return uses;
}

/* In a plan by rows, what a reduction reads and others need too is kept for the row, if it costs more
 * to compute than to store: softmax computes its exponentials once. */
static int keeps_operand(const op_planner *planner, const op_expr *operand, const uint32_t *uses)
{
    enum { WORTH = 8 };
    return planner->rows && operand->kind == OP_NODE_OP && uses[operand->id] > 1 && !planner->leaf[operand->id] &&
           op_rows[operand->code].cost >= WORTH;
}

/* Computes what is hoisted of one level, in the order of the list. */
static op_status hoist(op_planner *planner, const op_order *order, const uint32_t *level, uint32_t now,
                       const uint8_t *hoisted)
{
    op_status status = OP_OK;
    for (uint32_t i = 0; i < order->n && status == OP_OK; i++) {
        op_expr *e = order->node[i];
        if (level[i] != now || !hoisted[e->id] || planner->leaf[e->id])
            continue;
        status = materialise(planner, e);
        if (status == OP_OK)
            planner->plan->stage[planner->plan->n_stage - 1]->is_aside = 1;
    }
    return status;
}

/* Reductions and reshapes level by level: what is independent shares passes. */
static op_status stages_by_level(op_planner *planner, const op_order *order)
{
    uint32_t most, *level = op_find_levels(planner, order->node, order->n, &most), *uses = count_uses(planner, order);
    uint8_t *hoisted = op_find_hoisted(planner, order->node, order->n);
    op_status status = level && uses && hoisted ? OP_OK : no_memory();
    for (uint32_t now = 1; status == OP_OK && now <= most + 1; now++) {
        status = planner->rows ? OP_OK : hoist(planner, order, level, now - 1, hoisted);
        for (uint32_t i = 0; i < order->n && status == OP_OK; i++) {
            op_expr *e = order->node[i];
            if (level[i] != now || !op_ends_stage(e) || planner->leaf[e->id])
                continue;
            if (e->kind == OP_NODE_REDUCE && keeps_operand(planner, e->arg[0], uses))
                status = materialise(planner, e->arg[0]);
            if (status != OP_OK)
                break;
            status = e->kind == OP_NODE_SCAN   ? single_stage(planner, e)
                     : e->kind == OP_NODE_VIEW ? reshape(planner, e)
                                               : reduce_group(planner, order, level, i);
        }
    }
    return status;
}

/* A very large expression: stages in the order of the list, cut into runs. */
static op_status stages_by_run(op_planner *planner, const op_order *order, uint32_t *room)
{
    uint8_t *needed = mark_cuts(planner, order, room);
    op_status status = needed ? OP_OK : no_memory();
    for (uint32_t i = 0, begin = 0; i < order->n && status == OP_OK; i++) {
        op_expr *e = order->node[i];
        if (op_ends_stage(e))
            status = e->kind == OP_NODE_VIEW ? reshape(planner, e) : single_stage(planner, e);
        if (status == OP_OK && (i + 1) % NODES_PER_STAGE == 0) {
            status = end_run(planner, order, needed, begin, i + 1);
            begin = i + 1;
        }
    }
    return status;
}

/* Stages for everything that must be there before the outputs can be computed. */
static op_status inner_stages(op_planner *planner, const op_order *order)
{
    size_t n_node = planner->request->graph->n_node;
    uint32_t *room = OP_NEW_ARRAY(planner->arena, uint32_t, n_node);
    planner->leaf = OP_NEW_ARRAY(planner->arena, op_leaf *, n_node);
    if (!planner->leaf || !room)
        return no_memory();
    memset(planner->leaf, 0, sizeof *planner->leaf * n_node);
    return order->n > NODES_PER_STAGE ? stages_by_run(planner, order, room) : stages_by_level(planner, order);
}

static int same_shape(const op_view *a, const op_view *b)
{
    return a->ndim == b->ndim && !memcmp(a->shape, b->shape, sizeof *a->shape * (size_t)a->ndim);
}

/* Map stages for the outputs that no reduction has written: one for each shape. */
static op_status output_stages(op_planner *planner)
{
    const op_plan_request *request = planner->request;
    op_target *target = OP_NEW_ARRAY(planner->arena, op_target, request->n);
    uint8_t *done = OP_NEW_ARRAY(planner->arena, uint8_t, request->n);
    if (!target || !done)
        return no_memory();
    for (int i = 0; i < request->n; i++) {
        const op_leaf *leaf = planner->leaf ? planner->leaf[request->exprs[i]->id] : NULL;
        done[i] = leaf && leaf->place.kind == OP_PLACE_OUT && leaf->place.index == i;
    }
    for (int first = 0; first < request->n; first++) {
        int n = 0;
        for (int i = first; i < request->n; i++) {
            const op_view *out = &request->outs[i];
            if (done[i] || !same_shape(out, &request->outs[first]))
                continue;
            done[i] = 1;
            target[n++] = (op_target){request->exprs[i], out->dtype, {OP_PLACE_OUT, i, NULL, 0, 0}, out->strides,
                                      request->exprs[i]->name};
        }
        const op_view *out = &request->outs[first];
        op_status status = n ? map_stage(planner, out->ndim, out->shape, n, target) : OP_OK;
        if (status != OP_OK)
            return status;
    }
    return OP_OK;
}

/* ---- rows ---- */

enum {
    SHORTEST_ROW = 256,  /* elements: below, the overhead of a row outweighs the saved traffic */
    LONGEST_ROW = 32768, /* above, a row and its temporaries do not stay in cache */
    FEWEST_ROWS = 8,     /* rows are what threads share */
};

/* The number of rows if the plan can go row by row: every reduction, scan and output has the same leading
 * extent, and none crosses rows. Whether results are used in their own rows only is seen when
 * the stages are built. */
static int64_t find_rows(const op_planner *planner, const op_order *order)
{
    const op_plan_request *request = planner->request;
    int64_t rows = 0, longest = 0;
    for (uint32_t i = 0; i < order->n; i++) {
        const op_expr *e = order->node[i];
        if (!op_ends_stage(e))
            continue;
        if (e->kind == OP_NODE_VIEW)
            return 0;
        const int64_t *shape = op_planner_shape(planner, e->arg[0]);
        if (e->arg[0]->ndim < 2 || e->reduce.axes & 1 || (rows && rows != shape[0]))
            return 0;
        rows = shape[0];
        int64_t length = rows ? op_shape_size(e->arg[0]->ndim, shape) / rows : 0;
        longest = length > longest ? length : longest;
    }
    for (int i = 0; i < request->n; i++)
        if (request->outs[i].ndim < 1 || request->outs[i].shape[0] != rows)
            return 0;
    return rows >= FEWEST_ROWS && longest >= SHORTEST_ROW && longest <= LONGEST_ROW ? rows : 0;
}

static int same_place(const op_stage_operand *a, const op_stage_operand *b)
{
    return a->place.kind == b->place.kind && a->place.index == b->place.index && a->place.data == b->place.data &&
           a->place.offset == b->place.offset;
}

/* In a plan by rows an array is read from memory once, by the first stage that needs it. Returns true if
 * that saves anything. */
static int count_bytes_once(op_plan *plan)
{
    int saves = 0;
    for (int s = 0; s < plan->n_stage; s++) {
        op_stage *stage = plan->stage[s];
        for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++) {
            const op_stage_operand *operand = &stage->operand[k];
            int seen = operand->place.kind == OP_PLACE_TEMP;
            for (int t = 0; t < s && !seen; t++)
                for (uint32_t j = 0; j < plan->stage[t]->program.n_in && !seen; j++)
                    seen = same_place(operand, &plan->stage[t]->operand[j]);
            int64_t bytes = seen && operand->place.kind != OP_PLACE_SCRATCH ? op_stage_operand_bytes(stage, operand) : 0;
            stage->bytes -= bytes;
            saves |= bytes > OP_ALIGNMENT;
        }
        int64_t results = stage->kind == OP_STAGE_SCAN ? op_shape_size(stage->ndim, stage->shape) : 1;
        for (int k = 0; k < stage->n_reduction; k++)
            if (stage->reduction[k].result.kind == OP_PLACE_TEMP)
                stage->bytes -= results * op_dtype_size(stage->reduction[k].result_dtype);
    }
    return saves;
}

static op_status build_by_rows(op_planner *planner, const op_order *order, int64_t rows)
{
    planner->rows = rows;
    op_status status = inner_stages(planner, order);
    if (status == OP_OK && !planner->rows_fail)
        status = output_stages(planner);
    if (status == OP_OK && !planner->rows_fail && planner->plan->n_stage > 1 &&
        planner->plan->n_temp <= OP_PLAN_ROW_TEMPS && count_bytes_once(planner->plan)) {
        planner->plan->rows = rows;
        return OP_OK;
    }
    *planner->plan = (op_plan){0};
    planner->stage_room = 0;
    planner->leaf = NULL;
    planner->rows = planner->rows_fail = 0;
    return status;
}

/* ---- the whole ---- */

op_status op_plan_build(const op_plan_request *request, op_arena *arena, op_plan **plan)
{
    op_planner planner = {.request = request, .arena = arena, .plan = op_arena_alloc(arena, sizeof **plan)};
    if (!planner.plan)
        return no_memory();
    *planner.plan = (op_plan){0};
    *plan = planner.plan;
    int staged = request->graph->n_node > NODES_PER_STAGE, open = 0;
    for (int i = 0; i < request->n; i++) {
        staged |= request->exprs[i]->staged;
        open |= request->exprs[i]->open;
    }
    op_order order = {0};
    op_status status = staged || open ? collect(&planner, &order) : OP_OK;
    if (status == OP_OK && open)
        status = op_resolve_shapes(&planner, order.node, order.n);
    for (int i = 0; i < request->n && status == OP_OK; i++)
        status = op_check_output(&planner, i);
    int64_t rows = status == OP_OK && staged && order.n <= NODES_PER_STAGE ? find_rows(&planner, &order) : 0;
    if (rows)
        status = build_by_rows(&planner, &order, rows);
    if (status != OP_OK || planner.plan->rows)
        return status;
    if (staged)
        status = inner_stages(&planner, &order);
    return status == OP_OK ? output_stages(&planner) : status;
}

int op_stage_is_pass(const op_stage *stage)
{
    return !stage->is_aside && op_shape_size(stage->ndim, stage->shape) != 1;
}

int op_plan_passes(const op_plan *plan)
{
    int passes = 0;
    for (int s = 0; s < plan->n_stage; s++)
        passes += op_stage_is_pass(plan->stage[s]);
    return plan->rows ? 1 : passes;
}

const char *op_plan_verify(const op_plan *plan)
{
    for (int s = 0; s < plan->n_stage; s++) {
        const op_stage *stage = plan->stage[s];
        const char *why;
        if (!op_program_verify(&stage->program, &why))
            return why;
        if (stage->ndim < 1)
            return "a stage has no dimension";
        for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++)
            if (stage->operand[k].place.kind == OP_PLACE_TEMP && stage->operand[k].place.index >= plan->n_temp)
                return "an operand lies in no temporary";
        for (int k = 0; k < stage->n_reduction; k++)
            if (stage->reduction[k].block >= (int)stage->program.n_out)
                return "a reduction has no block of values";
    }
    return NULL;
}
