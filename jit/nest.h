/* What the loop nests have in common: operands, the program's code, addresses, counters. loop.c stores what
 * the program computes, fold.c combines and stores it, columns.c hands it on to the next row. */
#ifndef ONEPASS_JIT_NEST_H
#define ONEPASS_JIT_NEST_H

#include "jit/emit.h"
#include "jit/names.h"

/* When an instruction is computed: as rarely as its operands allow. */
enum { PER_RUN, PER_ROW, PER_ELEMENT };

typedef struct operand {
    op_dtype dtype;
    op_access access;
    uint64_t offset;                   /* of its op_operand in op_kernel_args */
    char name[NAME_MAX_BYTES];
    int is_ahead;
    LLVMValueRef data, stride, ahead, far_ahead; /* as in op_operand */
    LLVMValueRef row;                  /* the first element of this row */
    LLVMValueRef buffer;               /* on the stack, for what does not fill a vector */
    LLVMValueRef base, step;           /* where this pass starts; bytes between elements */
    /* of fold.c alone */
    LLVMValueRef in_row;               /* the tail's vector */
    LLVMValueRef lanes;                /* of outputs that fold: room on the stack for those of two rows */
    LLVMValueRef result;               /* where the row's result goes, if it has one */
    /* of columns.c alone */
    LLVMValueRef row_stride;
    LLVMValueRef held;                 /* of a state: what it is now; it is not in memory */
} operand;

typedef struct nest {
    emitter *em;
    const op_program *program;
    operand *operand;
    uint32_t n_operand;
    LLVMValueRef *value; /* of each instruction */
    uint8_t *depth;      /* PER_... of each instruction */
    LLVMBasicBlockRef row, loop, fill, fill_next, row_done, exit;
    LLVMValueRef begin, end, row_index;
    LLVMValueRef n;           /* elements of a row */
    LLVMValueRef full, rest;  /* n rounded down to a whole number of steps, and what is left */
    LLVMValueRef limit;       /* of this pass: its elements */
    LLVMValueRef index;       /* of the vector in this pass */
    LLVMValueRef mask;        /* its lanes that are elements, if loads are masked; else NULL */
    /* of loop.c alone */
    LLVMBasicBlockRef pass, special, stream, blend, store, next, done, left_over, last, drain;
    LLVMValueRef left;        /* elements that this pass leaves */
    LLVMValueRef may_stream;  /* the caller wants stores past the caches; NULL without contiguous outputs */
    LLVMValueRef is_short, is_special, is_stream;
    int has_stream;
} nest;

/* ---- Small words ---- */

static inline LLVMValueRef i64(nest *x, uint64_t value)
{
    return const_index(x->em, value);
}

static inline LLVMValueRef phi(nest *x, unsigned n, LLVMValueRef *value, LLVMBasicBlockRef *from, const char *name)
{
    LLVMValueRef result = LLVMBuildPhi(x->em->builder, LLVMTypeOf(value[0]), name);
    LLVMAddIncoming(result, value, from, n);
    return result;
}

/* A counter that starts from `first`; close_counter gives its next value. */
static inline LLVMValueRef open_counter(nest *x, LLVMValueRef first, LLVMBasicBlockRef from, const char *name)
{
    return phi(x, 1, &first, &from, name);
}

/* Adds step and goes round while that is below the limit. */
static inline void close_counter(nest *x, LLVMValueRef counter, uint64_t step, LLVMValueRef limit,
                                 LLVMBasicBlockRef loop, LLVMBasicBlockRef after)
{
    LLVMBuilderRef b = x->em->builder;
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(b);
    LLVMValueRef next = LLVMBuildAdd(b, counter, i64(x, step), "");
    LLVMAddIncoming(counter, &next, &latch, 1);
    LLVMValueRef more = LLVMBuildICmp(b, LLVMIntSLT, next, limit, "more");
    emit_branch_likely(x->em, more, loop, after);
}

static inline void start(nest *x, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(x->em->builder, block);
}

static inline LLVMBasicBlockRef here(nest *x)
{
    return LLVMGetInsertBlock(x->em->builder);
}

static inline int is_input(const nest *x, const operand *o)
{
    return o < x->operand + x->program->n_in;
}

/* ---- The program ---- */

/* Everything that is known before the first instruction. Returns 0 if memory ran out; close in any case. */
int nest_open(nest *x, emitter *em);
void nest_close(nest *x);
/* The function, with an empty entry block. */
void nest_function(nest *x);

/* Appends the instructions of a depth, and keeps their values. */
void emit_insns(nest *x, int depth);

/* ---- Operands ---- */

/* Loads data and stride. */
void emit_operand_fields(nest *x, operand *o);
/* The first element of the row: begin elements into it (rank 1), or that many rows down. */
LLVMValueRef emit_row_address(nest *x, const operand *o);
/* The k-th element of the row. */
LLVMValueRef emit_element_address(nest *x, const operand *o, LLVMValueRef k, const char *name);
/* The first element of this step. */
LLVMValueRef emit_address(nest *x, const operand *o);
/* Fetches what is ahead of a vector: into the nearest cache, and what is farther into the next one, so that the
 * nearest has not to wait for memory when its turn comes. */
void emit_fetch_ahead(nest *x, const operand *o, LLVMValueRef address);

/* ---- Buffers ---- */

LLVMValueRef emit_buffer_address(nest *x, const operand *o, LLVMValueRef k);
/* An element as an integer, which keeps every bit on its way. */
LLVMValueRef emit_take(nest *x, const operand *o, LLVMValueRef from);
void emit_copy(nest *x, const operand *o, LLVMValueRef from, LLVMValueRef to);

#endif
