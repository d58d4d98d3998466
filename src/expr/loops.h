/* The op table as C loops over contiguous elements: what the interpreter, the constant folder and the
 * tests run. Bools are bytes 0 and 1 here. */
#ifndef ONEPASS_EXPR_LOOPS_H
#define ONEPASS_EXPR_LOOPS_H

#include <stdint.h>

#include "base/dtype.h"
#include "expr/opcode.h"
#include "expr/reduce.h"

enum { OP_LANES = 32 }; /* virtual lanes of a reduction along the innermost axis */

/* out may be one of in[]. */
typedef void (*op_loop)(void *out, const void *const *in, int64_t n);

/* acc[j] = combine(acc[j], x[r * width + j]) for r = 0..rows-1 in turn, j = 0..width-1. */
typedef void (*op_fold_loop)(void *acc, const void *x, int64_t rows, int64_t width);

typedef struct op_loops {
    op_loop row[OP_CODE_TABLE_END][OP_DTYPE_END]; /* by the dtype computed in; NULL where not accepted */
    op_loop cast[OP_DTYPE_END][OP_DTYPE_END];     /* from, to */
    op_loop cast_sat[OP_DTYPE_END][OP_DTYPE_END];
    op_fold_loop fold[OP_REDUCE_END][OP_DTYPE_END]; /* by the accumulator's dtype; NULL where not accepted */
    op_loop identity[OP_REDUCE_END][OP_DTYPE_END];  /* fills out; in is not used */
} op_loops;

/* The loops compiled for the richest level that this machine runs. All give the same bits. */
const op_loops *op_loops_best(void);

#endif
