/* Arithmetic of literals. */
#include "expr/literal.h"

#include <math.h>
#include <stddef.h>

#include "math/functions.h"

static const char *const too_large = "the result of this integer arithmetic is too large";
static const char *const not_integers = "this operator takes integers, not floats";

static double as_double(const op_literal *a)
{
    return a->kind == OP_LITERAL_FLOAT ? a->real : (double)a->integer;
}

static int is_true(const op_literal *a)
{
    return a->kind == OP_LITERAL_FLOAT ? a->real != 0 : a->integer != 0;
}

static const char *give_int(op_literal *result, op_wide value)
{
    *result = (op_literal){.kind = OP_LITERAL_INT, .integer = value};
    return NULL;
}

static const char *give_float(op_literal *result, double value)
{
    *result = (op_literal){.kind = OP_LITERAL_FLOAT, .real = value};
    return NULL;
}

static const char *give_bool(op_literal *result, int value)
{
    *result = (op_literal){.kind = OP_LITERAL_BOOL, .integer = value};
    return NULL;
}

/* Rounded once, also where the operands are beyond 2^53. */
static double divide_ints(op_wide a, op_wide b)
{
    const op_wide exact = (op_wide)1 << 53;
    if (a >= -exact && a <= exact && b >= -exact && b <= exact)
        return (double)a / (double)b;
    return (double)((long double)a / (long double)b);
}

static op_wide floor_div(op_wide a, op_wide b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static const char *power_int(op_wide base, op_wide exponent, op_literal *result)
{
    op_wide product = 1;
    while (exponent > 0) {
        if ((exponent & 1) && __builtin_mul_overflow(product, base, &product))
            return too_large;
        exponent >>= 1;
        if (exponent && __builtin_mul_overflow(base, base, &base))
            return too_large;
    }
    return give_int(result, product);
}

/* The exponents that get other functions where the base is an array (fold.c) get them here, too. */
static double real_power(double a, double b)
{
    return b == 2               ? a * a
           : b == -1            ? 1 / a
           : b == 0.5 && a >= 0 ? sqrt(a + 0.0)
                                : op_math_f64_power(a, b);
}

static const char *power_float(double a, double b, op_literal *result)
{
    if (a == 0 && b < 0)
        return "0 has no negative power";
    if (a < 0 && isfinite(a) && isfinite(b) && b != floor(b))
        return "this power is a complex number";
    return give_float(result, real_power(a, b));
}

static const char *shift_int(int operation, op_wide a, op_wide count, op_literal *result)
{
    if (count < 0)
        return "a shift by a negative count";
    if (operation == OP_CODE_right_shift)
        return give_int(result, count > 126 ? (a < 0 ? -1 : 0) : a >> (int)count);
    if (a != 0 && count > 126)
        return too_large;
    for (; count > 0 && a != 0; count--)
        if (__builtin_mul_overflow(a, 2, &a))
            return too_large;
    return give_int(result, a);
}

static const char *int_op(int operation, op_wide a, op_wide b, op_literal *result)
{
    op_wide value = 0;
    int overflow = 0;
    switch (operation) {
    case OP_CODE_add:
        overflow = __builtin_add_overflow(a, b, &value);
        break;
    case OP_CODE_subtract:
        overflow = __builtin_sub_overflow(a, b, &value);
        break;
    case OP_CODE_multiply:
        overflow = __builtin_mul_overflow(a, b, &value);
        break;
    case OP_CODE_floor_divide:
    case OP_CODE_remainder:
    case OP_CODE_divide:
        if (b == 0)
            return "division by zero";
        if (b == -1 && operation == OP_CODE_remainder) /* the smallest number % -1 would trap */
            return give_int(result, 0);
        if (b == -1 && operation == OP_CODE_floor_divide)
            return int_op(OP_CODE_subtract, 0, a, result);
        if (operation == OP_CODE_divide)
            return give_float(result, divide_ints(a, b));
        value = operation == OP_CODE_floor_divide ? floor_div(a, b) : a - b * floor_div(a, b);
        break;
    case OP_CODE_left_shift:
    case OP_CODE_right_shift:
        return shift_int(operation, a, b, result);
    case OP_LITERAL_POWER:
        return b < 0 ? power_float((double)a, (double)b, result) : power_int(a, b, result);
    case OP_CODE_bitwise_and:
        value = a & b;
        break;
    case OP_CODE_bitwise_or:
        value = a | b;
        break;
    default:
        value = a ^ b;
        break;
    }
    return overflow ? too_large : give_int(result, value);
}

/* The remainder with the sign of b, and the quotient that belongs to it. */
static double float_mod(double a, double b, double *quotient)
{
    double rest = fmod(a, b);
    *quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) {
        rest += b;
        *quotient -= 1;
    } else if (rest == 0) {
        rest = copysign(0, b);
    }
    double whole = floor(*quotient);
    *quotient = *quotient == 0 ? copysign(0, a / b) : *quotient - whole > 0.5 ? whole + 1 : whole;
    return rest;
}

static const char *float_op(int operation, double a, double b, op_literal *result)
{
    double quotient, rest;
    switch (operation) {
    case OP_CODE_add:
        return give_float(result, a + b);
    case OP_CODE_subtract:
        return give_float(result, a - b);
    case OP_CODE_multiply:
        return give_float(result, a * b);
    case OP_LITERAL_POWER:
        return power_float(a, b, result);
    case OP_CODE_divide:
        return b == 0 ? "division by zero" : give_float(result, a / b);
    case OP_CODE_floor_divide:
    case OP_CODE_remainder:
        if (b == 0)
            return "division by zero";
        rest = float_mod(a, b, &quotient);
        return give_float(result, operation == OP_CODE_remainder ? rest : quotient);
    default:
        return not_integers;
    }
}

/* -1, 0, 1, or 2 for unordered. */
static int compare(const op_literal *a, const op_literal *b)
{
    if (a->kind != OP_LITERAL_FLOAT && b->kind != OP_LITERAL_FLOAT)
        return (a->integer > b->integer) - (a->integer < b->integer);
    double x = as_double(a), y = as_double(b);
    return x != x || y != y ? 2 : (x > y) - (x < y);
}

static int is_bitwise(int operation)
{
    return operation == OP_CODE_bitwise_and || operation == OP_CODE_bitwise_or || operation == OP_CODE_bitwise_xor;
}

const char *op_literal_binary(int operation, const op_literal *a, const op_literal *b, op_literal *result)
{
    int order = compare(a, b);
    switch (operation) {
    case OP_CODE_less:
        return give_bool(result, order == -1);
    case OP_CODE_less_equal:
        return give_bool(result, order == -1 || order == 0);
    case OP_CODE_greater:
        return give_bool(result, order == 1);
    case OP_CODE_greater_equal:
        return give_bool(result, order == 1 || order == 0);
    case OP_CODE_equal:
        return give_bool(result, order == 0);
    case OP_CODE_not_equal:
        return give_bool(result, order != 0);
    case OP_CODE_logical_and:
        return give_bool(result, is_true(a) && is_true(b));
    case OP_CODE_logical_or:
        return give_bool(result, is_true(a) || is_true(b));
    default:
        break;
    }
    if (a->kind == OP_LITERAL_FLOAT || b->kind == OP_LITERAL_FLOAT)
        return float_op(operation, as_double(a), as_double(b), result);
    const char *why = int_op(operation, a->integer, b->integer, result);
    if (!why && a->kind == OP_LITERAL_BOOL && b->kind == OP_LITERAL_BOOL && is_bitwise(operation))
        result->kind = OP_LITERAL_BOOL;
    return why;
}

const char *op_literal_unary(int operation, const op_literal *a, op_literal *result)
{
    const op_literal zero = {.kind = OP_LITERAL_INT};
    switch (operation) {
    case OP_CODE_logical_not:
        return give_bool(result, !is_true(a));
    case OP_CODE_positive:
        return a->kind == OP_LITERAL_FLOAT ? give_float(result, a->real) : give_int(result, a->integer);
    case OP_CODE_negative:
        return a->kind == OP_LITERAL_FLOAT ? give_float(result, -a->real)
                                           : op_literal_binary(OP_CODE_subtract, &zero, a, result);
    default: /* ~ */
        if (a->kind == OP_LITERAL_FLOAT)
            return not_integers;
        if (a->kind == OP_LITERAL_BOOL)
            return "~True is -2 in Python, and not False; write 'not'";
        return give_int(result, ~a->integer);
    }
}
