/* The nest of a program that folds: each row's values are combined with OP_LANES lanes, in the order that
 * lanes.h fixes, however wide a vector is. The lanes are handled in groups of a few vectors that stay in
 * registers while a group walks down the row. What is left of a row after its last whole OP_LANES
 * elements, or a row that is shorter, is done a vector at a time; elements that do not fill a vector, under a
 * mask, or on levels without masked loads in buffers of one vector, whose superfluous lanes are dropped.
 *
 *   entry      scalars and addresses; nothing to do: exit
 *   row        one row starts here: what is the same for all of it
 *   blank      of a row shorter than OP_LANES all lanes are the identity; to rest
 *   group      the next few lanes begin as the identity, in registers
 *   quick      as loop, but NaN is not looked for before its end: if there was one,
 *   quick.done sends the group to loop
 *   loop       OP_LANES elements further each time: loads, the program, combinations
 *   group.done lanes go to memory; to the next group
 *   rest       nothing left: to row.done
 *   tail       the next vector of what is left; not a whole one and no masks: to fill
 *   fill       every element of the buffers gets the row's first one,
 *   fill.next  and then each its own
 *   tail.pass  one vector: loads, the program, combination with the lanes that count
 *   drain      what outputs that do not fold have in their buffers is stored
 *   tail.done  to the next vector
 *   row.done   lanes may stay as they are; to next
 *   result     the row's lanes; of the second of two leaves, to join
 *   join       those of the first one are combined with them
 *   store      they become one value
 *   next       to the next row
 *   exit */
#include <stdlib.h>
#include <string.h>

#include "jit/fold.h"
#include "jit/recipes.h"

enum {
    MOST_ACCUMULATORS = 8, /* vectors in registers beside what the program needs */
    MOST_INSNS = 48,       /* emitted for the vectors of a group, if they are more than one */
    QUICK_INSNS = 6,       /* most of a program with a quick loop: beside more of them the search for NaN is cheap */
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

/* So that comparisons and masked loads and stores cost little. */
static int has_mask_registers(const fold *f)
{
    return f->nest.em->isa->vector_bits >= 512;
}

/* Is there an extreme, and may the program be run twice, and does that pay? */
static int choose_quick(const fold *f)
{
    const op_program *program = f->nest.program;
    int extremes = 0;
    for (uint32_t k = 0; k < f->folded; k++)
        extremes += is_extreme(f, k);
    return extremes && f->folded == program->n_out && program->n_insn <= QUICK_INSNS && has_mask_registers(f);
}

/* Masks serve what is contiguous. */
static int choose_masks(const fold *f)
{
    for (uint32_t i = 0; i < f->nest.n_operand; i++)
        if (f->nest.operand[i].access == OP_STRIDED)
            return 0;
    return has_mask_registers(f);
}

static void make_blocks(fold *f)
{
    nest *x = &f->nest;
    x->row = emit_block(x->em, "row");
    f->blank = emit_block(x->em, "blank");
    f->group = emit_block(x->em, "group");
    if (f->quick) {
        f->quick_loop = emit_block(x->em, "quick");
        f->quick_done = emit_block(x->em, "quick.done");
    }
    x->loop = emit_block(x->em, "loop");
    f->group_done = emit_block(x->em, "group.done");
    f->rest = emit_block(x->em, "rest");
    f->tail = emit_block(x->em, "tail");
    if (!f->masks) {
        x->fill = emit_block(x->em, "fill");
        x->fill_next = emit_block(x->em, "fill.next");
    }
    f->tail_pass = emit_block(x->em, "tail.pass");
    if (f->folded < x->program->n_out && !f->masks)
        f->drain = emit_block(x->em, "drain");
    f->tail_done = emit_block(x->em, "tail.done");
    x->row_done = emit_block(x->em, "row.done");
    f->result = emit_block(x->em, "result");
    f->join = emit_block(x->em, "join");
    f->store = emit_block(x->em, "store");
    f->next_row = emit_block(x->em, "next");
    x->exit = emit_block(x->em, "exit");
}

static LLVMValueRef emit_flag(nest *x, LLVMValueRef flags, uint64_t flag, const char *name)
{
    LLVMValueRef bit = LLVMBuildAnd(x->em->builder, flags, i64(x, flag), "");
    return LLVMBuildICmp(x->em->builder, LLVMIntNE, bit, i64(x, 0), name);
}

static void emit_entry(fold *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        char name[NAME_MAX_BYTES];
        emit_operand_fields(x, o);
        if (!is_input(x, o) && !is_stored(f, o))
            o->lanes = emit_alloca(x->em, LLVMArrayType(type_memory(x->em, o->dtype), 2 * OP_LANES),
                                   name_of(name, o->name, ".lanes"));
        else if (is_walked(f, o) && !f->masks)
            o->buffer = emit_alloca(x->em, LLVMArrayType(type_memory(x->em, o->dtype), x->em->width),
                                    name_of(name, o->name, ".buffer"));
    }
    emit_insns(x, PER_RUN);
    x->n = emit_field(x->em, type_int(x->em, 64), x->em->args, offsetof(op_kernel_args, n), "n");
    LLVMValueRef flags = emit_field(x->em, type_int(x->em, 64), x->em->args, offsetof(op_kernel_args, flags), "flags");
    f->is_leaves = emit_flag(x, flags, OP_KERNEL_LEAVES, "is.leaves");
    f->has_results = emit_flag(x, flags, OP_KERNEL_RESULTS, "has.results");
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, x->begin, x->end, "some"), x->row, x->exit);
}

/* Where the row's lanes are, and its result. */
static void emit_places(fold *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    LLVMValueRef leaf = LLVMBuildSelect(b, f->is_leaves, x->row_index, i64(x, 0), "leaf");
    LLVMValueRef first = LLVMBuildMul(b, leaf, i64(x, OP_LANES), "");
    for (uint32_t k = 0; k < f->folded; k++) {
        operand *o = &x->operand[x->program->n_in + k];
        LLVMValueRef own = LLVMBuildGEP2(b, type_memory(x->em, o->dtype), o->lanes, &first, 1, "");
        o->result = o->row;
        o->row = LLVMBuildSelect(b, f->has_results, own, o->row, "");
    }
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
    x->row_index = open_counter(x, x->begin, entry, "r"); /* closed in emit_row_end */
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        o->base = o->row = emit_row_address(x, o);
        o->step = o->stride;
    }
    emit_places(f);
    emit_row_extent(f);
    emit_insns(x, PER_ROW);
    LLVMValueRef long_row = LLVMBuildICmp(b, LLVMIntNE, x->full, i64(x, 0), "long");
    emit_branch_likely(x->em, long_row, f->group, f->blank);
}

LLVMValueRef const_identity(const fold *f, uint32_t k)
{
    uint64_t bits = 0;
    op_identity(combination(f, k), output(f, k)->dtype, &bits);
    return const_bits(f->nest.em, output(f, k)->dtype, bits);
}

static void emit_blank(fold *f)
{
    nest *x = &f->nest;
    start(x, f->blank);
    f->first = i64(x, 0);
    for (uint32_t k = 0; k < f->folded; k++)
        for (unsigned v = 0; v < OP_LANES / x->em->width; v++)
            emit_store(x->em, output(f, k)->dtype, const_identity(f, k), emit_lane_address(f, output(f, k), v));
    LLVMBuildBr(x->em->builder, f->rest);
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

LLVMValueRef emit_both(fold *f, uint32_t k, LLVMValueRef before, LLVMValueRef value)
{
    int new_first = op_combines_new_first(combination(f, k));
    LLVMValueRef arg[3] = {new_first ? value : before, new_first ? before : value, NULL};
    return emit_recipe(f->nest.em, combination(f, k), output(f, k)->dtype, arg);
}

/* The same where no value is NaN: of an extreme, one instruction. */
static LLVMValueRef emit_quick_combination(fold *f, uint32_t k, LLVMValueRef lanes)
{
    emitter *em = f->nest.em;
    if (!is_extreme(f, k))
        return emit_both(f, k, lanes, value_of(f, k));
    LLVMRealPredicate keep = combination(f, k) == OP_CODE_maximum ? LLVMRealOGT : LLVMRealOLT;
    return emit_select(em, LLVMBuildFCmp(em->builder, keep, value_of(f, k), lanes, ""), value_of(f, k), lanes);
}

void emit_stores(fold *f)
{
    nest *x = &f->nest;
    for (uint32_t k = f->folded; k < x->program->n_out; k++) {
        const operand *o = output(f, k);
        LLVMValueRef value = x->value[x->program->store[k]], address = emit_address(x, o);
        if (x->mask)
            emit_store_masked(x->em, o->dtype, value, address, x->mask);
        else if (o->access == OP_STRIDED)
            emit_store_strided(x->em, o->dtype, value, address, o->step);
        else
            emit_store(x->em, o->dtype, value, address);
    }
}

/* Does an extreme before output k have the same value? */
static int is_seen(const fold *f, uint32_t k)
{
    for (uint32_t i = 0; i < k; i++)
        if (is_extreme(f, i) && value_of(f, i) == value_of(f, k))
            return 1;
    return 0;
}

/* The lanes where no value of this step is NaN: one comparison tells it of two of them. */
static LLVMValueRef emit_clean(fold *f)
{
    LLVMBuilderRef b = f->nest.em->builder;
    LLVMValueRef clean = NULL;
    for (uint32_t k = 0; k < f->folded; k++)
        for (unsigned v = 0; v < f->vectors && is_extreme(f, k) && !is_seen(f, k); v += 2) {
            LLVMValueRef *value = &f->met[k * f->vectors + v];
            LLVMValueRef ordered = LLVMBuildFCmp(b, LLVMRealORD, value[0], value[v + 1 < f->vectors], "");
            clean = clean ? LLVMBuildAnd(b, clean, ordered, "") : ordered;
        }
    return clean;
}

/* The group's lanes walk down the row, from f->lanes to f->next. A quick walk returns where no value was NaN. */
static LLVMValueRef emit_walk(fold *f, int quick, LLVMBasicBlockRef before, LLVMBasicBlockRef loop, LLVMBasicBlockRef after)
{
    nest *x = &f->nest;
    unsigned n = f->vectors * f->folded;
    LLVMValueRef all = const_int(x->em, 1, 1), clean = NULL, still_clean = NULL;
    start(x, loop);
    LLVMValueRef step = open_counter(x, i64(x, 0), before, "i");
    for (unsigned i = 0; i < n; i++)
        f->sum[i] = phi(x, 1, &f->lanes[i], &before, "sum");
    if (quick)
        clean = phi(x, 1, &all, &before, "clean");
    for (unsigned v = 0; v < f->vectors; v++) {
        x->index = LLVMBuildAdd(x->em->builder, step, emit_lane_index(f, v), "");
        emit_insns(x, PER_ELEMENT);
        for (uint32_t k = 0; k < f->folded; k++) {
            unsigned i = k * f->vectors + v;
            f->met[i] = value_of(f, k);
            f->next[i] = quick ? emit_quick_combination(f, k, f->sum[i]) : emit_both(f, k, f->sum[i], f->met[i]);
        }
        emit_stores(f);
    }
    if (quick)
        still_clean = LLVMBuildAnd(x->em->builder, clean, emit_clean(f), "");
    LLVMBasicBlockRef latch = here(x);
    for (unsigned i = 0; i < n; i++)
        LLVMAddIncoming(f->sum[i], &f->next[i], &latch, 1);
    if (quick)
        LLVMAddIncoming(clean, &still_clean, &latch, 1);
    close_counter(x, step, OP_LANES, x->full, loop, after);
    return still_clean;
}

/* From the group on: the quick loop, and if it has met a NaN, the other one. */
static void emit_quick_walk(fold *f)
{
    nest *x = &f->nest;
    LLVMValueRef clean = emit_walk(f, 1, f->group, f->quick_loop, f->quick_done);
    start(x, f->quick_done);
    LLVMValueRef spoiled = LLVMBuildNot(x->em->builder, clean, "spoiled");
    emit_branch_likely(x->em, emit_none(x->em, spoiled), f->group_done, x->loop);
    memcpy(f->quick_next, f->next, sizeof *f->next * f->vectors * f->folded);
}

/* The groups of whole OP_LANES elements. */
static void emit_groups(fold *f, LLVMBasicBlockRef row)
{
    nest *x = &f->nest;
    unsigned n = f->vectors * f->folded;
    start(x, f->group);
    f->first = open_counter(x, i64(x, 0), row, "lane");
    for (uint32_t k = 0; k < f->folded; k++)
        for (unsigned v = 0; v < f->vectors; v++)
            f->lanes[k * f->vectors + v] = const_identity(f, k);
    LLVMBuildBr(x->em->builder, f->quick ? f->quick_loop : x->loop);
    if (f->quick)
        emit_quick_walk(f);
    emit_walk(f, 0, f->quick ? f->quick_done : f->group, x->loop, f->group_done);

    LLVMBasicBlockRef from[2] = {here(x), f->quick_done};
    start(x, f->group_done);
    for (unsigned i = 0; i < n && f->quick; i++)
        f->next[i] = phi(x, 2, (LLVMValueRef[]){f->next[i], f->quick_next[i]}, from, "");
    for (uint32_t k = 0; k < f->folded; k++)
        for (unsigned v = 0; v < f->vectors; v++)
            emit_store(x->em, output(f, k)->dtype, f->next[k * f->vectors + v], emit_lane_address(f, output(f, k), v));
    close_counter(x, f->first, f->vectors * x->em->width, i64(x, OP_LANES), f->group, f->rest);
}

int emit_fold_nest(emitter *em)
{
    fold f = {.vectors = choose_vectors(em->program, em->width), .folded = op_program_folded(em->program)};
    nest *x = &f.nest;
    unsigned n = f.vectors * f.folded;
    f.lanes = calloc(5 * (size_t)n, sizeof *f.lanes);
    int ok = nest_open(x, em) && f.lanes;
    if (ok) {
        f.sum = f.lanes + n;
        f.next = f.sum + n;
        f.quick_next = f.next + n;
        f.met = f.quick_next + n;
        f.quick = choose_quick(&f);
        f.masks = choose_masks(&f);
        nest_function(x);
        make_blocks(&f);
        start(x, em->entry);
        emit_entry(&f);
        emit_row(&f, here(x));
        LLVMBasicBlockRef row = here(x);
        emit_blank(&f);
        emit_groups(&f, row);
        emit_tail(&f);
        ok = emit_row_end(&f);
        start(x, x->exit);
        LLVMBuildRetVoid(em->builder);
    }
    nest_close(x);
    free(f.lanes);
    return ok;
}
