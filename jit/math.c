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

/* A float of this many bits in every lane fills a register of AVX-512. */
static int fills_avx512(unsigned bits)
{
    return em->isa == &op_isa_rows[OP_ISA_X86_64_V4] && em->width * bits == 512;
}

/* y * 2^k, rounded once. */
static V word_scalb(unsigned bits, V y, V k)
{
    V everywhere = LLVMConstInt(type_int(em, em->width), bits == 64 ? 0xff : 0xffff, 0);
    V current_rounding = LLVMConstInt(type_int(em, 32), 4, 0);
    return word_of_target(bits == 64 ? "llvm.x86.avx512.mask.scalef.pd.512" : "llvm.x86.avx512.mask.scalef.ps.512", 5,
                          (V[]){y, k, y, everywhere, current_rounding});
}

/* ---- Tables ---- */

static LLVMValueRef table_entry(LLVMTypeRef type, const void *table, unsigned i)
{
    int is_double = LLVMGetTypeKind(type) == LLVMDoubleTypeKind;
    return LLVMConstReal(type, is_double ? ((const double *)table)[i] : (double)((const float *)table)[i]);
}

/* The instruction that permutes a register which holds a table of eight entries, or NULL. */
static const char *permutation(LLVMTypeRef type)
{
    if (LLVMGetTypeKind(type) == LLVMDoubleTypeKind)
        return fills_avx512(64) ? "llvm.x86.avx512.permvar.df.512" : NULL;
    int has_avx2 = em->isa == &op_isa_rows[OP_ISA_X86_64_V3] || em->isa == &op_isa_rows[OP_ISA_X86_64_V4];
    if (fills_avx512(32))
        return "llvm.x86.avx512.permvar.sf.512";
    return has_avx2 && em->width == 8 ? "llvm.x86.avx2.permps" : NULL;
}

static V word_permute(const char *instruction, LLVMTypeRef type, const void *table, I i)
{
    LLVMValueRef content[16];
    for (unsigned k = 0; k < em->width; k++) /* a longer register holds the table more than once */
        content[k] = table_entry(type, table, k % 8);
    return word_of_target(instruction, 2, (V[]){LLVMConstVector(content, em->width), i});
}

/* table[i], by a permutation, or lane by lane from memory that is a constant of the kernel. */
static MAYBE_UNUSED V word_lookup(const char *name, LLVMTypeRef type, unsigned n, const void *table, I i)
{
    if (n == 8 && permutation(type))
        return word_permute(permutation(type), type, table, i);
    LLVMValueRef global = LLVMGetNamedGlobal(em->module, name);
    if (!global) {
        LLVMValueRef content[4096];
        for (unsigned k = 0; k < n; k++)
            content[k] = table_entry(type, table, k);
        global = LLVMAddGlobal(em->module, LLVMArrayType2(type, n), name);
        LLVMSetInitializer(global, LLVMConstArray2(type, content, n));
        LLVMSetGlobalConstant(global, 1);
        LLVMSetLinkage(global, LLVMPrivateLinkage);
        LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
        LLVMSetAlignment(global, 64);
    }
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
    V NAME3(jit_math, type, name)(emitter *current, V *arg)                                                            \
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
#define ILT(a, b) word_icmp(LLVMIntSLT, a, b)
#define IGT(a, b) word_icmp(LLVMIntSGT, a, b)

#define TABLE(name, n) static const C_T NAME3(table, T, name)[n] =
#define ENDT ;
#define LOOKUP(name, i)                                                                                                \
    word_lookup(TEXT(T) "." #name, type_float(em, BITS_T), sizeof NAME3(table, T, name) / sizeof(C_T),                 \
                NAME3(table, T, name), i)

#define SCALB(y, k, steps) (fills_avx512(BITS_T) ? word_scalb(BITS_T, y, k) : (steps))

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
