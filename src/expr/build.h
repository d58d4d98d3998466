/* The builders behind the public ones. */
#ifndef ONEPASS_EXPR_BUILD_H
#define ONEPASS_EXPR_BUILD_H

#include "expr/graph.h"

/* One operation of the table on n operands. graph may be NULL; NULL operands fail. */
op_expr *op_build(op_graph *graph, op_opcode code, int n, op_expr *const *args);
/* The opcode of a name or an alias in ops.def; OP_CODE_NONE if there is none. */
op_opcode op_opcode_from_name(const char *name, size_t length);
/* A constant of any working dtype, `bits` in the low bytes in that dtype. */
op_expr *op_build_const(op_graph *graph, op_dtype dtype, uint64_t bits, int weak);
/* x in another dtype; weak constants are converted as Python's numbers are, with an error if an integer
 * does not fit. saturate: op_cast_sat. */
op_expr *op_build_cast(op_expr *x, op_dtype dtype, int saturate);
op_expr *op_build_operand(op_expr *x, op_dtype dtype, const char *who, int operand);

/* The constant that an operation on constants gives. */
uint64_t op_fold(op_opcode code, op_dtype dtype, int n, const uint64_t *bits);
uint64_t op_fold_cast(op_dtype from, op_dtype to, int saturate, uint64_t bits);
/* Something equal and cheaper than code(args), whose operands are of this dtype; or NULL. */
op_expr *op_simplify(op_opcode code, op_dtype dtype, op_expr *const *args);

enum { OP_MOST_BINS = 1 << 24 }; /* of op_bincount and op_histogram */

/* The builder of "isf" and its kin, op_norm_isf; NULL if there is none of that name. */
typedef op_expr *op_normal_builder(op_expr *x, op_expr *loc, op_expr *scale);
op_normal_builder *op_normal_from_name(const char *name, size_t length);

#endif
