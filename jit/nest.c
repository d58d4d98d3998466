/* The parts of every loop nest. */
#include "jit/nest.h"

#include <stdlib.h>

#include "jit/loop.h"
#include "jit/recipes.h"

/* ---- The program ---- */

static void find_depths(nest *x)
{
    for (uint32_t i = 0; i < x->program->n_insn; i++) {
        const op_insn *insn = &x->program->insn[i];
        x->depth[i] = PER_RUN;
        if (insn->code == OP_CODE_LOAD)
            x->depth[i] = x->operand[insn->arg[0]].access == OP_BROADCAST ? PER_ROW : PER_ELEMENT;
        else if (insn->code != OP_CODE_SCALAR)
            for (int k = 0; k < op_rows[insn->code].arity; k++)
                if (x->depth[insn->arg[k]] > x->depth[i])
                    x->depth[i] = x->depth[insn->arg[k]];
    }
}

LLVMValueRef emit_address(nest *x, const operand *o)
{
    emitter *em = x->em;
    if (o->access == OP_CONTIGUOUS) {
        LLVMValueRef index = x->index;
        return LLVMBuildGEP2(em->builder, type_memory(em, o->dtype), o->base, &index, 1, "");
    }
    return emit_advance(em, o->base, LLVMBuildMul(em->builder, x->index, o->step, ""), "");
}

static LLVMValueRef emit_input(nest *x, const operand *o)
{
    if (o->held)
        return o->held;
    if (o->access == OP_BROADCAST)
        return emit_load_splat(x->em, o->dtype, o->row, "");
    LLVMValueRef address = emit_address(x, o);
    if (o->is_ahead)
        emit_fetch_ahead(x, o, address);
    if (x->mask)
        return emit_load_masked(x->em, o->dtype, address, x->mask, o->row);
    return o->access == OP_CONTIGUOUS ? emit_load(x->em, o->dtype, address)
                                      : emit_load_strided(x->em, o->dtype, address, o->step);
}

static LLVMValueRef emit_scalar(nest *x, op_dtype dtype, uint32_t slot)
{
    emitter *em = x->em;
    LLVMValueRef scalars = emit_field(em, type_pointer(em), em->args, offsetof(op_kernel_args, scalars), "scalars");
    return emit_load_splat(em, dtype, emit_advance(em, scalars, i64(x, 8ull * slot), ""), "");
}

static LLVMValueRef emit_insn(nest *x, const op_insn *insn)
{
    op_dtype dtype = (op_dtype)insn->dtype, result = (op_dtype)insn->result;
    LLVMValueRef arg[3] = {NULL, NULL, NULL};
    if (insn->code == OP_CODE_LOAD)
        return emit_input(x, &x->operand[insn->arg[0]]);
    if (insn->code == OP_CODE_SCALAR)
        return emit_scalar(x, result, insn->arg[0]);
    for (int k = 0; k < op_rows[insn->code].arity; k++)
        arg[k] = x->value[insn->arg[k]];
    if (insn->code == OP_CODE_CAST || insn->code == OP_CODE_CAST_SAT)
        return emit_cast(x->em, dtype, result, insn->code == OP_CODE_CAST_SAT, arg[0]);
    return emit_recipe(x->em, (op_opcode)insn->code, dtype, arg);
}

void emit_insns(nest *x, int depth)
{
    for (uint32_t i = 0; i < x->program->n_insn; i++) {
        if (x->depth[i] != depth)
            continue;
        const op_insn *insn = &x->program->insn[i];
        x->value[i] = emit_insn(x, insn);
        name_value(x->em, x->value[i], insn);
    }
}

/* ---- Operands ---- */

void emit_operand_fields(nest *x, operand *o)
{
    emitter *em = x->em;
    char name[NAME_MAX_BYTES];
    o->data = emit_field(em, type_pointer(em), em->args, o->offset + offsetof(op_operand, data),
                         name_of(name, o->name, ".data"));
    if (o->access == OP_STRIDED)
        o->stride = emit_field(em, type_int(em, 64), em->args, o->offset + offsetof(op_operand, stride),
                               name_of(name, o->name, ".stride"));
    if (!o->is_ahead)
        return;
    o->ahead = emit_field(em, type_int(em, 64), em->args, o->offset + offsetof(op_operand, ahead),
                          name_of(name, o->name, ".ahead"));
    o->far_ahead = emit_field(em, type_int(em, 64), em->args, o->offset + offsetof(op_operand, far_ahead),
                              name_of(name, o->name, ".far"));
}

LLVMValueRef emit_row_address(nest *x, const operand *o)
{
    emitter *em = x->em;
    char name[NAME_MAX_BYTES];
    name_of(name, o->name, ".row");
    if (x->program->rank == 2) {
        uint64_t offset = o->offset + offsetof(op_operand, row_stride);
        LLVMValueRef stride = emit_field(em, type_int(em, 64), em->args, offset, "");
        return emit_advance(em, o->data, LLVMBuildMul(em->builder, x->row_index, stride, ""), name);
    }
    if (o->access == OP_BROADCAST)
        return o->data;
    LLVMValueRef begin = x->begin;
    if (o->access == OP_CONTIGUOUS)
        return LLVMBuildGEP2(em->builder, type_memory(em, o->dtype), o->data, &begin, 1, name);
    return emit_advance(em, o->data, LLVMBuildMul(em->builder, begin, o->stride, ""), name);
}

LLVMValueRef emit_element_address(nest *x, const operand *o, LLVMValueRef k, const char *name)
{
    emitter *em = x->em;
    if (o->access == OP_CONTIGUOUS)
        return LLVMBuildGEP2(em->builder, type_memory(em, o->dtype), o->row, &k, 1, name);
    return emit_advance(em, o->row, LLVMBuildMul(em->builder, k, o->stride, ""), name);
}

void emit_fetch_ahead(nest *x, const operand *o, LLVMValueRef address)
{
    emit_prefetch(x->em, o->dtype, emit_advance(x->em, address, o->ahead, ""), EMIT_NEAREST);
    emit_prefetch(x->em, o->dtype, emit_advance(x->em, address, o->far_ahead, ""), EMIT_SECOND);
}

/* ---- Buffers ---- */

LLVMValueRef emit_buffer_address(nest *x, const operand *o, LLVMValueRef k)
{
    return LLVMBuildGEP2(x->em->builder, type_memory(x->em, o->dtype), o->buffer, &k, 1, "");
}

LLVMValueRef emit_take(nest *x, const operand *o, LLVMValueRef from)
{
    LLVMValueRef element = LLVMBuildLoad2(x->em->builder, type_int(x->em, bits_of(o->dtype)), from, "");
    LLVMSetAlignment(element, 1);
    return element;
}

void emit_copy(nest *x, const operand *o, LLVMValueRef from, LLVMValueRef to)
{
    LLVMSetAlignment(LLVMBuildStore(x->em->builder, emit_take(x, o, from), to), 1);
}

/* ---- The whole ---- */

static void describe_operands(nest *x)
{
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        o->dtype = (op_dtype)x->program->operand[i].dtype;
        o->access = (op_access)x->program->operand[i].access;
        o->is_ahead = x->program->operand[i].ahead;
        o->offset = offsetof(op_kernel_args, operand) + sizeof(op_operand) * i;
        name_operand(x->em, i, o->name);
    }
}

void nest_function(nest *x)
{
    emitter *em = x->em;
    LLVMTypeRef i64_type = type_int(em, 64), arg[3] = {type_pointer(em), i64_type, i64_type};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(em->context), arg, 3, 0);
    em->kernel = LLVMAddFunction(em->module, KERNEL_NAME, type);
    em->args = LLVMGetParam(em->kernel, 0);
    x->begin = LLVMGetParam(em->kernel, 1);
    x->end = LLVMGetParam(em->kernel, 2);
    LLVMSetValueName2(em->args, "args", 4);
    LLVMSetValueName2(x->begin, "begin", 5);
    LLVMSetValueName2(x->end, "end", 3);
    em->entry = emit_block(em, "entry");
}

int nest_open(nest *x, emitter *em)
{
    const op_program *program = em->program;
    *x = (nest){.em = em, .program = program, .n_operand = program->n_in + program->n_out};
    x->operand = calloc(x->n_operand + 1, sizeof *x->operand);
    x->value = calloc(program->n_insn + 1, sizeof *x->value);
    x->depth = calloc(program->n_insn + 1, sizeof *x->depth);
    if (!x->operand || !x->value || !x->depth)
        return 0;
    describe_operands(x);
    find_depths(x);
    return 1;
}

void nest_close(nest *x)
{
    free(x->operand);
    free(x->value);
    free(x->depth);
}
