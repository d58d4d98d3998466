/* What a pass would compute again for every row of a larger array, although it is the same for all of them:
 * (b - s / n) / sqrt(d / n) with sums s and d of columns, say. If it costs much and stays in cache, it is
 * computed once, before the pass. What is the same for the elements of a row is the kernel's own affair. */
#include <string.h>

#include "base/view.h"
#include "plan/lower.h"

enum {
    WORTH = 8,         /* cost of an element, 1 = an addition */
    ROWS = 16,         /* for which it is used */
    MOST_BYTES = 256 << 10,
};

static int64_t size_of(const op_planner *planner, const op_expr *e)
{
    return op_shape_size(e->ndim, op_planner_shape(planner, e));
}

static int may_hoist(const op_planner *planner, const op_expr *e, uint32_t cost)
{
    if (e->kind != OP_NODE_OP || cost < WORTH || e->ndim == 0 || op_planner_shape(planner, e)[e->ndim - 1] < 2)
        return 0;
    return size_of(planner, e) * op_dtype_size((op_dtype)e->dtype) <= MOST_BYTES;
}

uint8_t *op_find_hoisted(op_planner *planner, op_expr *const *node, uint32_t n_node)
{
    size_t n_id = planner->request->graph->n_node;
    uint32_t *cost = OP_NEW_ARRAY(planner->arena, uint32_t, n_id); /* of a node's element, from the last stage on */
    uint8_t *hoisted = OP_NEW_ARRAY(planner->arena, uint8_t, n_id);
    if (!cost || !hoisted)
        return NULL;
    memset(hoisted, 0, n_id);
    for (uint32_t i = 0; i < n_node; i++) {
        const op_expr *e = node[i];
        cost[e->id] = e->kind == OP_NODE_OP ? op_rows[e->code].cost : 0;
        for (int k = 0; k < e->n_args && !op_ends_stage(e); k++) {
            const op_expr *arg = e->arg[k];
            if (e->kind == OP_NODE_OP && may_hoist(planner, arg, cost[arg->id]) &&
                size_of(planner, e) / ROWS >= size_of(planner, arg))
                hoisted[arg->id] = 1;
            else if (cost[e->id] < WORTH) /* more says nothing more */
                cost[e->id] += cost[arg->id];
        }
    }
    return hoisted;
}
