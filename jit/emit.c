/* The words of emit.h that are one instruction or a few. */
#include "jit/emit.h"

#include <string.h>

/* ---- Types ---- */

LLVMTypeRef type_int(emitter *em, unsigned bits)
{
    return LLVMIntTypeInContext(em->context, bits);
}

LLVMTypeRef type_float(emitter *em, unsigned bits)
{
    return bits == 32 ? LLVMFloatTypeInContext(em->context) : LLVMDoubleTypeInContext(em->context);
}

LLVMTypeRef type_pointer(emitter *em)
{
    return LLVMPointerTypeInContext(em->context, 0);
}

LLVMTypeRef type_memory(emitter *em, op_dtype dtype)
{
    return is_float(dtype) ? type_float(em, bits_of(dtype)) : type_int(em, bits_of(dtype));
}

LLVMTypeRef type_lane(emitter *em, op_dtype dtype)
{
    return dtype == OP_BOOL ? type_int(em, 1) : type_memory(em, dtype);
}

LLVMTypeRef type_vector(emitter *em, LLVMTypeRef lane)
{
    return LLVMVectorType(lane, em->width);
}

LLVMTypeRef type_value(emitter *em, op_dtype dtype)
{
    return type_vector(em, type_lane(em, dtype));
}

static unsigned float_bits(LLVMValueRef value)
{
    LLVMTypeRef lane = LLVMGetElementType(LLVMTypeOf(value));
    return LLVMGetTypeKind(lane) == LLVMFloatTypeKind ? 32 : 64;
}

LLVMTypeRef type_bits(emitter *em, LLVMValueRef value)
{
    return type_vector(em, type_int(em, float_bits(value)));
}

/* ---- Constants ---- */

enum { MAX_WIDTH = 256 };

static LLVMValueRef const_splat(emitter *em, LLVMValueRef scalar)
{
    LLVMValueRef lane[MAX_WIDTH];
    for (unsigned i = 0; i < em->width; i++)
        lane[i] = scalar;
    return LLVMConstVector(lane, em->width);
}

LLVMValueRef const_int(emitter *em, unsigned bits, uint64_t value)
{
    uint64_t low = bits < 64 ? value & ((1ull << bits) - 1) : value;
    return const_splat(em, LLVMConstInt(type_int(em, bits), low, 0));
}

LLVMValueRef const_float(emitter *em, unsigned bits, double value)
{
    return const_splat(em, LLVMConstReal(type_float(em, bits), value));
}

LLVMValueRef const_of(emitter *em, op_dtype dtype, int value)
{
    if (is_float(dtype))
        return const_float(em, bits_of(dtype), value);
    return const_int(em, dtype == OP_BOOL ? 1 : bits_of(dtype), (uint64_t)(int64_t)value);
}

LLVMValueRef const_bits(emitter *em, op_dtype dtype, uint64_t bits)
{
    LLVMValueRef value = const_int(em, dtype == OP_BOOL ? 1 : bits_of(dtype), bits);
    return LLVMConstBitCast(value, type_value(em, dtype));
}

LLVMValueRef const_lanes(emitter *em, unsigned bits)
{
    LLVMValueRef lane[MAX_WIDTH];
    for (unsigned i = 0; i < em->width; i++)
        lane[i] = LLVMConstInt(type_int(em, bits), i, 0);
    return LLVMConstVector(lane, em->width);
}

LLVMValueRef const_index(emitter *em, uint64_t value)
{
    return LLVMConstInt(type_int(em, 64), value, 0);
}

/* ---- Instructions ---- */

LLVMValueRef emit_intrinsic(emitter *em, const char *name, unsigned n, LLVMValueRef *arg)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMTypeRef type = LLVMTypeOf(arg[0]);
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(em->module, id, &type, 1);
    return LLVMBuildCall2(em->builder, LLVMIntrinsicGetType(em->context, id, &type, 1), function, arg, n, "");
}

LLVMValueRef emit_select(emitter *em, LLVMValueRef mask, LLVMValueRef yes, LLVMValueRef no)
{
    return LLVMBuildSelect(em->builder, mask, yes, no, "");
}

LLVMValueRef emit_splat(emitter *em, LLVMValueRef scalar)
{
    LLVMTypeRef type = type_vector(em, LLVMTypeOf(scalar));
    LLVMValueRef first = LLVMBuildInsertElement(em->builder, LLVMGetPoison(type), scalar, const_index(em, 0), "");
    return LLVMBuildShuffleVector(em->builder, first, LLVMGetPoison(type), const_int(em, 32, 0), "");
}

/* Lanes first, first + 1, ... of the vectors x and y, one after the other; as many as a vector of this width has. */
static LLVMValueRef emit_lanes_from(emitter *em, LLVMValueRef x, LLVMValueRef y, unsigned first)
{
    LLVMValueRef lane[MAX_WIDTH];
    for (unsigned i = 0; i < em->width; i++)
        lane[i] = LLVMConstInt(type_int(em, 32), first + i, 0);
    return LLVMBuildShuffleVector(em->builder, x, y, LLVMConstVector(lane, em->width), "");
}

LLVMValueRef emit_half(emitter *em, LLVMValueRef x, unsigned half)
{
    return emit_lanes_from(em, x, LLVMGetPoison(LLVMTypeOf(x)), half * em->width);
}

LLVMValueRef emit_joined(emitter *em, LLVMValueRef low, LLVMValueRef high)
{
    return emit_lanes_from(em, low, high, 0);
}

LLVMValueRef emit_rotated(emitter *em, LLVMValueRef x, unsigned shift)
{
    return emit_lanes_from(em, x, x, shift);
}

LLVMValueRef emit_first_lanes(emitter *em, LLVMValueRef n)
{
    LLVMValueRef count = emit_splat(em, LLVMBuildTrunc(em->builder, n, type_int(em, 16), ""));
    return LLVMBuildICmp(em->builder, LLVMIntSLT, const_lanes(em, 16), count, "");
}

LLVMValueRef emit_lane(emitter *em, LLVMValueRef vector, unsigned lane)
{
    return LLVMBuildExtractElement(em->builder, vector, const_index(em, lane), "");
}

LLVMValueRef emit_advance(emitter *em, LLVMValueRef pointer, LLVMValueRef bytes, const char *name)
{
    return LLVMBuildGEP2(em->builder, type_int(em, 8), pointer, &bytes, 1, name);
}

LLVMValueRef emit_field(emitter *em, LLVMTypeRef type, LLVMValueRef pointer, uint64_t offset, const char *name)
{
    if (offset)
        pointer = emit_advance(em, pointer, const_index(em, offset), "");
    return LLVMBuildLoad2(em->builder, type, pointer, name);
}

LLVMValueRef emit_alloca(emitter *em, LLVMTypeRef type, const char *name)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(em->builder);
    LLVMValueRef first = LLVMGetFirstInstruction(em->entry);
    if (first)
        LLVMPositionBuilderBefore(em->builder, first);
    else
        LLVMPositionBuilderAtEnd(em->builder, em->entry);
    LLVMValueRef slot = LLVMBuildAlloca(em->builder, type, name);
    LLVMSetAlignment(slot, 64);
    LLVMPositionBuilderAtEnd(em->builder, here);
    return slot;
}

void emit_store_aligned(emitter *em, LLVMValueRef value, LLVMValueRef buffer)
{
    LLVMSetAlignment(LLVMBuildStore(em->builder, value, buffer), 64);
}

void emit_branch_likely(emitter *em, LLVMValueRef condition, LLVMBasicBlockRef likely, LLVMBasicBlockRef unlikely)
{
    LLVMValueRef branch = LLVMBuildCondBr(em->builder, condition, likely, unlikely);
    LLVMMetadataRef weights[3] = {
        LLVMMDStringInContext2(em->context, "branch_weights", 14),
        LLVMValueAsMetadata(LLVMConstInt(type_int(em, 32), 2000, 0)),
        LLVMValueAsMetadata(LLVMConstInt(type_int(em, 32), 1, 0)),
    };
    LLVMValueRef node = LLVMMetadataAsValue(em->context, LLVMMDNodeInContext2(em->context, weights, 3));
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(em->context, "prof", 4), node);
}

LLVMBasicBlockRef emit_block(emitter *em, const char *name)
{
    return LLVMAppendBasicBlockInContext(em->context, em->kernel, name);
}

/* ---- Values and memory ---- */

LLVMValueRef emit_from_memory(emitter *em, op_dtype dtype, LLVMValueRef vector)
{
    if (dtype != OP_BOOL)
        return vector;
    return LLVMBuildICmp(em->builder, LLVMIntNE, vector, const_int(em, 8, 0), "");
}

LLVMValueRef emit_to_memory(emitter *em, op_dtype dtype, LLVMValueRef value)
{
    if (dtype != OP_BOOL)
        return value;
    return LLVMBuildZExt(em->builder, value, type_vector(em, type_int(em, 8)), "");
}

LLVMValueRef emit_load(emitter *em, op_dtype dtype, LLVMValueRef pointer)
{
    LLVMTypeRef type = type_vector(em, type_memory(em, dtype));
    LLVMValueRef vector = LLVMBuildLoad2(em->builder, type, pointer, "");
    LLVMSetAlignment(vector, 1);
    return emit_from_memory(em, dtype, vector);
}

/* A masked load or store. Its three arguments become four before LLVM 22, with the alignment after the pointer. */
static LLVMValueRef emit_masked(emitter *em, const char *name, LLVMTypeRef vector, LLVMValueRef *arg, int pointer)
{
    LLVMTypeRef type[2] = {vector, type_pointer(em)};
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMTypeRef function = LLVMIntrinsicGetType(em->context, id, type, 2);
    unsigned n = LLVMCountParamTypes(function);
    if (n > 3) {
        memmove(&arg[pointer + 2], &arg[pointer + 1], sizeof *arg * (size_t)(2 - pointer));
        arg[pointer + 1] = LLVMConstInt(type_int(em, 32), 1, 0);
    }
    return LLVMBuildCall2(em->builder, function, LLVMGetIntrinsicDeclaration(em->module, id, type, 2), arg, n, "");
}

LLVMValueRef emit_load_masked(emitter *em, op_dtype dtype, LLVMValueRef pointer, LLVMValueRef mask, LLVMValueRef filler)
{
    LLVMValueRef element = LLVMBuildLoad2(em->builder, type_memory(em, dtype), filler, "");
    LLVMSetAlignment(element, 1);
    LLVMValueRef splat = emit_splat(em, element), arg[4] = {pointer, mask, splat};
    return emit_from_memory(em, dtype, emit_masked(em, "llvm.masked.load", LLVMTypeOf(splat), arg, 0));
}

void emit_store_masked(emitter *em, op_dtype dtype, LLVMValueRef value, LLVMValueRef pointer, LLVMValueRef mask)
{
    LLVMValueRef vector = emit_to_memory(em, dtype, value), arg[4] = {vector, pointer, mask};
    emit_masked(em, "llvm.masked.store", LLVMTypeOf(vector), arg, 1);
}

LLVMValueRef emit_load_strided(emitter *em, op_dtype dtype, LLVMValueRef pointer, LLVMValueRef stride)
{
    LLVMTypeRef type = type_memory(em, dtype);
    LLVMValueRef vector = LLVMGetPoison(type_vector(em, type));
    for (unsigned lane = 0; lane < em->width; lane++) {
        if (lane)
            pointer = emit_advance(em, pointer, stride, "");
        LLVMValueRef element = LLVMBuildLoad2(em->builder, type, pointer, "");
        LLVMSetAlignment(element, 1);
        vector = LLVMBuildInsertElement(em->builder, vector, element, const_index(em, lane), "");
    }
    return emit_from_memory(em, dtype, vector);
}

void emit_prefetch(emitter *em, op_dtype dtype, LLVMValueRef pointer, int cache)
{
    enum { LINE = 64, READ = 0, DATA = 1 };
    unsigned bytes = em->width * bits_of(dtype) / 8;
    for (unsigned at = 0; at < bytes; at += LINE) {
        LLVMValueRef arg[] = {emit_advance(em, pointer, const_index(em, at), ""),
                              LLVMConstInt(type_int(em, 32), READ, 0), LLVMConstInt(type_int(em, 32), (unsigned)cache, 0),
                              LLVMConstInt(type_int(em, 32), DATA, 0)};
        emit_intrinsic(em, "llvm.prefetch", 4, arg);
    }
}

LLVMValueRef emit_load_splat(emitter *em, op_dtype dtype, LLVMValueRef pointer, const char *name)
{
    LLVMValueRef element = LLVMBuildLoad2(em->builder, type_memory(em, dtype), pointer, name);
    LLVMSetAlignment(element, 1);
    return emit_from_memory(em, dtype, emit_splat(em, element));
}

LLVMValueRef emit_store(emitter *em, op_dtype dtype, LLVMValueRef value, LLVMValueRef pointer)
{
    LLVMValueRef store = LLVMBuildStore(em->builder, emit_to_memory(em, dtype, value), pointer);
    LLVMSetAlignment(store, 1);
    return store;
}

void emit_store_stream(emitter *em, op_dtype dtype, LLVMValueRef value, LLVMValueRef pointer)
{
    LLVMValueRef store = emit_store(em, dtype, value, pointer);
    unsigned bytes = em->width * op_dtypes[dtype].size;
    LLVMSetAlignment(store, bytes < 64 ? bytes : 64);
    LLVMMetadataRef one = LLVMValueAsMetadata(LLVMConstInt(type_int(em, 32), 1, 0));
    LLVMValueRef node = LLVMMetadataAsValue(em->context, LLVMMDNodeInContext2(em->context, &one, 1));
    LLVMSetMetadata(store, LLVMGetMDKindIDInContext(em->context, "nontemporal", 11), node);
}

void emit_store_strided(emitter *em, op_dtype dtype, LLVMValueRef value, LLVMValueRef pointer, LLVMValueRef stride)
{
    LLVMValueRef vector = emit_to_memory(em, dtype, value);
    for (unsigned lane = 0; lane < em->width; lane++) {
        if (lane)
            pointer = emit_advance(em, pointer, stride, "");
        LLVMSetAlignment(LLVMBuildStore(em->builder, emit_lane(em, vector, lane), pointer), 1);
    }
}

/* ---- Rounding ---- */

static LLVMValueRef emit_abs(emitter *em, LLVMValueRef x)
{
    return emit_intrinsic(em, "llvm.fabs", 1, &x);
}

/* Without the instruction: adding and taking away a number whose last bit is worth 1 rounds |x|; the
 * sign comes back at the end, so that -0.3 gives -0.0. What is larger is an integer already. */
static LLVMValueRef emit_round_by_adding(emitter *em, rounding how, LLVMValueRef x)
{
    unsigned bits = float_bits(x);
    LLVMValueRef last_bit_is_1 = const_float(em, bits, bits == 32 ? 0x1p23 : 0x1p52);
    LLVMValueRef magnitude = emit_abs(em, x);
    LLVMValueRef has_fraction = LLVMBuildFCmp(em->builder, LLVMRealOLT, magnitude, last_bit_is_1, "");
    LLVMValueRef nearest = LLVMBuildFAdd(em->builder, magnitude, last_bit_is_1, "");
    nearest = LLVMBuildFSub(em->builder, nearest, last_bit_is_1, "");
    LLVMValueRef one = const_float(em, bits, 1), rounded = nearest;
    if (how == ROUND_TRUNC) {
        LLVMValueRef over = LLVMBuildFCmp(em->builder, LLVMRealOGT, nearest, magnitude, "");
        rounded = emit_select(em, over, LLVMBuildFSub(em->builder, nearest, one, ""), nearest);
    }
    rounded = emit_intrinsic(em, "llvm.copysign", 2, (LLVMValueRef[]){rounded, x});
    if (how == ROUND_FLOOR) {
        LLVMValueRef over = LLVMBuildFCmp(em->builder, LLVMRealOGT, rounded, x, "");
        rounded = emit_select(em, over, LLVMBuildFSub(em->builder, rounded, one, ""), rounded);
    } else if (how == ROUND_CEIL) {
        LLVMValueRef under = LLVMBuildFCmp(em->builder, LLVMRealOLT, rounded, x, "");
        rounded = emit_select(em, under, LLVMBuildFAdd(em->builder, rounded, one, ""), rounded);
        rounded = emit_intrinsic(em, "llvm.copysign", 2, (LLVMValueRef[]){rounded, x});
    }
    return emit_select(em, has_fraction, rounded, x);
}

LLVMValueRef emit_round(emitter *em, rounding how, LLVMValueRef x)
{
    static const char *const intrinsic[] = {
        [ROUND_FLOOR] = "llvm.floor",
        [ROUND_CEIL] = "llvm.ceil",
        [ROUND_TRUNC] = "llvm.trunc",
        [ROUND_RINT] = "llvm.rint",
    };
    return em->isa->has_rounding ? emit_intrinsic(em, intrinsic[how], 1, &x) : emit_round_by_adding(em, how, x);
}

/* ---- The call table ---- */

static LLVMValueRef buffer_of(emitter *em, int which)
{
    static const char *const name[] = {"call.y", "call.x1", "call.x2", "call.x3", "call.mask"};
    if (!em->buffer[which]) {
        LLVMTypeRef lane = type_int(em, which == EMIT_BUFFER_MASK ? 8 : 64);
        em->buffer[which] = emit_alloca(em, type_vector(em, lane), name[which]);
    }
    return em->buffer[which];
}

/* The argument that points at the lanes of x, NULL if there is no x. */
static LLVMValueRef emit_to_buffer(emitter *em, int which, LLVMValueRef x)
{
    if (!x)
        return LLVMConstNull(type_pointer(em));
    LLVMValueRef buffer = buffer_of(em, which);
    emit_store_aligned(em, x, buffer);
    return buffer;
}

/* Calls the entry with four pointers and the number of lanes; returns what is in the first buffer then. */
static LLVMValueRef emit_call(emitter *em, op_call call, LLVMTypeRef result, LLVMValueRef pointer[4])
{
    LLVMTypeRef ptr = type_pointer(em), i64 = type_int(em, 64);
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(em->context), (LLVMTypeRef[]){ptr, ptr, ptr, ptr, i64},
                                        5, 0);
    LLVMValueRef calls = emit_field(em, ptr, em->args, offsetof(op_kernel_args, calls), "calls");
    LLVMValueRef function = emit_field(em, ptr, calls, (uint64_t)call * sizeof(op_call_fn), "");
    LLVMValueRef arg[5] = {pointer[0], pointer[1], pointer[2], pointer[3], const_index(em, em->width)};
    LLVMBuildCall2(em->builder, type, function, arg, 5, "");
    LLVMValueRef y = LLVMBuildLoad2(em->builder, result, pointer[0], "");
    LLVMSetAlignment(y, 64);
    return y;
}

LLVMValueRef emit_fma(emitter *em, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c)
{
    if (em->isa->has_fma)
        return emit_intrinsic(em, "llvm.fma", 3, (LLVMValueRef[]){a, b, c});
    LLVMValueRef pointer[4] = {buffer_of(em, EMIT_BUFFER_RESULT), emit_to_buffer(em, EMIT_BUFFER_1, a),
                               emit_to_buffer(em, EMIT_BUFFER_2, b), emit_to_buffer(em, EMIT_BUFFER_3, c)};
    return emit_call(em, float_bits(a) == 32 ? OP_CALL_FMA_F32 : OP_CALL_FMA_F64, LLVMTypeOf(a), pointer);
}

LLVMValueRef emit_none(emitter *em, LLVMValueRef mask)
{
    LLVMValueRef bits = LLVMBuildBitCast(em->builder, mask, type_int(em, em->width), "");
    return LLVMBuildICmp(em->builder, LLVMIntEQ, bits, LLVMConstNull(LLVMTypeOf(bits)), "");
}

emit_cold emit_cold_begin(emitter *em, LLVMValueRef mask, LLVMValueRef y)
{
    emit_cold c = {LLVMGetInsertBlock(em->builder), NULL, mask, y};
    LLVMBasicBlockRef rare = emit_block(em, "rare");
    c.common = emit_block(em, "common");
    LLVMMoveBasicBlockAfter(c.common, c.before); /* "rare" stays at the end of the function */
    emit_branch_likely(em, emit_none(em, mask), c.common, rare);
    LLVMPositionBuilderAtEnd(em->builder, rare);
    return c;
}

/* From the rare block, which has come to the result, back. */
static LLVMValueRef emit_common(emitter *em, const emit_cold *c, LLVMValueRef result)
{
    LLVMBasicBlockRef rare = LLVMGetInsertBlock(em->builder);
    LLVMBuildBr(em->builder, c->common);
    LLVMPositionBuilderAtEnd(em->builder, c->common);
    LLVMValueRef phi = LLVMBuildPhi(em->builder, LLVMTypeOf(c->y), "");
    LLVMAddIncoming(phi, (LLVMValueRef[]){c->y, result}, (LLVMBasicBlockRef[]){c->before, rare}, 2);
    return phi;
}

LLVMValueRef emit_cold_end(emitter *em, const emit_cold *c, LLVMValueRef value)
{
    return emit_common(em, c, emit_select(em, c->mask, value, c->y));
}

LLVMValueRef emit_rare(emitter *em, LLVMValueRef mask, LLVMValueRef y, op_call call, LLVMValueRef x1, LLVMValueRef x2)
{
    emit_cold c = emit_cold_begin(em, mask, y);
    LLVMValueRef mask_bytes = emit_to_memory(em, OP_BOOL, mask);
    LLVMValueRef pointer[4] = {emit_to_buffer(em, EMIT_BUFFER_RESULT, y), emit_to_buffer(em, EMIT_BUFFER_1, x1),
                               emit_to_buffer(em, EMIT_BUFFER_2, x2), emit_to_buffer(em, EMIT_BUFFER_MASK, mask_bytes)};
    return emit_common(em, &c, emit_call(em, call, LLVMTypeOf(y), pointer));
}
