/* The order of passes. A node that ends a stage is in the first pass that its operands allow: what each row of
 * a pass by rows needs of its own row may come from the same pass. But what could share a later pass waits for it,
 * if nothing needs it before. */
#include "plan/levels.h"

#include <string.h>

/* Passes that must have ended before a value can be computed, or may have when it must be there: in any pass, and
 * in a pass by the rows of its own leading dimension; which space these rows are of, if that makes a difference. */
typedef struct op_times {
    uint32_t any, row;
    int space;
} op_times;

enum { MOVED = 1, CHAINED };

typedef struct op_finder {
    const op_planner *planner;
    op_expr *const *node;
    uint32_t n;
    op_levels *levels;
    op_times *time;           /* by node id: the first, then the last, then the first again */
    op_level *in_row;         /* by node id: the last stage of its own row that the value needs */
    uint32_t *mover, n_mover; /* positions of what may wait */
    uint8_t *settled;         /* by position: need not be looked at again */
} op_finder;

int op_is_by_row(const op_expr *e)
{
    return (e->kind == OP_NODE_REDUCE || e->kind == OP_NODE_SCAN) && !(e->reduce.axes & 1) && e->arg[0]->ndim > 1;
}

int op_is_across(const op_expr *e)
{
    int ndim = e->kind == OP_NODE_REDUCE ? e->arg[0]->ndim : 0;
    return ndim > 0 && e->reduce.axes == (ndim < 64 ? ((uint64_t)1 << ndim) - 1 : ~(uint64_t)0);
}

static int same_shape(const op_planner *planner, const op_expr *a, const op_expr *b)
{
    const int64_t *x = op_planner_shape(planner, a), *y = op_planner_shape(planner, b);
    return a->ndim == b->ndim && !memcmp(x, y, sizeof *x * a->ndim);
}

int op_can_share_stage(const op_planner *planner, const op_expr *a, const op_expr *b)
{
    if (a != b && (a->n_args > 1 || b->n_args > 1)) /* a count with weights */
        return 0;
    return a->kind == b->kind && a->reduce.axes == b->reduce.axes && same_shape(planner, a->arg[0], b->arg[0]);
}

static int can_share_pass(const op_finder *f, uint32_t a, uint32_t b)
{
    const op_level *level = f->levels->node;
    return level[a].space == level[b].space &&
           (level[a].space >= 0 || op_can_share_stage(f->planner, f->node[a], f->node[b]));
}

/* Does a row of e need no other row of its operand? Rows are what the leading dimension counts. */
static int stays_in_row(const op_finder *f, const op_expr *e, const op_expr *arg)
{
    const op_view_step *step = &e->view;
    if (e->ndim == 0 || arg->ndim == 0 || op_planner_shape(f->planner, e)[0] != op_planner_shape(f->planner, arg)[0])
        return 0;
    if (e->kind != OP_NODE_VIEW)
        return e->ndim == arg->ndim;
    switch (step->kind) {
    case OP_VIEW_PERMUTE:
        return step->list[0] == 0;
    case OP_VIEW_BROADCAST:
        return e->ndim == arg->ndim;
    case OP_VIEW_RESHAPE:
        return 0;
    default:
        return step->axis > 0;
    }
}

static uint32_t most_of(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t least_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static int goes_by_rows(const op_finder *f, uint32_t i)
{
    int space = f->levels->node[i].space;
    return space >= 0 && f->planner->space[space].rows;
}

/* Can what follows a node in its own row, or of a sequence in its own element, follow in the same pass? */
static int is_followed(const op_finder *f, uint32_t i)
{
    return goes_by_rows(f, i) ? op_is_by_row(f->node[i])
                              : f->levels->node[i].space >= 0 && f->node[i]->kind == OP_NODE_SCAN;
}

/* What is in the same row can be there at the same time only if both go by the same pieces. */
static uint32_t first_in_row(op_times arg, int *space)
{
    if (arg.row == arg.any || (*space >= 0 && *space != arg.space))
        return arg.any;
    *space = arg.space;
    return arg.row;
}

/* With `settle`, a node that ends a stage gets the first pass that it can. */
static void find_first(op_finder *f, int settle)
{
    for (uint32_t i = 0; i < f->n; i++) {
        const op_expr *e = f->node[i];
        op_level *level = &f->levels->node[i];
        op_times first = {0, 0, op_ends_stage(e) ? level->space : -1};
        for (int k = 0; k < e->n_args; k++) {
            op_times arg = f->time[e->arg[k]->id];
            int in_row = op_ends_stage(e) ? level->space >= 0 : stays_in_row(f, e, e->arg[k]);
            first.any = most_of(first.any, arg.any);
            first.row = most_of(first.row, in_row ? first_in_row(arg, &first.space) : arg.any);
        }
        if (!op_ends_stage(e)) {
            level->pass = first.any;
        } else {
            level->pass = settle ? first.row + 1 : level->pass;
            first.any = level->pass;
            first.row = is_followed(f, i) ? level->pass - 1 : level->pass;
        }
        f->time[e->id] = first;
        f->levels->most = most_of(f->levels->most, op_ends_stage(e) ? level->pass : 0);
    }
}

static void find_last(op_finder *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        f->time[f->node[i]->id] = (op_times){f->levels->most, f->levels->most, -1};
    for (uint32_t i = f->n; i-- > 0;) {
        const op_expr *e = f->node[i];
        op_times last = f->time[e->id];
        if (op_ends_stage(e)) {
            last.any = f->levels->node[i].pass - 1;
            last.row = goes_by_rows(f, i) ? last.any + 1 : last.any;
        }
        for (int k = 0; k < e->n_args; k++) {
            op_times *arg = &f->time[e->arg[k]->id];
            int in_row = op_ends_stage(e) || stays_in_row(f, e, e->arg[k]);
            arg->any = least_of(arg->any, last.any);
            arg->row = least_of(arg->row, in_row ? last.row : last.any);
        }
    }
}

/* Of what can share a pass with the node at position `at`: moves those of its pass to the next one that has others,
 * if the users of all allow it. */
static void wait_for_pass(op_finder *f, uint32_t at)
{
    op_level *level = f->levels->node;
    uint32_t now = level[at].pass, last = f->levels->most, next = last + 1;
    for (int moves = 0; moves < 2; moves++)
        for (uint32_t k = 0; k < f->n_mover; k++) {
            uint32_t i = f->mover[k];
            op_times until = f->time[f->node[i]->id];
            if (!can_share_pass(f, at, i))
                continue;
            if (moves && level[i].pass == now) {
                level[i].pass = next <= last ? next : now;
                f->settled[i] = MOVED;
            } else if (level[i].pass == now) {
                uint32_t own = goes_by_rows(f, i) && op_is_by_row(f->node[i]) ? until.row : until.any;
                last = least_of(last, f->settled[i] == CHAINED ? now : own);
            } else if (level[i].pass > now) {
                next = least_of(next, level[i].pass);
            }
        }
}

/* What needs a result of its own pass stays there, where that is in cache. */
static void find_movers(op_finder *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        const op_expr *e = f->node[i];
        if (e->kind != OP_NODE_REDUCE && !(op_ends_stage(e) && f->levels->node[i].space >= 0))
            continue;
        f->mover[f->n_mover++] = i;
        if (f->time[e->arg[0]->id].any >= f->levels->node[i].pass)
            f->settled[i] = CHAINED;
    }
}

/* From the last pass to the first: what has moved allows those before it to move. */
static void wait_for_passes(op_finder *f)
{
    find_movers(f);
    for (uint32_t now = f->levels->most; now-- > 1 && f->n_mover > 1;) {
        find_last(f);
        for (uint32_t k = 0; k < f->n_mover; k++)
            if (f->levels->node[f->mover[k]].pass == now && !f->settled[f->mover[k]])
                wait_for_pass(f, f->mover[k]);
    }
}

/* Within a pass, a stage comes after those of its own row that it needs. */
static void find_depths(op_finder *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        const op_expr *e = f->node[i];
        op_level *level = &f->levels->node[i], after = {0};
        for (int k = 0; k < e->n_args; k++) {
            op_level arg = f->in_row[e->arg[k]->id];
            if (!op_ends_stage(e) && !stays_in_row(f, e, e->arg[k]))
                continue;
            if (op_ends_stage(e) && arg.space != level->space)
                continue;
            if (arg.pass > after.pass || (arg.pass == after.pass && arg.depth > after.depth))
                after = arg;
        }
        if (op_ends_stage(e)) {
            level->depth = after.pass == level->pass ? after.depth + 1 : 1;
            after = is_followed(f, i) ? *level : (op_level){0};
        }
        f->in_row[e->id] = after;
    }
}

/* An output is computed in the first pass by pieces that it can share. */
static void find_outputs(op_finder *f)
{
    const op_plan_request *request = f->planner->request;
    for (int k = 0; k < request->n; k++) {
        const op_expr *e = request->exprs[k];
        const op_view *out = &request->outs[k];
        int same =
            e->ndim == out->ndim && !memcmp(op_planner_shape(f->planner, e), out->shape, sizeof(int64_t) * e->ndim);
        op_times first = f->time[e->id];
        op_level *to = &f->levels->out[k];
        *to = (op_level){f->levels->most + 1, 1, -1};
        int space = op_space_of(f->planner, out->ndim, out->shape);
        uint32_t after = same && first.space == space ? first.row : first.any;
        for (uint32_t i = 0; i < f->n && space >= 0; i++) {
            const op_level *level = &f->levels->node[i];
            if (op_ends_stage(f->node[i]) && level->space == space && level->pass > after && level->pass < to->pass)
                *to = (op_level){level->pass, 1, space};
        }
        if (same && f->in_row[e->id].pass == to->pass && f->in_row[e->id].space == space)
            to->depth = f->in_row[e->id].depth + 1;
    }
}

static void find_uses(op_finder *f)
{
    const op_plan_request *request = f->planner->request;
    uint32_t *last = f->levels->last, *uses = f->levels->uses;
    memset(last, 0, sizeof *last * request->graph->n_node);
    memset(uses, 0, sizeof *uses * request->graph->n_node);
    for (int k = 0; k < request->n; k++) {
        last[request->exprs[k]->id] = most_of(last[request->exprs[k]->id], f->levels->out[k].pass);
        uses[request->exprs[k]->id]++;
    }
    for (uint32_t i = f->n; i-- > 0;) {
        const op_expr *e = f->node[i];
        uint32_t used = op_ends_stage(e) ? f->levels->node[i].pass : last[e->id];
        for (int k = 0; k < e->n_args; k++) {
            last[e->arg[k]->id] = most_of(last[e->arg[k]->id], used);
            uses[e->arg[k]->id]++;
        }
    }
}

static void find_costs(op_finder *f)
{
    enum { ENOUGH = 1 << 20 }; /* shared parts count as often as they are used */
    for (uint32_t i = 0; i < f->n; i++) {
        const op_expr *e = f->node[i];
        uint32_t *cost = &f->levels->cost[e->id];
        *cost = e->kind == OP_NODE_OP ? op_rows[e->code].cost : 0;
        for (int k = 0; k < e->n_args && !op_ends_stage(e); k++)
            *cost = least_of(*cost + f->levels->cost[e->arg[k]->id], ENOUGH);
    }
}

op_levels *op_find_levels(op_planner *planner, const op_order *order)
{
    op_arena *arena = planner->arena;
    uint32_t n_id = planner->request->graph->n_node;
    op_levels *levels = op_arena_alloc(arena, sizeof *levels);
    op_finder f = {.planner = planner, .node = order->node, .n = order->n, .levels = levels};
    f.time = OP_NEW_ARRAY(arena, op_times, n_id);
    f.in_row = OP_NEW_ARRAY(arena, op_level, n_id);
    f.mover = OP_NEW_ARRAY(arena, uint32_t, order->n + 1);
    f.settled = OP_NEW_ARRAY(arena, uint8_t, order->n + 1);
    if (!levels || !f.time || !f.in_row || !f.mover || !f.settled)
        return NULL;
    *levels = (op_levels){.node = OP_NEW_ARRAY(arena, op_level, order->n + 1),
                          .out = OP_NEW_ARRAY(arena, op_level, planner->request->n),
                          .last = OP_NEW_ARRAY(arena, uint32_t, n_id),
                          .uses = OP_NEW_ARRAY(arena, uint32_t, n_id),
                          .cost = OP_NEW_ARRAY(arena, uint32_t, n_id)};
    if (!levels->node || !levels->out || !levels->last || !levels->uses || !levels->cost)
        return NULL;
    memset(f.settled, 0, order->n + 1);
    memset(levels->node, 0, sizeof *levels->node * (order->n + 1));
    op_find_spaces(planner, order, levels->node);
    find_first(&f, 1);
    wait_for_passes(&f);
    find_first(&f, 0);
    find_depths(&f);
    find_outputs(&f);
    find_uses(&f);
    find_costs(&f);
    return levels;
}
