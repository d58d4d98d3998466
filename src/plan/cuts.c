/* Very large expressions: stages in the order of the list of nodes, which is cut into runs. */
#include <string.h>

#include "plan/stages.h"

/* Cuts the list into runs of OP_NODES_PER_STAGE operations. What a later run needs of an earlier one is
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
        run[e->id] = i / OP_NODES_PER_STAGE;
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
        return op_plan_no_memory();
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
            leaf[n] = op_plan_temp(planner, other);
            if (!leaf[n])
                return op_plan_no_memory();
            target[n] = (op_target){other, (op_dtype)other->dtype, leaf[n]->place, leaf[n]->strides, NULL};
            n++;
        }
        op_status status = n ? op_plan_map(planner, e->ndim, shape, n, target) : OP_OK;
        if (status != OP_OK)
            return status;
        for (int i = 0; i < n; i++)
            planner->leaf[target[i].expr->id] = leaf[i];
    }
    return OP_OK;
}

op_status op_plan_cut(op_planner *planner, const op_order *order, uint32_t *room)
{
    uint8_t *needed = mark_cuts(planner, order, room);
    op_status status = needed ? OP_OK : op_plan_no_memory();
    for (uint32_t i = 0, begin = 0; i < order->n && status == OP_OK; i++) {
        op_expr *e = order->node[i];
        if (op_ends_stage(e))
            status = e->kind == OP_NODE_VIEW ? op_plan_reshape(planner, e) : op_plan_single(planner, e);
        if (status == OP_OK && (i + 1) % OP_NODES_PER_STAGE == 0) {
            status = end_run(planner, order, needed, begin, i + 1);
            begin = i + 1;
        }
    }
    return status;
}
