/* The parts of the nest of a program that folds: fold.c walks down whole rows of lanes, fold_tail.c does what is left. */
#ifndef ONEPASS_JIT_FOLD_H
#define ONEPASS_JIT_FOLD_H

#include "jit/loop.h"
#include "jit/nest.h"

typedef struct fold {
    nest nest;
    unsigned vectors; /* of a group */
    uint32_t folded;  /* outputs; what the program computes for the others is stored */
    LLVMBasicBlockRef group, group_done, rest, tail, tail_pass, tail_done;
    LLVMBasicBlockRef drain; /* NULL if all outputs fold */
    LLVMValueRef is_leaves;  /* OP_KERNEL_LEAVES */
    LLVMValueRef first;      /* lane of this group, or of the tail's vector */
    LLVMValueRef left;       /* elements from the tail's vector on */
    LLVMValueRef is_whole;   /* they fill it */
    LLVMValueRef *sum, *next; /* accumulators, by output, then vector: in the loop; before it and after a step */
} fold;

static inline const operand *output(const fold *f, uint32_t k)
{
    return &f->nest.operand[f->nest.program->n_in + k];
}

static inline int is_stored(const fold *f, const operand *o)
{
    return o >= output(f, f->folded);
}

/* The address of vector v of the group's lanes. */
LLVMValueRef emit_lane_address(fold *f, const operand *o, unsigned v);
/* The value of folding output k, combined with what its lanes have. */
LLVMValueRef emit_combination(fold *f, uint32_t k, LLVMValueRef lanes);
/* Stores what does not fold. */
void emit_stores(fold *f);

/* From f->rest to row_done. */
void emit_tail(fold *f);

#endif
