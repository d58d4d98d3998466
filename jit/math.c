/* The math vocabulary (src/math/vocabulary.md) as LLVM IR: V, I and M are vectors, every word appends
 * an instruction or a few, and a function of src/math becomes a builder of its IR. */
#include "jit/math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define MAYBE_UNUSED __attribute__((unused))
#else
#define MAYBE_UNUSED
#endif

#define V LLVMValueRef
#define I LLVMValueRef
#define M LLVMValueRef

typedef struct op_vector_pair { /* a name that no function of src/math takes for a value */
    V hi, lo;
} op_vector_pair;
#define VV op_vector_pair

/* The words have no parameter for the emitter, so it stands here while a function runs. */
static emitter *em;

/* ---- Words that are more than one call of the C API ---- */

static V word_round(rounding how, V x)
{
    return emit_round(em, how, x);
}

static V word_unary(const char *intrinsic, V x)
{
    return emit_intrinsic(em, intrinsic, 1, &x);
}

static V word_copysign(V x, V s)
{
    return emit_intrinsic(em, "llvm.copysign", 2, (V[]){x, s});
}

static M word_fcmp(LLVMRealPredicate how, V a, V b)
{
    return LLVMBuildFCmp(em->builder, how, a, b, "");
}

static M word_icmp(LLVMIntPredicate how, I a, I b)
{
    return LLVMBuildICmp(em->builder, how, a, b, "");
}

/* MAYBE_UNUSED from here on: which words are in use depends on the functions. */
static MAYBE_UNUSED V word_cast(LLVMOpcode how, V x, LLVMTypeRef lane)
{
    return LLVMBuildCast(em->builder, how, x, type_vector(em, lane), "");
}

/* ---- Instructions that one level has ---- */

static V word_of_target(const char *intrinsic, unsigned n, V *arg)
{
    unsigned id = LLVMLookupIntrinsicID(intrinsic, strlen(intrinsic));
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(em->module, id, NULL, 0);
    return LLVMBuildCall2(em->builder, LLVMIntrinsicGetType(em->context, id, NULL, 0), function, arg, n, "");
}

typedef V (*register_word)(const void *what, V *arg);

/* A word that knows registers of so many bits only, for each of those that the lanes fill. */
static V word_by_register(unsigned register_bits, unsigned lane_bits, register_word word, const void *what, unsigned n,
                          V *arg)
{
    if (em->width * lane_bits <= register_bits)
        return word(what, arg);
    V part[2], half[3];
    em->width /= 2;
    for (unsigned p = 0; p < 2; p++) {
        for (unsigned k = 0; k < n; k++)
            half[k] = emit_half(em, arg[k], p);
        part[p] = word_by_register(register_bits, lane_bits, word, what, n, half);
    }
    em->width *= 2;
    return emit_joined(em, part[0], part[1]);
}

/* Floats of this many bits fill a register of AVX-512, or several. */
static int fills_avx512(unsigned bits)
{
    return em->isa == &op_isa_rows[OP_ISA_X86_64_V4] && em->width * bits >= 512;
}

static int fills_avx2(unsigned bits)
{
    int has_avx2 = em->isa == &op_isa_rows[OP_ISA_X86_64_V3] || em->isa == &op_isa_rows[OP_ISA_X86_64_V4];
    return has_avx2 && em->width * bits >= 256;
}

typedef struct avx512_word {
    unsigned bits;
    const char *f64, *f32; /* names for either type */
    unsigned n;            /* vectors */
    int immediate;         /* operand after them; negative: none */
} avx512_word;

/* After the operands come what masked lanes keep, the mask, the rounding. */
static V word_avx512_register(const void *what, V *x)
{
    const avx512_word *word = what;
    V arg[7];
    unsigned n = word->n;
    memcpy(arg, x, n * sizeof *arg);
    if (word->immediate >= 0)
        arg[n++] = LLVMConstInt(type_int(em, 32), (unsigned)word->immediate, 0);
    arg[n++] = x[0];
    arg[n++] = LLVMConstInt(type_int(em, em->width), word->bits == 64 ? 0xff : 0xffff, 0);
    arg[n++] = LLVMConstInt(type_int(em, 32), 4, 0); /* the current one */
    return word_of_target(word->bits == 64 ? word->f64 : word->f32, n, arg);
}

static V word_avx512(const avx512_word *word, V *x)
{
    return word_by_register(512, word->bits, word_avx512_register, word, word->n, x);
}

/* y * 2^floor(k), rounded once. */
static V word_scalb(unsigned bits, V y, V k)
{
    return word_avx512(&(avx512_word){bits, "llvm.x86.avx512.mask.scalef.pd.512", "llvm.x86.avx512.mask.scalef.ps.512",
                                      2, -1},
                       (V[]){y, k});
}

static V word_exponent(unsigned bits, V x)
{
    return word_avx512(&(avx512_word){bits, "llvm.x86.avx512.mask.getexp.pd.512", "llvm.x86.avx512.mask.getexp.ps.512",
                                      1, -1},
                       &x);
}

static V word_mantissa(unsigned bits, V x)
{
    enum { FROM_1_TO_2_AND_NO_SIGN = 8 };
    return word_avx512(&(avx512_word){bits, "llvm.x86.avx512.mask.getmant.pd.512",
                                      "llvm.x86.avx512.mask.getmant.ps.512", 1, FROM_1_TO_2_AND_NO_SIGN},
                       &x);
}

static V word_within(unsigned bits, V x, V bound)
{
    enum { SMALLER_MAGNITUDE_WITH_ITS_SIGN = 6 };
    if (!fills_avx512(bits)) {
        M is_within = word_fcmp(LLVMRealOLT, word_unary("llvm.fabs", x), bound);
        return emit_select(em, is_within, x, bound);
    }
    return word_avx512(&(avx512_word){bits, "llvm.x86.avx512.mask.range.pd.512", "llvm.x86.avx512.mask.range.ps.512",
                                      2, SMALLER_MAGNITUDE_WITH_ITS_SIGN},
                       (V[]){x, bound});
}

/* ---- Tables ---- */

static LLVMValueRef table_entry(LLVMTypeRef type, const void *table, unsigned i)
{
    int is_double = LLVMGetTypeKind(type) == LLVMDoubleTypeKind;
    return LLVMConstReal(type, is_double ? ((const double *)table)[i] : (double)((const float *)table)[i]);
}

/* `lanes` entries from `first` on, again from the beginning after n: what a register holds */
static LLVMValueRef table_part(LLVMTypeRef type, const void *table, unsigned n, unsigned first, unsigned lanes)
{
    LLVMValueRef content[16];
    for (unsigned k = 0; k < lanes; k++)
        content[k] = table_entry(type, table, (first + k) % n);
    return LLVMConstVector(content, lanes);
}

typedef struct lookup_table {
    LLVMTypeRef type;
    unsigned bits, n;
    const void *entry;
} lookup_table;

static V word_permute_avx512(const void *what, I *i)
{
    const lookup_table *t = what;
    V low = table_part(t->type, t->entry, t->n, 0, em->width);
    if (t->n <= em->width)
        return word_of_target(t->bits == 64 ? "llvm.x86.avx512.permvar.df.512" : "llvm.x86.avx512.permvar.sf.512", 2,
                              (V[]){low, *i});
    V high = table_part(t->type, t->entry, t->n, em->width, em->width);
    return word_of_target(t->bits == 64 ? "llvm.x86.avx512.vpermi2var.pd.512" : "llvm.x86.avx512.vpermi2var.ps.512", 3,
                          (V[]){low, *i, high});
}

/* Bit `bit` of the index, as a mask. */
static M index_bit(I i, unsigned bits, unsigned bit)
{
    I shifted = LLVMBuildShl(em->builder, i, const_int(em, bits, bits - 1 - bit), "");
    return word_icmp(LLVMIntSLT, shifted, const_int(em, bits, 0));
}

/* Entries of a float64 table are pairs of float32, found by pairs of indices. */
static V word_permute_pairs(LLVMTypeRef type, V part, I i)
{
    LLVMTypeRef floats = LLVMVectorType(type_float(em, 32), 8), ints = LLVMVectorType(type_int(em, 32), 8);
    I twice = LLVMBuildShl(em->builder, i, const_int(em, 64, 1), "");
    I second = LLVMBuildShl(em->builder, LLVMBuildAdd(em->builder, twice, const_int(em, 64, 1), ""),
                            const_int(em, 64, 32), "");
    I first = LLVMBuildAnd(em->builder, twice, const_int(em, 64, 0xffffffff), "");
    I pair = LLVMBuildBitCast(em->builder, LLVMBuildOr(em->builder, first, second, ""), ints, "");
    part = LLVMBuildBitCast(em->builder, part, floats, "");
    V permuted = word_of_target("llvm.x86.avx2.permps", 2, (V[]){part, pair});
    return LLVMBuildBitCast(em->builder, permuted, type_vector(em, type), "");
}

/* `count` entries from `first` on, by the lowest bits of i. */
static V word_permute_part(const lookup_table *t, I i, unsigned first, unsigned count)
{
    if (count > em->width) {
        V low = word_permute_part(t, i, first, count / 2);
        V high = word_permute_part(t, i, first + count / 2, count / 2);
        unsigned bit = 0;
        while (count > 2u << bit)
            bit++;
        return emit_select(em, index_bit(i, t->bits, bit), high, low);
    }
    V part = table_part(t->type, t->entry, t->n, first, em->width);
    if (t->bits == 32)
        return word_of_target("llvm.x86.avx2.permps", 2, (V[]){part, i});
    return word_permute_pairs(t->type, part, i);
}

static V word_permute_avx2(const void *what, I *i)
{
    const lookup_table *t = what;
    return word_permute_part(t, *i, 0, t->n);
}

static LLVMValueRef table_in_memory(const char *name, const lookup_table *t)
{
    LLVMValueRef global = LLVMGetNamedGlobal(em->module, name);
    if (global)
        return global;
    LLVMValueRef content[4096];
    for (unsigned k = 0; k < t->n; k++)
        content[k] = table_entry(t->type, t->entry, k);
    global = LLVMAddGlobal(em->module, LLVMArrayType2(t->type, t->n), name);
    LLVMSetInitializer(global, LLVMConstArray2(t->type, content, t->n));
    LLVMSetGlobalConstant(global, 1);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(global, 64);
    return global;
}

/* table[i modulo n], by permutations, or lane by lane from memory that is a constant of the kernel. */
static MAYBE_UNUSED V word_lookup(const char *name, LLVMTypeRef type, unsigned n, const void *entry, I i)
{
    unsigned bits = LLVMGetTypeKind(type) == LLVMDoubleTypeKind ? 64 : 32;
    lookup_table table = {type, bits, n, entry};
    if (fills_avx512(bits) && n * bits <= 2 * 512)
        return word_by_register(512, bits, word_permute_avx512, &table, 1, &i);
    if (fills_avx2(bits) && n * bits <= 4 * 256)
        return word_by_register(256, bits, word_permute_avx2, &table, 1, &i);
    LLVMValueRef global = table_in_memory(name, &table);
    i = LLVMBuildAnd(em->builder, i, const_int(em, bits, n - 1), "");
    V result = LLVMGetPoison(type_vector(em, type));
    for (unsigned lane = 0; lane < em->width; lane++) {
        LLVMValueRef index = emit_lane(em, i, lane);
        LLVMValueRef address = LLVMBuildGEP2(em->builder, type, global, &index, 1, "");
        LLVMValueRef element = LLVMBuildLoad2(em->builder, type, address, "");
        result = LLVMBuildInsertElement(em->builder, result, element, const_index(em, lane), "");
    }
    return result;
}

static V widen(V x)
{
    return emit_cast(em, OP_F32, OP_F64, 0, x);
}

static V narrowed(V x)
{
    return emit_cast(em, OP_F64, OP_F32, 0, x);
}

/* ---- The vocabulary. T is f64 or f32, BITS_T 64 or 32, C_T double or float ---- */

#define NAME3(a, b, c) NAME3_(a, b, c)
#define NAME3_(a, b, c) a##_##b##_##c
#define TEXT(a) TEXT_(a)
#define TEXT_(a) #a

#define BEGIN(type, name, is_narrow)                                                                                   \
    V NAME3(jit_math, type, name)(emitter * current, V * arg)                                                          \
    {                                                                                                                  \
        enum { narrow = is_narrow };                                                                                   \
        em = current;
#define FN1(name, x) BEGIN(T, name, 0) V x = arg[0];
#define FN2(name, x, y) BEGIN(T, name, 0) V x = arg[0], y = arg[1];
#define FN3(name, x, y, z) BEGIN(T, name, 0) V x = arg[0], y = arg[1], z = arg[2];
#define FN1W(name, x) BEGIN(f32, name, 1) V x = widen(arg[0]);
#define FN2W(name, x, y) BEGIN(f32, name, 1) V x = widen(arg[0]), y = widen(arg[1]);
#define RET(v) return narrow ? narrowed(v) : (v)
#define END }

#define PART(type, name, ...)                                                                                          \
    static MAYBE_UNUSED type NAME3(part, T, name)(__VA_ARGS__)                                                         \
    {
#define CALL(name, ...) NAME3(part, T, name)(__VA_ARGS__)
#define RETP(v) return (v)
#define ENDP }
#define PAIR(v, a, b) VV v = {a, b}

#define K(c) const_float(em, BITS_T, (C_T)(c))
#define K2(c64, c32) const_float(em, BITS_T, BITS_T == 64 ? (double)(c64) : (double)(float)(c32))
#define KI(c) const_int(em, BITS_T, (uint64_t)(int64_t)(c))

#define ADD(a, b) LLVMBuildFAdd(em->builder, a, b, "")
#define SUB(a, b) LLVMBuildFSub(em->builder, a, b, "")
#define MUL(a, b) LLVMBuildFMul(em->builder, a, b, "")
#define DIV(a, b) LLVMBuildFDiv(em->builder, a, b, "")
#define NEG(a) LLVMBuildFNeg(em->builder, a, "")
#define ABS(a) word_unary("llvm.fabs", a)
#define SQRT(a) word_unary("llvm.sqrt", a)
#define FMA(a, b, c) emit_fma(em, a, b, c)
#define RINT(a) word_round(ROUND_RINT, a)
#define FLOOR(a) word_round(ROUND_FLOOR, a)
#define TRUNC(a) word_round(ROUND_TRUNC, a)
#define COPYSIGN(a, s) word_copysign(a, s)

#define LT(a, b) word_fcmp(LLVMRealOLT, a, b)
#define LE(a, b) word_fcmp(LLVMRealOLE, a, b)
#define GT(a, b) word_fcmp(LLVMRealOGT, a, b)
#define GE(a, b) word_fcmp(LLVMRealOGE, a, b)
#define EQ(a, b) word_fcmp(LLVMRealOEQ, a, b)
#define NE(a, b) word_fcmp(LLVMRealUNE, a, b)
#define ISNAN(a) word_fcmp(LLVMRealUNO, a, const_float(em, BITS_T, 0))
#define MAND(a, b) LLVMBuildAnd(em->builder, a, b, "")
#define MOR(a, b) LLVMBuildOr(em->builder, a, b, "")
#define MNOT(a) LLVMBuildNot(em->builder, a, "")
#define SEL(m, a, b) emit_select(em, m, a, b)
#define WITHIN(x, bound) word_within(BITS_T, x, bound)
#define ISEL(m, a, b) emit_select(em, m, a, b)

#define BITS(x) word_cast(LLVMBitCast, x, type_int(em, BITS_T))
#define FLT(i) word_cast(LLVMBitCast, i, type_float(em, BITS_T))
#define TOI(x) word_cast(LLVMFPToSI, x, type_int(em, BITS_T))
#define TOV(i) word_cast(LLVMSIToFP, i, type_float(em, BITS_T))
#define IADD(a, b) LLVMBuildAdd(em->builder, a, b, "")
#define ISUB(a, b) LLVMBuildSub(em->builder, a, b, "")
#define IMUL(a, b) LLVMBuildMul(em->builder, a, b, "")
#define IAND(a, b) LLVMBuildAnd(em->builder, a, b, "")
#define IOR(a, b) LLVMBuildOr(em->builder, a, b, "")
#define IXOR(a, b) LLVMBuildXor(em->builder, a, b, "")
#define ISHL(a, n) LLVMBuildShl(em->builder, a, KI(n), "")
#define ISHR(a, n) LLVMBuildLShr(em->builder, a, KI(n), "")
#define ISAR(a, n) LLVMBuildAShr(em->builder, a, KI(n), "")
#define IEQ(a, b) word_icmp(LLVMIntEQ, a, b)
#define INE(a, b) word_icmp(LLVMIntNE, a, b)
#define ILT(a, b) word_icmp(LLVMIntSLT, a, b)
#define IGT(a, b) word_icmp(LLVMIntSGT, a, b)

#define TABLE(name, n) static const C_T NAME3(table, T, name)[n] =
#define ENDT ;
#define LOOKUP(name, i)                                                                                                \
    word_lookup(TEXT(T) "." #name, type_float(em, BITS_T), sizeof NAME3(table, T, name) / sizeof(C_T),                 \
                NAME3(table, T, name), i)
#define PICK(name, i, steps) (fills_avx512(BITS_T) ? LOOKUP(name, i) : (steps))

#define SCALB(y, k, steps) (fills_avx512(BITS_T) ? word_scalb(BITS_T, y, k) : (steps))
#define EXPONENT(x, steps) (fills_avx512(BITS_T) ? word_exponent(BITS_T, x) : (steps))
#define MANTISSA(x, steps) (fills_avx512(BITS_T) ? word_mantissa(BITS_T, x) : (steps))

#define COLD(y, m, e)                                                                              \
    do {                                                                                           \
        emit_cold cold_ = emit_cold_begin(em, m, y);                                               \
        (y) = emit_cold_end(em, &cold_, e);                                                        \
    } while (0)
#define RARE1(m, y, name, x) emit_rare(em, m, y, NAME3(OP_CALL_RARE, T, name), x, NULL)
#define RARE2(m, y, name, x1, x2) emit_rare(em, m, y, NAME3(OP_CALL_RARE, T, name), x1, x2)

/* ---- The functions, twice ---- */

#define OP_MATH_F64
#define T f64
#define BITS_T 64
#define C_T double
#include "math/all.inc"
#undef C_T
#undef BITS_T
#undef T
#undef OP_MATH_F64

#define OP_MATH_F32
#define T f32
#define BITS_T 32
#define C_T float
#include "math/all.inc"
