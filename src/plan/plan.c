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

/* ---- passes in order ---- */

/* Computes what is hoisted before the pass after `now`, in the order of the list. */
static op_status hoist(op_planner *planner, const op_order *order, uint32_t now, const uint8_t *hoisted)
{
    const op_levels *levels = planner->levels;
    op_status status = OP_OK;
    for (uint32_t i = 0; i < order->n && status == OP_OK; i++) {
        op_expr *e = order->node[i];
        if (levels->node[i].pass != now || levels->last[e->id] <= now || !hoisted[e->id] || planner->leaf[e->id])
            continue;
        status = op_plan_materialise(planner, e);
        if (status == OP_OK)
            planner->plan->stage[planner->plan->n_stage - 1]->is_aside = 1;
    }
    return status;
}

/* The passes of level planner->now: by pieces where several stages can share them. *off: a way of cutting pieces
 * has failed, and what relied on it must be planned again. */
static op_status passes_of_level(op_planner *planner, const op_order *order, int *off)
{
    op_status status = OP_OK;
    for (int s = 0; s < planner->n_space && status == OP_OK && !*off; s++) {
        int before = planner->space[s].off;
        status = op_plan_pieces(planner, order, s);
        *off |= planner->space[s].off != before;
    }
    for (uint32_t i = 0; i < order->n && status == OP_OK && !*off; i++) {
        op_expr *e = order->node[i];
        const op_level *level = &planner->levels->node[i];
        int is_done = level->space >= 0 && planner->space[level->space].built == planner->now;
        if (level->pass != planner->now || !op_ends_stage(e) || is_done || planner->leaf[e->id])
            continue;
        status = e->kind == OP_NODE_SCAN   ? op_plan_single(planner, e)
                 : e->kind == OP_NODE_VIEW ? op_plan_reshape(planner, e)
                                           : op_plan_group(planner, order, i);
    }
    return status;
}

/* Reductions and reshapes level by level: what is independent shares passes. */
static op_status passes_by_level(op_planner *planner, const op_order *order, int *off)
{
    op_levels *levels = op_find_levels(planner, order);
    uint8_t *hoisted = op_find_hoisted(planner, order->node, order->n);
    op_status status = levels && hoisted ? OP_OK : op_plan_no_memory();
    planner->levels = levels;
    *off = 0;
    for (uint32_t now = 1; status == OP_OK && now <= levels->most + 1 && !*off; now++) {
        planner->now = now;
        status = hoist(planner, order, now - 1, hoisted);
        if (status == OP_OK)
            status = passes_of_level(planner, order, off);
    }
    return status;
}

/* Passes for everything that must be there before the outputs can be computed, and outputs that share them. */
static op_status inner_passes(op_planner *planner, const op_order *order)
{
    size_t n_node = planner->request->graph->n_node;
    uint32_t *room = OP_NEW_ARRAY(planner->arena, uint32_t, n_node);
    op_status status;
    int off;
    planner->leaf = OP_NEW_ARRAY(planner->arena, op_leaf *, n_node);
    if (!planner->leaf || !room)
        return op_plan_no_memory();
    do {
        memset(planner->leaf, 0, sizeof *planner->leaf * n_node);
        memset(planner->written, 0, (size_t)planner->request->n);
        *planner->plan = (op_plan){0};
        for (int s = 0; s < planner->n_space; s++)
            planner->space[s].built = 0;
        planner->stage_room = planner->pass_room = planner->pieces_fail = off = 0;
        status =
            order->n > OP_NODES_PER_STAGE ? op_plan_cut(planner, order, room) : passes_by_level(planner, order, &off);
    } while (status == OP_OK && off);
    return status;
}

/* ---- the whole ---- */

static op_status sign(const op_planner *planner)
{
    for (int s = 0; s < planner->plan->n_stage; s++) {
        op_stage *stage = planner->plan->stage[s];
        stage->signature_size = op_signature_encode(&stage->program, NULL);
        stage->signature = op_arena_alloc(planner->arena, stage->signature_size);
        if (!stage->signature)
            return op_plan_no_memory();
        op_signature_encode(&stage->program, stage->signature);
    }
    return OP_OK;
}

op_status op_plan_build(const op_plan_request *request, op_arena *arena, op_plan **plan)
{
    op_planner planner = {.request = request, .arena = arena, .plan = op_arena_alloc(arena, sizeof **plan)};
    planner.written = OP_NEW_ARRAY(arena, uint8_t, request->n);
    if (!planner.plan || !planner.written)
        return op_plan_no_memory();
    memset(planner.written, 0, (size_t)request->n);
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
    if (status == OP_OK && staged)
        status = inner_passes(&planner, &order);
    if (status == OP_OK)
        status = op_plan_outputs(&planner, NULL);
    return status == OP_OK ? sign(&planner) : status;
}

int op_plan_counts(const op_plan *plan, const op_pass *pass)
{
    const op_stage *stage = plan->stage[pass->first];
    return pass->pieces || (!stage->is_aside && op_shape_size(stage->ndim, stage->shape) != 1);
}

int op_plan_passes(const op_plan *plan)
{
    int passes = 0;
    for (int p = 0; p < plan->n_pass; p++)
        passes += op_plan_counts(plan, &plan->pass[p]);
    return passes;
}

/* A place that the pass of the stage does not have. */
static int is_elsewhere(const op_plan *plan, const op_stage *stage, const op_place *place)
{
    if (place->kind != OP_PLACE_TEMP && place->kind != OP_PLACE_PIECE)
        return 0;
    return place->index >= plan->n_temp ||
           plan->temp[place->index].pass != (place->kind == OP_PLACE_PIECE ? stage->pass : -1);
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
            if (is_elsewhere(plan, stage, &stage->operand[k].place))
                return "an operand lies in no temporary";
        for (int k = 0; k < stage->n_reduction; k++)
            if (stage->reduction[k].block >= (int)stage->program.n_out)
                return "a reduction has no block of values";
            else if (is_elsewhere(plan, stage, &stage->reduction[k].result))
                return "a result lies in no temporary";
        const op_pass *pass = &plan->pass[stage->pass];
        if (s < pass->first || s >= pass->first + pass->n_stage)
            return "a stage is in no pass";
        if (pass->pieces ? pass->last && stage->ndim != 1 : pass->n_stage != 1 || stage->is_across)
            return "a stage cannot go by pieces";
    }
    return NULL;
}
