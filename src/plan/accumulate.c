/* Reductions whose combinations the kernel does: their states are single values. Along the innermost axis
 * outputs fold (program.h); of columns the kernel maps the states and a row of values to the states, and carries
 * those on. */
#include <string.h>

#include "expr/reduce.h"
#include "plan/lower.h"

int op_stage_states_are_values(const op_stage *stage)
{
    for (int k = 0; k < stage->n_reduction; k++)
        if (op_reduce_rows[stage->reduction[k].code].combine == OP_CODE_NONE)
            return 0;
    return stage->kind == OP_STAGE_REDUCE && (int)stage->program.n_out == stage->n_reduction;
}

static uint16_t combine_of(const op_stage *stage, int k)
{
    return op_reduce_rows[stage->reduction[k].code].combine;
}

static void fold(op_stage *stage)
{
    for (int k = 0; k < stage->n_reduction; k++)
        stage->program.operand[stage->program.n_in + (uint32_t)stage->reduction[k].block].fold = combine_of(stage, k);
    stage->program.rank = 2;
}

/* A copy of n elements of `size` bytes with room for more; NULL: no memory. */
static void *longer(op_arena *arena, const void *from, size_t n, size_t more, size_t size)
{
    char *to = op_arena_alloc(arena, (n + more) * size);
    if (to && n)
        memcpy(to, from, n * size);
    return to;
}

/* Inputs for the states come after the others; each output stores its state combined with the value. */
static op_status accumulate(op_stage *stage, op_arena *arena)
{
    op_program *program = &stage->program;
    uint32_t n_in = program->n_in, n_out = program->n_out;
    op_stage_operand *operand = longer(arena, stage->operand, n_in + n_out, n_out, sizeof *operand);
    op_operand_type *type = longer(arena, program->operand, n_in + n_out, n_out, sizeof *type);
    op_insn *insn = longer(arena, program->insn, program->n_insn, 2 * (size_t)n_out, sizeof *insn);
    if (!operand || !type || !insn)
        return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
    memmove(operand + n_in + n_out, operand + n_in, sizeof *operand * n_out);
    memmove(type + n_in + n_out, type + n_in, sizeof *type * n_out);
    for (int k = 0; k < stage->n_reduction; k++) {
        uint32_t block = (uint32_t)stage->reduction[k].block, state = program->n_insn++, result = program->n_insn++;
        uint8_t dtype = (uint8_t)stage->reduction[k].dtype;
        uint32_t value = program->store[block];
        uint16_t combine = combine_of(stage, k);
        int new_first = op_combines_new_first((op_opcode)combine);
        type[n_in + block].access = type[n_in + n_out + block].access = OP_CONTIGUOUS;
        insn[state] = (op_insn){OP_CODE_LOAD, dtype, dtype, {n_in + block}};
        insn[result] = (op_insn){combine, dtype, dtype, {new_first ? value : state, new_first ? state : value}};
        program->store[block] = result;
    }
    stage->operand = operand;
    program->operand = type;
    program->insn = insn;
    program->n_in += n_out;
    program->carries = 1;
    stage->accumulates = 1;
    return OP_OK;
}

op_status op_stage_combine(op_stage *stage, op_arena *arena)
{
    int inner = stage->ndim - 1;
    if (!op_stage_states_are_values(stage) || !stage->reduced)
        return OP_OK;
    if (!(stage->reduced >> inner & 1)) {
        int fits = stage->program.n_insn + 2 * stage->program.n_out <= OP_PROGRAM_MAX_INSN;
        return stage->shape[inner] >= OP_LANES && fits ? accumulate(stage, arena) : OP_OK;
    }
    /* of many short sequences it is better to have the values */
    if (stage->reduced == (uint64_t)1 << inner && (stage->ndim == 1 || stage->shape[inner] > OP_LANES))
        fold(stage);
    return OP_OK;
}
