/* Passes by pieces: stages whose data is cut alike run on one piece after another, each while it is in cache.
 * Rows are pieces if reductions or scans stay within them, because then what needs their results can follow
 * in the same pass. Otherwise pieces are counted out of arrays that are one sequence each. */
#include <string.h>

#include "base/view.h"
#include "plan/stages.h"

enum {
    SHORTEST_ROW = 256,    /* elements: below, the overhead of a row outweighs the saved traffic */
    SHORTEST_FED_ROW = 3 * OP_LEAF, /* of a reduction of everything: half leaves at both ends of a row cost time */
    LONGEST_ROW = 32768,   /* above, a row and its temporaries do not stay in cache */
    FEWEST_ROWS = 8,       /* rows are what threads share */
    WORTH = 8,             /* cost of a value that is better read again than computed again, 1 = an addition */
    LONGEST_PIECE = 16384, /* elements: a power of two of leaves */
    SHORTEST_PIECE = 2048,
    LONGEST_SCANNED = 8192,  /* of a piece that is scanned: what run/scan.c takes at once */
    PIECE_BYTES = 512 << 10, /* of all arrays of such a piece */
    TEMP_BYTES = 2 << 20,    /* of the temporaries of a row */
};

/* ---- spaces ---- */

static int find_space(const op_planner *planner, int64_t rows, int64_t elements)
{
    for (int s = 0; s < planner->n_space; s++)
        if (planner->space[s].rows == rows && planner->space[s].elements == elements)
            return s;
    return -1;
}

static void add_space(op_planner *planner, int64_t rows, int64_t elements)
{
    if (find_space(planner, rows, elements) < 0 && planner->n_space < OP_MOST_SPACES)
        planner->space[planner->n_space++] = (op_space){rows, elements, 0, 0};
}

static int64_t row_length(int ndim, const int64_t *shape)
{
    return ndim > 0 && shape[0] >= FEWEST_ROWS ? op_shape_size(ndim - 1, shape + 1) : 0;
}

static int is_row(int64_t length)
{
    return length >= SHORTEST_ROW && length <= LONGEST_ROW;
}

static int is_on(const op_planner *planner, int s)
{
    return s >= 0 && !planner->space[s].off;
}

int op_space_of(const op_planner *planner, int ndim, const int64_t *shape)
{
    int64_t length = row_length(ndim, shape);
    int by_rows = length > 0 && length <= LONGEST_ROW ? find_space(planner, shape[0], 0) : -1;
    int by_elements = find_space(planner, 0, op_shape_size(ndim, shape));
    return is_on(planner, by_rows) ? by_rows : is_on(planner, by_elements) ? by_elements : -1;
}

/* A reduction of everything: long rows, if there is a space of them, or else elements. */
static int space_across(op_planner *planner, int ndim, const int64_t *shape)
{
    int64_t length = row_length(ndim, shape), size = op_shape_size(ndim, shape);
    int is_long = is_row(length) && length >= SHORTEST_FED_ROW;
    if (is_long && is_on(planner, find_space(planner, shape[0], 0)))
        return find_space(planner, shape[0], 0);
    if (size < SHORTEST_ROW)
        return -1;
    add_space(planner, 0, size);
    int s = find_space(planner, 0, size);
    if (is_on(planner, s) || !is_long)
        return is_on(planner, s) ? s : -1;
    add_space(planner, shape[0], 0);
    s = find_space(planner, shape[0], 0);
    return is_on(planner, s) ? s : -1;
}

void op_find_spaces(op_planner *planner, const op_order *order, op_level *level)
{
    for (uint32_t i = 0; i < order->n; i++) {
        const op_expr *e = order->node[i];
        if (op_is_by_row(e) && is_row(row_length(e->arg[0]->ndim, op_planner_shape(planner, e->arg[0]))))
            add_space(planner, op_planner_shape(planner, e->arg[0])[0], 0);
    }
    for (uint32_t i = 0; i < order->n; i++) {
        const op_expr *e = order->node[i], *x = e->arg[0];
        int is_sequence = e->kind == OP_NODE_SCAN && x->ndim == 1;
        level[i].space = -1;
        if (op_is_across(e) || is_sequence) {
            level[i].space = space_across(planner, x->ndim, op_planner_shape(planner, x));
        } else if (op_is_by_row(e)) {
            int s = op_space_of(planner, x->ndim, op_planner_shape(planner, x));
            level[i].space = s >= 0 && planner->space[s].rows ? s : -1;
        }
    }
}

/* ---- the stages of a pass ---- */

static int belongs(const op_planner *planner, const op_level *level, int s)
{
    return level->pass == planner->now && level->space == s;
}

/* Would the pass have more than one stage? *deepest: the last depth of any. */
static int are_several(const op_planner *planner, const op_order *order, int s, uint32_t *deepest)
{
    const op_expr *first = NULL;
    int several = 0;
    *deepest = 0;
    for (uint32_t i = 0; i < order->n; i++) {
        const op_expr *e = order->node[i];
        const op_level *level = &planner->levels->node[i];
        if (!op_ends_stage(e) || !belongs(planner, level, s))
            continue;
        several |= first && (e->kind == OP_NODE_SCAN || !op_can_share_stage(planner, first, e) || level->depth > 1);
        first = first ? first : e;
        *deepest = level->depth > *deepest ? level->depth : *deepest;
    }
    for (int k = 0; k < planner->request->n; k++) {
        const op_level *level = &planner->levels->out[k];
        if (!belongs(planner, level, s))
            continue;
        several |= !op_ends_stage(planner->request->exprs[k]) || level->depth > 1;
        *deepest = level->depth > *deepest ? level->depth : *deepest;
    }
    return several;
}

static op_status store_outputs(op_planner *planner, int s, uint32_t depth, int costly)
{
    uint8_t *wanted = OP_NEW_ARRAY(planner->arena, uint8_t, planner->request->n);
    if (!wanted)
        return op_plan_no_memory();
    for (int k = 0; k < planner->request->n; k++) {
        const op_level *level = &planner->levels->out[k];
        int costs = planner->levels->cost[planner->request->exprs[k]->id] >= WORTH;
        wanted[k] = belongs(planner, level, s) && level->depth == depth && costs == costly;
    }
    return op_plan_outputs(planner, wanted);
}

/* What a reduction reads and others need too is kept for the row, if it costs more to compute than to store:
 * softmax computes its exponentials once. */
static int keeps_operand(const op_planner *planner, const op_expr *operand)
{
    return planner->pieces->rows && operand->kind == OP_NODE_OP && planner->levels->uses[operand->id] > 1 &&
           !planner->leaf[operand->id] && op_rows[operand->code].cost >= WORTH;
}

static op_status stages_of_depth(op_planner *planner, const op_order *order, int s, uint32_t depth)
{
    op_status status = store_outputs(planner, s, depth, 1);
    for (uint32_t i = 0; i < order->n && status == OP_OK; i++) {
        op_expr *e = order->node[i];
        const op_level *level = &planner->levels->node[i];
        if (!op_ends_stage(e) || !belongs(planner, level, s) || level->depth != depth || planner->leaf[e->id])
            continue;
        if (e->kind == OP_NODE_REDUCE && keeps_operand(planner, e->arg[0]))
            status = op_plan_materialise(planner, e->arg[0]);
        if (status == OP_OK)
            status = e->kind == OP_NODE_SCAN ? op_plan_single(planner, e) : op_plan_group(planner, order, i);
    }
    return status == OP_OK ? store_outputs(planner, s, depth, 0) : status;
}

/* ---- what a pass reads and writes ---- */

/* Has an earlier stage of the pass brought the operand into cache? */
static int is_in_cache(const op_plan *plan, const op_pass *pass, int s, const op_place *place)
{
    int found = place->kind == OP_PLACE_PIECE;
    for (int t = pass->first; t < s && !found; t++) {
        const op_stage *stage = plan->stage[t];
        for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++)
            found |= op_same_place(place, &stage->operand[k].place);
        for (int k = 0; k < stage->n_reduction; k++)
            found |= op_same_place(place, &stage->reduction[k].result);
    }
    return found;
}

/* An array is read from memory once, by the first stage that needs it. Returns the bytes that this saves. */
static int64_t count_bytes_once(op_plan *plan, const op_pass *pass)
{
    int64_t saved = 0;
    for (int s = pass->first; s < pass->first + pass->n_stage; s++) {
        op_stage *stage = plan->stage[s];
        int64_t before = stage->bytes;
        for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++)
            if (is_in_cache(plan, pass, s, &stage->operand[k].place))
                stage->bytes -= stage->operand[k].bytes;
        saved += before - stage->bytes;
        for (int k = 0; k < stage->n_reduction; k++)
            if (stage->reduction[k].result.kind == OP_PLACE_PIECE)
                stage->bytes -= stage->reduction[k].bytes;
    }
    return saved;
}

/* Cuts a pass of arrays that are one sequence each: the more of them, the shorter the pieces. */
static void cut_elements(op_plan *plan, op_pass *pass, int64_t elements)
{
    int64_t bytes = 0, piece = LONGEST_PIECE;
    for (int s = pass->first; s < pass->first + pass->n_stage; s++) {
        bytes += plan->stage[s]->bytes;
        piece = plan->stage[s]->kind == OP_STAGE_SCAN ? LONGEST_SCANNED : piece;
    }
    while (piece > SHORTEST_PIECE && bytes / elements * piece > PIECE_BYTES)
        piece /= 2;
    piece = piece < elements ? piece : elements;
    pass->pieces = (elements + piece - 1) / piece;
    pass->last = elements - (pass->pieces - 1) * piece;
    for (int s = pass->first; s < pass->first + pass->n_stage; s++)
        op_stage_cut(plan->stage[s], piece);
    for (int t = 0; t < plan->n_temp; t++)
        if (plan->temp[t].pass == plan->n_pass - 1)
            plan->temp[t].bytes = plan->temp[t].bytes / elements * piece;
}

/* Is a pass by rows better than its stages one after another? What few values of a row need can wait. */
static int rows_are_worth_it(const op_plan *plan, const op_pass *pass, int64_t saved)
{
    int large = 0;
    int64_t temps = 0;
    for (int s = pass->first; s < pass->first + pass->n_stage; s++)
        large += op_shape_size(plan->stage[s]->ndim, plan->stage[s]->shape) >= SHORTEST_ROW;
    for (int t = 0; t < plan->n_temp; t++)
        temps += plan->temp[t].pass == plan->n_pass - 1 ? plan->temp[t].bytes : 0;
    return temps <= TEMP_BYTES && (large > 1 || saved > OP_ALIGNMENT * pass->pieces);
}

/* ---- the whole ---- */

/* What has been kept for the pieces of a pass is gone after it. */
static void forget_pieces(op_planner *planner)
{
    for (size_t id = 0; id < planner->request->graph->n_node; id++)
        if (planner->leaf[id] && planner->leaf[id]->place.kind == OP_PLACE_PIECE)
            planner->leaf[id] = NULL;
}

op_status op_plan_pieces(op_planner *planner, const op_order *order, int s)
{
    op_plan *plan = planner->plan;
    op_space *space = &planner->space[s];
    uint32_t deepest;
    if (space->off || !are_several(planner, order, s, &deepest))
        return OP_OK;
    op_pass *pass = op_plan_pass(planner);
    if (!pass)
        return op_plan_no_memory();
    op_status status = OP_OK;
    planner->pieces = space;
    for (uint32_t depth = 1; depth <= deepest && status == OP_OK && !planner->pieces_fail; depth++)
        status = stages_of_depth(planner, order, s, depth);
    planner->pieces = NULL;
    space->built = planner->now;
    forget_pieces(planner);
    if (status != OP_OK)
        return status;
    pass->pieces = space->rows;
    int64_t saved = planner->pieces_fail ? 0 : count_bytes_once(plan, pass);
    space->off = planner->pieces_fail || (space->rows && !rows_are_worth_it(plan, pass, saved));
    if (!space->off && !space->rows)
        cut_elements(plan, pass, space->elements);
    if (!space->off)
        status = op_plan_join(plan, pass, planner->arena);
    if (!space->off && space->rows)
        op_plan_fetch_ahead(plan, pass);
    return status;
}
