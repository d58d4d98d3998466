/* The nest of a program that folds: each row's values are combined with OP_LANES lanes, in the order that
 * lanes.h fixes, however wide a vector is. The lanes are handled in groups of a few vectors that stay in
 * registers while a group walks down the row. What is left of a row after its last whole OP_LANES
 * elements is done by another pass over buffers, whose superfluous lanes are dropped.
 *
 *   entry      scalars and addresses; nothing to do: exit
 *   row        one row starts here: what is the same for all of it; a short row goes to fill
 *   pass       where this pass starts, how far it goes, and which lanes count
 *   group      takes the next few lanes into registers
 *   loop       OP_LANES elements further each time: loads, the program, combinations
 *   loop.done
 *   group.rest drops the lanes that do not count
 *   group.done lanes go back to memory; to the next group
 *   pass.done  after the buffers: to drain
 *   whole      elements left over: to fill
 *   fill       every element of the buffers gets the row's first one,
 *   fill.whole and then each its own, in vectors while there are whole ones left,
 *   fill.next  then one by one
 *   filled     the buffers are the next pass
 *   drain      what outputs that do not fold have in their buffers is stored: in vectors,
 *   drain.next then one by one
 *   row.done   to the next row
 *   exit */
#include <stdlib.h>

#include "jit/loop.h"
#include "jit/nest.h"
#include "jit/recipes.h"

enum {
    MOST_ACCUMULATORS = 8, /* vectors in registers beside what the program needs */
    MOST_INSNS = 48,       /* emitted for the vectors of a group, if they are more than one */
};

typedef struct fold {
    nest nest;
    unsigned vectors; /* of a group */
    uint32_t folded;  /* outputs; what the program computes for the others is stored */
    LLVMBasicBlockRef group, loop_done, group_rest, group_done, pass_done, whole;
    LLVMBasicBlockRef fill_whole, filled;
    LLVMBasicBlockRef drain, drain_next; /* NULL if all outputs fold */
    LLVMValueRef is_leaves; /* OP_KERNEL_LEAVES */
    LLVMValueRef lanes;   /* that count in this pass */
    LLVMValueRef is_rest; /* this pass is over the buffers */
    LLVMValueRef first;   /* lane of this group */
    LLVMValueRef *before, *sum, *next; /* accumulators, by output, then vector: before the loop, in it, after a step */
} fold;

static const operand *output(const fold *f, uint32_t k)
{
    return &f->nest.operand[f->nest.program->n_in + k];
}

static int is_stored(const fold *f, const operand *o)
{
    return o >= output(f, f->folded);
}

/* Vectors that are worked on at once: a power of two, fewer if the program is large. */
static unsigned choose_vectors(const op_program *program, unsigned width)
{
    unsigned vectors = OP_LANES / width;
    unsigned folded = op_program_folded(program);
    while (vectors > 1 && (vectors * folded > MOST_ACCUMULATORS || vectors * program->n_insn > MOST_INSNS))
        vectors /= 2;
    return vectors;
}

static void make_blocks(fold *f)
{
    nest *x = &f->nest;
    x->row = emit_block(x->em, "row");
    x->pass = emit_block(x->em, "pass");
    f->group = emit_block(x->em, "group");
    x->loop = emit_block(x->em, "loop");
    f->loop_done = emit_block(x->em, "loop.done");
    f->group_rest = emit_block(x->em, "group.rest");
    f->group_done = emit_block(x->em, "group.done");
    f->pass_done = emit_block(x->em, "pass.done");
    f->whole = emit_block(x->em, "whole");
    x->fill = emit_block(x->em, "fill");
    f->fill_whole = emit_block(x->em, "fill.whole");
    x->fill_next = emit_block(x->em, "fill.next");
    f->filled = emit_block(x->em, "filled");
    if (f->folded < x->program->n_out) {
        f->drain = emit_block(x->em, "drain");
        f->drain_next = emit_block(x->em, "drain.next");
    }
    x->row_done = emit_block(x->em, "row.done");
    x->exit = emit_block(x->em, "exit");
}

static void emit_entry(fold *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        char name[NAME_MAX_BYTES];
        emit_operand_fields(x, o);
        if (o->access != OP_BROADCAST && (is_input(x, o) || is_stored(f, o)))
            o->buffer = emit_alloca(x->em, LLVMArrayType(type_memory(x->em, o->dtype), OP_LANES),
                                    name_of(name, o->name, ".buffer"));
    }
    emit_insns(x, PER_RUN);
    x->n = emit_field(x->em, type_int(x->em, 64), x->em->args, offsetof(op_kernel_args, n), "n");
    LLVMValueRef flags = emit_field(x->em, type_int(x->em, 64), x->em->args, offsetof(op_kernel_args, flags), "flags");
    flags = LLVMBuildAnd(b, flags, i64(x, OP_KERNEL_LEAVES), "");
    f->is_leaves = LLVMBuildICmp(b, LLVMIntNE, flags, i64(x, 0), "is.leaves");
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, x->begin, x->end, "some"), x->row, x->exit);
}

/* How many elements the row has: whole OP_LANES, and what is left. */
static void emit_row_extent(fold *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    LLVMValueRef done = LLVMBuildMul(b, x->row_index, i64(x, OP_LEAF), ""), left = LLVMBuildSub(b, x->n, done, "left");
    LLVMValueRef is_last = LLVMBuildICmp(b, LLVMIntSLT, left, i64(x, OP_LEAF), "is.last");
    LLVMValueRef leaf = LLVMBuildSelect(b, is_last, left, i64(x, OP_LEAF), "");
    LLVMValueRef n = LLVMBuildSelect(b, f->is_leaves, leaf, x->n, "row.n");
    x->full = LLVMBuildAnd(b, n, i64(x, -(uint64_t)OP_LANES), "full");
    x->rest = LLVMBuildAnd(b, n, i64(x, OP_LANES - 1), "rest");
}

static void emit_row(fold *f, LLVMBasicBlockRef entry)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    start(x, x->row);
    x->row_index = open_counter(x, x->begin, entry, "r"); /* closed in emit_row_done */
    for (uint32_t i = 0; i < x->n_operand; i++)
        x->operand[i].row = emit_row_address(x, &x->operand[i]);
    emit_row_extent(f);
    emit_insns(x, PER_ROW);
    LLVMValueRef long_row = LLVMBuildICmp(b, LLVMIntNE, x->full, i64(x, 0), "long");
    emit_branch_likely(x->em, long_row, x->pass, x->fill);
}

/* What differs between the passes: over a row, over the buffers. */
static void emit_pass(fold *f, LLVMBasicBlockRef row)
{
    nest *x = &f->nest;
    LLVMBasicBlockRef from[2] = {row, f->filled};
    LLVMTypeRef bit = type_int(x->em, 1);
    char name[NAME_MAX_BYTES];
    start(x, x->pass);
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        if (!o->buffer)
            continue;
        if (o->access != OP_BROADCAST)
            o->base = phi(x, 2, (LLVMValueRef[]){o->row, o->buffer}, from, name_of(name, o->name, ".base"));
        if (o->access == OP_STRIDED)
            o->step = phi(x, 2, (LLVMValueRef[]){o->stride, i64(x, op_dtypes[o->dtype].size)}, from,
                          name_of(name, o->name, ".step"));
    }
    x->limit = phi(x, 2, (LLVMValueRef[]){x->full, i64(x, OP_LANES)}, from, "limit");
    f->lanes = phi(x, 2, (LLVMValueRef[]){i64(x, OP_LANES), x->rest}, from, "lanes");
    f->is_rest = phi(x, 2, (LLVMValueRef[]){LLVMConstInt(bit, 0, 0), LLVMConstInt(bit, 1, 0)}, from, "is.rest");
    LLVMBuildBr(x->em->builder, f->group);
}

/* The first of the lanes in vector v of the group. */
static LLVMValueRef emit_lane_index(fold *f, unsigned v)
{
    return LLVMBuildAdd(f->nest.em->builder, f->first, i64(&f->nest, v * f->nest.em->width), "");
}

static LLVMValueRef emit_lane_address(fold *f, const operand *o, unsigned v)
{
    LLVMValueRef index = emit_lane_index(f, v);
    return LLVMBuildGEP2(f->nest.em->builder, type_memory(f->nest.em, o->dtype), o->row, &index, 1, "");
}

static void emit_group(fold *f)
{
    nest *x = &f->nest;
    start(x, f->group);
    f->first = open_counter(x, i64(x, 0), x->pass, "lane");
    for (uint32_t k = 0; k < f->folded; k++)
        for (unsigned v = 0; v < f->vectors; v++)
            f->before[k * f->vectors + v] = emit_load(x->em, output(f, k)->dtype, emit_lane_address(f, output(f, k), v));
    LLVMBuildBr(x->em->builder, x->loop);
}

static void emit_combine(fold *f, unsigned v)
{
    const op_program *program = f->nest.program;
    for (uint32_t k = 0; k < f->folded; k++) {
        LLVMValueRef arg[3] = {f->sum[k * f->vectors + v], f->nest.value[program->store[k]], NULL};
        op_opcode combine = (op_opcode)program->operand[program->n_in + k].fold;
        f->next[k * f->vectors + v] = emit_recipe(f->nest.em, combine, output(f, k)->dtype, arg);
    }
}

static void emit_stores(fold *f)
{
    nest *x = &f->nest;
    for (uint32_t k = f->folded; k < x->program->n_out; k++) {
        const operand *o = output(f, k);
        LLVMValueRef value = x->value[x->program->store[k]], address = emit_address(x, o);
        if (o->access == OP_STRIDED)
            emit_store_strided(x->em, o->dtype, value, address, o->step);
        else
            emit_store(x->em, o->dtype, value, address);
    }
}

static void emit_loop(fold *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    unsigned n = f->vectors * f->folded;
    start(x, x->loop);
    LLVMValueRef step = open_counter(x, i64(x, 0), f->group, "i");
    for (unsigned i = 0; i < n; i++)
        f->sum[i] = phi(x, 1, &f->before[i], &f->group, "sum");
    for (unsigned v = 0; v < f->vectors; v++) {
        x->index = LLVMBuildAdd(b, step, emit_lane_index(f, v), "");
        emit_insns(x, PER_ELEMENT);
        emit_combine(f, v);
        emit_stores(f);
    }
    LLVMBasicBlockRef latch = here(x);
    for (unsigned i = 0; i < n; i++)
        LLVMAddIncoming(f->sum[i], &f->next[i], &latch, 1);
    close_counter(x, step, OP_LANES, x->limit, x->loop, f->loop_done);
    start(x, f->loop_done);
    LLVMBuildCondBr(b, f->is_rest, f->group_rest, f->group_done);
}

/* Lanes first, first + 1, ... below the number of lanes that count. */
static LLVMValueRef emit_counts(fold *f, unsigned v)
{
    emitter *em = f->nest.em;
    LLVMValueRef left = LLVMBuildSub(em->builder, f->lanes, emit_lane_index(f, v), "");
    left = emit_splat(em, LLVMBuildTrunc(em->builder, left, type_int(em, 16), ""));
    return LLVMBuildICmp(em->builder, LLVMIntSLT, const_lanes(em, 16), left, "counts");
}

static void emit_group_rest(fold *f)
{
    nest *x = &f->nest;
    start(x, f->group_rest);
    for (unsigned v = 0; v < f->vectors; v++) {
        LLVMValueRef counts = emit_counts(f, v);
        for (uint32_t k = 0; k < f->folded; k++) {
            unsigned i = k * f->vectors + v;
            f->sum[i] = emit_select(x->em, counts, f->next[i], f->before[i]);
        }
    }
    LLVMBuildBr(x->em->builder, f->group_done);
}

static void emit_group_done(fold *f)
{
    nest *x = &f->nest;
    LLVMBasicBlockRef from[2] = {f->loop_done, f->group_rest};
    start(x, f->group_done);
    for (unsigned i = 0; i < f->vectors * f->folded; i++)
        f->sum[i] = phi(x, 2, (LLVMValueRef[]){f->next[i], f->sum[i]}, from, "lanes");
    for (unsigned v = 0; v < f->vectors; v++)
        for (uint32_t k = 0; k < f->folded; k++)
            emit_store(x->em, output(f, k)->dtype, f->sum[k * f->vectors + v], emit_lane_address(f, output(f, k), v));
    close_counter(x, f->first, f->vectors * x->em->width, i64(x, OP_LANES), f->group, f->pass_done);
}

static void emit_pass_done(fold *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    start(x, f->pass_done);
    LLVMBuildCondBr(b, f->is_rest, f->drain ? f->drain : x->row_done, f->whole);
    start(x, f->whole);
    LLVMValueRef none = LLVMBuildICmp(b, LLVMIntEQ, x->rest, i64(x, 0), "none");
    LLVMBuildCondBr(b, none, x->row_done, x->fill);
}

/* ---- what is left of a row ---- */

/* Is the operand copied into its buffer, or out of it? */
static int is_copied(const fold *f, const operand *o, int out)
{
    return o->buffer && (out ? !is_input(&f->nest, o) : is_input(&f->nest, o));
}

/* Elements k and following, of a whole vector or one, between a row, from its last whole OP_LANES on, and buffers. */
static void emit_copies(fold *f, LLVMValueRef k, int whole, int out)
{
    nest *x = &f->nest;
    LLVMValueRef at = LLVMBuildAdd(x->em->builder, x->full, k, "");
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        if (!is_copied(f, o, out))
            continue;
        LLVMValueRef in_row = emit_element_address(x, o, at, ""), in_buffer = emit_buffer_address(x, o, k);
        if (whole)
            emit_copy_vector(x, o, out ? in_buffer : in_row, out ? in_row : in_buffer);
        else
            emit_copy(x, o, out ? in_buffer : in_row, out ? in_row : in_buffer);
    }
}

/* Copies all elements that are left: in block `from`, which is open, whole vectors if operands allow it, in block `next`
 * the others. */
static void emit_copy_rest(fold *f, LLVMBasicBlockRef from, LLVMBasicBlockRef whole, LLVMBasicBlockRef next,
                           LLVMBasicBlockRef after, int out)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    LLVMValueRef vectors = LLVMBuildAnd(b, x->rest, i64(x, -(uint64_t)x->em->width), "vectors");
    for (uint32_t i = 0; i < x->n_operand; i++)
        if (is_copied(f, &x->operand[i], out) && x->operand[i].access != OP_CONTIGUOUS)
            vectors = i64(x, 0);
    LLVMBasicBlockRef one_by_one = emit_block(x->em, "one.by.one");
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntNE, vectors, i64(x, 0), ""), whole, one_by_one);

    start(x, whole);
    LLVMValueRef k = open_counter(x, i64(x, 0), from, "k");
    emit_copies(f, k, 1, out);
    close_counter(x, k, x->em->width, vectors, whole, one_by_one);

    start(x, one_by_one);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntEQ, vectors, x->rest, ""), after, next);
    start(x, next);
    k = open_counter(x, vectors, one_by_one, "k");
    emit_copies(f, k, 0, out);
    close_counter(x, k, 1, x->rest, next, after);
}

/* Every element is filled, so that no lane computes on garbage. */
static void emit_fill(fold *f)
{
    nest *x = &f->nest;
    emitter *em = x->em;
    start(x, x->fill);
    for (uint32_t i = 0; i < x->program->n_in; i++) {
        operand *o = &x->operand[i];
        if (o->access == OP_BROADCAST)
            continue;
        LLVMValueRef all = emit_splat(em, emit_take(x, o, o->row));
        for (unsigned at = 0; at < OP_LANES; at += em->width)
            LLVMSetAlignment(LLVMBuildStore(em->builder, all, emit_buffer_address(x, o, i64(x, at))), 1);
    }
    emit_copy_rest(f, x->fill, f->fill_whole, x->fill_next, f->filled, 0);
    start(x, f->filled);
    LLVMBuildBr(em->builder, x->pass);
}

static void emit_drain(fold *f)
{
    nest *x = &f->nest;
    if (!f->drain)
        return;
    start(x, f->drain);
    LLVMBasicBlockRef whole = emit_block(x->em, "drain.whole");
    emit_copy_rest(f, f->drain, whole, f->drain_next, x->row_done, 1);
}

static void emit_row_done(nest *x)
{
    start(x, x->row_done);
    close_counter(x, x->row_index, 1, x->end, x->row, x->exit);
    start(x, x->exit);
    LLVMBuildRetVoid(x->em->builder);
}

int emit_fold_nest(emitter *em)
{
    fold f = {.vectors = choose_vectors(em->program, em->width), .folded = op_program_folded(em->program)};
    nest *x = &f.nest;
    unsigned n = f.vectors * f.folded;
    f.before = calloc(3 * (size_t)n, sizeof *f.before);
    int ok = nest_open(x, em) && f.before;
    if (ok) {
        f.sum = f.before + n;
        f.next = f.sum + n;
        nest_function(x);
        make_blocks(&f);
        start(x, em->entry);
        emit_entry(&f);
        emit_row(&f, here(x));
        emit_pass(&f, here(x));
        emit_group(&f);
        emit_loop(&f);
        emit_group_rest(&f);
        emit_group_done(&f);
        emit_pass_done(&f);
        emit_fill(&f);
        emit_drain(&f);
        emit_row_done(x);
    }
    nest_close(x);
    free(f.before);
    return ok;
}
