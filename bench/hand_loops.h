/* The loops of hand.c for one dtype T; included once for each, without a guard. */

#define COST(...)
#define ROW(name, formula, inputs, low, high, expression, costs, ulp, wins)                                            \
    static void NAME(name)(const void *const in[4], void *out, int64_t begin, int64_t end, int64_t side)               \
    {                                                                                                                  \
        const T *restrict in_a = in[0], *restrict in_b = in[1], *restrict in_c = in[2], *restrict in_d = in[3];        \
        T *restrict y = out;                                                                                           \
        (void)side;                                                                                                    \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            const T a = in_a[i], b = in_b[i], c = in_c[i], d = in_d[i];                                                \
            (void)a, (void)b, (void)c, (void)d;                                                                        \
            y[i] = expression;                                                                                         \
        }                                                                                                              \
    }
#define SPECIAL(name, formula, inputs, low, high, kind, costs, ulp, wins)
#include "rows.def"
#undef ROW
#undef SPECIAL

static void NAME(sum)(const void *const in[4], void *out, int64_t begin, int64_t end, int64_t side)
{
    const T *restrict b = in[1], *restrict c = in[2];
    T sum = 0;
    (void)side;
    for (int64_t i = begin; i < end; i++)
        sum += b[i] * c[i];
    *(T *)out += sum;
}

/* In blocks of 16 columns, so that a cache line of b serves several rows. */
static void NAME(transpose)(const void *const in[4], void *out, int64_t begin, int64_t end, int64_t side)
{
    const T *restrict b = in[1], *restrict c = in[2];
    T *restrict y = out;
    for (int64_t i0 = begin; i0 < end; i0 += 16) {
        int64_t i1 = i0 + 16 < end ? i0 + 16 : end;
        for (int64_t j0 = 0; j0 < side; j0 += 16) {
            int64_t j1 = j0 + 16 < side ? j0 + 16 : side;
            for (int64_t i = i0; i < i1; i++)
                for (int64_t j = j0; j < j1; j++)
                    y[i * side + j] = b[j * side + i] + c[i * side + j];
        }
    }
}

/* Rows of the result, which has two rows and two columns less. */
static void NAME(jacobi)(const void *const in[4], void *out, int64_t begin, int64_t end, int64_t side)
{
    const T *restrict b = in[1];
    T *restrict y = out;
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0; j < side - 2; j++)
            y[i * (side - 2) + j] = K(0.25) * ((b[i * side + j + 1] + b[(i + 2) * side + j + 1]) +
                                               (b[(i + 1) * side + j] + b[(i + 1) * side + j + 2]));
}

#undef T
#undef K
#undef SIN
#undef COS
#undef EXP
#undef LOG
#undef LOG1P
#undef SQRT
#undef TANH
#undef POW
#undef ATAN2
#undef NAME
#undef COST
