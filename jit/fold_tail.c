/* What is left of a row that folds after its last whole OP_LANES elements; the blocks are explained in fold.c. */
#include "jit/fold.h"

/* Element k of the tail's vector, between its row and the buffers of inputs, or of outputs that are stored. */
static void emit_copies(fold *f, LLVMValueRef k, int out)
{
    nest *x = &f->nest;
    LLVMValueRef at = LLVMBuildAdd(x->em->builder, LLVMBuildAdd(x->em->builder, x->full, f->first, ""), k, "");
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        if (!o->buffer || is_input(x, o) == out)
            continue;
        LLVMValueRef in_row = emit_element_address(x, o, at, ""), in_buffer = emit_buffer_address(x, o, k);
        emit_copy(x, o, out ? in_buffer : in_row, out ? in_row : in_buffer);
    }
}

/* Every element is filled, so that no lane computes on garbage. */
static void emit_fill(fold *f)
{
    nest *x = &f->nest;
    start(x, x->fill);
    for (uint32_t i = 0; i < x->program->n_in; i++) {
        operand *o = &x->operand[i];
        if (o->buffer)
            emit_store_aligned(x->em, emit_splat(x->em, emit_take(x, o, o->row)), o->buffer);
    }
    LLVMBuildBr(x->em->builder, x->fill_next);
    start(x, x->fill_next);
    LLVMValueRef k = open_counter(x, i64(x, 0), x->fill, "k");
    emit_copies(f, k, 0);
    close_counter(x, k, 1, f->left, x->fill_next, f->tail_pass);
}

/* The next vector of what is left. */
static void emit_next_vector(fold *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    start(x, f->rest);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntEQ, x->rest, i64(x, 0), "none"), x->row_done, f->tail);

    start(x, f->tail);
    f->first = open_counter(x, i64(x, 0), f->rest, "lane"); /* closed in emit_tail_done */
    f->left = LLVMBuildSub(b, x->rest, f->first, "left");
    LLVMValueRef at = LLVMBuildAdd(b, x->full, f->first, "");
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        if (!is_walked(f, o))
            continue;
        o->base = o->in_row = emit_element_address(x, o, at, "");
        if (o->is_ahead) /* here, because tail.pass may read a buffer */
            emit_fetch_ahead(x, o, o->in_row);
        o->is_ahead = 0; /* nothing is fetched with the load */
    }
    if (f->masks) {
        LLVMBuildBr(b, f->tail_pass);
        return;
    }
    f->is_whole = LLVMBuildICmp(b, LLVMIntSGE, f->left, i64(x, x->em->width), "is.whole");
    emit_branch_likely(x->em, f->is_whole, f->tail_pass, x->fill);
}

/* Where the tail's vector is: in the row, or in the buffers. */
static void emit_tail_operands(fold *f)
{
    nest *x = &f->nest;
    LLVMBasicBlockRef from[2] = {f->tail, x->fill_next};
    char name[NAME_MAX_BYTES];
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        if (!o->buffer)
            continue;
        o->base = phi(x, 2, (LLVMValueRef[]){o->in_row, o->buffer}, from, name_of(name, o->name, ".base"));
        if (o->access == OP_STRIDED)
            o->step = phi(x, 2, (LLVMValueRef[]){o->stride, i64(x, op_dtypes[o->dtype].size)}, from,
                          name_of(name, o->name, ".step"));
    }
}

/* Lanes that are no elements become the identity, rather than stay out of a store, whose lanes a load soon after would
 * have to wait for. */
static void emit_tail_pass(fold *f)
{
    nest *x = &f->nest;
    start(x, f->tail_pass);
    if (!f->masks)
        emit_tail_operands(f);
    LLVMValueRef counts = emit_first_lanes(x->em, f->left);
    x->mask = f->masks ? counts : NULL;
    x->index = i64(x, 0);
    emit_insns(x, PER_ELEMENT);
    for (uint32_t k = 0; k < f->folded; k++) {
        LLVMValueRef address = emit_lane_address(f, output(f, k), 0);
        LLVMValueRef lanes = emit_load(x->em, output(f, k)->dtype, address);
        LLVMValueRef value = emit_select(x->em, counts, value_of(f, k), const_identity(f, k));
        emit_store(x->em, output(f, k)->dtype, emit_both(f, k, lanes, value), address);
    }
    emit_stores(f);
    x->mask = NULL;
    if (f->drain)
        emit_branch_likely(x->em, f->is_whole, f->tail_done, f->drain);
    else
        LLVMBuildBr(x->em->builder, f->tail_done);
}

static void emit_tail_done(fold *f)
{
    nest *x = &f->nest;
    if (f->drain) {
        LLVMBasicBlockRef before = here(x);
        start(x, f->drain);
        LLVMValueRef k = open_counter(x, i64(x, 0), before, "k");
        emit_copies(f, k, 1);
        close_counter(x, k, 1, f->left, f->drain, f->tail_done);
    }
    start(x, f->tail_done);
    close_counter(x, f->first, x->em->width, x->rest, f->tail, x->row_done);
}

void emit_tail(fold *f)
{
    emit_next_vector(f);
    if (!f->masks)
        emit_fill(f);
    emit_tail_pass(f);
    emit_tail_done(f);
}
