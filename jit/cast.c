/* Casts between the dtypes. What C leaves undefined has one answer here: a float that does not fit
 * saturates, and NaN becomes 0. */
#include "jit/emit.h"

static LLVMValueRef emit_to_bool(emitter *em, op_dtype from, LLVMValueRef x)
{
    LLVMValueRef zero = const_of(em, from, 0);
    return is_float(from) ? LLVMBuildFCmp(em->builder, LLVMRealUNE, x, zero, "")
                          : LLVMBuildICmp(em->builder, LLVMIntNE, x, zero, "");
}

static LLVMValueRef emit_float_to_float(emitter *em, op_dtype from, op_dtype to, LLVMValueRef x)
{
    LLVMTypeRef type = type_value(em, to);
    return bits_of(from) < bits_of(to) ? LLVMBuildFPExt(em->builder, x, type, "")
                                       : LLVMBuildFPTrunc(em->builder, x, type, "");
}

static LLVMValueRef emit_int_to_float(emitter *em, op_dtype from, op_dtype to, LLVMValueRef x)
{
    if (from == OP_BOOL)
        return emit_select(em, x, const_of(em, to, 1), const_of(em, to, 0));
    LLVMTypeRef type = type_value(em, to);
    return is_signed(from) ? LLVMBuildSIToFP(em->builder, x, type, "") : LLVMBuildUIToFP(em->builder, x, type, "");
}

static uint64_t largest(op_dtype dtype)
{
    return UINT64_MAX >> (64 - bits_of(dtype) + (is_signed(dtype) ? 1 : 0));
}

/* Only lanes that fit are converted (LLVM leaves the others undefined). A lane just below the smallest
 * value counts as outside, and truncates to that value all the same. */
static LLVMValueRef emit_float_to_int(emitter *em, op_dtype from, op_dtype to, LLVMValueRef x)
{
    LLVMBuilderRef b = em->builder;
    unsigned bits = bits_of(to);
    double end = (double)(largest(to) / 2 + 1) * 2; /* 2^7, 2^8, ... : exact in both floats */
    LLVMValueRef hi = const_float(em, bits_of(from), end);
    LLVMValueRef lo = const_float(em, bits_of(from), is_signed(to) ? -end : 0);
    LLVMValueRef below_end = LLVMBuildFCmp(b, LLVMRealOLT, x, hi, "");
    LLVMValueRef from_start = LLVMBuildFCmp(b, LLVMRealOGE, x, lo, "");
    LLVMValueRef fits = LLVMBuildAnd(b, below_end, from_start, "");
    LLVMValueRef safe = emit_select(em, fits, x, const_of(em, from, 0));

    LLVMTypeRef wide = type_vector(em, type_int(em, bits < 32 ? 32 : bits));
    LLVMValueRef inside = is_signed(to) || bits < 32 ? LLVMBuildFPToSI(b, safe, wide, "")
                                                     : LLVMBuildFPToUI(b, safe, wide, "");
    if (bits < 32)
        inside = LLVMBuildTrunc(b, inside, type_value(em, to), "");

    LLVMValueRef above = LLVMBuildFCmp(b, LLVMRealOGE, x, hi, ""), outside = const_int(em, bits, 0);
    if (is_signed(to)) {
        LLVMValueRef below = LLVMBuildFCmp(b, LLVMRealOLT, x, lo, "");
        outside = emit_select(em, below, const_int(em, bits, ~largest(to)), outside);
    }
    return emit_select(em, fits, inside, emit_select(em, above, const_int(em, bits, largest(to)), outside));
}

/* Clamps x, an integer of dtype `from`, to the range of `to`. */
static LLVMValueRef emit_saturate(emitter *em, op_dtype from, op_dtype to, LLVMValueRef x)
{
    unsigned bits = bits_of(from);
    if (is_signed(from)) {
        uint64_t smallest = is_signed(to) ? ~largest(to) : 0;
        if (!is_signed(to) || bits > bits_of(to))
            x = emit_intrinsic(em, "llvm.smax", 2, (LLVMValueRef[]){x, const_int(em, bits, smallest)});
    }
    if (largest(from) > largest(to))
        x = emit_intrinsic(em, is_signed(from) ? "llvm.smin" : "llvm.umin", 2,
                           (LLVMValueRef[]){x, const_int(em, bits, largest(to))});
    return x;
}

static LLVMValueRef emit_int_to_int(emitter *em, op_dtype from, op_dtype to, int saturate, LLVMValueRef x)
{
    LLVMTypeRef type = type_value(em, to);
    if (saturate && from != OP_BOOL)
        x = emit_saturate(em, from, to, x);
    if (from != OP_BOOL && bits_of(from) == bits_of(to))
        return x;
    if (from != OP_BOOL && bits_of(from) > bits_of(to))
        return LLVMBuildTrunc(em->builder, x, type, "");
    return is_signed(from) ? LLVMBuildSExt(em->builder, x, type, "") : LLVMBuildZExt(em->builder, x, type, "");
}

LLVMValueRef emit_cast(emitter *em, op_dtype from, op_dtype to, int saturate, LLVMValueRef value)
{
    if (from == to)
        return value;
    if (to == OP_BOOL)
        return emit_to_bool(em, from, value);
    if (is_float(from))
        return is_float(to) ? emit_float_to_float(em, from, to, value) : emit_float_to_int(em, from, to, value);
    return is_float(to) ? emit_int_to_float(em, from, to, value) : emit_int_to_int(em, from, to, saturate, value);
}
