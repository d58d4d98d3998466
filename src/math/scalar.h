/* The math vocabulary (vocabulary.md) as plain C: one lane at a time.
 *
 * Include with OP_MATH_F64 or OP_MATH_F32 defined, then include the function files, then
 * scalar_end.h. Compile with -ffp-contract=off. FN1(sin, x) defines
 * `static inline double op_math_f64_sin(double x)`, or the f32 one. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "math/rare.h"

#if defined(OP_MATH_F64)
#define V double
#define I int64_t
#define OP_UI uint64_t
#define OP_T f64
#define K2(c64, c32) ((double)(c64))
#define OP_CFN(fn) fn
#elif defined(OP_MATH_F32)
#define V float
#define I int32_t
#define OP_UI uint32_t
#define OP_T f32
#define K2(c64, c32) ((float)(c32))
#define OP_CFN(fn) fn##f
#else
#error "define OP_MATH_F64 or OP_MATH_F32"
#endif

#define M int
#define VV OP_NAME2(op_pair, OP_T)

#define OP_NAME3(a, b, c) OP_NAME3_(a, b, c)
#define OP_NAME3_(a, b, c) a##_##b##_##c
#define OP_NAME2(a, b) OP_NAME2_(a, b)
#define OP_NAME2_(a, b) a##_##b

#define FN1(name, x) static inline V OP_NAME3(op_math, OP_T, name)(V x) {
#define FN2(name, x, y) static inline V OP_NAME3(op_math, OP_T, name)(V x, V y) {
#define FN3(name, x, y, z) static inline V OP_NAME3(op_math, OP_T, name)(V x, V y, V z) {
#define FN1W(name, x)                                                                              \
    static inline float op_math_f32_##name(float x##_narrow)                                       \
    {                                                                                              \
        V x = x##_narrow;
#define FN2W(name, x, y)                                                                           \
    static inline float op_math_f32_##name(float x##_narrow, float y##_narrow)                     \
    {                                                                                              \
        V x = x##_narrow, y = y##_narrow;
#define RET(v) return (v)
#define END }

#define PART(type, name, ...) static inline type OP_NAME3(op_part, OP_T, name)(__VA_ARGS__) {
#define CALL(name, ...) OP_NAME3(op_part, OP_T, name)(__VA_ARGS__)
#define RETP(v) return (v)
#define ENDP }
#define PAIR(v, a, b) VV v = {a, b}

typedef struct {
    V hi, lo;
} VV;

#define K(c) ((V)(c))
#define KI(c) ((I)(c))

#define ADD(a, b) ((V)((a) + (b)))
#define SUB(a, b) ((V)((a) - (b)))
#define MUL(a, b) ((V)((a) * (b)))
#define DIV(a, b) ((V)((a) / (b)))
#define NEG(a) (-(a))
#define ABS(a) OP_CFN(fabs)(a)
#define SQRT(a) OP_CFN(sqrt)(a)
#define FMA(a, b, c) OP_CFN(fma)(a, b, c)
#define RINT(a) OP_CFN(rint)(a)
#define FLOOR(a) OP_CFN(floor)(a)
#define TRUNC(a) OP_CFN(trunc)(a)
#define COPYSIGN(a, s) OP_CFN(copysign)(a, s)

#define LT(a, b) ((a) < (b))
#define LE(a, b) ((a) <= (b))
#define GT(a, b) ((a) > (b))
#define GE(a, b) ((a) >= (b))
#define EQ(a, b) ((a) == (b))
#define NE(a, b) ((a) != (b))
#define ISNAN(a) ((a) != (a))
#define MAND(a, b) ((a) & (b))
#define MOR(a, b) ((a) | (b))
#define MNOT(a) (!(a))
#define SEL(m, a, b) ((m) ? (a) : (b))
#define ISEL(m, a, b) ((m) ? (a) : (b))
#define WITHIN(x, bound) SEL(LT(ABS(x), bound), x, bound)

static inline I OP_NAME2(op_bits, OP_T)(V x)
{
    I i;
    memcpy(&i, &x, sizeof i);
    return i;
}
static inline V OP_NAME2(op_from_bits, OP_T)(I i)
{
    V x;
    memcpy(&x, &i, sizeof x);
    return x;
}
#define BITS(x) OP_NAME2(op_bits, OP_T)(x)
#define FLT(i) OP_NAME2(op_from_bits, OP_T)(i)
#define TOI(x) ((I)(x))
#define TOV(i) ((V)(i))
#define IADD(a, b) ((I)((OP_UI)(a) + (OP_UI)(b)))
#define ISUB(a, b) ((I)((OP_UI)(a) - (OP_UI)(b)))
#define IMUL(a, b) ((I)((OP_UI)(a) * (OP_UI)(b)))
#define IAND(a, b) ((a) & (b))
#define IOR(a, b) ((a) | (b))
#define IXOR(a, b) ((a) ^ (b))
#define ISHL(a, n) ((I)((OP_UI)(a) << (n)))
#define ISHR(a, n) ((I)((OP_UI)(a) >> (n)))
#define ISAR(a, n) ((a) >> (n)) /* arithmetic in every compiler we support */
#define IEQ(a, b) ((a) == (b))
#define INE(a, b) ((a) != (b))
#define ILT(a, b) ((a) < (b))
#define IGT(a, b) ((a) > (b))

#define TABLE(name, n) static const V OP_NAME3(op_table, OP_T, name)[n] =
#define ENDT ;
#define LOOKUP(table, i)                                                                           \
    (OP_NAME3(op_table, OP_T, table)[(OP_UI)(i) % (sizeof OP_NAME3(op_table, OP_T, table) / sizeof(V))])
#define PICK(table, i, steps) LOOKUP(table, i)

#define COLD(y, m, e)                                                                              \
    do {                                                                                           \
        if (m)                                                                                     \
            (y) = (e);                                                                             \
    } while (0)
#define RARE1(m, y, name, x) ((m) ? OP_NAME3(op_rare, OP_T, name)(x) : (y))
#define RARE2(m, y, name, x1, x2) ((m) ? OP_NAME3(op_rare, OP_T, name)(x1, x2) : (y))
