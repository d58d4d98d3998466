/* The nest of a program that folds: each row's values are combined with OP_LANES lanes, in the order that
 * lanes.h fixes, however wide a vector is. The lanes are handled in groups of a few vectors that stay in
 * registers while a group walks down the row. What is left of a row after its last whole OP_LANES
 * elements, or a row that is shorter, is done a vector at a time; elements that do not fill a vector, in buffers
 * of one vector, whose superfluous lanes are dropped.
 *
 *   entry      scalars and addresses; nothing to do: exit
 *   row        one row starts here: what is the same for all of it; a short row goes to rest
 *   group      takes the next few lanes into registers
 *   loop       OP_LANES elements further each time: loads, the program, combinations
 *   group.done lanes go back to memory; to the next group
 *   rest       nothing left: to row.done
 *   tail       the next vector of what is left; not a whole one: to fill
 *   fill       every element of the buffers gets the row's first one,
 *   fill.next  and then each its own
 *   tail.pass  one vector: loads, the program, combination with the lanes that count
 *   drain      what outputs that do not fold have in their buffers is stored
 *   tail.done  to the next vector
 *   row.done   to the next row
 *   exit */
#include <stdlib.h>

#include "jit/fold.h"
#include "jit/recipes.h"

enum {
    MOST_ACCUMULATORS = 8, /* vectors in registers beside what the program needs */
    MOST_INSNS = 48,       /* emitted for the vectors of a group, if they are more than one */
};

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
    f->group = emit_block(x->em, "group");
    x->loop = emit_block(x->em, "loop");
    f->group_done = emit_block(x->em, "group.done");
    f->rest = emit_block(x->em, "rest");
    f->tail = emit_block(x->em, "tail");
    x->fill = emit_block(x->em, "fill");
    x->fill_next = emit_block(x->em, "fill.next");
    f->tail_pass = emit_block(x->em, "tail.pass");
    if (f->folded < x->program->n_out)
        f->drain = emit_block(x->em, "drain");
    f->tail_done = emit_block(x->em, "tail.done");
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
            o->buffer = emit_alloca(x->em, LLVMArrayType(type_memory(x->em, o->dtype), x->em->width),
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
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        o->base = o->row = emit_row_address(x, o);
        o->step = o->stride;
    }
    emit_row_extent(f);
    emit_insns(x, PER_ROW);
    LLVMValueRef long_row = LLVMBuildICmp(b, LLVMIntNE, x->full, i64(x, 0), "long");
    emit_branch_likely(x->em, long_row, f->group, f->rest);
}

/* The first of the lanes in vector v of the group. */
static LLVMValueRef emit_lane_index(fold *f, unsigned v)
{
    return LLVMBuildAdd(f->nest.em->builder, f->first, i64(&f->nest, v * f->nest.em->width), "");
}

LLVMValueRef emit_lane_address(fold *f, const operand *o, unsigned v)
{
    LLVMValueRef index = emit_lane_index(f, v);
    return LLVMBuildGEP2(f->nest.em->builder, type_memory(f->nest.em, o->dtype), o->row, &index, 1, "");
}

LLVMValueRef emit_combination(fold *f, uint32_t k, LLVMValueRef lanes)
{
    const op_program *program = f->nest.program;
    op_opcode combine = (op_opcode)program->operand[program->n_in + k].fold;
    LLVMValueRef value = f->nest.value[program->store[k]];
    int new_first = op_combines_new_first(combine);
    LLVMValueRef arg[3] = {new_first ? value : lanes, new_first ? lanes : value, NULL};
    return emit_recipe(f->nest.em, combine, output(f, k)->dtype, arg);
}

void emit_stores(fold *f)
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

/* The groups of whole OP_LANES elements. */
static void emit_groups(fold *f, LLVMBasicBlockRef row)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    start(x, f->group);
    f->first = open_counter(x, i64(x, 0), row, "lane");
    for (uint32_t k = 0; k < f->folded; k++)
        for (unsigned v = 0; v < f->vectors; v++)
            f->next[k * f->vectors + v] = emit_load(x->em, output(f, k)->dtype, emit_lane_address(f, output(f, k), v));
    LLVMBuildBr(b, x->loop);

    start(x, x->loop);
    LLVMValueRef step = open_counter(x, i64(x, 0), f->group, "i");
    for (unsigned i = 0; i < f->vectors * f->folded; i++)
        f->sum[i] = phi(x, 1, &f->next[i], &f->group, "sum");
    for (unsigned v = 0; v < f->vectors; v++) {
        x->index = LLVMBuildAdd(b, step, emit_lane_index(f, v), "");
        emit_insns(x, PER_ELEMENT);
        for (uint32_t k = 0; k < f->folded; k++)
            f->next[k * f->vectors + v] = emit_combination(f, k, f->sum[k * f->vectors + v]);
        emit_stores(f);
    }
    LLVMBasicBlockRef latch = here(x);
    for (unsigned i = 0; i < f->vectors * f->folded; i++)
        LLVMAddIncoming(f->sum[i], &f->next[i], &latch, 1);
    close_counter(x, step, OP_LANES, x->full, x->loop, f->group_done);

    start(x, f->group_done);
    for (unsigned v = 0; v < f->vectors; v++)
        for (uint32_t k = 0; k < f->folded; k++)
            emit_store(x->em, output(f, k)->dtype, f->next[k * f->vectors + v], emit_lane_address(f, output(f, k), v));
    close_counter(x, f->first, f->vectors * x->em->width, i64(x, OP_LANES), f->group, f->rest);
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
    f.sum = calloc(2 * (size_t)n, sizeof *f.sum);
    int ok = nest_open(x, em) && f.sum;
    if (ok) {
        f.next = f.sum + n;
        nest_function(x);
        make_blocks(&f);
        start(x, em->entry);
        emit_entry(&f);
        emit_row(&f, here(x));
        emit_groups(&f, here(x));
        emit_tail(&f);
        emit_row_done(x);
    }
    nest_close(x);
    free(f.sum);
    return ok;
}
