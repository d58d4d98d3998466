/* The loop nest. There is one copy of the program's code, which works on whole vectors of W elements,
 * and nothing outside of the caller's elements is touched. The elements at the end of a row that do
 * not fill a vector are done by another pass of the same loop:
 *
 *   - over the last W elements of the row, of which only those that are left are stored, or,
 *   - if the row has fewer than W elements, over buffers of W elements on the stack.
 *
 * The blocks, in order:
 *
 *   entry      scalars and addresses; nothing to do: exit
 *   row        one row starts here (rank 1 has a single one): what is the same for all of it; a short
 *              row goes to fill
 *   pass       where this pass starts and how far it goes
 *   loop       W elements: loads, the program
 *   store      ordinary stores, or
 *   special    stores that are not:
 *   stream     past the caches, or
 *   blend      of some of the lanes
 *   next       to the next W elements
 *   done       short row: to drain; elements left over: to last
 *   last       the last W elements of the row are next
 *   fill       every lane of the buffers gets the row's first element,
 *   fill.next  and then each its own
 *   drain      results come back from the buffers
 *   row.done   to the next row (rank 2)
 *   exit */
#include "jit/loop.h"

#include <stdlib.h>
#include <string.h>

#include "jit/names.h"
#include "jit/recipes.h"

/* When an instruction is computed: as rarely as its operands allow. */
enum { PER_RUN, PER_ROW, PER_ELEMENT };

typedef struct operand {
    op_dtype dtype;
    op_access access;
    uint64_t offset;                   /* of its op_operand in op_kernel_args */
    char name[NAME_MAX_BYTES];
    LLVMValueRef data, stride;         /* as in op_operand */
    LLVMValueRef row;                  /* the first element of this row */
    LLVMValueRef buffer;               /* W elements on the stack */
    LLVMValueRef base, step;           /* where this pass starts; bytes between elements */
} operand;

typedef struct nest {
    emitter *em;
    const op_program *program;
    operand *operand;
    uint32_t n_operand;
    LLVMValueRef *value; /* of each instruction */
    uint8_t *depth;      /* PER_... of each instruction */
    LLVMBasicBlockRef row, pass, loop, special, stream, blend, store, next, done, left_over, last;
    LLVMBasicBlockRef fill, fill_next, drain, row_done, exit;
    LLVMValueRef begin, end, row_index;
    LLVMValueRef n;           /* elements of a row */
    LLVMValueRef full, rest;  /* n rounded down to whole vectors, and what is left */
    LLVMValueRef may_stream;  /* the caller wants stores past the caches; NULL without contiguous outputs */
    int has_stream;
    LLVMValueRef limit, left; /* of this pass: its elements, and how many are left after it */
    LLVMValueRef is_short, is_special, is_stream;
    LLVMValueRef index;       /* of the vector in this pass */
} nest;

/* The widest type fills a register: two of them, as an unrolled loop would have, gained nothing even for
 * b + c, and make short rows slower. */
unsigned loop_width(const op_program *program, const op_isa_row *isa)
{
    unsigned widest = 8;
    for (uint32_t i = 0; i < program->n_insn; i++)
        if (bits_of((op_dtype)program->insn[i].result) > widest)
            widest = bits_of((op_dtype)program->insn[i].result);
    return (unsigned)isa->vector_bits / widest;
}

/* ---- Small words ---- */

static LLVMValueRef i64(nest *x, uint64_t value)
{
    return const_index(x->em, value);
}

static LLVMValueRef phi(nest *x, unsigned n, LLVMValueRef *value, LLVMBasicBlockRef *from, const char *name)
{
    LLVMValueRef result = LLVMBuildPhi(x->em->builder, LLVMTypeOf(value[0]), name);
    LLVMAddIncoming(result, value, from, n);
    return result;
}

/* A counter that starts from `first`; close_counter gives its next value. */
static LLVMValueRef open_counter(nest *x, LLVMValueRef first, LLVMBasicBlockRef from, const char *name)
{
    return phi(x, 1, &first, &from, name);
}

/* Adds step and goes round while that is below the limit. */
static void close_counter(nest *x, LLVMValueRef counter, uint64_t step, LLVMValueRef limit, LLVMBasicBlockRef loop,
                          LLVMBasicBlockRef after)
{
    LLVMBuilderRef b = x->em->builder;
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(b);
    LLVMValueRef next = LLVMBuildAdd(b, counter, i64(x, step), "");
    LLVMAddIncoming(counter, &next, &latch, 1);
    LLVMValueRef more = LLVMBuildICmp(b, LLVMIntSLT, next, limit, "more");
    emit_branch_likely(x->em, more, loop, after);
}

static void start(nest *x, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(x->em->builder, block);
}

static LLVMBasicBlockRef here(nest *x)
{
    return LLVMGetInsertBlock(x->em->builder);
}

static int is_input(const nest *x, const operand *o)
{
    return o < x->operand + x->program->n_in;
}

static LLVMTypeRef buffer_type(nest *x, const operand *o)
{
    return type_vector(x->em, type_memory(x->em, o->dtype));
}

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

/* The address of this iteration's first element. */
static LLVMValueRef emit_address(nest *x, const operand *o)
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
    if (o->access == OP_BROADCAST)
        return emit_load_splat(x->em, o->dtype, o->row, "");
    LLVMValueRef address = emit_address(x, o);
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

static void emit_insns(nest *x, int depth)
{
    for (uint32_t i = 0; i < x->program->n_insn; i++) {
        if (x->depth[i] != depth)
            continue;
        const op_insn *insn = &x->program->insn[i];
        x->value[i] = emit_insn(x, insn);
        name_value(x->em, x->value[i], insn);
    }
}

/* ---- Blocks ---- */

static void make_blocks(nest *x)
{
    emitter *em = x->em;
    x->row = emit_block(em, "row");
    x->pass = emit_block(em, "pass");
    x->loop = emit_block(em, "loop");
    x->store = emit_block(em, "store");
    x->special = emit_block(em, "special");
    if (x->has_stream)
        x->stream = emit_block(em, "stream");
    x->blend = emit_block(em, "blend");
    x->next = emit_block(em, "next");
    x->done = emit_block(em, "done");
    x->left_over = emit_block(em, "left.over");
    x->last = emit_block(em, "last");
    x->fill = emit_block(em, "fill");
    x->fill_next = emit_block(em, "fill.next");
    x->drain = emit_block(em, "drain");
    x->row_done = emit_block(em, "row.done");
    x->exit = emit_block(em, "exit");
}

static void emit_operand_fields(nest *x, operand *o)
{
    emitter *em = x->em;
    char name[NAME_MAX_BYTES];
    o->data = emit_field(em, type_pointer(em), em->args, o->offset + offsetof(op_operand, data),
                         name_of(name, o->name, ".data"));
    if (o->access == OP_STRIDED)
        o->stride = emit_field(em, type_int(em, 64), em->args, o->offset + offsetof(op_operand, stride),
                               name_of(name, o->name, ".stride"));
    if (o->access != OP_BROADCAST)
        o->buffer = emit_alloca(em, buffer_type(x, o), name_of(name, o->name, ".buffer"));
}

static void emit_entry(nest *x)
{
    emitter *em = x->em;
    LLVMBuilderRef b = em->builder;
    for (uint32_t i = 0; i < x->n_operand; i++)
        emit_operand_fields(x, &x->operand[i]);
    if (x->has_stream) {
        LLVMValueRef flags = emit_field(em, type_int(em, 64), em->args, offsetof(op_kernel_args, flags), "flags");
        x->may_stream = LLVMBuildTrunc(b, flags, type_int(em, 1), "may.stream");
    }
    emit_insns(x, PER_RUN);
    LLVMValueRef some = LLVMBuildICmp(b, LLVMIntSLT, x->begin, x->end, "some");
    if (x->program->rank == 2) {
        x->n = emit_field(em, type_int(em, 64), em->args, offsetof(op_kernel_args, n), "n");
        LLVMValueRef wide = LLVMBuildICmp(b, LLVMIntSGT, x->n, i64(x, 0), "");
        some = LLVMBuildAnd(b, some, wide, "some");
    } else {
        x->n = LLVMBuildSub(b, x->end, x->begin, "n");
    }
    x->full = LLVMBuildAnd(b, x->n, i64(x, -(uint64_t)em->width), "full");
    x->rest = LLVMBuildAnd(b, x->n, i64(x, em->width - 1), "rest");
    LLVMBuildCondBr(b, some, x->row, x->exit);
}

/* The first element of the row: begin elements into it (rank 1), or that many rows down. */
static LLVMValueRef emit_row_address(nest *x, const operand *o)
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

static void emit_row(nest *x, LLVMBasicBlockRef entry)
{
    LLVMBuilderRef b = x->em->builder;
    start(x, x->row);
    if (x->program->rank == 2)
        x->row_index = open_counter(x, x->begin, entry, "r"); /* closed in emit_row_done */
    for (uint32_t i = 0; i < x->n_operand; i++)
        x->operand[i].row = emit_row_address(x, &x->operand[i]);
    emit_insns(x, PER_ROW);
    LLVMValueRef long_row = LLVMBuildICmp(b, LLVMIntNE, x->full, i64(x, 0), "long");
    emit_branch_likely(x->em, long_row, x->pass, x->fill);
}

/* The k-th element of the row. */
static LLVMValueRef emit_element_address(nest *x, const operand *o, LLVMValueRef k, const char *name)
{
    emitter *em = x->em;
    if (o->access == OP_CONTIGUOUS)
        return LLVMBuildGEP2(em->builder, type_memory(em, o->dtype), o->row, &k, 1, name);
    return emit_advance(em, o->row, LLVMBuildMul(em->builder, k, o->stride, ""), name);
}

/* Between passes: the last W elements. Lanes that were stored already compute on whatever is there by
 * now (an output may be its own input), and are not stored again. */
static void emit_last(nest *x, LLVMValueRef start_of[])
{
    LLVMBuilderRef b = x->em->builder;
    start(x, x->last);
    LLVMValueRef from = LLVMBuildSub(b, x->n, i64(x, x->em->width), "last.from");
    for (uint32_t i = 0; i < x->n_operand; i++) {
        const operand *o = &x->operand[i];
        char name[NAME_MAX_BYTES];
        if (o->access != OP_BROADCAST)
            start_of[i] = emit_element_address(x, o, from, name_of(name, o->name, ".last"));
    }
    LLVMBuildBr(b, x->pass);
}

/* What differs between the passes: over a row, over its last W elements, over the buffers. */
static void emit_pass(nest *x, LLVMBasicBlockRef row, LLVMValueRef last_of[])
{
    emitter *em = x->em;
    LLVMBasicBlockRef from[3] = {row, x->last, x->fill_next};
    LLVMValueRef yes = LLVMConstInt(type_int(em, 1), 1, 0), no = LLVMConstInt(type_int(em, 1), 0, 0);
    LLVMValueRef zero = i64(x, 0), width = i64(x, em->width);
    char name[NAME_MAX_BYTES];
    start(x, x->pass);
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        if (o->access != OP_BROADCAST)
            o->base = phi(x, 3, (LLVMValueRef[]){o->row, last_of[i], o->buffer}, from, name_of(name, o->name, ".base"));
        if (o->access == OP_STRIDED)
            o->step = phi(x, 3, (LLVMValueRef[]){o->stride, o->stride, i64(x, op_dtypes[o->dtype].size)}, from,
                          name_of(name, o->name, ".step"));
    }
    x->limit = phi(x, 3, (LLVMValueRef[]){x->full, width, width}, from, "limit");
    x->left = phi(x, 3, (LLVMValueRef[]){x->rest, zero, zero}, from, "left");
    x->is_short = phi(x, 3, (LLVMValueRef[]){no, no, yes}, from, "is.short");
    x->is_special = phi(x, 3, (LLVMValueRef[]){x->has_stream ? x->may_stream : no, yes, no}, from, "is.special");
    if (x->has_stream)
        x->is_stream = phi(x, 3, (LLVMValueRef[]){x->may_stream, no, no}, from, "is.stream");
    LLVMBuildBr(em->builder, x->loop);
}

typedef enum store_kind { STORE_PLAIN, STORE_STREAM, STORE_BLEND } store_kind;

static void emit_store_one(nest *x, const operand *o, LLVMValueRef value, LLVMValueRef is_left)
{
    emitter *em = x->em;
    LLVMValueRef address = emit_address(x, o);
    int is_strided = o->access == OP_STRIDED;
    if (is_left) {
        LLVMValueRef old = is_strided ? emit_load_strided(em, o->dtype, address, o->step)
                                      : emit_load(em, o->dtype, address);
        value = emit_select(em, is_left, value, old);
    }
    if (is_strided)
        emit_store_strided(em, o->dtype, value, address, o->step);
    else
        emit_store(em, o->dtype, value, address);
}

/* The lanes of the last W elements that are not stored yet. */
static LLVMValueRef emit_is_left(nest *x)
{
    emitter *em = x->em;
    LLVMBuilderRef b = em->builder;
    LLVMValueRef first = LLVMBuildSub(b, i64(x, em->width), x->rest, "");
    first = emit_splat(em, LLVMBuildTrunc(b, first, type_int(em, 16), ""));
    return LLVMBuildICmp(b, LLVMIntUGE, const_lanes(em, 16), first, "is.left");
}

static void emit_stores(nest *x, LLVMBasicBlockRef block, store_kind kind)
{
    start(x, block);
    LLVMValueRef is_left = kind == STORE_BLEND ? emit_is_left(x) : NULL;
    for (uint32_t i = 0; i < x->program->n_out; i++) {
        const operand *o = &x->operand[x->program->n_in + i];
        LLVMValueRef value = x->value[x->program->store[i]];
        if (kind == STORE_STREAM && o->access == OP_CONTIGUOUS)
            emit_store_stream(x->em, o->dtype, value, emit_address(x, o));
        else
            emit_store_one(x, o, value, is_left);
    }
    LLVMBuildBr(x->em->builder, x->next);
}

static void emit_loop(nest *x)
{
    LLVMBuilderRef b = x->em->builder;
    start(x, x->loop);
    x->index = open_counter(x, i64(x, 0), x->pass, "i");
    emit_insns(x, PER_ELEMENT);
    LLVMBuildCondBr(b, x->is_special, x->special, x->store);

    emit_stores(x, x->store, STORE_PLAIN);
    start(x, x->special);
    if (x->has_stream) {
        LLVMBuildCondBr(b, x->is_stream, x->stream, x->blend);
        emit_stores(x, x->stream, STORE_STREAM);
    } else {
        LLVMBuildBr(b, x->blend);
    }
    emit_stores(x, x->blend, STORE_BLEND);

    start(x, x->next);
    close_counter(x, x->index, x->em->width, x->limit, x->loop, x->done);
}

static void emit_done(nest *x)
{
    LLVMBuilderRef b = x->em->builder;
    start(x, x->done);
    LLVMBuildCondBr(b, x->is_short, x->drain, x->left_over);
    start(x, x->left_over);
    LLVMValueRef none = LLVMBuildICmp(b, LLVMIntEQ, x->left, i64(x, 0), "none");
    LLVMBuildCondBr(b, none, x->row_done, x->last);
}

/* ---- Short rows ---- */

static LLVMValueRef emit_buffer_address(nest *x, const operand *o, LLVMValueRef k)
{
    return LLVMBuildGEP2(x->em->builder, type_memory(x->em, o->dtype), o->buffer, &k, 1, "");
}

/* An element as an integer, which keeps every bit on its way. */
static LLVMValueRef emit_take(nest *x, const operand *o, LLVMValueRef from)
{
    LLVMValueRef element = LLVMBuildLoad2(x->em->builder, type_int(x->em, bits_of(o->dtype)), from, "");
    LLVMSetAlignment(element, 1);
    return element;
}

static void emit_copy(nest *x, const operand *o, LLVMValueRef from, LLVMValueRef to)
{
    LLVMSetAlignment(LLVMBuildStore(x->em->builder, emit_take(x, o, from), to), 1);
}

/* Every lane is filled, so that none computes on garbage. */
static void emit_fill(nest *x)
{
    emitter *em = x->em;
    start(x, x->fill);
    for (uint32_t i = 0; i < x->program->n_in; i++) {
        operand *o = &x->operand[i];
        if (o->access != OP_BROADCAST)
            emit_store_aligned(em, emit_splat(em, emit_take(x, o, o->row)), o->buffer);
    }
    LLVMBuildBr(em->builder, x->fill_next);

    start(x, x->fill_next);
    LLVMValueRef k = open_counter(x, i64(x, 0), x->fill, "k");
    for (uint32_t i = 0; i < x->program->n_in; i++) {
        operand *o = &x->operand[i];
        if (o->access != OP_BROADCAST)
            emit_copy(x, o, emit_element_address(x, o, k, ""), emit_buffer_address(x, o, k));
    }
    close_counter(x, k, 1, x->n, x->fill_next, x->pass);
}

static void emit_drain(nest *x)
{
    start(x, x->drain);
    LLVMValueRef k = open_counter(x, i64(x, 0), x->done, "k");
    for (uint32_t i = x->program->n_in; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        emit_copy(x, o, emit_buffer_address(x, o, k), emit_element_address(x, o, k, ""));
    }
    close_counter(x, k, 1, x->n, x->drain, x->row_done);
}

static void emit_row_done(nest *x)
{
    LLVMBuilderRef b = x->em->builder;
    start(x, x->row_done);
    if (x->program->rank == 2)
        close_counter(x, x->row_index, 1, x->end, x->row, x->exit);
    else
        LLVMBuildBr(b, x->exit);
    start(x, x->exit);
    LLVMBuildRetVoid(b);
}

/* ---- The kernel ---- */

static void describe_operands(nest *x)
{
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        o->dtype = (op_dtype)x->program->operand[i].dtype;
        o->access = (op_access)x->program->operand[i].access;
        o->offset = offsetof(op_kernel_args, operand) + sizeof(op_operand) * i;
        name_operand(x->em, i, o->name);
        if (!is_input(x, o) && o->access == OP_CONTIGUOUS)
            x->has_stream = 1;
    }
}

static void make_function(nest *x)
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
    make_blocks(x);
}

static void emit_blocks(nest *x, LLVMValueRef last_of[])
{
    start(x, x->em->entry);
    emit_entry(x);
    emit_row(x, here(x));
    LLVMBasicBlockRef row = here(x);
    emit_last(x, last_of);
    emit_pass(x, row, last_of);
    emit_loop(x);
    emit_done(x);
    emit_fill(x);
    emit_drain(x);
    emit_row_done(x);
}

int emit_kernel(emitter *em)
{
    nest x = {.em = em, .program = em->program, .n_operand = em->program->n_in + em->program->n_out};
    x.operand = calloc(x.n_operand + 1, sizeof *x.operand);
    x.value = calloc(em->program->n_insn + 1, sizeof *x.value);
    x.depth = calloc(em->program->n_insn + 1, sizeof *x.depth);
    LLVMValueRef *last_of = calloc(x.n_operand + 1, sizeof *last_of);
    int ok = x.operand && x.value && x.depth && last_of;
    if (ok) {
        describe_operands(&x);
        find_depths(&x);
        make_function(&x);
        emit_blocks(&x, last_of);
    }
    free(x.operand);
    free(x.value);
    free(x.depth);
    free(last_of);
    return ok;
}
