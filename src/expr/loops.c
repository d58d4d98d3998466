/* Every row of the op table as a C loop, for every dtype that it accepts. This file is compiled once
 * for each instruction-set level; OP_LOOPS_SUFFIX names the copy. Compile with -ffp-contract=off. */
#include "expr/loops.h"

#include <math.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "math/functions.h"

#ifndef OP_LOOPS_SUFFIX
#define OP_LOOPS_SUFFIX
#endif
#define TABLE_NAME_(suffix) op_loops_table##suffix
#define TABLE_NAME(suffix) TABLE_NAME_(suffix)

#pragma GCC diagnostic ignored "-Wtype-limits" /* a < 0 of an unsigned a */

/* ---- the words of the C columns; T is the type of the loop ---- */

#define IS_SIGNED ((T)-1 < (T)1)
#define BITS_OF ((uint64_t)(8 * sizeof(T)))
#define ABSOLUTE(a) (a < 0 ? 0 - (uint64_t)a : (uint64_t)a)
#define FLOOR_DIVIDE(a, b) (IS_SIGNED ? (T)floor_divide((int64_t)a, (int64_t)b) : (T)(b ? a / (b ? b : 1) : 0))
#define REMAINDER(a, b) (IS_SIGNED ? (T)remainder_of((int64_t)a, (int64_t)b) : (T)(b ? a % (b ? b : 1) : 0))
#define FMOD(a, b) (IS_SIGNED ? (T)truncated_remainder((int64_t)a, (int64_t)b) : (T)(b ? a % (b ? b : 1) : 0))
#define LEFT_SHIFT(a, b) ((uint64_t)b >= BITS_OF ? 0 : (uint64_t)a << ((uint64_t)b & 63))
#define RIGHT_SHIFT(a, b) ((uint64_t)b >= BITS_OF ? (a < 0 ? -1 : 0) : a >> ((uint64_t)b & (BITS_OF - 1)))
#define POWER(a, b) ((T)integer_power((uint64_t)a, (uint64_t)b, IS_SIGNED))
#define LIBM(fn) _Generic((T)0, float: fn##f, double: fn)
#define MATH(fn) _Generic((T)0, float: op_math_f32_##fn, double: op_math_f64_##fn)

static inline int64_t floor_divide(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    if (b == -1)
        return (int64_t)(0 - (uint64_t)a);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static inline int64_t truncated_remainder(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}

static inline int64_t remainder_of(int64_t a, int64_t b)
{
    int64_t r = truncated_remainder(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static inline uint64_t integer_power(uint64_t a, uint64_t b, int is_signed)
{
    if (is_signed && (int64_t)b < 0) /* 1 / a^-b, rounded to zero; 0 for a == 0, too */
        return a == 1 || (a == UINT64_MAX && !(b & 1)) ? 1 : a == UINT64_MAX ? a : 0;
    uint64_t result = 1;
    for (; b; b >>= 1, a *= a)
        result *= b & 1 ? a : 1;
    return result;
}

/* ---- one loop ---- */

#define RESULT_SAME(T) T
#define RESULT_DIVIDE(T) T
#define RESULT_LOGIC(T) T
#define RESULT_SELECT(T) T
#define RESULT_TO_BOOL(T) uint8_t
#define FIRST_SAME(T) T
#define FIRST_DIVIDE(T) T
#define FIRST_LOGIC(T) T
#define FIRST_SELECT(T) uint8_t
#define FIRST_TO_BOOL(T) T

/* Operands as themselves, and as uint64_t for wrapping arithmetic (0 for floats, which have no use for it). */
#define INTEGER(a) _Generic((a), float: 0, double: 0, default: (a))
#define OPERANDS_1(first)                                                                                              \
    const first a = ((const first *)in[0])[i];                                                                         \
    const uint64_t A = (uint64_t)INTEGER(a);                                                                                                                                                \
    (void)A;
#define OPERANDS_2(first)                                                                                              \
    OPERANDS_1(first)                                                                                                  \
    const T b = ((const T *)in[1])[i];                                                                                 \
    const uint64_t B = (uint64_t)INTEGER(b);                                                                                                                                                \
    (void)B;
#define OPERANDS_3(first)                                                                                              \
    OPERANDS_2(first)                                                                                                  \
    const T c = ((const T *)in[2])[i];

#define EMIT_LOOP(name, arity, rule, dtype, type, expression)                                                          \
    static void name##_##dtype(void *out, const void *const *in, int64_t n)                                            \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            OPERANDS_##arity(FIRST_##rule(T))((RESULT_##rule(T) *)out)[i] = (RESULT_##rule(T))(expression);            \
        }                                                                                                              \
    }
#define SKIP_LOOP(name, arity, rule, dtype, type, expression)

#define E(...) EMIT, (__VA_ARGS__)
#define NA SKIP, 0
#define LOOP(...) LOOP_(__VA_ARGS__)
#define LOOP_(name, arity, rule, dtype, type, how, expression)                                                         \
    how##_LOOP(name, arity, rule, dtype, type, expression)

#define OP(name, arity, accepts, rule, flags, cost, c_bool, c_int, c_float, ...)                                       \
    LOOP(name, arity, rule, OP_BOOL, uint8_t, c_bool)                                                                  \
    LOOP(name, arity, rule, OP_I8, int8_t, c_int)                                                                      \
    LOOP(name, arity, rule, OP_I16, int16_t, c_int)                                                                    \
    LOOP(name, arity, rule, OP_I32, int32_t, c_int)                                                                    \
    LOOP(name, arity, rule, OP_I64, int64_t, c_int)                                                                    \
    LOOP(name, arity, rule, OP_U8, uint8_t, c_int)                                                                     \
    LOOP(name, arity, rule, OP_U16, uint16_t, c_int)                                                                   \
    LOOP(name, arity, rule, OP_U32, uint32_t, c_int)                                                                   \
    LOOP(name, arity, rule, OP_U64, uint64_t, c_int)                                                                   \
    LOOP(name, arity, rule, OP_F32, float, c_float)                                                                    \
    LOOP(name, arity, rule, OP_F64, double, c_float)
#include "expr/ops.def"
#undef OP

/* ---- casts ---- */

/* From any number to bool, to a float, to an integer (wrapping, or saturating). */
#define TO_BOOL(a, from_is_float, T, low, high) ((T)(a != 0))
#define TO_FLOAT(a, from_is_float, T, low, high) ((T)a)
#define TO_INT(a, from_is_float, T, low, high) (from_is_float ? SATURATE_FLOAT(a, T, low, high) : (T)a)
/* high + 1 is a power of two, which every float holds, as is low. */
#define SATURATE_FLOAT(a, T, low, high)                                                                                \
    (a != a ? (T)0 : a <= (double)low ? low : a >= 2.0 * (double)(high / 2 + 1) ? high : (T)(a))
#define SATURATE_INT(a, T, low, high)                                                                                  \
    (a < 0 ? ((int64_t)low < 0 && (int64_t)a >= (int64_t)low ? (T)a : low)                                             \
           : ((uint64_t)a <= (uint64_t)high ? (T)a : high))

#define CAST(from, from_type, from_is_float, to, to_type, how, low, high)                                              \
    static void cast_##from##_##to(void *out, const void *const *in, int64_t n)                                        \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const from_type a = ((const from_type *)in[0])[i];                                                         \
            ((to_type *)out)[i] = how(a, from_is_float, to_type, low, high);                                           \
        }                                                                                                              \
    }
#define CAST_SAT(from, from_type, to, to_type, low, high)                                                              \
    static void cast_sat_##from##_##to(void *out, const void *const *in, int64_t n)                                    \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const from_type a = ((const from_type *)in[0])[i];                                                         \
            ((to_type *)out)[i] = SATURATE_INT(a, to_type, low, high);                                                 \
        }                                                                                                              \
    }

/* X(dtype, type, how, low, high) */
#define TARGETS(X, ...)                                                                                                \
    X(__VA_ARGS__, OP_BOOL, uint8_t, TO_BOOL, 0, 1)                                                                    \
    X(__VA_ARGS__, OP_F32, float, TO_FLOAT, 0, 0)                                                                      \
    X(__VA_ARGS__, OP_F64, double, TO_FLOAT, 0, 0)                                                                     \
    INT_TARGETS(X, __VA_ARGS__)
#define INT_TARGETS(X, ...)                                                                                            \
    X(__VA_ARGS__, OP_I8, int8_t, TO_INT, INT8_MIN, INT8_MAX)                                                          \
    X(__VA_ARGS__, OP_I16, int16_t, TO_INT, INT16_MIN, INT16_MAX)                                                      \
    X(__VA_ARGS__, OP_I32, int32_t, TO_INT, INT32_MIN, INT32_MAX)                                                      \
    X(__VA_ARGS__, OP_I64, int64_t, TO_INT, INT64_MIN, INT64_MAX)                                                      \
    X(__VA_ARGS__, OP_U8, uint8_t, TO_INT, 0, UINT8_MAX)                                                               \
    X(__VA_ARGS__, OP_U16, uint16_t, TO_INT, 0, UINT16_MAX)                                                            \
    X(__VA_ARGS__, OP_U32, uint32_t, TO_INT, 0, UINT32_MAX)                                                            \
    X(__VA_ARGS__, OP_U64, uint64_t, TO_INT, 0, UINT64_MAX)
#define INT_SOURCES(X)                                                                                                 \
    X(OP_BOOL, uint8_t)                                                                                                \
    X(OP_I8, int8_t)                                                                                                   \
    X(OP_I16, int16_t)                                                                                                 \
    X(OP_I32, int32_t)                                                                                                 \
    X(OP_I64, int64_t)                                                                                                 \
    X(OP_U8, uint8_t)                                                                                                  \
    X(OP_U16, uint16_t)                                                                                                \
    X(OP_U32, uint32_t)                                                                                                \
    X(OP_U64, uint64_t)
#define FLOAT_SOURCES(X)                                                                                               \
    X(OP_F32, float)                                                                                                   \
    X(OP_F64, double)

#define CASTS_FROM_INT(from, type) TARGETS(CAST, from, type, 0)
#define CASTS_FROM_FLOAT(from, type) TARGETS(CAST, from, type, 1)
#define CAST_SAT_(from, from_type, to, to_type, how, low, high) CAST_SAT(from, from_type, to, to_type, low, high)
#define CASTS_SAT_FROM(from, type) INT_TARGETS(CAST_SAT_, from, type)
INT_SOURCES(CASTS_FROM_INT)
FLOAT_SOURCES(CASTS_FROM_FLOAT)
INT_SOURCES(CASTS_SAT_FROM)

/* ---- reductions ---- */

enum { ROWS_AT_ONCE = 64, COLUMNS_BYTES = 256 };

#define LOWEST (IS_SIGNED ? (T)((uint64_t)1 << (BITS_OF - 1)) : (T)0)
#define HIGHEST (IS_SIGNED ? (T)(((uint64_t)1 << (BITS_OF - 1)) - 1) : (T)UINT64_MAX)

#define COMBINE(a_, b_, expression)                                                                                    \
    {                                                                                                                  \
        const T a = a_, b = b_;                                                                                        \
        const uint64_t A = (uint64_t)INTEGER(a), B = (uint64_t)INTEGER(b);                                             \
        (void)A, (void)B;                                                                                              \
        a_ = (T)(expression);                                                                                          \
    }

/* The copy for OP_LANES keeps its accumulators in registers. */
#define EMIT_FOLD(name, dtype, type, expression, identity)                                                             \
    static void leaf_##name##_##dtype(void *state_, int64_t lanes, const void *x_, int64_t rows, int64_t rest,         \
                                      int64_t first, int64_t row_step, int64_t lane_step)                              \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        T *state = state_;                                                                                             \
        const T *x = x_;                                                                                               \
        (void)first, (void)row_step, (void)lane_step;                                                                  \
        for (int64_t j = 0; j < lanes; j++)                                                                            \
            state[j] = (T)(identity);                                                                                  \
        if (lanes == OP_LANES) {                                                                                       \
            T lane[OP_LANES];                                                                                          \
            for (int j = 0; j < OP_LANES; j++)                                                                         \
                lane[j] = (T)(identity);                                                                               \
            for (int64_t r = 0; r < rows; r++)                                                                         \
                for (int j = 0; j < OP_LANES; j++)                                                                     \
                    COMBINE(lane[j], x[r * OP_LANES + j], expression)                                                  \
            for (int j = 0; j < OP_LANES; j++)                                                                         \
                state[j] = lane[j];                                                                                    \
        } else {                                                                                                       \
            for (int64_t r = 0; r < rows; r++)                                                                         \
                for (int64_t j = 0; j < lanes; j++)                                                                    \
                    COMBINE(state[j], x[r * lanes + j], expression)                                                    \
        }                                                                                                              \
        for (int64_t j = 0; j < rest; j++)                                                                             \
            COMBINE(state[j], x[rows * lanes + j], expression)                                                         \
    }                                                                                                                  \
    static void merge_##name##_##dtype(void *left_, int64_t at_left, const void *right_, int64_t at_right, int64_t n,  \
                                       int64_t lanes)                                                                  \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        T *left = (T *)left_ + at_left;                                                                                \
        const T *right = (const T *)right_ + at_right;                                                                 \
        (void)lanes;                                                                                                   \
        for (int64_t j = 0; j < n; j++)                                                                                \
            COMBINE(left[j], right[j], expression)                                                                     \
    }                                                                                                                  \
    static void finish_##name##_##dtype(void *out_, const void *state_, int64_t at, int64_t n, int64_t lanes)          \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        T *out = out_;                                                                                                 \
        const T *state = (const T *)state_ + at;                                                                       \
        (void)lanes;                                                                                                   \
        for (int64_t j = 0; j < n; j++) /* the identity of a float sum is -0.0, but NumPy's sums begin with 0 */       \
            out[j] = OP_REDUCE_##name == OP_REDUCE_sum ? (T)(state[j] + 0) : state[j];                                 \
    }
/* Leaves of columns: as many at a time as four registers hold, the last ones once more if they are fewer. */
#define EMIT_ROWS(name, dtype, type, expression, identity)                                                             \
    static inline void rows_of_##name##_##dtype(type *state, int64_t lanes, const char *x, int64_t row_bytes,          \
                                                int64_t rows)                                                          \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        typedef type U __attribute__((aligned(1)));                                                                    \
        T lane[COLUMNS_BYTES / sizeof(T)];                                                                             \
        for (int64_t j = 0; j < lanes; j++)                                                                            \
            lane[j] = (T)(identity);                                                                                   \
        for (int64_t r = 0; r < rows; r++)                                                                             \
            for (int64_t j = 0; j < lanes; j++)                                                                        \
                COMBINE(lane[j], ((const U *)(const void *)(x + r * row_bytes))[j], expression)                        \
        memcpy(state, lane, sizeof(T) * (size_t)lanes);                                                                \
    }                                                                                                                  \
    static void rows_##name##_##dtype(void *state_, void *sum, int64_t lanes, const void *x, int64_t row_bytes,        \
                                      int64_t rows)                                                                    \
    {                                                                                                                  \
        enum { MOST = COLUMNS_BYTES / sizeof(type) };                                                                  \
        type *state = state_;                                                                                          \
        (void)sum;                                                                                                     \
        if (lanes < MOST)                                                                                              \
            rows_of_##name##_##dtype(state, lanes, x, row_bytes, rows);                                                \
        for (int64_t j = 0; lanes >= MOST && j < lanes; j += MOST) {                                                   \
            int64_t at = j < lanes - MOST ? j : lanes - MOST;                                                          \
            const char *from = (const char *)x + at * (int64_t)sizeof(type);                                           \
            rows_of_##name##_##dtype(state + at, MOST, from, row_bytes, rows);                                         \
        }                                                                                                              \
    }
/* Halves with halves: of a row where it has all lanes (each loop becomes a few vectors, but inlined it would not), else
 * of many rows side by side. */
#define EMIT_LANES(name, dtype, type, expression)                                                                      \
    static inline type both_##name##_##dtype(type a_, type b_)                                                         \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        COMBINE(a_, b_, expression)                                                                                    \
        return a_;                                                                                                     \
    }                                                                                                                  \
    __attribute__((noinline)) static type lanes_all_##name##_##dtype(const type *x)                                    \
    {                                                                                                                  \
        type half[16], quarter[8], four[4], two[2];                                                                    \
        for (int j = 0; j < 16; j++)                                                                                   \
            half[j] = both_##name##_##dtype(x[j], x[j + 16]);                                                          \
        for (int j = 0; j < 8; j++)                                                                                    \
            quarter[j] = both_##name##_##dtype(half[j], half[j + 8]);                                                  \
        for (int j = 0; j < 4; j++)                                                                                    \
            four[j] = both_##name##_##dtype(quarter[j], quarter[j + 4]);                                               \
        for (int j = 0; j < 2; j++)                                                                                    \
            two[j] = both_##name##_##dtype(four[j], four[j + 2]);                                                      \
        return both_##name##_##dtype(two[0], two[1]);                                                                  \
    }                                                                                                                  \
    static void lanes_few_##name##_##dtype(type *out, const type *x, int64_t rows, int64_t n)                          \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        T lane[OP_LANES][ROWS_AT_ONCE];                                                                                \
        for (int64_t j = 0; j < n; j++)                                                                                \
            for (int64_t r = 0; r < rows; r++)                                                                         \
                lane[j][r] = x[r * n + j];                                                                             \
        for (int64_t half = OP_LANES / 2; half > 0; half /= 2)                                                         \
            for (int64_t j = 0; j < half && j + half < n; j++)                                                         \
                for (int64_t r = 0; r < rows; r++)                                                                     \
                    COMBINE(lane[j][r], lane[j + half][r], expression)                                                 \
        memcpy(out, lane[0], sizeof *out * (size_t)rows);                                                              \
    }                                                                                                                  \
    static void lanes_##name##_##dtype(void *out_, const void *x_, int64_t rows, int64_t n)                            \
    {                                                                                                                  \
        type *out = out_;                                                                                              \
        const type *x = x_;                                                                                            \
        if (n == OP_LANES)                                                                                             \
            for (int64_t r = 0; r < rows; r++)                                                                         \
                out[r] = lanes_all_##name##_##dtype(x + r * OP_LANES);                                                 \
        else                                                                                                           \
            for (int64_t r = 0; r < rows; r += ROWS_AT_ONCE)                                                           \
                lanes_few_##name##_##dtype(out + r, x + r * n, rows - r < ROWS_AT_ONCE ? rows - r : ROWS_AT_ONCE, n);  \
        finish_##name##_##dtype(out, out, 0, rows, OP_LANES);                                                          \
    }
#define EMIT_LEAVES(name, dtype, type, expression)                                                                     \
    static void leaves_##name##_##dtype(void *state_, int64_t n)                                                       \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        T(*state)[OP_LANES] = state_;                                                                                  \
        for (int64_t step = 1; step < n; step *= 2)                                                                    \
            for (int64_t i = 0; i + step < n; i += 2 * step)                                                           \
                for (int j = 0; j < OP_LANES; j++)                                                                     \
                    COMBINE(state[i][j], state[i + step][j], expression)                                               \
    }
#define UNALIGNED __attribute__((aligned(1)))
/* Chains of one sequence each wait for the last combination; CHAINS of them side by side do not. Where there are
 * fewer sequences, the last one is done several times, which costs nothing. */
enum { CHAINS = 4 };
#define EMIT_SCAN(name, dtype, type, expression)                                                                       \
    static void chain_##name##_##dtype(type *x, int64_t step, int64_t from, int64_t to)                                \
    {                                                                                                                  \
        type sum = x[(from - 1) * step];                                                                               \
        for (int64_t i = from; i < to; i++)                                                                            \
            x[i * step] = sum = both_##name##_##dtype(sum, x[i * step]);                                               \
    }                                                                                                                  \
    static void chains_##name##_##dtype(type *x, int64_t count, int64_t apart, int64_t step, int64_t from, int64_t to) \
    {                                                                                                                  \
        type *at[CHAINS], sum[CHAINS];                                                                                 \
        for (int c = 0; c < CHAINS; c++) {                                                                             \
            at[c] = x + (c < count ? c : count - 1) * apart + from * step;                                             \
            sum[c] = at[c][-step];                                                                                     \
        }                                                                                                              \
        for (int64_t i = 0; i < (to - from) * step; i += step) {                                                       \
            for (int c = 0; c < CHAINS; c++)                                                                           \
                sum[c] = both_##name##_##dtype(sum[c], at[c][i]);                                                      \
            for (int c = 0; c < CHAINS; c++)                                                                           \
                at[c][i] = sum[c];                                                                                     \
        }                                                                                                              \
    }                                                                                                                  \
    static void scan_##name##_##dtype(void *x, int64_t count, int64_t apart, int64_t step, int64_t from, int64_t to)   \
    {                                                                                                                  \
        type *first = x;                                                                                               \
        from += from == 0;                                                                                             \
        for (; count > 1; count -= CHAINS, first += CHAINS * apart)                                                    \
            chains_##name##_##dtype(first, count, apart, step, from, to);                                              \
        if (count == 1)                                                                                                \
            chain_##name##_##dtype(first, step, from, to);                                                             \
    }                                                                                                                  \
    static void carry_##name##_##dtype(void *y_, int64_t y_step, const void *carry_, const void *x_, int64_t n)        \
    {                                                                                                                  \
        typedef type T UNALIGNED;                                                                                      \
        const type *restrict x = x_, carry = *(const type *)carry_;                                                    \
        char *restrict y = y_;                                                                                         \
        if (y_step == sizeof(T))                                                                                       \
            for (int64_t i = 0; i < n; i++)                                                                            \
                ((T *)y)[i] = both_##name##_##dtype(carry, x[i]);                                                      \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++)                                                                            \
                                *(T *)(y + i * y_step) = both_##name##_##dtype(carry, x[i]);                                           \
    }                                                                                                                  \
    static void carries_##name##_##dtype(void *y_, int64_t y_row, int64_t y_step, const void *carry_, const void *x_,  \
                                         int64_t rows, int64_t width)                                                  \
    {                                                                                                                  \
        typedef type T UNALIGNED;                                                                                      \
        const type *restrict carry = carry_, *restrict x = x_;                                                         \
        char *restrict y = y_;                                                                                         \
        for (; rows > 0; rows--, x += width, y += y_row)                                                               \
            if (y_step == sizeof(T))                                                                                   \
                for (int64_t j = 0; j < width; j++)                                                                    \
                    ((T *)y)[j] = both_##name##_##dtype(carry[j], x[j]);                                               \
            else                                                                                                       \
                for (int64_t j = 0; j < width; j++)                                                                    \
                    *(T *)(y + j * y_step) = both_##name##_##dtype(carry[j], x[j]);                                    \
    }                                                                                                                  \
    static void columns_##name##_##dtype(void *y_, int64_t y_row, int64_t y_step, void *local_, const void *carry_,    \
                                         const void *x_, int64_t rows, int64_t width)                                  \
    {                                                                                                                  \
        typedef type T UNALIGNED;                                                                                      \
        type *restrict local = local_;                                                                                 \
        const type *restrict carry = carry_, *restrict x = x_;                                                         \
        char *restrict y = y_;                                                                                         \
        for (; rows > 0; rows--, x += width, y += y_row)                                                               \
            if (y_step == sizeof(T))                                                                                   \
                for (int64_t j = 0; j < width; j++) {                                                                  \
                    local[j] = both_##name##_##dtype(local[j], x[j]);                                                  \
                    ((T *)y)[j] = both_##name##_##dtype(carry[j], local[j]);                                           \
                }                                                                                                      \
            else                                                                                                       \
                for (int64_t j = 0; j < width; j++) {                                                                  \
                    local[j] = both_##name##_##dtype(local[j], x[j]);                                                  \
                    *(T *)(y + j * y_step) = both_##name##_##dtype(carry[j], local[j]);                                \
                }                                                                                                      \
    }
#define SKIP_FOLD(name, dtype, type, expression, identity)
#define SKIP_ROWS(name, dtype, type, expression, identity)
#define SKIP_SCAN(name, dtype, type, expression)
#define SKIP_LANES(name, dtype, type, expression)
#define SKIP_LEAVES(name, dtype, type, expression)

#define C(combine, identity) EMIT, (combine), (identity)
#undef NA
#define NA SKIP, 0, 0
#define FOLD(...) FOLD_(__VA_ARGS__)
#define FOLD_(name, dtype, type, how, expression, identity)                                                            \
    how##_FOLD(name, dtype, type, expression, identity) how##_ROWS(name, dtype, type, expression, identity)            \
        how##_LANES(name, dtype, type, expression)                     \
        how##_LEAVES(name, dtype, type, expression) how##_SCAN(name, dtype, type, expression)
#define REDUCE(name, accepts, accumulator, empty, combine, c_bool, c_int, c_float, ...)                                         \
    FOLD(name, OP_BOOL, uint8_t, c_bool)                                                                               \
    FOLD(name, OP_I8, int8_t, c_int)                                                                                   \
    FOLD(name, OP_I16, int16_t, c_int)                                                                                 \
    FOLD(name, OP_I32, int32_t, c_int)                                                                                 \
    FOLD(name, OP_I64, int64_t, c_int)                                                                                 \
    FOLD(name, OP_U8, uint8_t, c_int)                                                                                  \
    FOLD(name, OP_U16, uint16_t, c_int)                                                                                \
    FOLD(name, OP_U32, uint32_t, c_int)                                                                                \
    FOLD(name, OP_U64, uint64_t, c_int)                                                                                \
    FOLD(name, OP_F32, float, c_float)                                                                                 \
    FOLD(name, OP_F64, double, c_float)
#include "expr/reduce.def"
#undef REDUCE

#include "expr/loops_arg.inc"

static void leaf_count(void *state, int64_t lanes, const void *x, int64_t rows, int64_t rest, int64_t first,
                       int64_t row_step, int64_t lane_step)
{
    (void)x, (void)first, (void)row_step, (void)lane_step;
    for (int64_t j = 0; j < lanes; j++)
        ((int64_t *)state)[j] = rows + (j < rest);
}

static void rows_count(void *state, void *sum, int64_t lanes, const void *x, int64_t row_bytes, int64_t rows)
{
    (void)sum, (void)row_bytes;
    leaf_count(state, lanes, x, rows, 0, 0, 0, 0);
}

static void take_count(void *state, const void *x, int64_t n, int64_t first)
{
    (void)x, (void)first;
    *(int64_t *)state += n;
}

static void merge_count(void *left, int64_t at_left, const void *right, int64_t at_right, int64_t n, int64_t lanes)
{
    (void)lanes;
    for (int64_t j = 0; j < n; j++)
        ((int64_t *)left)[at_left + j] += ((const int64_t *)right)[at_right + j];
}

static void finish_count(void *out, const void *state, int64_t at, int64_t n, int64_t lanes)
{
    (void)lanes;
    for (int64_t j = 0; j < n; j++)
        ((int64_t *)out)[j] = ((const int64_t *)state)[at + j];
}

/* Sum and rounding error of each lane: every addition is Knuth's TwoSum, whose second result is what the
 * first one lost (Ogita, Rump and Oishi, 2005, "Accurate sum and dot product"). The sums are those of a
 * plain sum, bit for bit. */
#define COMPENSATED(dtype, T)                                                                                          \
    static inline void add_with_error_##dtype(T *sum, T *error, T x)                                                   \
    {                                                                                                                  \
        T total = *sum + x, part = total - *sum;                                                                       \
        *error += (*sum - (total - part)) + (x - part);                                                                \
        *sum = total;                                                                                                  \
    }                                                                                                                  \
    static void leaf_compensated_sum_##dtype(void *state, int64_t lanes, const void *x_, int64_t rows, int64_t rest,   \
                                             int64_t first, int64_t row_step, int64_t lane_step)                       \
    {                                                                                                                  \
        T *sum = state, *error = sum + lanes;                                                                          \
        const T *x = x_;                                                                                               \
        (void)first, (void)row_step, (void)lane_step;                                                                  \
        for (int64_t j = 0; j < lanes; j++)                                                                            \
            sum[j] = (T)-0.0, error[j] = 0;                                                                            \
        if (lanes == OP_LANES) {                                                                                       \
            T lane[OP_LANES], lost[OP_LANES] = {0};                                                                    \
            for (int j = 0; j < OP_LANES; j++)                                                                         \
                lane[j] = (T)-0.0;                                                                                     \
            for (int64_t r = 0; r < rows; r++)                                                                         \
                for (int j = 0; j < OP_LANES; j++)                                                                     \
                    add_with_error_##dtype(&lane[j], &lost[j], x[r * OP_LANES + j]);                                   \
            for (int j = 0; j < OP_LANES; j++)                                                                         \
                sum[j] = lane[j], error[j] = lost[j];                                                                  \
        } else {                                                                                                       \
            for (int64_t r = 0; r < rows; r++)                                                                         \
                for (int64_t j = 0; j < lanes; j++)                                                                    \
                    add_with_error_##dtype(&sum[j], &error[j], x[r * lanes + j]);                                      \
        }                                                                                                              \
        for (int64_t j = 0; j < rest; j++)                                                                             \
            add_with_error_##dtype(&sum[j], &error[j], x[rows * lanes + j]);                                           \
    }                                                                                                                  \
    static void merge_compensated_sum_##dtype(void *left, int64_t at_left, const void *right, int64_t at_right,        \
                                              int64_t n, int64_t lanes)                                                \
    {                                                                                                                  \
        T *sum = (T *)left + at_left, *error = sum + lanes;                                                            \
        const T *sum_2 = (const T *)right + at_right, *error_2 = sum_2 + lanes;                                        \
        for (int64_t j = 0; j < n; j++) {                                                                              \
            error[j] += error_2[j];                                                                                    \
            add_with_error_##dtype(&sum[j], &error[j], sum_2[j]);                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static void finish_compensated_sum_##dtype(void *out_, const void *state, int64_t at, int64_t n, int64_t lanes)    \
    {                                                                                                                  \
        T *out = out_;                                                                                                 \
        const T *sum = (const T *)state + at, *error = sum + lanes;                                                    \
        for (int64_t j = 0; j < n; j++) /* an infinity in the sum makes its error NaN, and stands for itself */        \
            out[j] = sum[j] + (error[j] - error[j] == 0 ? error[j] : 0);                                               \
    }
FLOAT_SOURCES(COMPENSATED)

#include "expr/loops_deviations.inc"

/* ---- the tables ---- */

#define EMIT_FOLD_ENTRY(name, dtype)                                                                                   \
    {                                                                                                                  \
        leaf_##name##_##dtype, merge_##name##_##dtype, finish_##name##_##dtype, SIZE_##dtype, lanes_##name##_##dtype,  \
            leaves_##name##_##dtype, scan_##name##_##dtype, carry_##name##_##dtype, carries_##name##_##dtype,          \
            columns_##name##_##dtype, .rows = rows_##name##_##dtype                                                    \
    }
#define SKIP_FOLD_ENTRY(name, dtype)                                                                                   \
    {                                                                                                                  \
        NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL                                                                              \
    }
#define FOLD_ENTRY(...) FOLD_ENTRY_(__VA_ARGS__)
#define FOLD_ENTRY_(name, dtype, how, expression, identity) [dtype] = how##_FOLD_ENTRY(name, dtype)
#define REDUCE(name, accepts, accumulator, empty, combine, c_bool, c_int, c_float, ...)                                         \
    [OP_REDUCE_##name] = {                                                                                             \
        FOLD_ENTRY(name, OP_BOOL, c_bool), FOLD_ENTRY(name, OP_I8, c_int),  FOLD_ENTRY(name, OP_I16, c_int),           \
        FOLD_ENTRY(name, OP_I32, c_int),   FOLD_ENTRY(name, OP_I64, c_int), FOLD_ENTRY(name, OP_U8, c_int),            \
        FOLD_ENTRY(name, OP_U16, c_int),   FOLD_ENTRY(name, OP_U32, c_int), FOLD_ENTRY(name, OP_U64, c_int),           \
        FOLD_ENTRY(name, OP_F32, c_float), FOLD_ENTRY(name, OP_F64, c_float)},
enum {
    SIZE_OP_BOOL = 1,
    SIZE_OP_I8 = 1,
    SIZE_OP_I16 = 2,
    SIZE_OP_I32 = 4,
    SIZE_OP_I64 = 8,
    SIZE_OP_U8 = 1,
    SIZE_OP_U16 = 2,
    SIZE_OP_U32 = 4,
    SIZE_OP_U64 = 8,
    SIZE_OP_F32 = 4,
    SIZE_OP_F64 = 8
};
#define ARG_ENTRY(name, dtype)                                                                                         \
    [dtype] = {leaf_##name##_##dtype, merge_##name##_##dtype, finish_##name##_##dtype, 16,                             \
               .take = take_##name##_##dtype}
#define ARGMAX_ENTRY(dtype, type) ARG_ENTRY(argmax, dtype),
#define ARGMIN_ENTRY(dtype, type) ARG_ENTRY(argmin, dtype),
#define COMPENSATED_ENTRY(dtype, type)                                                                                 \
    [dtype] = {leaf_compensated_sum_##dtype, merge_compensated_sum_##dtype, finish_compensated_sum_##dtype,            \
               2 * sizeof(type), NULL, NULL, NULL, NULL},
#define DEVIATIONS_ENTRY(dtype, type)                                                                                  \
    [dtype] = {leaf_deviations_##dtype, merge_deviations, finish_deviations, 24,                                       \
               .leaf_and_sum = leaf_and_sum_deviations_##dtype, .pair_and_sum = PAIR_AND_SUM(dtype),                   \
               .rows = rows_deviations_##dtype},
#define COUNT_ENTRY(dtype, type) [dtype] = {leaf_count, merge_count, finish_count, 8, .take = take_count, .rows = rows_count},

#define EMIT_ENTRY(name, dtype) name##_##dtype
#define SKIP_ENTRY(name, dtype) NULL
#define ENTRY(...) ENTRY_(__VA_ARGS__)
#define ENTRY_(name, dtype, how, expression) [dtype] = how##_ENTRY(name, dtype)
#define OP(name, arity, accepts, rule, flags, cost, c_bool, c_int, c_float, ...)                                       \
    [OP_CODE_##name] = {ENTRY(name, OP_BOOL, c_bool), ENTRY(name, OP_I8, c_int),   ENTRY(name, OP_I16, c_int),         \
                        ENTRY(name, OP_I32, c_int),   ENTRY(name, OP_I64, c_int),  ENTRY(name, OP_U8, c_int),          \
                        ENTRY(name, OP_U16, c_int),   ENTRY(name, OP_U32, c_int),  ENTRY(name, OP_U64, c_int),         \
                        ENTRY(name, OP_F32, c_float), ENTRY(name, OP_F64, c_float)},
#define CAST_ENTRY(from, to, to_type, how, low, high) [from][to] = cast_##from##_##to,
#define CAST_SAT_ENTRY(from, to, to_type, how, low, high) [from][to] = cast_sat_##from##_##to,
#define CAST_ENTRIES(from, type) TARGETS(CAST_ENTRY, from)
#define CAST_SAT_ENTRIES(from, type) INT_TARGETS(CAST_SAT_ENTRY, from)

const op_loops TABLE_NAME(OP_LOOPS_SUFFIX) = {
    .row =
        {
#undef NA
#define NA SKIP, 0
#include "expr/ops.def"
#undef NA
#define NA SKIP, 0, 0
        },
    .cast = {INT_SOURCES(CAST_ENTRIES) FLOAT_SOURCES(CAST_ENTRIES)},
    .cast_sat = {INT_SOURCES(CAST_SAT_ENTRIES)},
    .reducer =
        {
#include "expr/reduce.def"
            [OP_REDUCE_argmax] = {INT_SOURCES(ARGMAX_ENTRY) FLOAT_SOURCES(ARGMAX_ENTRY)},
            [OP_REDUCE_argmin] = {INT_SOURCES(ARGMIN_ENTRY) FLOAT_SOURCES(ARGMIN_ENTRY)},
            [OP_REDUCE_count] = {INT_SOURCES(COUNT_ENTRY) FLOAT_SOURCES(COUNT_ENTRY)},
            [OP_REDUCE_compensated_sum] = {FLOAT_SOURCES(COMPENSATED_ENTRY)},
            [OP_REDUCE_deviations] = {FLOAT_SOURCES(DEVIATIONS_ENTRY)},
        },
};
