/* Constants are computed when they are built, by the interpreter's own loops, and powers with small
 * constant exponents become products, as in NumPy. */
#include <string.h>

#include "base/fpstate.h"
#include "expr/build.h"
#include "expr/loops.h"

uint64_t op_fold(op_opcode code, op_dtype dtype, int n, const uint64_t *bits)
{
    const void *in[3] = {0};
    for (int i = 0; i < n; i++)
        in[i] = &bits[i];
    uint64_t result = 0, state = op_fp_enter();
    op_loops_best()->row[code][dtype](&result, in, 1);
    op_fp_leave(state);
    return result;
}

uint64_t op_fold_cast(op_dtype from, op_dtype to, int saturate, uint64_t bits)
{
    const void *in[1] = {&bits};
    uint64_t result = 0, state = op_fp_enter();
    (saturate ? op_loops_best()->cast_sat : op_loops_best()->cast)[from][to](&result, in, 1);
    op_fp_leave(state);
    return result;
}

/* By repeated squaring, which wraps as the power itself does. */
static op_expr *integer_power(op_expr *x, uint64_t exponent)
{
    op_expr *product = NULL;
    for (; exponent && x; exponent >>= 1) {
        op_expr *both[2] = {product, x}, *twice[2] = {x, x};
        if (exponent & 1)
            product = product ? op_build(NULL, OP_CODE_multiply, 2, both) : x;
        if (exponent > 1)
            x = op_build(NULL, OP_CODE_multiply, 2, twice);
    }
    return product;
}

/* The powers that NumPy gives to cheaper functions. */
static op_expr *float_power(op_expr *x, double exponent)
{
    op_opcode code = exponent == 1      ? OP_CODE_positive
                     : exponent == 2    ? OP_CODE_square
                     : exponent == 0.5  ? OP_CODE_sqrt
                     : exponent == -1.0 ? OP_CODE_reciprocal
                                        : OP_CODE_NONE;
    return code ? op_build(NULL, code, 1, &x) : NULL;
}

/* The literal 2 in b**2 would otherwise be a slot that every element reads. */
op_expr *op_simplify(op_opcode code, op_dtype dtype, op_expr *const *args)
{
    if (code != OP_CODE_power || args[1]->kind != OP_NODE_CONST)
        return NULL;
    uint64_t bits = args[1]->bits;
    if (op_dtype_kind(dtype) == OP_KIND_F) {
        uint64_t real = op_fold_cast(dtype, OP_F64, 0, bits);
        double exponent;
        memcpy(&exponent, &real, sizeof exponent);
        return float_power(args[0], exponent);
    }
    int64_t exponent = (int64_t)op_fold_cast(dtype, OP_I64, 0, bits);
    return exponent > 0 && exponent <= 64 ? integer_power(args[0], (uint64_t)exponent) : NULL;
}
