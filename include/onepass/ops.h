/* Printed from src/expr/ops.def and reduce.def by tools/print_ops.c: do not edit.
 *
 * The builders of the operations. Operands of one graph, of any shapes that broadcast; dtypes meet by
 * NumPy 2's promotion, and each line says which are accepted (B bool, I signed, U unsigned, F float).
 * Nothing is computed; NULL operands give NULL; errors are kept in the graph. ULP: the largest error
 * of a float result, 0 where it is correctly rounded. Included by onepass.h. */
#ifndef ONEPASS_OPS_H
#define ONEPASS_OPS_H

/* a + b; on bools: or. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_add(op_expr *a, op_expr *b);
/* a - b. Accepts I U F; 0 ULP. */
OP_API op_expr *op_subtract(op_expr *a, op_expr *b);
/* a * b; on bools: and. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_multiply(op_expr *a, op_expr *b);
/* a / b; of integers: in f64. Accepts F; 0 ULP. */
OP_API op_expr *op_divide(op_expr *a, op_expr *b);
/* a / b rounded down; integers: x // 0 is 0, MIN // -1 is MIN. Accepts I U F; 0 ULP. */
OP_API op_expr *op_floor_divide(op_expr *a, op_expr *b);
/* a - b * floor(a / b), with the sign of b; integers: x % 0 is 0. Accepts I U F; 0 ULP. */
OP_API op_expr *op_remainder(op_expr *a, op_expr *b);
/* a - b * trunc(a / b), with the sign of a; integers: fmod(x, 0) is 0. Accepts I U F; 0 ULP. */
OP_API op_expr *op_fmod(op_expr *a, op_expr *b);
/* -a. Accepts I U F; 0 ULP. */
OP_API op_expr *op_negative(op_expr *a);
/* a. Accepts I U F; 0 ULP. */
OP_API op_expr *op_positive(op_expr *a);
/* |a|; MIN stays MIN. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_absolute(op_expr *a);
/* a * a. Accepts I U F; 0 ULP. */
OP_API op_expr *op_square(op_expr *a);
/* 1 / a; of integers: in a float. Accepts F; 0 ULP. */
OP_API op_expr *op_reciprocal(op_expr *a);
/* a * b + c, rounded once. Accepts F; 0 ULP. */
OP_API op_expr *op_fma(op_expr *a, op_expr *b, op_expr *c);
/* -1, 0 or 1; NaN for NaN. Accepts I U F; 0 ULP. */
OP_API op_expr *op_sign(op_expr *a);
/* square root. Accepts F; 0 ULP. */
OP_API op_expr *op_sqrt(op_expr *a);
/* largest integer not above a. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_floor(op_expr *a);
/* smallest integer not below a. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_ceil(op_expr *a);
/* a without its fraction. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_trunc(op_expr *a);
/* nearest integer, ties to even. Accepts F; 0 ULP. */
OP_API op_expr *op_rint(op_expr *a);
/* a < b. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_less(op_expr *a, op_expr *b);
/* a <= b. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_less_equal(op_expr *a, op_expr *b);
/* a > b. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_greater(op_expr *a, op_expr *b);
/* a >= b. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_greater_equal(op_expr *a, op_expr *b);
/* a == b. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_equal(op_expr *a, op_expr *b);
/* a != b; true on NaN. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_not_equal(op_expr *a, op_expr *b);
/* both are non-zero. Accepts B; 0 ULP. */
OP_API op_expr *op_logical_and(op_expr *a, op_expr *b);
/* at least one is non-zero. Accepts B; 0 ULP. */
OP_API op_expr *op_logical_or(op_expr *a, op_expr *b);
/* exactly one is non-zero. Accepts B; 0 ULP. */
OP_API op_expr *op_logical_xor(op_expr *a, op_expr *b);
/* a is zero. Accepts B; 0 ULP. */
OP_API op_expr *op_logical_not(op_expr *a);
/* a & b. Accepts B I U; 0 ULP. */
OP_API op_expr *op_bitwise_and(op_expr *a, op_expr *b);
/* a | b. Accepts B I U; 0 ULP. */
OP_API op_expr *op_bitwise_or(op_expr *a, op_expr *b);
/* a ^ b. Accepts B I U; 0 ULP. */
OP_API op_expr *op_bitwise_xor(op_expr *a, op_expr *b);
/* ~a; on bools: not. Accepts B I U; 0 ULP. */
OP_API op_expr *op_invert(op_expr *a);
/* a << b; 0 for a count that is negative or at least the width. Accepts I U; 0 ULP. */
OP_API op_expr *op_left_shift(op_expr *a, op_expr *b);
/* a >> b; sign fill for a count that is negative or at least the width. Accepts I U; 0 ULP. */
OP_API op_expr *op_right_shift(op_expr *a, op_expr *b);
/* b where a is true, else c. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_where(op_expr *a, op_expr *b, op_expr *c);
/* the larger; NaN if one is NaN. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_maximum(op_expr *a, op_expr *b);
/* the smaller; NaN if one is NaN. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_minimum(op_expr *a, op_expr *b);
/* the larger; the other if one is NaN. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_fmax(op_expr *a, op_expr *b);
/* the smaller; the other if one is NaN. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_fmin(op_expr *a, op_expr *b);
/* a is NaN. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_isnan(op_expr *a);
/* a is an infinity. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_isinf(op_expr *a);
/* a is neither infinite nor NaN. Accepts B I U F; 0 ULP. */
OP_API op_expr *op_isfinite(op_expr *a);
/* the sign bit is set; false for NaN. Accepts F; 0 ULP. */
OP_API op_expr *op_signbit(op_expr *a);
/* a with the sign of b; NaN counts as positive. Accepts F; 0 ULP. */
OP_API op_expr *op_copysign(op_expr *a, op_expr *b);
/* sine, radians. Accepts F; 1 ULP. */
OP_API op_expr *op_sin(op_expr *a);
/* cosine, radians. Accepts F; 1 ULP. */
OP_API op_expr *op_cos(op_expr *a);
/* e to the power a. Accepts F; 1 ULP. */
OP_API op_expr *op_exp(op_expr *a);
/* natural logarithm. Accepts F; 1 ULP. */
OP_API op_expr *op_log(op_expr *a);
OP_API op_expr *op_sub(op_expr *a, op_expr *b); /* op_subtract */
OP_API op_expr *op_mul(op_expr *a, op_expr *b); /* op_multiply */
OP_API op_expr *op_div(op_expr *a, op_expr *b); /* op_divide */
OP_API op_expr *op_true_divide(op_expr *a, op_expr *b); /* op_divide */
OP_API op_expr *op_mod(op_expr *a, op_expr *b); /* op_remainder */
OP_API op_expr *op_neg(op_expr *a); /* op_negative */
OP_API op_expr *op_pos(op_expr *a); /* op_positive */
OP_API op_expr *op_abs(op_expr *a); /* op_absolute */
OP_API op_expr *op_fabs(op_expr *a); /* op_absolute */
OP_API op_expr *op_lt(op_expr *a, op_expr *b); /* op_less */
OP_API op_expr *op_le(op_expr *a, op_expr *b); /* op_less_equal */
OP_API op_expr *op_gt(op_expr *a, op_expr *b); /* op_greater */
OP_API op_expr *op_ge(op_expr *a, op_expr *b); /* op_greater_equal */
OP_API op_expr *op_eq(op_expr *a, op_expr *b); /* op_equal */
OP_API op_expr *op_ne(op_expr *a, op_expr *b); /* op_not_equal */
OP_API op_expr *op_bitwise_not(op_expr *a); /* op_invert */
OP_API op_expr *op_shl(op_expr *a, op_expr *b); /* op_left_shift */
OP_API op_expr *op_shr(op_expr *a, op_expr *b); /* op_right_shift */
OP_API op_expr *op_fix(op_expr *a); /* op_trunc */
OP_API op_expr *op_round(op_expr *a); /* op_rint */

/* Reductions: they combine in an order fixed by the shape alone, so that the result does not depend on
 * threads or vectors. flags: OP_KEEPDIMS. options may be NULL. */
/* sum of the elements. */
OP_API op_expr *op_sum(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_sum_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* product of the elements. */
OP_API op_expr *op_prod(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_prod_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* largest element; NaN if one is NaN. */
OP_API op_expr *op_max(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_max_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* smallest element; NaN if one is NaN. */
OP_API op_expr *op_min(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_min_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* true if an element is not zero. */
OP_API op_expr *op_any(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_any_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* true if no element is zero. */
OP_API op_expr *op_all(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_all_opt(op_expr *x, op_axes axes, const op_reduce_options *options);

#endif
