/* Evaluating blocks of values. */
#include "run/blocks.h"

int64_t op_offset_of(const op_stage *stage, const int64_t *strides, int last, int64_t kept, int64_t reduced)
{
    int64_t offset = 0;
    for (int d = last - 1; d >= 0; d--) {
        int64_t *index = op_is_reduced(stage, d) ? &reduced : &kept, extent = stage->shape[d] ? stage->shape[d] : 1;
        offset += *index % extent * strides[d];
        *index /= extent;
    }
    return offset;
}

int op_evaluate(const op_evaluation *e, int last, int64_t kept, int64_t reduced, int64_t column, int64_t rows,
                int64_t n, int64_t at)
{
    const op_program *program = &e->stage->program;
    int inner = e->stage->ndim - 1;
    for (uint32_t k = 0; k < program->n_in; k++) {
        const int64_t *strides = e->stage->operand[k].strides;
        e->args->operand[k].data = e->base->operand[k].data + op_offset_of(e->stage, strides, last, kept, reduced) +
                                   column * strides[inner];
    }
    for (uint32_t b = 0; b < program->n_out; b++) {
        int64_t size = op_dtype_size(e->stage->operand[program->n_in + b].dtype);
        e->args->operand[program->n_in + b] = (op_operand){e->memory + b * e->block_bytes + at * size, size, n * size};
    }
    e->args->n = n;
    return op_code_run(e->code, e->args, 0, program->rank == 1 ? n : rows);
}
