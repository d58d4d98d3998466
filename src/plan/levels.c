/* The order of stages. A node that ends a stage is on the first level that its operands allow, but a reduction
 * waits for a later one that can share its pass, if nothing needs it before. */
#include <string.h>

#include "plan/lower.h"

int op_can_share_pass(const op_planner *planner, const op_expr *a, const op_expr *b)
{
    const op_expr *x = a->arg[0], *y = b->arg[0];
    if (a != b && (a->n_args > 1 || b->n_args > 1)) /* a count with weights */
        return 0;
    return a->reduce.axes == b->reduce.axes && x->ndim == y->ndim &&
           !memcmp(op_planner_shape(planner, x), op_planner_shape(planner, y), sizeof(int64_t) * x->ndim);
}

typedef struct op_levels {
    const op_planner *planner;
    op_expr *const *node;
    uint32_t n_node, most;
    uint32_t *level;                  /* by position: how many stages must have ended before the node can be computed */
    uint32_t *by_id;                  /* the same by node id; then the last level that a node's users allow */
    uint32_t *reduction, n_reduction; /* positions */
    uint8_t *settled;                 /* by position, of reductions: those that share its pass have been seen */
} op_levels;

static void find_first(op_levels *l)
{
    for (uint32_t i = 0; i < l->n_node; i++) {
        const op_expr *e = l->node[i];
        l->level[i] = 0;
        for (int k = 0; k < e->n_args; k++)
            l->level[i] = l->by_id[e->arg[k]->id] > l->level[i] ? l->by_id[e->arg[k]->id] : l->level[i];
        l->level[i] += (uint32_t)op_ends_stage(e);
        l->by_id[e->id] = l->level[i];
        l->most = l->level[i] > l->most ? l->level[i] : l->most;
        if (e->kind == OP_NODE_REDUCE)
            l->reduction[l->n_reduction++] = i;
    }
}

static void find_last(op_levels *l)
{
    for (uint32_t i = 0; i < l->n_node; i++)
        l->by_id[l->node[i]->id] = l->most;
    for (uint32_t i = l->n_node; i-- > 0;) {
        const op_expr *e = l->node[i];
        uint32_t last = op_ends_stage(e) ? l->level[i] - 1 : l->by_id[e->id];
        for (int k = 0; k < e->n_args; k++)
            l->by_id[e->arg[k]->id] = last < l->by_id[e->arg[k]->id] ? last : l->by_id[e->arg[k]->id];
    }
}

/* Of the reductions that can share a pass with that at position `at`: moves those of its level to the next level
 * that has others, if the users of all allow it. */
static void wait_for_pass(op_levels *l, uint32_t at)
{
    uint32_t now = l->level[at], last = l->most, next = l->most + 1;
    for (int moves = 0; moves < 2; moves++)
        for (uint32_t k = 0; k < l->n_reduction; k++) {
            uint32_t i = l->reduction[k];
            if (!op_can_share_pass(l->planner, l->node[at], l->node[i]))
                continue;
            if (moves && l->level[i] == now) {
                l->level[i] = next <= last ? next : now;
                l->settled[i] = 1;
            } else if (l->level[i] == now) {
                last = l->by_id[l->node[i]->id] < last ? l->by_id[l->node[i]->id] : last;
            } else if (l->level[i] > now && l->level[i] < next) {
                next = l->level[i];
            }
        }
}

/* From the last level to the first: what has moved allows those before it to move. */
static void wait_for_passes(op_levels *l)
{
    for (uint32_t now = l->most - 1; now > 0; now--) {
        find_last(l);
        for (uint32_t k = 0; k < l->n_reduction; k++)
            if (l->level[l->reduction[k]] == now && !l->settled[l->reduction[k]])
                wait_for_pass(l, l->reduction[k]);
    }
}

uint32_t *op_find_levels(op_planner *planner, op_expr *const *node, uint32_t n_node, uint32_t *most)
{
    op_levels l = {.planner = planner, .node = node, .n_node = n_node};
    l.level = OP_NEW_ARRAY(planner->arena, uint32_t, n_node + 1);
    l.by_id = OP_NEW_ARRAY(planner->arena, uint32_t, planner->request->graph->n_node);
    l.reduction = OP_NEW_ARRAY(planner->arena, uint32_t, n_node + 1);
    l.settled = OP_NEW_ARRAY(planner->arena, uint8_t, n_node + 1);
    *most = 0;
    if (!l.level || !l.by_id || !l.reduction || !l.settled)
        return NULL;
    memset(l.settled, 0, n_node + 1);
    find_first(&l);
    if (l.most > 1 && l.n_reduction > 1)
        wait_for_passes(&l);
    *most = l.most;
    return l.level;
}
