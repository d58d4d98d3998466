/* Every row of the op table as a C loop, for every dtype that it accepts. This file is compiled once
 * for each instruction-set level; OP_LOOPS_SUFFIX names the copy. Compile with -ffp-contract=off. */
#include "expr/loops.h"

#include <math.h>

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
#define EMIT_FOLD(name, dtype, type, expression, neutral)                                                            \
    static void fold_##name##_##dtype(void *acc_, const void *x_, int64_t rows, int64_t width)                         \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        T *acc = acc_;                                                                                                 \
        const T *x = x_;                                                                                               \
        if (width == OP_LANES) {                                                                                       \
            T lane[OP_LANES];                                                                                          \
            for (int j = 0; j < OP_LANES; j++)                                                                         \
                lane[j] = acc[j];                                                                                      \
            for (int64_t r = 0; r < rows; r++)                                                                         \
                for (int j = 0; j < OP_LANES; j++)                                                                     \
                    COMBINE(lane[j], x[r * OP_LANES + j], expression)                                                  \
            for (int j = 0; j < OP_LANES; j++)                                                                         \
                acc[j] = lane[j];                                                                                      \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t r = 0; r < rows; r++)                                                                             \
            for (int64_t j = 0; j < width; j++)                                                                        \
                COMBINE(acc[j], x[r * width + j], expression)                                                          \
    }                                                                                                                  \
    static void neutral_##name##_##dtype(void *out, const void *const *in, int64_t n)                                 \
    {                                                                                                                  \
        typedef type T;                                                                                                \
        (void)in;                                                                                                      \
        for (int64_t i = 0; i < n; i++)                                                                                \
            ((T *)out)[i] = (T)(neutral);                                                                            \
    }
#define SKIP_FOLD(name, dtype, type, expression, identity)

#define C(combine, identity) EMIT, (combine), (identity)
#undef NA
#define NA SKIP, 0, 0
#define FOLD(...) FOLD_(__VA_ARGS__)
#define FOLD_(name, dtype, type, how, expression, identity) how##_FOLD(name, dtype, type, expression, identity)
#define REDUCE(name, accepts, accumulator, empty, c_bool, c_int, c_float, ...)                                         \
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

/* ---- the tables ---- */

#define EMIT_FOLD_ENTRY(prefix, name, dtype) prefix##_##name##_##dtype
#define SKIP_FOLD_ENTRY(prefix, name, dtype) NULL
#define FOLD_ENTRY(...) FOLD_ENTRY_(__VA_ARGS__)
#define FOLD_ENTRY_(prefix, name, dtype, how, expression, identity) [dtype] = how##_FOLD_ENTRY(prefix, name, dtype)
/* One row's entries in the table of PREFIX, fold or neutral. */
#define REDUCE(name, accepts, accumulator, empty, c_bool, c_int, c_float, ...)                                         \
    [OP_REDUCE_##name] = {                                                                                             \
        FOLD_ENTRY(PREFIX, name, OP_BOOL, c_bool), FOLD_ENTRY(PREFIX, name, OP_I8, c_int),                             \
        FOLD_ENTRY(PREFIX, name, OP_I16, c_int),   FOLD_ENTRY(PREFIX, name, OP_I32, c_int),                            \
        FOLD_ENTRY(PREFIX, name, OP_I64, c_int),   FOLD_ENTRY(PREFIX, name, OP_U8, c_int),                             \
        FOLD_ENTRY(PREFIX, name, OP_U16, c_int),   FOLD_ENTRY(PREFIX, name, OP_U32, c_int),                            \
        FOLD_ENTRY(PREFIX, name, OP_U64, c_int),   FOLD_ENTRY(PREFIX, name, OP_F32, c_float),                          \
        FOLD_ENTRY(PREFIX, name, OP_F64, c_float)},

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
    .fold =
        {
#define PREFIX fold
#include "expr/reduce.def"
#undef PREFIX
        },
    .identity =
        {
#define PREFIX neutral
#include "expr/reduce.def"
#undef PREFIX
        },
};
