/* An operand that is an expression or a number: what sugar.h turns arguments into. */
#ifndef ONEPASS_OPERAND_H
#define ONEPASS_OPERAND_H

#include "onepass/onepass.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct op_operand_value {
    op_expr *expr; /* NULL for a number */
    int is_number; /* 0: expr; 1: f; 2: i; 3: u; 4: i is a truth value */
    double f;
    int64_t i;
    uint64_t u;
} op_operand_value;

/* Build with op_scalar and its kin for the numbers, in the graph of the expressions. */
OP_API op_expr *op_sugar_2(op_expr *(*build)(op_expr *, op_expr *), op_operand_value a, op_operand_value b);
OP_API op_expr *op_sugar_3(op_expr *(*build)(op_expr *, op_expr *, op_expr *), op_operand_value a, op_operand_value b,
                           op_operand_value c);

static inline op_operand_value op_operand_number(int kind, double f, int64_t i, uint64_t u)
{
    op_operand_value v;
    v.expr = NULL;
    v.is_number = kind;
    v.f = f;
    v.i = i;
    v.u = u;
    return v;
}
static inline op_operand_value op_operand_of_expr(op_expr *expr)
{
    op_operand_value v = op_operand_number(0, 0, 0, 0);
    v.expr = expr;
    return v;
}
static inline op_operand_value op_operand_of_double(double value)
{
    return op_operand_number(1, value, 0, 0);
}
static inline op_operand_value op_operand_of_signed(int64_t value)
{
    return op_operand_number(2, 0, value, 0);
}
static inline op_operand_value op_operand_of_unsigned(uint64_t value)
{
    return op_operand_number(3, 0, 0, value);
}
static inline op_operand_value op_operand_of_bool(int value)
{
    return op_operand_number(4, 0, value, 0);
}

#ifdef __cplusplus
} /* extern "C" */
static inline op_operand_value op_operand_of(op_expr *x) { return op_operand_of_expr(x); }
static inline op_operand_value op_operand_of(double x) { return op_operand_of_double(x); }
static inline op_operand_value op_operand_of(float x) { return op_operand_of_double(static_cast<double>(x)); }
static inline op_operand_value op_operand_of(bool x) { return op_operand_of_bool(x); }
static inline op_operand_value op_operand_of(int x) { return op_operand_of_signed(x); }
static inline op_operand_value op_operand_of(long x) { return op_operand_of_signed(x); }
static inline op_operand_value op_operand_of(long long x) { return op_operand_of_signed(x); }
static inline op_operand_value op_operand_of(unsigned x) { return op_operand_of_unsigned(x); }
static inline op_operand_value op_operand_of(unsigned long x) { return op_operand_of_unsigned(x); }
static inline op_operand_value op_operand_of(unsigned long long x) { return op_operand_of_unsigned(x); }
#define OP_OPERAND(x) op_operand_of(x)
#else
/* clang-format off */
/* a name of its own for each, so that nested ones do not shadow */
#define OP_OPERAND(x) OP_OPERAND_1(x, __COUNTER__)
#define OP_OPERAND_1(x, n) OP_OPERAND_2(x, n)
#define OP_OPERAND_2(x, n) OP_OPERAND_3(x, op_operand_##n)
#define OP_OPERAND_3(x, operand)                                                                                       \
    __extension__({                                                                                                    \
        __auto_type operand = (x);                                                                                     \
        _Generic(operand,                                                                                              \
            op_expr *: op_operand_of_expr, _Bool: op_operand_of_bool,                                                  \
            float: op_operand_of_double, double: op_operand_of_double,                                                 \
            unsigned char: op_operand_of_unsigned, unsigned short: op_operand_of_unsigned,                             \
            unsigned: op_operand_of_unsigned, unsigned long: op_operand_of_unsigned,                                   \
            unsigned long long: op_operand_of_unsigned,                                                                \
            default: op_operand_of_signed)(operand);                                                                   \
    })
/* clang-format on */
#endif

#endif
