/* Printed from src/expr/ops.def by tools/print_ops.c: do not edit.
 *
 * Lets a number stand where an expression does: op_mul(x, 2.0). A number becomes a weak scalar of the
 * graph of the other operands, so one operand must be an expression. Each argument is expanded once, so
 * that nested calls stay linear. Needs GNU C (statement expressions) or C++11. Include after onepass.h. */
#ifndef ONEPASS_SUGAR_H
#define ONEPASS_SUGAR_H

#include "onepass/onepass.h"
#include "onepass/operand.h"

#define op_add(a, b) op_sugar_2((op_add), OP_OPERAND(a), OP_OPERAND(b))
#define op_subtract(a, b) op_sugar_2((op_subtract), OP_OPERAND(a), OP_OPERAND(b))
#define op_multiply(a, b) op_sugar_2((op_multiply), OP_OPERAND(a), OP_OPERAND(b))
#define op_divide(a, b) op_sugar_2((op_divide), OP_OPERAND(a), OP_OPERAND(b))
#define op_floor_divide(a, b) op_sugar_2((op_floor_divide), OP_OPERAND(a), OP_OPERAND(b))
#define op_remainder(a, b) op_sugar_2((op_remainder), OP_OPERAND(a), OP_OPERAND(b))
#define op_fmod(a, b) op_sugar_2((op_fmod), OP_OPERAND(a), OP_OPERAND(b))
#define op_fma(a, b, c) op_sugar_3((op_fma), OP_OPERAND(a), OP_OPERAND(b), OP_OPERAND(c))
#define op_less(a, b) op_sugar_2((op_less), OP_OPERAND(a), OP_OPERAND(b))
#define op_less_equal(a, b) op_sugar_2((op_less_equal), OP_OPERAND(a), OP_OPERAND(b))
#define op_greater(a, b) op_sugar_2((op_greater), OP_OPERAND(a), OP_OPERAND(b))
#define op_greater_equal(a, b) op_sugar_2((op_greater_equal), OP_OPERAND(a), OP_OPERAND(b))
#define op_equal(a, b) op_sugar_2((op_equal), OP_OPERAND(a), OP_OPERAND(b))
#define op_not_equal(a, b) op_sugar_2((op_not_equal), OP_OPERAND(a), OP_OPERAND(b))
#define op_logical_and(a, b) op_sugar_2((op_logical_and), OP_OPERAND(a), OP_OPERAND(b))
#define op_logical_or(a, b) op_sugar_2((op_logical_or), OP_OPERAND(a), OP_OPERAND(b))
#define op_logical_xor(a, b) op_sugar_2((op_logical_xor), OP_OPERAND(a), OP_OPERAND(b))
#define op_bitwise_and(a, b) op_sugar_2((op_bitwise_and), OP_OPERAND(a), OP_OPERAND(b))
#define op_bitwise_or(a, b) op_sugar_2((op_bitwise_or), OP_OPERAND(a), OP_OPERAND(b))
#define op_bitwise_xor(a, b) op_sugar_2((op_bitwise_xor), OP_OPERAND(a), OP_OPERAND(b))
#define op_left_shift(a, b) op_sugar_2((op_left_shift), OP_OPERAND(a), OP_OPERAND(b))
#define op_right_shift(a, b) op_sugar_2((op_right_shift), OP_OPERAND(a), OP_OPERAND(b))
#define op_where(a, b, c) op_sugar_3((op_where), OP_OPERAND(a), OP_OPERAND(b), OP_OPERAND(c))
#define op_maximum(a, b) op_sugar_2((op_maximum), OP_OPERAND(a), OP_OPERAND(b))
#define op_minimum(a, b) op_sugar_2((op_minimum), OP_OPERAND(a), OP_OPERAND(b))
#define op_fmax(a, b) op_sugar_2((op_fmax), OP_OPERAND(a), OP_OPERAND(b))
#define op_fmin(a, b) op_sugar_2((op_fmin), OP_OPERAND(a), OP_OPERAND(b))
#define op_copysign(a, b) op_sugar_2((op_copysign), OP_OPERAND(a), OP_OPERAND(b))
#define op_arctan2(a, b) op_sugar_2((op_arctan2), OP_OPERAND(a), OP_OPERAND(b))
#define op_hypot(a, b) op_sugar_2((op_hypot), OP_OPERAND(a), OP_OPERAND(b))
#define op_logaddexp(a, b) op_sugar_2((op_logaddexp), OP_OPERAND(a), OP_OPERAND(b))
#define op_logaddexp2(a, b) op_sugar_2((op_logaddexp2), OP_OPERAND(a), OP_OPERAND(b))
#define op_power(a, b) op_sugar_2((op_power), OP_OPERAND(a), OP_OPERAND(b))
#define op_sub(a, b) op_sugar_2((op_sub), OP_OPERAND(a), OP_OPERAND(b))
#define op_mul(a, b) op_sugar_2((op_mul), OP_OPERAND(a), OP_OPERAND(b))
#define op_div(a, b) op_sugar_2((op_div), OP_OPERAND(a), OP_OPERAND(b))
#define op_true_divide(a, b) op_sugar_2((op_true_divide), OP_OPERAND(a), OP_OPERAND(b))
#define op_mod(a, b) op_sugar_2((op_mod), OP_OPERAND(a), OP_OPERAND(b))
#define op_lt(a, b) op_sugar_2((op_lt), OP_OPERAND(a), OP_OPERAND(b))
#define op_le(a, b) op_sugar_2((op_le), OP_OPERAND(a), OP_OPERAND(b))
#define op_gt(a, b) op_sugar_2((op_gt), OP_OPERAND(a), OP_OPERAND(b))
#define op_ge(a, b) op_sugar_2((op_ge), OP_OPERAND(a), OP_OPERAND(b))
#define op_eq(a, b) op_sugar_2((op_eq), OP_OPERAND(a), OP_OPERAND(b))
#define op_ne(a, b) op_sugar_2((op_ne), OP_OPERAND(a), OP_OPERAND(b))
#define op_shl(a, b) op_sugar_2((op_shl), OP_OPERAND(a), OP_OPERAND(b))
#define op_shr(a, b) op_sugar_2((op_shr), OP_OPERAND(a), OP_OPERAND(b))
#define op_pow(a, b) op_sugar_2((op_pow), OP_OPERAND(a), OP_OPERAND(b))
#define op_atan2(a, b) op_sugar_2((op_atan2), OP_OPERAND(a), OP_OPERAND(b))

#endif
