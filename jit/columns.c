/* The nest of a program that carries: what its outputs are in one row, its last inputs are in the next. Columns
 * are handled in groups of a few vectors, whose states stay in registers while a group walks down all rows: first
 * as many vectors at once as registers allow, then single ones. The last vector begins W columns before the
 * end; those that have been done keep their states. Fewer than W columns at all are copied into buffers, row by row.
 *
 *   entry      scalars, addresses, strides; nothing to do: exit
 *   work       few columns: to rest
 *   wide       the next few vectors of columns: their states
 *   wide.row   one row of them: loads, the program
 *   wide.done  states go back to memory
 *   rest       no columns left: exit
 *   some.rest  fewer than W columns at all: to short
 *   short      buffers are zero, so that no lane computes on garbage,
 *   short.next and hold the states
 *   one        the next vector, or the last one
 *   one.row    one row of it; a short one goes to fill
 *   fill       copies an element of each input
 *   one.loads  loads, the program
 *   one.done   states go back to memory; to the next vector
 *   one.end    short: to drain
 *   drain      states come back from the buffers
 *   exit */
#include <stdlib.h>

#include "jit/loop.h"
#include "jit/nest.h"

enum {
    GROUP_BITS = 2048,     /* four cache lines of a row at a time, while the registers are enough: */
    MOST_ACCUMULATORS = 8, /* vectors of states */
    MOST_INSNS = 48,       /* emitted for the vectors of a group, if they are more than one */
};

/* One of the two loops over columns. */
typedef struct walk {
    unsigned vectors;
    LLVMBasicBlockRef group, row, loads, done;
    LLVMValueRef first; /* column of this group */
    LLVMValueRef *before, *state, *next; /* by output, then vector: before the rows, in one, after it */
} walk;

/* An input on its way down the rows of a group. */
typedef struct path {
    LLVMValueRef first, step, next;
} path;

typedef struct columns {
    nest nest;
    walk wide, one;
    path *path;           /* by input that is no state */
    uint32_t n_path;
    LLVMBasicBlockRef work, rest, some_rest, shorts, short_next, one_end, drain;
    LLVMValueRef is_short;
    LLVMValueRef skip; /* of a single vector: lanes that are done already */
} columns;

static operand *output(nest *x, uint32_t k)
{
    return &x->operand[x->program->n_in + k];
}

static operand *state(nest *x, uint32_t k)
{
    return &x->operand[x->program->n_in - x->program->n_out + k];
}

/* Vectors that are worked on at once: a power of two, fewer if the program is large. */
static unsigned choose_vectors(const op_program *program, const op_isa_row *isa)
{
    unsigned vectors = GROUP_BITS / (unsigned)isa->vector_bits;
    while (vectors > 1 && (vectors * program->n_out > MOST_ACCUMULATORS || vectors * program->n_insn > MOST_INSNS))
        vectors /= 2;
    return vectors;
}

static void make_blocks(columns *f)
{
    nest *x = &f->nest;
    f->work = emit_block(x->em, "work");
    if (f->wide.vectors > 1) {
        f->wide.group = emit_block(x->em, "wide");
        f->wide.row = f->wide.loads = emit_block(x->em, "wide.row");
        f->wide.done = emit_block(x->em, "wide.done");
    }
    f->rest = emit_block(x->em, "rest");
    f->some_rest = emit_block(x->em, "some.rest");
    f->shorts = emit_block(x->em, "short");
    f->short_next = emit_block(x->em, "short.next");
    f->one.group = emit_block(x->em, "one");
    f->one.row = emit_block(x->em, "one.row");
    x->fill = emit_block(x->em, "fill");
    f->one.loads = emit_block(x->em, "one.loads");
    f->one.done = emit_block(x->em, "one.done");
    f->one_end = emit_block(x->em, "one.end");
    f->drain = emit_block(x->em, "drain");
    x->exit = emit_block(x->em, "exit");
}

static void emit_buffer(columns *f, operand *o)
{
    char name[NAME_MAX_BYTES];
    if (is_input(&f->nest, o) && o->access != OP_BROADCAST)
        o->buffer = emit_alloca(f->nest.em, type_vector(f->nest.em, type_memory(f->nest.em, o->dtype)),
                                name_of(name, o->name, ".buffer"));
}

static void emit_entry(columns *f)
{
    nest *x = &f->nest;
    emitter *em = x->em;
    LLVMBuilderRef b = em->builder;
    for (uint32_t i = 0; i < x->n_operand; i++) {
        operand *o = &x->operand[i];
        emit_operand_fields(x, o);
        emit_buffer(f, o);
        if (i < f->n_path)
            o->row_stride =
                emit_field(em, type_int(em, 64), em->args, o->offset + offsetof(op_operand, row_stride), "row_stride");
    }
    emit_insns(x, PER_RUN);
    x->n = emit_field(em, type_int(em, 64), em->args, offsetof(op_kernel_args, n), "n");
    uint64_t wide = f->wide.vectors > 1 ? f->wide.vectors * em->width : 0;
    x->full = LLVMBuildAnd(b, x->n, i64(x, -wide), "full");
    f->is_short = LLVMBuildICmp(b, LLVMIntSLT, x->n, i64(x, em->width), "is.short");
    x->limit = LLVMBuildSelect(b, f->is_short, i64(x, em->width), x->n, "limit");
    LLVMValueRef some = LLVMBuildICmp(b, LLVMIntSLT, x->begin, x->end, "");
    some = LLVMBuildAnd(b, some, LLVMBuildICmp(b, LLVMIntSGT, x->n, i64(x, 0), ""), "some");
    LLVMBuildCondBr(b, some, f->work, x->exit);
    start(x, f->work);
    if (wide)
        emit_branch_likely(em, LLVMBuildICmp(b, LLVMIntNE, x->full, i64(x, 0), ""), f->wide.group, f->rest);
    else
        LLVMBuildBr(b, f->rest);
}

/* `at` elements into an operand that begins at `from`. */
static LLVMValueRef emit_columns_on(nest *x, const operand *o, LLVMValueRef from, LLVMValueRef at)
{
    LLVMBuilderRef b = x->em->builder;
    if (o->access == OP_CONTIGUOUS)
        return LLVMBuildGEP2(b, type_memory(x->em, o->dtype), from, &at, 1, "");
    return emit_advance(x->em, from, LLVMBuildMul(b, at, o->stride, ""), "");
}

/* What a short row has in its buffers, others have in memory. */
static LLVMValueRef emit_if_short(columns *f, const walk *w, LLVMValueRef yes, LLVMValueRef no)
{
    return w == &f->one ? LLVMBuildSelect(f->nest.em->builder, f->is_short, yes, no, "") : no;
}

static LLVMValueRef emit_state_address(columns *f, const walk *w, uint32_t k, const operand *of, unsigned v)
{
    nest *x = &f->nest;
    LLVMValueRef from = emit_if_short(f, w, state(x, k)->buffer, of->data);
    return emit_columns_on(x, of, from, LLVMBuildAdd(x->em->builder, w->first, i64(x, v * x->em->width), ""));
}

/* Where an input begins in the first row of a group, and the bytes to the next row. */
static void emit_first_row(columns *f, const walk *w, operand *o, path *p)
{
    nest *x = &f->nest;
    p->first = emit_advance(x->em, o->data, LLVMBuildMul(x->em->builder, x->begin, o->row_stride, ""), "");
    p->step = o->row_stride;
    if (o->access == OP_BROADCAST)
        return;
    p->first = emit_if_short(f, w, o->buffer, emit_columns_on(x, o, p->first, w->first));
    p->step = emit_if_short(f, w, i64(x, 0), p->step);
    if (o->access == OP_STRIDED)
        o->step = emit_if_short(f, w, i64(x, op_dtypes[o->dtype].size), o->stride);
}

static void emit_states_before(columns *f, walk *w)
{
    nest *x = &f->nest;
    for (uint32_t k = 0; k < x->program->n_out; k++)
        for (unsigned v = 0; v < w->vectors; v++)
            w->before[k * w->vectors + v] =
                emit_load(x->em, state(x, k)->dtype, emit_state_address(f, w, k, state(x, k), v));
}

/* Lanes that do not count stay as they are; counts == NULL: all do. */
static void emit_states_after(columns *f, const walk *w, LLVMValueRef counts)
{
    nest *x = &f->nest;
    for (uint32_t k = 0; k < x->program->n_out; k++)
        for (unsigned v = 0; v < w->vectors; v++) {
            op_dtype dtype = output(x, k)->dtype;
            LLVMValueRef to = emit_state_address(f, w, k, output(x, k), v), after = w->next[k * w->vectors + v];
            if (counts)
                after = emit_select(x->em, counts, after, emit_load(x->em, dtype, to));
            emit_store(x->em, dtype, after, to);
        }
}

/* An element of each input goes into its buffer, until all of a short row are there. */
static void emit_fill(columns *f)
{
    nest *x = &f->nest;
    start(x, x->fill);
    LLVMValueRef k = open_counter(x, i64(x, 0), f->one.row, "k");
    for (uint32_t i = 0; i < f->n_path; i++) {
        operand *o = &x->operand[i];
        if (o->access == OP_BROADCAST)
            continue;
        o->row = emit_row_address(x, o);
        emit_copy(x, o, emit_element_address(x, o, k, ""), emit_buffer_address(x, o, k));
    }
    close_counter(x, k, 1, x->n, x->fill, f->one.loads);
}

/* The program, for every vector of the group. */
static void emit_program(columns *f, walk *w)
{
    nest *x = &f->nest;
    for (uint32_t i = 0; i < f->n_path; i++)
        x->operand[i].row = x->operand[i].base;
    emit_insns(x, PER_ROW);
    for (unsigned v = 0; v < w->vectors; v++) {
        x->index = i64(x, v * x->em->width);
        for (uint32_t k = 0; k < x->program->n_out; k++)
            state(x, k)->held = w->state[k * w->vectors + v];
        emit_insns(x, PER_ELEMENT);
        for (uint32_t k = 0; k < x->program->n_out; k++)
            w->next[k * w->vectors + v] = x->value[x->program->store[k]];
    }
}

/* From what the group's states are before the rows to what they are after them. */
static void emit_rows(columns *f, walk *w)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    unsigned n = w->vectors * x->program->n_out;
    emit_states_before(f, w);
    for (uint32_t i = 0; i < f->n_path; i++)
        emit_first_row(f, w, &x->operand[i], &f->path[i]);
    LLVMBuildBr(b, w->row);
    start(x, w->row);
    x->row_index = open_counter(x, x->begin, w->group, "r");
    for (unsigned i = 0; i < n; i++)
        w->state[i] = phi(x, 1, &w->before[i], &w->group, "state");
    for (uint32_t i = 0; i < f->n_path; i++)
        x->operand[i].base = phi(x, 1, &f->path[i].first, &w->group, "at");
    for (uint32_t i = 0; i < f->n_path; i++)
        f->path[i].next = emit_advance(x->em, x->operand[i].base, f->path[i].step, "");
    if (w->loads != w->row) {
        LLVMBuildCondBr(b, f->is_short, x->fill, w->loads);
        emit_fill(f);
        start(x, w->loads);
    }
    emit_program(f, w);
    LLVMBasicBlockRef latch = here(x);
    for (unsigned i = 0; i < n; i++)
        LLVMAddIncoming(w->state[i], &w->next[i], &latch, 1);
    for (uint32_t i = 0; i < f->n_path; i++)
        LLVMAddIncoming(x->operand[i].base, &f->path[i].next, &latch, 1);
    close_counter(x, x->row_index, 1, x->end, w->row, w->done);
}

static void emit_wide(columns *f)
{
    nest *x = &f->nest;
    walk *w = &f->wide;
    start(x, w->group);
    w->first = open_counter(x, i64(x, 0), f->work, "j");
    emit_rows(f, w);
    start(x, w->done);
    emit_states_after(f, w, NULL);
    close_counter(x, w->first, w->vectors * x->em->width, x->full, w->group, f->rest);
}

static void emit_rest(columns *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    start(x, f->rest);
    LLVMValueRef some = LLVMBuildICmp(b, LLVMIntSLT, x->full, x->n, "some");
    LLVMBuildCondBr(b, some, f->some_rest, x->exit);
    start(x, f->some_rest);
    LLVMBuildCondBr(b, f->is_short, f->shorts, f->one.group);
}

/* Buffers of zeros, so that no lane computes on garbage, and the states in them. */
static void emit_short(columns *f)
{
    nest *x = &f->nest;
    start(x, f->shorts);
    for (uint32_t i = 0; i < x->program->n_in; i++) {
        operand *o = &x->operand[i];
        if (o->access != OP_BROADCAST)
            emit_store_aligned(x->em, LLVMConstNull(type_vector(x->em, type_memory(x->em, o->dtype))), o->buffer);
    }
    LLVMBuildBr(x->em->builder, f->short_next);
    start(x, f->short_next);
    LLVMValueRef k = open_counter(x, i64(x, 0), f->shorts, "k");
    for (uint32_t i = 0; i < x->program->n_out; i++) {
        operand *o = state(x, i);
        emit_copy(x, o, emit_columns_on(x, o, o->data, k), emit_buffer_address(x, o, k));
    }
    close_counter(x, k, 1, x->n, f->short_next, f->one.group);
}

/* Lanes of the last vector that are not done yet. */
static LLVMValueRef emit_counts(columns *f)
{
    emitter *em = f->nest.em;
    return LLVMBuildNot(em->builder, emit_first_lanes(em, f->skip), "counts");
}

static void emit_one(columns *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    walk *w = &f->one;
    start(x, w->group);
    LLVMValueRef column = phi(x, 2, (LLVMValueRef[]){x->full, x->full},
                              (LLVMBasicBlockRef[]){f->some_rest, f->short_next}, "column");
    LLVMValueRef last = LLVMBuildSub(b, x->limit, i64(x, x->em->width), "last");
    w->first = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntSLT, column, last, ""), column, last, "j");
    f->skip = LLVMBuildSub(b, column, w->first, "skip");
    emit_rows(f, w);
    start(x, w->done);
    emit_states_after(f, w, emit_counts(f));
    close_counter(x, column, x->em->width, x->limit, w->group, f->one_end);
    start(x, f->one_end);
    LLVMBuildCondBr(b, f->is_short, f->drain, x->exit);
}

static void emit_drain(columns *f)
{
    nest *x = &f->nest;
    start(x, f->drain);
    LLVMValueRef k = open_counter(x, i64(x, 0), f->one_end, "k");
    for (uint32_t i = 0; i < x->program->n_out; i++)
        emit_copy(x, state(x, i), emit_buffer_address(x, state(x, i), k),
                  emit_columns_on(x, output(x, i), output(x, i)->data, k));
    close_counter(x, k, 1, x->n, f->drain, x->exit);
}

/* Room for the values of a walk. */
static int open_walk(walk *w, unsigned vectors, uint32_t n_out)
{
    size_t n = vectors * (size_t)n_out;
    w->vectors = vectors;
    w->before = calloc(3 * n + 1, sizeof *w->before);
    if (!w->before)
        return 0;
    w->state = w->before + n;
    w->next = w->state + n;
    return 1;
}

int emit_columns_nest(emitter *em)
{
    const op_program *program = em->program;
    columns f = {.n_path = program->n_in - program->n_out};
    nest *x = &f.nest;
    int ok = nest_open(x, em);
    f.path = calloc(f.n_path + 1, sizeof *f.path);
    ok = f.path && open_walk(&f.wide, choose_vectors(program, em->isa), program->n_out) && ok;
    ok = open_walk(&f.one, 1, program->n_out) && ok;
    if (ok) {
        nest_function(x);
        make_blocks(&f);
        start(x, em->entry);
        emit_entry(&f);
        if (f.wide.vectors > 1)
            emit_wide(&f);
        emit_rest(&f);
        emit_short(&f);
        emit_one(&f);
        emit_drain(&f);
        start(x, x->exit);
        LLVMBuildRetVoid(em->builder);
    }
    nest_close(x);
    free(f.path);
    free(f.wide.before);
    free(f.one.before);
    return ok;
}
