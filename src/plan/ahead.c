/* In a pass by rows the first stage that reads an array waits for memory, while later ones find the row in cache.
 * The costliest of them fetches the same elements of the next row, spread over its arithmetic. */
#include "plan/lower.h"

static int is_memory(const op_place *place)
{
    return place->kind != OP_PLACE_PIECE && place->kind != OP_PLACE_SCRATCH && place->piece_stride != 0;
}

/* The contiguous input of a stage that is in this place, or NULL. Other kinds of stages are not the kernel's alone. */
static op_operand_type *find_input(const op_stage *stage, const op_place *place)
{
    if (stage->kind != OP_STAGE_MAP && !op_program_folds(&stage->program))
        return NULL;
    for (uint32_t k = 0; k < stage->program.n_in; k++)
        if (op_same_place(&stage->operand[k].place, place) && stage->program.operand[k].access == OP_CONTIGUOUS)
            return &stage->program.operand[k];
    return NULL;
}

static int is_first(const op_plan *plan, const op_pass *pass, int s, const op_place *place)
{
    for (int t = pass->first; t < s; t++)
        for (uint32_t k = 0; k < plan->stage[t]->program.n_in + plan->stage[t]->program.n_out; k++)
            if (op_same_place(&plan->stage[t]->operand[k].place, place))
                return 0;
    return 1;
}

static void fetch(op_plan *plan, const op_pass *pass, int first, const op_place *place)
{
    op_operand_type *best = NULL;
    double cost = 0;
    for (int t = first + 1; t < pass->first + pass->n_stage; t++) {
        op_operand_type *input = find_input(plan->stage[t], place);
        if (!input || plan->stage[t]->cost <= cost)
            continue;
        best = input;
        cost = plan->stage[t]->cost;
    }
    if (best)
        best->ahead = 1;
}

void op_plan_fetch_ahead(op_plan *plan, const op_pass *pass)
{
    for (int s = pass->first; s < pass->first + pass->n_stage; s++)
        for (uint32_t k = 0; k < plan->stage[s]->program.n_in; k++) {
            const op_place *place = &plan->stage[s]->operand[k].place;
            if (is_memory(place) && is_first(plan, pass, s, place))
                fetch(plan, pass, s, place);
        }
}
