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
/* |a|; of integers: in a float. Accepts F; 0 ULP. */
OP_API op_expr *op_fabs(op_expr *a);
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
/* nearest integer, ties to even; integers stay. Accepts I U F; 0 ULP. */
OP_API op_expr *op_round(op_expr *a);
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
/* tangent, radians. Accepts F; 1 ULP. */
OP_API op_expr *op_tan(op_expr *a);
/* sin(pi * a). Accepts F; 1 ULP. */
OP_API op_expr *op_sinpi(op_expr *a);
/* cos(pi * a). Accepts F; 1 ULP. */
OP_API op_expr *op_cospi(op_expr *a);
/* tan(pi * a). Accepts F; 1 ULP. */
OP_API op_expr *op_tanpi(op_expr *a);
/* inverse sine. Accepts F; 1 ULP. */
OP_API op_expr *op_arcsin(op_expr *a);
/* inverse cosine. Accepts F; 1 ULP. */
OP_API op_expr *op_arccos(op_expr *a);
/* inverse tangent. Accepts F; 1 ULP. */
OP_API op_expr *op_arctan(op_expr *a);
/* angle of the point (b, a). Accepts F; 1 ULP. */
OP_API op_expr *op_arctan2(op_expr *a, op_expr *b);
/* e to the power a. Accepts F; 1 ULP. */
OP_API op_expr *op_exp(op_expr *a);
/* 2 to the power a. Accepts F; 1 ULP. */
OP_API op_expr *op_exp2(op_expr *a);
/* 10 to the power a. Accepts F; 1 ULP. */
OP_API op_expr *op_exp10(op_expr *a);
/* exp(a) - 1, accurate near 0. Accepts F; 1 ULP. */
OP_API op_expr *op_expm1(op_expr *a);
/* natural logarithm. Accepts F; 1 ULP. */
OP_API op_expr *op_log(op_expr *a);
/* logarithm to the base 2. Accepts F; 1 ULP. */
OP_API op_expr *op_log2(op_expr *a);
/* logarithm to the base 10. Accepts F; 1 ULP. */
OP_API op_expr *op_log10(op_expr *a);
/* log(1 + a), accurate near 0. Accepts F; 1 ULP. */
OP_API op_expr *op_log1p(op_expr *a);
/* hyperbolic sine. Accepts F; 1 ULP. */
OP_API op_expr *op_sinh(op_expr *a);
/* hyperbolic cosine. Accepts F; 1 ULP. */
OP_API op_expr *op_cosh(op_expr *a);
/* hyperbolic tangent. Accepts F; 1 ULP. */
OP_API op_expr *op_tanh(op_expr *a);
/* inverse hyperbolic sine. Accepts F; 1 ULP. */
OP_API op_expr *op_arcsinh(op_expr *a);
/* inverse hyperbolic cosine. Accepts F; 1 ULP. */
OP_API op_expr *op_arccosh(op_expr *a);
/* inverse hyperbolic tangent. Accepts F; 1 ULP. */
OP_API op_expr *op_arctanh(op_expr *a);
/* sqrt(a * a + b * b) without overflow. Accepts F; 1 ULP. */
OP_API op_expr *op_hypot(op_expr *a, op_expr *b);
/* cube root. Accepts F; 1 ULP. */
OP_API op_expr *op_cbrt(op_expr *a);
/* 1 / sqrt(a). Accepts F; 1 ULP. */
OP_API op_expr *op_rsqrt(op_expr *a);
/* log(exp(a) + exp(b)) without overflow. Accepts F; 1 ULP. */
OP_API op_expr *op_logaddexp(op_expr *a, op_expr *b);
/* log2(2**a + 2**b) without overflow. Accepts F; 1 ULP. */
OP_API op_expr *op_logaddexp2(op_expr *a, op_expr *b);
/* 1 / (1 + exp(-a)). Accepts F; 1 ULP. */
OP_API op_expr *op_expit(op_expr *a);
/* log(1 + exp(a)) without overflow. Accepts F; 1 ULP. */
OP_API op_expr *op_softplus(op_expr *a);
/* a to the power b; integers: wraps, and a negative b gives 1 / a rounded to zero. Accepts I U F; 1 ULP. */
OP_API op_expr *op_power(op_expr *a, op_expr *b);
/* error function. Accepts F; 1 ULP. */
OP_API op_expr *op_erf(op_expr *a);
/* 1 - erf(a), accurate in the tail. Accepts F; 1.5 ULP. */
OP_API op_expr *op_erfc(op_expr *a);
/* exp(a * a) * erfc(a). Accepts F; 2 ULP. */
OP_API op_expr *op_erfcx(op_expr *a);
/* inverse of erf. Accepts F; 2 ULP. */
OP_API op_expr *op_erfinv(op_expr *a);
/* inverse of erfc, for a from 0 to 2. Accepts F; 2 ULP. */
OP_API op_expr *op_erfcinv(op_expr *a);
/* standard normal distribution: the area left of a. Accepts F; 2 ULP. */
OP_API op_expr *op_ndtr(op_expr *a);
/* inverse of ndtr: standard normal quantile. Accepts F; 2 ULP. */
OP_API op_expr *op_ndtri(op_expr *a);
/* log(ndtr(a)), accurate in both tails. Accepts F; 2 ULP. */
OP_API op_expr *op_log_ndtr(op_expr *a);
/* standard normal density. Accepts F; 2 ULP. */
OP_API op_expr *op_normal_density(op_expr *a);
/* logarithm of the standard normal density. Accepts F; 2 ULP. */
OP_API op_expr *op_log_normal_density(op_expr *a);
OP_API op_expr *op_sub(op_expr *a, op_expr *b); /* op_subtract */
OP_API op_expr *op_mul(op_expr *a, op_expr *b); /* op_multiply */
OP_API op_expr *op_div(op_expr *a, op_expr *b); /* op_divide */
OP_API op_expr *op_true_divide(op_expr *a, op_expr *b); /* op_divide */
OP_API op_expr *op_mod(op_expr *a, op_expr *b); /* op_remainder */
OP_API op_expr *op_neg(op_expr *a); /* op_negative */
OP_API op_expr *op_pos(op_expr *a); /* op_positive */
OP_API op_expr *op_abs(op_expr *a); /* op_absolute */
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
OP_API op_expr *op_pow(op_expr *a, op_expr *b); /* op_power */
OP_API op_expr *op_asin(op_expr *a); /* op_arcsin */
OP_API op_expr *op_acos(op_expr *a); /* op_arccos */
OP_API op_expr *op_atan(op_expr *a); /* op_arctan */
OP_API op_expr *op_atan2(op_expr *a, op_expr *b); /* op_arctan2 */
OP_API op_expr *op_asinh(op_expr *a); /* op_arcsinh */
OP_API op_expr *op_acosh(op_expr *a); /* op_arccosh */
OP_API op_expr *op_atanh(op_expr *a); /* op_arctanh */

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
/* largest element that is not NaN. */
OP_API op_expr *op_nanmax(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_nanmax_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* smallest element that is not NaN. */
OP_API op_expr *op_nanmin(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_nanmin_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* true if an element is not zero. */
OP_API op_expr *op_any(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_any_opt(op_expr *x, op_axes axes, const op_reduce_options *options);
/* true if no element is zero. */
OP_API op_expr *op_all(op_expr *x, op_axes axes, int flags);
OP_API op_expr *op_all_opt(op_expr *x, op_axes axes, const op_reduce_options *options);

#endif
