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

#include "jit/nest.h"

/* ---- Width ---- */

enum {
    LONG_CHAIN = 8,  /* cheap operations, each waiting for the one before, that outlast what a processor looks ahead */
    CHAIN_MOST = 128 /* operations in all */
};

static int has_strided(const op_program *program)
{
    for (uint32_t k = 0; k < program->n_in + program->n_out; k++)
        if (program->operand[k].access == OP_STRIDED)
            return 1;
    return 0;
}

/* True for polynomials and the like: cheap operations, most of them in one chain, on contiguous operands. */
static int is_long_chain(const op_program *program)
{
    uint8_t length[CHAIN_MOST]; /* of the chain that ends in this instruction */
    unsigned longest = 0, n_op = 0;
    if (program->rank != 1 || program->n_insn > CHAIN_MOST || has_strided(program))
        return 0;
    for (uint32_t i = 0; i < program->n_insn; i++) {
        const op_insn *insn = &program->insn[i];
        length[i] = 0;
        if (insn->code == OP_CODE_LOAD || insn->code == OP_CODE_SCALAR)
            continue;
        if (op_rows[insn->code].cost > 1)
            return 0;
        for (unsigned k = 0; k < op_rows[insn->code].arity; k++)
            if (length[insn->arg[k]] > length[i])
                length[i] = length[insn->arg[k]];
        longest = ++length[i] > longest ? length[i] : longest;
        n_op++;
    }
    return longest >= LONG_CHAIN && 2 * longest >= n_op;
}

/* Functions that take less time for two vectors at once: they share the test for rare arguments, and their chains of
 * operations run side by side. */
static int gains_by_two(uint16_t code)
{
    switch (code) {
    case OP_CODE_sin:
    case OP_CODE_cos:
    case OP_CODE_tan:
    case OP_CODE_sinpi:
    case OP_CODE_cospi:
    case OP_CODE_exp:
    case OP_CODE_exp10:
    case OP_CODE_tanh:
    case OP_CODE_expit:
    case OP_CODE_erf:
        return 1;
    default:
        return 0;
    }
}

/* True for one such function and little else, on contiguous operands: more would not stay in registers. */
static int is_lone_function(const op_program *program)
{
    enum { FEW = 6 /* instructions */ };
    int found = 0;
    if ((program->rank != 1 && !op_program_folds(program)) || program->n_insn > FEW || has_strided(program))
        return 0;
    for (uint32_t i = 0; i < program->n_insn; i++) {
        if (op_rows[program->insn[i].code].cost > 1)
            found += gains_by_two(program->insn[i].code) ? 1 : 2;
    }
    return found == 1;
}

/* The widest type fills a register. Two, as an unrolled loop would have, gain nothing even for b + c, and make short
 * rows slower; but four chains at once take little longer than one. */
unsigned loop_width(const op_program *program, const op_isa_row *isa)
{
    unsigned widest = 8;
    for (uint32_t i = 0; i < program->n_insn; i++)
        if (bits_of((op_dtype)program->insn[i].result) > widest)
            widest = bits_of((op_dtype)program->insn[i].result);
    unsigned width = (unsigned)isa->vector_bits / widest;
    if (program->carries)
        return width > OP_LANES ? OP_LANES : width;
    if (widest >= 32 && is_long_chain(program))
        return 4 * width;
    if (widest >= 32 && isa->vector_bits >= 512 && is_lone_function(program))
        width *= 2;
    return op_program_folds(program) && width > OP_LANES ? OP_LANES : width;
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

static void emit_buffer(nest *x, operand *o)
{
    char name[NAME_MAX_BYTES];
    if (o->access != OP_BROADCAST)
        o->buffer = emit_alloca(x->em, type_vector(x->em, type_memory(x->em, o->dtype)), name_of(name, o->name, ".buffer"));
}

static void emit_entry(nest *x)
{
    emitter *em = x->em;
    LLVMBuilderRef b = em->builder;
    for (uint32_t i = 0; i < x->n_operand; i++) {
        emit_operand_fields(x, &x->operand[i]);
        emit_buffer(x, &x->operand[i]);
    }
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

int emit_loop_nest(emitter *em)
{
    nest x;
    LLVMValueRef *last_of = NULL;
    int ok = nest_open(&x, em) && (last_of = calloc(x.n_operand + 1, sizeof *last_of)) != NULL;
    for (uint32_t i = x.program->n_in; ok && i < x.n_operand; i++)
        x.has_stream |= x.operand[i].access == OP_CONTIGUOUS;
    if (ok) {
        nest_function(&x);
        make_blocks(&x);
        emit_blocks(&x, last_of);
    }
    nest_close(&x);
    free(last_of);
    return ok;
}
