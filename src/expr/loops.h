/* The op table as C loops over contiguous elements: what the interpreter, the constant folder and the
 * tests run. Bools are bytes 0 and 1 here. */
#ifndef ONEPASS_EXPR_LOOPS_H
#define ONEPASS_EXPR_LOOPS_H

#include <stdint.h>

#include "base/dtype.h"
#include "expr/lanes.h"
#include "expr/opcode.h"
#include "expr/reduce.h"

/* out may be one of in[]. */
typedef void (*op_loop)(void *out, const void *const *in, int64_t n);

/* How elements are combined: each of `lanes` lanes has a state, whose parts lie in arrays of `lanes`. */
typedef struct op_reducer {
    /* Sets the state of every lane from `rows` rows of `lanes` elements at x and `rest` more of a last,
     * shorter row; without elements, to the identity. Element j of row r has position
     * first + r * row_step + j * lane_step in its sequence. */
    void (*leaf)(void *state, int64_t lanes, const void *x, int64_t rows, int64_t rest, int64_t first,
                 int64_t row_step, int64_t lane_step);
    /* left = left and right, for n lanes from at_left and at_right; left comes first in the sequence */
    void (*merge)(void *left, int64_t at_left, const void *right, int64_t at_right, int64_t n, int64_t lanes);
    /* the results of n lanes from `at` */
    void (*finish)(void *out, const void *state, int64_t at, int64_t n, int64_t lanes);
    int state_bytes; /* of a lane; 0: no such reducer */
    /* Of reducers whose state is the value: the results of `rows` rows of n <= OP_LANES lanes at x. */
    void (*lanes)(void *out, const void *x, int64_t rows, int64_t n);
    /* And: the tree over n leaves of OP_LANES lanes, one after another; the first becomes the root. */
    void (*leaves)(void *state, int64_t n);
    /* And the parts of a scan (run/scan.c). Elements from..to-1 of `count` sequences, which begin `apart` elements from
     * one another and go on in steps of `step`: x[i] = x[i - 1] and x[i]. Element from - 1 has been done. */
    void (*scan)(void *x, int64_t count, int64_t apart, int64_t step, int64_t from, int64_t to);
    /* y[i] = carry and x[i]; elements of y lie y_step bytes apart, at any address. */
    void (*carry)(void *y, int64_t y_step, const void *carry, const void *x, int64_t n);
    /* The same for rows of `width` lanes, each with its own carry; y_row bytes from one row of y to the next. */
    void (*carries)(void *y, int64_t y_row, int64_t y_step, const void *carry, const void *x, int64_t rows,
                    int64_t width);
    /* Both steps, row by row: local = local and x; y = carry and local. */
    void (*columns)(void *y, int64_t y_row, int64_t y_step, void *local, const void *carry, const void *x,
                    int64_t rows, int64_t width);
    /* NULL, or leaf and the lanes of a sum of the same values, which has been computed on the way. */
    void (*leaf_and_sum)(void *state, void *sum, int64_t lanes, const void *x, int64_t rows, int64_t rest);
    /* NULL, or the same of two whole leaves of OP_LANES lanes, merged; sum may be NULL. */
    void (*pair_and_sum)(void *state, void *sum, const void *x);
    /* NULL, or: the first of OP_LANES lanes takes n > 0 values, the first of which has position `first`; they come
     * after all that it has taken. For reducers whose result no order changes. */
    void (*take)(void *state, const void *x, int64_t n, int64_t first);
    /* NULL, or the leaf of 1 to OP_LEAF_ROWS rows that begin `row_bytes` from one another, at any address; and the sum,
     * if it is not NULL and there is a leaf_and_sum. */
    void (*rows)(void *state, void *sum, int64_t lanes, const void *x, int64_t row_bytes, int64_t rows);
} op_reducer;

typedef struct op_loops {
    op_loop row[OP_CODE_TABLE_END][OP_DTYPE_END]; /* by the dtype computed in; NULL where not accepted */
    op_loop cast[OP_DTYPE_END][OP_DTYPE_END];     /* from, to */
    op_loop cast_sat[OP_DTYPE_END][OP_DTYPE_END];
    op_reducer reducer[OP_REDUCE_END][OP_DTYPE_END]; /* by the dtype of what is reduced */
} op_loops;

/* The loops compiled for the richest level that this machine runs. All give the same bits. */
const op_loops *op_loops_best(void);

#endif
