/* The type check: what an operation computes in, and what comes out. */
#ifndef ONEPASS_EXPR_CHECK_H
#define ONEPASS_EXPR_CHECK_H

#include "expr/graph.h"

typedef struct op_typing {
    op_dtype operand[3]; /* to which each operand is converted */
    op_dtype dtype;      /* that the loop computes in */
    op_dtype result;
    int weak;            /* the result is a weak scalar */
    int beyond[3];       /* comparisons: the operand is a number above (1) or below (-1) all of the others' dtype */
    int ndim;
    int64_t shape[OP_MAX_NDIM];
} op_typing;

/* NumPy 2's rules for one operation on args[0..arity-1]. Returns 0 after recording the graph's error. */
int op_check(op_graph *graph, op_opcode code, op_expr *const *args, op_typing *typing);

/* The dtype that several operands meet in, weak scalars included; 0 after an error. */
op_dtype op_common_dtype(op_graph *graph, const char *who, int n, op_expr *const *args, int *weak);

/* Extends shape by one more operand's; 0 if they do not broadcast. An extent of -1 is open. */
int op_broadcast_shape(int *ndim, int64_t *shape, int other_ndim, const int64_t *other);

/* Whether a shape broadcasts to another one; open extents may. */
int op_broadcasts_to(int ndim, const int64_t *shape, int to_ndim, const int64_t *to);

#endif
