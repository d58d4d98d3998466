/* The call table: what kernels reach by number, on lanes in memory. */
#include <math.h>

#include "math/rare.h"
#include "run/code.h"

#define APPLY_1(type, name) op_rare_##type##_##name(x1[i])
#define APPLY_2(type, name) op_rare_##type##_##name(x1[i], x2[i])
#define RARE(type, name, arity)                                                                                        \
    static void call_##type##_##name(OP_RARE_CTYPE_##type *y, const OP_RARE_CTYPE_##type *x1,                          \
                                     const OP_RARE_CTYPE_##type *x2, const uint8_t *mask, int64_t n)                   \
    {                                                                                                                  \
        (void)x2;                                                                                                      \
        for (int64_t i = 0; i < n; i++)                                                                                \
            if (mask[i])                                                                                               \
                y[i] = APPLY_##arity(type, name);                                                                      \
    }
#include "math/rare.def"
#undef RARE

static void fma_f32(float *y, const float *a, const float *b, const float *c, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = fmaf(a[i], b[i], c[i]);
}

static void fma_f64(double *y, const double *a, const double *b, const double *c, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = fma(a[i], b[i], c[i]);
}

const op_call_fn op_calls[OP_CALL_END] = {
#define RARE(type, name, arity) [OP_CALL_RARE_##type##_##name] = (op_call_fn)call_##type##_##name,
#include "math/rare.def"
#undef RARE
    [OP_CALL_FMA_F32] = (op_call_fn)fma_f32,
    [OP_CALL_FMA_F64] = (op_call_fn)fma_f64,
};
