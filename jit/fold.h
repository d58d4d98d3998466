/* The parts of the nest of a program that folds: fold.c walks down whole rows of lanes, fold_tail.c does what is left,
 * fold_result.c ends a row. */
#ifndef ONEPASS_JIT_FOLD_H
#define ONEPASS_JIT_FOLD_H

#include "jit/loop.h"
#include "jit/nest.h"

typedef struct fold {
    nest nest;
    unsigned vectors; /* of a group */
    uint32_t folded;  /* outputs; what the program computes for the others is stored */
    int quick;        /* there is a quick loop */
    int masks;        /* what is left of a row is masked, not copied to buffers */
    LLVMBasicBlockRef blank, group, quick_loop, quick_done, group_done, rest, tail, tail_pass, tail_done;
    LLVMBasicBlockRef drain; /* NULL if nothing is stored from a buffer */
    LLVMBasicBlockRef result, join, store, next_row;
    LLVMValueRef is_leaves, has_results; /* OP_KERNEL_LEAVES, OP_KERNEL_RESULTS */
    LLVMValueRef first;      /* lane of this group, or of the tail's vector */
    LLVMValueRef left;       /* elements from the tail's vector on */
    LLVMValueRef is_whole;   /* they fill it */
    LLVMValueRef *lanes, *sum, *next; /* by output, then vector: before a loop, in it, and after a step of it */
    LLVMValueRef *quick_next;         /* after the quick loop */
    LLVMValueRef *met;                /* the values of this step */
} fold;

static inline const operand *output(const fold *f, uint32_t k)
{
    return &f->nest.operand[f->nest.program->n_in + k];
}

static inline op_opcode combination(const fold *f, uint32_t k)
{
    return (op_opcode)f->nest.program->operand[f->nest.program->n_in + k].fold;
}

/* What folding output k combines with its lanes. */
static inline LLVMValueRef value_of(const fold *f, uint32_t k)
{
    return f->nest.value[f->nest.program->store[k]];
}

/* Is output k max or min of floats, which a NaN wins? */
static inline int is_extreme(const fold *f, uint32_t k)
{
    return is_float(output(f, k)->dtype) && op_combines_new_first(combination(f, k));
}

static inline int is_stored(const fold *f, const operand *o)
{
    return o >= output(f, f->folded);
}

/* Is it an array of elements, and not of results or one value for the row? */
static inline int is_walked(const fold *f, const operand *o)
{
    return o->access != OP_BROADCAST && (is_input(&f->nest, o) || is_stored(f, o));
}

/* The address of vector v of the group's lanes. */
LLVMValueRef emit_lane_address(fold *f, const operand *o, unsigned v);
/* What output k combines of two vectors, the first of which comes before the other one. */
LLVMValueRef emit_both(fold *f, uint32_t k, LLVMValueRef before, LLVMValueRef value);
/* What leaves the lanes of output k as they are. */
LLVMValueRef const_identity(const fold *f, uint32_t k);
/* Stores what does not fold. */
void emit_stores(fold *f);

/* From f->rest to row_done. */
void emit_tail(fold *f);
/* From row_done to the next row, or to the exit. Returns 0 if memory ran out. */
int emit_row_end(fold *f);

#endif
