/* In a pass by pieces, a map that is followed by a reduction of what it stores: exp(x - max), then its sum. One
 * kernel does both, so that the values are not read again. The map's instructions come first, the reduction's
 * loads of its results are left out. */
#include <string.h>

#include "plan/lower.h"

enum { MOST_INSNS = 96 /* of both: what one load less saves of a larger kernel is little */ };

typedef struct joining {
    const op_stage *map;
    op_stage *reduce;
    op_program program;
    op_stage_operand *operand;
    uint64_t *scalar;
    uint32_t *input; /* of the reduction: its number in the joined program */
    uint32_t *value; /* of the reduction: the same */
} joining;

static uint32_t n_operand(const op_program *program)
{
    return program->n_in + program->n_out;
}

/* The output of the map that is in this place, or UINT32_MAX. */
static uint32_t stored_at(const op_stage *map, const op_place *place)
{
    for (uint32_t k = 0; k < map->program.n_out; k++)
        if (op_same_place(&map->operand[map->program.n_in + k].place, place))
            return k;
    return UINT32_MAX;
}

/* Does the reduction read results of the map, element by element? */
static int fit(const op_stage *map, const op_stage *reduce)
{
    const op_program *m = &map->program, *r = &reduce->program;
    int found = 0;
    if (map->kind != OP_STAGE_MAP || reduce->kind != OP_STAGE_REDUCE || !op_program_folds(r) ||
        op_program_folded(r) != r->n_out || map->ndim != 1 || reduce->ndim != 1 || map->shape[0] != reduce->shape[0] ||
        m->n_insn + r->n_insn > MOST_INSNS)
        return 0;
    for (uint32_t k = 0; k < r->n_in; k++) {
        uint32_t out = stored_at(map, &reduce->operand[k].place);
        if (out == UINT32_MAX)
            continue;
        if (reduce->operand[k].strides[0] != map->operand[m->n_in + out].strides[0])
            return 0;
        found = 1;
    }
    return found;
}

static int make_room(joining *j, op_arena *arena)
{
    const op_program *m = &j->map->program, *r = &j->reduce->program;
    uint32_t operands = n_operand(m) + n_operand(r);
    j->program = (op_program){.rank = 2,
                              .operand = OP_NEW_ARRAY(arena, op_operand_type, operands),
                              .insn = OP_NEW_ARRAY(arena, op_insn, m->n_insn + r->n_insn),
                              .store = OP_NEW_ARRAY(arena, uint32_t, m->n_out + r->n_out)};
    j->operand = OP_NEW_ARRAY(arena, op_stage_operand, operands);
    j->scalar = OP_NEW_ARRAY(arena, uint64_t, m->n_scalar + r->n_scalar + 1);
    j->input = OP_NEW_ARRAY(arena, uint32_t, r->n_in + 1);
    j->value = OP_NEW_ARRAY(arena, uint32_t, r->n_insn);
    return j->program.operand && j->program.insn && j->program.store && j->operand && j->scalar && j->input && j->value;
}

/* Operands in a row: number `from` of a stage becomes the next one. */
static void take_operand(joining *j, const op_stage *stage, uint32_t from, uint32_t *n)
{
    j->operand[*n] = stage->operand[from];
    j->program.operand[(*n)++] = stage->program.operand[from];
}

/* Inputs of the map, those of the reduction that the map does not have, and outputs, which fold first. */
static void join_operands(joining *j)
{
    const op_program *m = &j->map->program, *r = &j->reduce->program;
    uint32_t n = 0;
    for (uint32_t k = 0; k < m->n_in; k++)
        take_operand(j, j->map, k, &n);
    for (uint32_t k = 0; k < r->n_in; k++) {
        j->input[k] = n;
        if (stored_at(j->map, &j->reduce->operand[k].place) == UINT32_MAX)
            take_operand(j, j->reduce, k, &n);
    }
    j->program.n_in = n;
    for (uint32_t k = 0; k < r->n_out; k++)
        take_operand(j, j->reduce, r->n_in + k, &n);
    for (uint32_t k = 0; k < m->n_out; k++)
        take_operand(j, j->map, m->n_in + k, &n);
    j->program.n_out = m->n_out + r->n_out;
    j->program.n_scalar = m->n_scalar + r->n_scalar;
    if (m->n_scalar)
        memcpy(j->scalar, j->map->scalar, sizeof *j->scalar * m->n_scalar);
    if (r->n_scalar)
        memcpy(j->scalar + m->n_scalar, j->reduce->scalar, sizeof *j->scalar * r->n_scalar);
}

static void join_insns(joining *j)
{
    const op_program *m = &j->map->program, *r = &j->reduce->program;
    uint32_t n = m->n_insn;
    memcpy(j->program.insn, m->insn, sizeof *m->insn * m->n_insn);
    for (uint32_t i = 0; i < r->n_insn; i++) {
        op_insn insn = r->insn[i];
        uint32_t out = UINT32_MAX;
        if (insn.code == OP_CODE_LOAD) {
            out = stored_at(j->map, &j->reduce->operand[insn.arg[0]].place);
            insn.arg[0] = j->input[insn.arg[0]];
        } else if (insn.code == OP_CODE_SCALAR) {
            insn.arg[0] += m->n_scalar;
        } else {
            for (int k = 0; k < op_rows[insn.code].arity; k++)
                insn.arg[k] = j->value[insn.arg[k]];
        }
        j->value[i] = out == UINT32_MAX ? n : m->store[out];
        if (out == UINT32_MAX)
            j->program.insn[n++] = insn;
    }
    j->program.n_insn = n;
    for (uint32_t k = 0; k < r->n_out; k++)
        j->program.store[k] = j->value[r->store[k]];
    for (uint32_t k = 0; k < m->n_out; k++)
        j->program.store[r->n_out + k] = m->store[k];
}

static op_status join(const op_stage *map, op_stage *reduce, op_arena *arena)
{
    joining j = {.map = map, .reduce = reduce};
    const op_expr **root = OP_NEW_ARRAY(arena, const op_expr *, map->n_root + reduce->n_root);
    if (!root || !make_room(&j, arena))
        return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
    join_operands(&j);
    join_insns(&j);
    memcpy(root, map->root, sizeof *root * (size_t)map->n_root);
    memcpy(root + map->n_root, reduce->root, sizeof *root * (size_t)reduce->n_root);
    reduce->root = root;
    reduce->n_root += map->n_root;
    reduce->program = j.program;
    reduce->operand = j.operand;
    reduce->scalar = j.scalar;
    reduce->bytes += map->bytes;
    reduce->cost += map->cost;
    return OP_OK;
}

op_status op_plan_join(op_plan *plan, op_pass *pass, op_arena *arena)
{
    op_status status = OP_OK;
    for (int s = pass->first; s + 1 < pass->first + pass->n_stage && status == OP_OK; s++) {
        if (!fit(plan->stage[s], plan->stage[s + 1]))
            continue;
        status = join(plan->stage[s], plan->stage[s + 1], arena);
        memmove(&plan->stage[s], &plan->stage[s + 1], sizeof *plan->stage * (size_t)(plan->n_stage - s - 1));
        plan->n_stage--;
        pass->n_stage--;
    }
    return status;
}
