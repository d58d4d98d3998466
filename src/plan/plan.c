/* Expressions -> stages: reductions and reshapes end a stage, and the results of one shape are computed
 * together. */
#include "plan/plan.h"

#include <string.h>

#include "base/view.h"
#include "plan/stages.h"

/* ---- the list of nodes ---- */

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
        return op_plan_no_memory();
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

/* ---- stages in order ---- */

/* One stage for order[first] and all later reductions of its level that can share its pass. */
static op_status reduce_group(op_planner *planner, const op_order *order, const uint32_t *level, uint32_t first)
{
    op_expr *const *node = order->node;
    op_expr **e = OP_NEW_ARRAY(planner->arena, op_expr *, order->n - first);
    op_leaf **to = OP_NEW_ARRAY(planner->arena, op_leaf *, order->n - first);
    int n = 0;
    if (!e || !to)
        return op_plan_no_memory();
    for (uint32_t i = first; i < order->n; i++) {
        if (node[i]->kind != node[first]->kind || level[i] != level[first] || planner->leaf[node[i]->id] ||
            !op_can_share_pass(planner, node[first], node[i]))
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
        status = op_plan_materialise(planner, e);
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
    op_status status = level && uses && hoisted ? OP_OK : op_plan_no_memory();
    for (uint32_t now = 1; status == OP_OK && now <= most + 1; now++) {
        status = planner->rows ? OP_OK : hoist(planner, order, level, now - 1, hoisted);
        for (uint32_t i = 0; i < order->n && status == OP_OK; i++) {
            op_expr *e = order->node[i];
            if (level[i] != now || !op_ends_stage(e) || planner->leaf[e->id])
                continue;
            if (e->kind == OP_NODE_REDUCE && keeps_operand(planner, e->arg[0], uses))
                status = op_plan_materialise(planner, e->arg[0]);
            if (status != OP_OK)
                break;
            status = e->kind == OP_NODE_SCAN   ? op_plan_single(planner, e)
                     : e->kind == OP_NODE_VIEW ? op_plan_reshape(planner, e)
                                               : reduce_group(planner, order, level, i);
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
        return op_plan_no_memory();
    memset(planner->leaf, 0, sizeof *planner->leaf * n_node);
    return order->n > OP_NODES_PER_STAGE ? op_plan_cut(planner, order, room) : stages_by_level(planner, order);
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
        return op_plan_no_memory();
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
            target[n++] = (op_target){
                request->exprs[i], out->dtype, {OP_PLACE_OUT, i, NULL, 0, 0}, out->strides, request->exprs[i]->name};
        }
        const op_view *out = &request->outs[first];
        op_status status = n ? op_plan_map(planner, out->ndim, out->shape, n, target) : OP_OK;
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
            int64_t bytes =
                seen && operand->place.kind != OP_PLACE_SCRATCH ? op_stage_operand_bytes(stage, operand) : 0;
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
        return op_plan_no_memory();
    *planner.plan = (op_plan){0};
    *plan = planner.plan;
    int staged = request->graph->n_node > OP_NODES_PER_STAGE, open = 0;
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
    int64_t rows = status == OP_OK && staged && order.n <= OP_NODES_PER_STAGE ? find_rows(&planner, &order) : 0;
    if (rows)
        status = build_by_rows(&planner, &order, rows);
    if (status != OP_OK || planner.plan->rows)
        return status;
    if (staged)
        status = inner_stages(&planner, &order);
    return status == OP_OK ? output_stages(&planner) : status;
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
