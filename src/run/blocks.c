/* Evaluating blocks of values. */
#include "run/blocks.h"

#include "expr/lanes.h"

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

void op_place_inputs(const op_evaluation *e, int last, int64_t kept, int64_t reduced, int64_t column)
{
    int inner = e->stage->ndim - 1;
    const op_program *program = &e->stage->program;
    for (uint32_t k = 0; k < program->n_in + program->n_out; k++) {
        const int64_t *strides = e->stage->operand[k].strides;
        if (e->stage->operand[k].place.kind == OP_PLACE_SCRATCH)
            continue;
        e->args->operand[k].data = e->base->operand[k].data + op_offset_of(e->stage, strides, last, kept, reduced) +
                                   column * strides[inner];
    }
}

int op_values_are_in_place(const op_stage *stage)
{
    const op_program *program = &stage->program;
    int inner = stage->ndim - 1;
    if (stage->reduced != (uint64_t)1 << inner || op_program_folds(program))
        return 0;
    for (uint32_t b = 0; b < program->n_out; b++) {
        const op_insn *value = &program->insn[program->store[b]];
        op_dtype dtype = stage->operand[program->n_in + b].dtype; /* a bool in memory may be any byte */
        if (value->code != OP_CODE_LOAD || dtype == OP_BOOL || stage->operand[value->arg[0]].dtype != dtype ||
            stage->operand[value->arg[0]].strides[inner] != op_dtype_size(dtype))
            return 0;
    }
    return 1;
}

/* Blocks get `row` values for each row of the kernel. */
static void place_blocks(const op_evaluation *e, int64_t at, int64_t row)
{
    const op_program *program = &e->stage->program;
    for (uint32_t b = 0; b < program->n_out; b++) {
        int64_t size = op_dtype_size(e->stage->operand[program->n_in + b].dtype);
        if (e->stage->operand[program->n_in + b].place.kind != OP_PLACE_SCRATCH)
            continue;
        e->args->operand[program->n_in + b] = (op_operand){e->memory + b * e->block_bytes + at * size, size, row * size, 0};
    }
}

int op_rows_are_one(const op_stage *stage, int dim, int64_t n)
{
    for (uint32_t k = 0; k < stage->program.n_in; k++)
        if (stage->operand[k].strides[dim] != n * stage->operand[k].strides[stage->ndim - 1])
            return 0;
    return 1;
}

int op_evaluate(const op_evaluation *e, int last, int64_t kept, int64_t reduced, int64_t column, int64_t rows,
                int64_t n, int64_t at)
{
    op_place_inputs(e, last, kept, reduced, column);
    if (rows > 1 && op_rows_are_one(e->stage, e->stage->ndim - 2, n)) {
        n *= rows;
        rows = 1;
    }
    place_blocks(e, at, n);
    e->args->n = n;
    return op_code_run(e->code, e->args, 0, e->stage->program.rank == 1 ? n : rows);
}

void op_begin_leaves(const op_evaluation *e, int64_t n)
{
    int inner = e->stage->ndim - 1;
    for (uint32_t k = 0; k < e->stage->program.n_in + e->stage->program.n_out; k++)
        e->args->operand[k].row_stride = OP_LEAF * e->stage->operand[k].strides[inner];
    place_blocks(e, 0, OP_LANES);
    e->args->flags |= OP_KERNEL_LEAVES;
    e->args->n = n;
}

int op_fold_leaves(const op_evaluation *e, int64_t kept, int64_t column, int64_t n)
{
    op_place_inputs(e, e->stage->ndim - 1, kept, 0, column);
    op_begin_leaves(e, n);
    return op_code_run(e->code, e->args, 0, (n + OP_LEAF - 1) / OP_LEAF);
}

void op_begin_rows(const op_evaluation *e, int64_t kept, int64_t n)
{
    int inner = e->stage->ndim - 1;
    op_place_inputs(e, inner, kept, 0, 0);
    for (uint32_t k = 0; k < e->stage->program.n_in; k++)
        e->args->operand[k].row_stride = e->stage->operand[k].strides[inner - 1];
    e->args->n = n;
}

int op_evaluate_sequence(const op_evaluation *e, int64_t kept, int64_t begin, int64_t end, int64_t at)
{
    const op_stage *stage = e->stage;
    int inner = stage->ndim - 1, rows_too = inner > 0 && op_is_reduced(stage, inner - 1);
    int64_t n = stage->shape[inner];
    while (begin < end) {
        int64_t column = begin % n, row = begin / n, count = n - column < end - begin ? n - column : end - begin;
        int64_t rows = 1;
        if (rows_too && column == 0 && end - begin >= n) { /* whole rows at once */
            int64_t extent = stage->shape[inner - 1], left = extent - row % extent;
            rows = (end - begin) / n < left ? (end - begin) / n : left;
            count = n;
        }
        if (!op_evaluate(e, inner, kept, row, column, rows, count, at))
            return 0;
        at += rows * count;
        begin += rows * count;
    }
    return 1;
}
