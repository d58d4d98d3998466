/* Blocks of an operand's values, evaluated into cache for reductions and scans. */
#ifndef ONEPASS_RUN_BLOCKS_H
#define ONEPASS_RUN_BLOCKS_H

#include "run/run.h"

static inline int op_is_reduced(const op_stage *stage, int d)
{
    return stage->reduced >> d & 1;
}

/* Byte offset at index `kept` of the kept dimensions and `reduced` of the reduced ones, both in C order;
 * dimensions from `last` on are not counted. */
int64_t op_offset_of(const op_stage *stage, const int64_t *strides, int last, int64_t kept, int64_t reduced);

typedef struct op_evaluation {
    const op_stage *stage;
    const op_code *code;
    const op_kernel_args *base; /* addresses of the first element */
    op_kernel_args *args;       /* the thread's own copy */
    char *memory;               /* one block for each output of the kernel, block_bytes apart */
    int64_t block_bytes;
} op_evaluation;

/* True if every input goes on after n elements of a row with the next row along dimension `dim`. */
int op_rows_are_one(const op_stage *stage, int dim, int64_t n);

/* True if the values of a sequence lie in memory one after another: all that the kernel does is to load them. */
int op_values_are_in_place(const op_stage *stage);

/* Moves every input, and every output that is an array, to an index of the kept and of the reduced dimensions before
 * the last, and to a column. */
void op_place_inputs(const op_evaluation *e, int last, int64_t kept, int64_t reduced, int64_t column);

/* Combines elements to rows of lanes that lie one after another in every block: the leaves of n elements from `column`
 * on of one sequence. Returns 0 if out of memory. */
int op_fold_leaves(const op_evaluation *e, int64_t kept, int64_t column, int64_t n);
/* All arguments for the leaves of n elements but the addresses of arrays. */
void op_begin_leaves(const op_evaluation *e, int64_t n);
/* All arguments but where results go for rows of n <= OP_LEAF elements, the first of which gives result `kept`. */
void op_begin_rows(const op_evaluation *e, int64_t kept, int64_t n);

/* Evaluates `rows` rows of `n` elements from the given place, rows one after another; they become the
 * values from number `at` on of every block. Returns 0 if out of memory. */
int op_evaluate(const op_evaluation *e, int last, int64_t kept, int64_t reduced, int64_t column, int64_t rows,
                int64_t n, int64_t at);

/* Values begin..end-1, in C order, of a stage whose innermost axis is reduced: those of result `kept`. They
 * become the values from number `at` on of every block. */
int op_evaluate_sequence(const op_evaluation *e, int64_t kept, int64_t begin, int64_t end, int64_t at);

#endif
