/* The recipes of the op table. */
#include "jit/recipes.h"

#include <math.h>

#include "jit/math.h"

/* ---- Small words ---- */

static LLVMValueRef icmp(emitter *em, LLVMIntPredicate how, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildICmp(em->builder, how, a, b, "");
}

static LLVMValueRef fcmp(emitter *em, LLVMRealPredicate how, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildFCmp(em->builder, how, a, b, "");
}

static LLVMValueRef is_zero(emitter *em, LLVMValueRef x)
{
    return icmp(em, LLVMIntEQ, x, LLVMConstNull(LLVMTypeOf(x)));
}

static LLVMValueRef is_nan(emitter *em, LLVMValueRef x)
{
    return fcmp(em, LLVMRealUNO, x, x);
}

static LLVMValueRef fabs_of(emitter *em, LLVMValueRef x)
{
    return emit_intrinsic(em, "llvm.fabs", 1, &x);
}

static LLVMValueRef false_mask(emitter *em)
{
    return const_int(em, 1, 0);
}

/* ---- Integer division ---- */

/* Quotients of narrow integers are computed in floats, which vectors can divide: with p bits of
 * precision, at most p - 1 bits in the operands, a quotient that is not an integer is further from
 * the next one than its rounding error. */
static LLVMValueRef emit_narrow_quotient(emitter *em, op_dtype dtype, LLVMValueRef a, LLVMValueRef b)
{
    op_dtype real = bits_of(dtype) <= 16 ? OP_F32 : OP_F64;
    LLVMTypeRef type = type_vector(em, type_int(em, 32));
    LLVMValueRef quotient = LLVMBuildFDiv(em->builder, emit_cast(em, dtype, real, 0, a),
                                          emit_cast(em, dtype, real, 0, b), "");
    quotient = dtype == OP_U32 ? LLVMBuildFPToUI(em->builder, quotient, type, "")
                               : LLVMBuildFPToSI(em->builder, quotient, type, "");
    return bits_of(dtype) < 32 ? LLVMBuildTrunc(em->builder, quotient, type_value(em, dtype), "") : quotient;
}

/* a / b towards zero and what remains, for b from safe_divisor. */
static LLVMValueRef emit_quotient(emitter *em, op_dtype dtype, LLVMValueRef a, LLVMValueRef b, LLVMValueRef *rest)
{
    LLVMBuilderRef builder = em->builder;
    LLVMValueRef quotient = bits_of(dtype) <= 32 ? emit_narrow_quotient(em, dtype, a, b)
                            : is_signed(dtype)   ? LLVMBuildSDiv(builder, a, b, "")
                                                 : LLVMBuildUDiv(builder, a, b, "");
    *rest = LLVMBuildSub(builder, a, LLVMBuildMul(builder, quotient, b, ""), "");
    return quotient;
}

/* b, but 1 where dividing by b would trap: x / 0 and MIN / -1 (whose wrapped result is MIN / 1, too). */
static LLVMValueRef safe_divisor(emitter *em, op_dtype dtype, LLVMValueRef a, LLVMValueRef b)
{
    unsigned bits = bits_of(dtype);
    LLVMValueRef traps = is_zero(em, b);
    if (is_signed(dtype)) {
        LLVMValueRef is_min = icmp(em, LLVMIntEQ, a, const_int(em, bits, 1ull << (bits - 1)));
        LLVMValueRef is_minus_1 = icmp(em, LLVMIntEQ, b, const_int(em, bits, ~0ull));
        traps = LLVMBuildOr(em->builder, traps, LLVMBuildAnd(em->builder, is_min, is_minus_1, ""), "");
    }
    return emit_select(em, traps, const_int(em, bits, 1), b);
}

/* Where a signed quotient was rounded up: there is a rest, and its sign is not that of b. */
static LLVMValueRef rounded_up(emitter *em, LLVMValueRef rest, LLVMValueRef b)
{
    LLVMValueRef zero = LLVMConstNull(LLVMTypeOf(b));
    LLVMValueRef differ = icmp(em, LLVMIntSLT, LLVMBuildXor(em->builder, rest, b, ""), zero);
    return LLVMBuildAnd(em->builder, differ, icmp(em, LLVMIntNE, rest, zero), "");
}

static LLVMValueRef emit_floor_divide(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    if (is_float(dtype))
        return bits_of(dtype) == 64 ? jit_math_f64_floor_divide(em, arg) : jit_math_f32_floor_divide(em, arg);
    LLVMValueRef a = arg[0], b = safe_divisor(em, dtype, a, arg[1]), rest;
    LLVMValueRef quotient = emit_quotient(em, dtype, a, b, &rest);
    if (is_signed(dtype)) {
        LLVMValueRef less = LLVMBuildSub(em->builder, quotient, const_of(em, dtype, 1), "");
        quotient = emit_select(em, rounded_up(em, rest, b), less, quotient);
    }
    return emit_select(em, is_zero(em, arg[1]), const_of(em, dtype, 0), quotient);
}

static LLVMValueRef emit_remainder(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    if (is_float(dtype))
        return bits_of(dtype) == 64 ? jit_math_f64_remainder(em, arg) : jit_math_f32_remainder(em, arg);
    LLVMValueRef a = arg[0], b = safe_divisor(em, dtype, a, arg[1]), rest;
    emit_quotient(em, dtype, a, b, &rest);
    if (is_signed(dtype)) {
        LLVMValueRef more = LLVMBuildAdd(em->builder, rest, b, "");
        rest = emit_select(em, rounded_up(em, rest, b), more, rest);
    }
    return emit_select(em, is_zero(em, arg[1]), const_of(em, dtype, 0), rest);
}

static LLVMValueRef emit_fmod(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    if (is_float(dtype))
        return bits_of(dtype) == 64 ? jit_math_f64_fmod(em, arg) : jit_math_f32_fmod(em, arg);
    LLVMValueRef rest;
    emit_quotient(em, dtype, arg[0], safe_divisor(em, dtype, arg[0], arg[1]), &rest);
    return emit_select(em, is_zero(em, arg[1]), const_of(em, dtype, 0), rest);
}

/* ---- Arithmetic ---- */

static LLVMValueRef emit_negative(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? LLVMBuildFNeg(em->builder, arg[0], "") : LLVMBuildNeg(em->builder, arg[0], "");
}

static LLVMValueRef emit_positive(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    (void)em, (void)dtype;
    return arg[0];
}

static LLVMValueRef emit_absolute(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    if (is_float(dtype))
        return fabs_of(em, arg[0]);
    if (!is_signed(dtype))
        return arg[0];
    LLVMValueRef is_negative = icmp(em, LLVMIntSLT, arg[0], const_of(em, dtype, 0));
    return emit_select(em, is_negative, LLVMBuildNeg(em->builder, arg[0], ""), arg[0]);
}

static LLVMValueRef emit_square(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? LLVMBuildFMul(em->builder, arg[0], arg[0], "")
                           : LLVMBuildMul(em->builder, arg[0], arg[0], "");
}

static LLVMValueRef emit_reciprocal(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return LLVMBuildFDiv(em->builder, const_of(em, dtype, 1), arg[0], "");
}

static LLVMValueRef emit_fused(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    (void)dtype;
    return emit_fma(em, arg[0], arg[1], arg[2]);
}

static LLVMValueRef emit_sign(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    LLVMValueRef a = arg[0], zero = const_of(em, dtype, 0), one = const_of(em, dtype, 1);
    LLVMValueRef minus_one = const_of(em, dtype, -1);
    if (!is_float(dtype)) {
        LLVMValueRef not_zero = emit_select(em, icmp(em, LLVMIntNE, a, zero), one, zero);
        return is_signed(dtype) ? emit_select(em, icmp(em, LLVMIntSLT, a, zero), minus_one, not_zero) : not_zero;
    }
    LLVMValueRef zero_or_nan = emit_select(em, fcmp(em, LLVMRealOEQ, a, zero), zero, a);
    LLVMValueRef negative = emit_select(em, fcmp(em, LLVMRealOLT, a, zero), minus_one, zero_or_nan);
    return emit_select(em, fcmp(em, LLVMRealOGT, a, zero), one, negative);
}

/* ---- Bits ---- */

static LLVMValueRef emit_invert(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    (void)dtype;
    return LLVMBuildNot(em->builder, arg[0], "");
}

/* LLVM leaves shifts by the width or more undefined, so the count is brought into range either way. */
static LLVMValueRef count_in_range(emitter *em, op_dtype dtype, LLVMValueRef count)
{
    return icmp(em, LLVMIntULT, count, const_int(em, bits_of(dtype), bits_of(dtype)));
}

static LLVMValueRef count_modulo(emitter *em, op_dtype dtype, LLVMValueRef count)
{
    return LLVMBuildAnd(em->builder, count, const_int(em, bits_of(dtype), bits_of(dtype) - 1), "");
}

static LLVMValueRef emit_left_shift(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    LLVMValueRef shifted = LLVMBuildShl(em->builder, arg[0], count_modulo(em, dtype, arg[1]), "");
    return emit_select(em, count_in_range(em, dtype, arg[1]), shifted, const_of(em, dtype, 0));
}

static LLVMValueRef emit_right_shift(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    if (is_signed(dtype)) {
        LLVMValueRef most = const_int(em, bits_of(dtype), bits_of(dtype) - 1);
        LLVMValueRef count = emit_intrinsic(em, "llvm.umin", 2, (LLVMValueRef[]){arg[1], most});
        return LLVMBuildAShr(em->builder, arg[0], count, "");
    }
    LLVMValueRef shifted = LLVMBuildLShr(em->builder, arg[0], count_modulo(em, dtype, arg[1]), "");
    return emit_select(em, count_in_range(em, dtype, arg[1]), shifted, const_of(em, dtype, 0));
}

/* ---- Powers ---- */

/* By squaring, one step for each bit of the exponent, so that all lanes go the same way. A negative exponent
 * gives 1 / a^-b rounded to zero: not 0 only for a = 1 and -1. */
static LLVMValueRef emit_power(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    if (op_dtypes[dtype].kind == OP_KIND_F)
        return dtype == OP_F64 ? jit_math_f64_power(em, arg) : jit_math_f32_power(em, arg);
    LLVMValueRef zero = const_of(em, dtype, 0), one = const_of(em, dtype, 1);
    LLVMValueRef square = arg[0], result = one;
    for (unsigned bit = 0; bit < bits_of(dtype) - (is_signed(dtype) ? 1 : 0); bit++) {
        LLVMValueRef set = LLVMBuildAnd(em->builder, arg[1], const_int(em, bits_of(dtype), 1ull << bit), "");
        LLVMValueRef factor = emit_select(em, icmp(em, LLVMIntNE, set, zero), square, one);
        result = LLVMBuildMul(em->builder, result, factor, "");
        square = LLVMBuildMul(em->builder, square, square, "");
    }
    if (!is_signed(dtype))
        return result;
    LLVMValueRef minus_one = const_int(em, bits_of(dtype), ~0ull);
    LLVMValueRef odd = icmp(em, LLVMIntNE, LLVMBuildAnd(em->builder, arg[1], one, ""), zero);
    LLVMValueRef of_minus_one = emit_select(em, odd, minus_one, one);
    LLVMValueRef is_minus_one = icmp(em, LLVMIntEQ, arg[0], minus_one);
    LLVMValueRef is_one = icmp(em, LLVMIntEQ, arg[0], one);
    LLVMValueRef inverse = emit_select(em, is_minus_one, of_minus_one, emit_select(em, is_one, one, zero));
    LLVMValueRef negative = icmp(em, LLVMIntSLT, arg[1], zero);
    return emit_select(em, negative, inverse, result);
}

/* ---- Selection ---- */

static LLVMValueRef emit_where(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    (void)dtype;
    return emit_select(em, arg[0], arg[1], arg[2]);
}

/* The extreme of two integers or bools, by the name of the intrinsic. */
static LLVMValueRef emit_int_extreme(emitter *em, op_dtype dtype, LLVMValueRef *arg, int largest)
{
    if (dtype == OP_BOOL)
        return largest ? LLVMBuildOr(em->builder, arg[0], arg[1], "") : LLVMBuildAnd(em->builder, arg[0], arg[1], "");
    const char *name = is_signed(dtype) ? (largest ? "llvm.smax" : "llvm.smin") : (largest ? "llvm.umax" : "llvm.umin");
    return emit_intrinsic(em, name, 2, arg);
}

/* `keep` orders a before b; NaN in `nan` decides for a. Written as two selections because processors
 * have the inner one as an instruction. */
static LLVMValueRef emit_float_extreme(emitter *em, LLVMValueRef *arg, LLVMRealPredicate keep, LLVMValueRef nan)
{
    LLVMValueRef extreme = emit_select(em, fcmp(em, keep, arg[0], arg[1]), arg[0], arg[1]);
    return emit_select(em, is_nan(em, nan), arg[0], extreme);
}

static LLVMValueRef emit_maximum(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? emit_float_extreme(em, arg, LLVMRealOGT, arg[0]) : emit_int_extreme(em, dtype, arg, 1);
}

static LLVMValueRef emit_minimum(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? emit_float_extreme(em, arg, LLVMRealOLT, arg[0]) : emit_int_extreme(em, dtype, arg, 0);
}

static LLVMValueRef emit_fmax(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? emit_float_extreme(em, arg, LLVMRealOGE, arg[1]) : emit_int_extreme(em, dtype, arg, 1);
}

static LLVMValueRef emit_fmin(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? emit_float_extreme(em, arg, LLVMRealOLE, arg[1]) : emit_int_extreme(em, dtype, arg, 0);
}

/* ---- Classification ---- */

static LLVMValueRef emit_isnan(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? is_nan(em, arg[0]) : false_mask(em);
}

static LLVMValueRef compare_with_infinity(emitter *em, op_dtype dtype, LLVMRealPredicate how, LLVMValueRef x)
{
    return fcmp(em, how, fabs_of(em, x), const_float(em, bits_of(dtype), INFINITY));
}

static LLVMValueRef emit_isinf(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? compare_with_infinity(em, dtype, LLVMRealOEQ, arg[0]) : false_mask(em);
}

static LLVMValueRef emit_isfinite(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    return is_float(dtype) ? compare_with_infinity(em, dtype, LLVMRealOLT, arg[0])
                           : LLVMBuildNot(em->builder, false_mask(em), "");
}

static LLVMValueRef emit_signbit(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    LLVMValueRef bits = LLVMBuildBitCast(em->builder, arg[0], type_bits(em, arg[0]), "");
    LLVMValueRef sign = icmp(em, LLVMIntSLT, bits, const_int(em, bits_of(dtype), 0));
    return LLVMBuildAnd(em->builder, sign, fcmp(em, LLVMRealORD, arg[0], arg[0]), "");
}

static LLVMValueRef emit_copysign(emitter *em, op_dtype dtype, LLVMValueRef *arg)
{
    LLVMValueRef sign = emit_select(em, is_nan(em, arg[1]), const_of(em, dtype, 1), arg[1]);
    return emit_intrinsic(em, "llvm.copysign", 2, (LLVMValueRef[]){arg[0], sign});
}

/* ---- The table ---- */

typedef enum recipe_kind { RECIPE_BIN, RECIPE_CMP, RECIPE_INTR, RECIPE_ROUND, RECIPE_MATH, RECIPE_FN } recipe_kind;

typedef struct recipe {
    recipe_kind kind;
    union {
        struct {
            LLVMOpcode f, s, u, b;
        } bin;
        struct {
            LLVMRealPredicate f;
            LLVMIntPredicate s, u;
        } cmp;
        const char *intrinsic;
        rounding round;
        struct {
            jit_math_fn *f64, *f32;
        } math;
        LLVMValueRef (*fn)(emitter *em, op_dtype dtype, LLVMValueRef *arg);
    };
} recipe;

#define BIN(f_, s_, u_, b_) {RECIPE_BIN, .bin = {LLVM##f_, LLVM##s_, LLVM##u_, LLVM##b_}},
#define CMP(f_, s_, u_) {RECIPE_CMP, .cmp = {LLVMReal##f_, LLVMInt##s_, LLVMInt##u_}},
#define INTR(name_) {RECIPE_INTR, .intrinsic = name_},
#define ROUND(how_) {RECIPE_ROUND, .round = ROUND_##how_},
#define MATH(name_) {RECIPE_MATH, .math = {jit_math_f64_##name_, jit_math_f32_##name_}},
#define FN(fn_) {RECIPE_FN, .fn = fn_},
#define J(recipe_) recipe_
#define OP(name_, arity, accepts, result, flags, cost, cb, ci, cf, ulp, domain, doc, recipe_) [OP_CODE_##name_] = recipe_
static const recipe recipes[OP_CODE_TABLE_END] = {
#include "expr/ops.def"
};
#undef OP
#undef J

static LLVMValueRef emit_bin(emitter *em, const recipe *r, op_dtype dtype, LLVMValueRef *arg)
{
    LLVMOpcode opcode = is_float(dtype)      ? r->bin.f
                        : is_signed(dtype)   ? r->bin.s
                        : dtype == OP_BOOL   ? r->bin.b
                                             : r->bin.u;
    return LLVMBuildBinOp(em->builder, opcode, arg[0], arg[1], "");
}

static LLVMValueRef emit_cmp(emitter *em, const recipe *r, op_dtype dtype, LLVMValueRef *arg)
{
    if (is_float(dtype))
        return fcmp(em, r->cmp.f, arg[0], arg[1]);
    return icmp(em, is_signed(dtype) ? r->cmp.s : r->cmp.u, arg[0], arg[1]);
}

LLVMValueRef emit_recipe(emitter *em, op_opcode code, op_dtype dtype, LLVMValueRef *arg)
{
    const recipe *r = &recipes[code];
    switch (r->kind) {
    case RECIPE_BIN:
        return emit_bin(em, r, dtype, arg);
    case RECIPE_CMP:
        return emit_cmp(em, r, dtype, arg);
    case RECIPE_INTR:
        return emit_intrinsic(em, r->intrinsic, op_rows[code].arity, arg);
    case RECIPE_ROUND:
        return is_float(dtype) ? emit_round(em, r->round, arg[0]) : arg[0];
    case RECIPE_MATH:
        return bits_of(dtype) == 64 ? r->math.f64(em, arg) : r->math.f32(em, arg);
    case RECIPE_FN:
        return r->fn(em, dtype, arg);
    }
    return NULL;
}
