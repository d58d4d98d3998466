/* The dtype table and NumPy 2's rules about it. */
#include "base/dtype.h"

#include <stdlib.h>
#include <string.h>

const op_dtype_row op_dtypes[OP_DTYPE_END] = {
    [0] = {"?", "?", "", 0, 0, 0},
    [OP_BOOL] = {"bool", "bool_", "b1", 1, OP_KIND_B, 1},
    [OP_I8] = {"i8", "int8", "i1", 1, OP_KIND_I, 1},
    [OP_I16] = {"i16", "int16", "i2", 2, OP_KIND_I, 1},
    [OP_I32] = {"i32", "int32", "i4", 4, OP_KIND_I, 1},
    [OP_I64] = {"i64", "int64", "i8", 8, OP_KIND_I, 1},
    [OP_U8] = {"u8", "uint8", "u1", 1, OP_KIND_U, 1},
    [OP_U16] = {"u16", "uint16", "u2", 2, OP_KIND_U, 1},
    [OP_U32] = {"u32", "uint32", "u4", 4, OP_KIND_U, 1},
    [OP_U64] = {"u64", "uint64", "u8", 8, OP_KIND_U, 1},
    [OP_F16] = {"f16", "float16", "f2", 2, OP_KIND_F, 0},
    [OP_BF16] = {"bf16", "bfloat16", "", 2, OP_KIND_F, 0},
    [OP_F32] = {"f32", "float32", "f4", 4, OP_KIND_F, 1},
    [OP_F64] = {"f64", "float64", "f8", 8, OP_KIND_F, 1},
    [OP_C64] = {"c64", "complex64", "c8", 8, OP_KIND_C, 0},
    [OP_C128] = {"c128", "complex128", "c16", 16, OP_KIND_C, 0},
};

const char *op_dtype_name(op_dtype dtype)
{
    return op_dtypes[op_dtype_valid(dtype) ? dtype : 0].name;
}

int64_t op_dtype_size(op_dtype dtype)
{
    return op_dtypes[op_dtype_valid(dtype) ? dtype : 0].size;
}

op_dtype op_dtype_from_name(const char *name)
{
    static const struct {
        const char *name;
        op_dtype dtype;
    } others[] = {{"float", OP_F64}, {"double", OP_F64},  {"single", OP_F32}, {"half", OP_F16}, {"int", OP_I64},
                  {"uint", OP_U64},  {"byte", OP_I8},     {"ubyte", OP_U8},   {"short", OP_I16}, {"ushort", OP_U16},
                  {"intc", OP_I32},  {"uintc", OP_U32},   {"complex", OP_C128}};
    if (!name)
        return 0;
    for (int d = OP_BOOL; d < OP_DTYPE_END; d++)
        if (!strcmp(name, op_dtypes[d].name) || !strcmp(name, op_dtypes[d].long_name))
            return (op_dtype)d;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (!strcmp(name, others[i].name))
            return others[i].dtype;
    if (*name && strchr("<=|", *name)) /* NumPy's codes, which would be ambiguous without the sign: i8 */
        for (int d = OP_BOOL; d < OP_DTYPE_END; d++)
            if (op_dtypes[d].npy[0] && !strcmp(name + 1, op_dtypes[d].npy))
                return (op_dtype)d;
    return 0;
}

static op_dtype signed_of_size(int size)
{
    return size == 1 ? OP_I8 : size == 2 ? OP_I16 : size == 4 ? OP_I32 : OP_I64;
}

op_dtype op_float_for(op_dtype dtype)
{
    int size = op_dtypes[dtype].size;
    if (op_dtype_kind(dtype) & (OP_KIND_F | OP_KIND_C))
        return dtype;
    return size == 1 ? OP_F16 : size == 2 ? OP_F32 : OP_F64;
}

static op_dtype promote_floats(op_dtype a, op_dtype b)
{
    if (a == b)
        return a;
    if (op_dtypes[a].size == op_dtypes[b].size) /* f16 and bf16: neither holds the other */
        return OP_F32;
    return op_dtypes[a].size > op_dtypes[b].size ? a : b;
}

static op_dtype promote_integers(op_dtype a, op_dtype b)
{
    int size_a = op_dtypes[a].size, size_b = op_dtypes[b].size;
    if (op_dtype_kind(a) == op_dtype_kind(b))
        return size_a >= size_b ? a : b;
    int signed_size = op_dtype_kind(a) == OP_KIND_I ? size_a : size_b;
    int unsigned_size = op_dtype_kind(a) == OP_KIND_I ? size_b : size_a;
    if (signed_size > unsigned_size)
        return signed_of_size(signed_size);
    return unsigned_size == 8 ? OP_F64 : signed_of_size(2 * unsigned_size);
}

op_dtype op_promote(op_dtype a, op_dtype b)
{
    int kinds = op_dtype_kind(a) | op_dtype_kind(b);
    if (a == b || op_dtype_kind(b) == OP_KIND_B)
        return a;
    if (op_dtype_kind(a) == OP_KIND_B)
        return b;
    if (kinds & OP_KIND_C) {
        op_dtype part_a = a == OP_C64 ? OP_F32 : a == OP_C128 ? OP_F64 : op_float_for(a);
        op_dtype part_b = b == OP_C64 ? OP_F32 : b == OP_C128 ? OP_F64 : op_float_for(b);
        return promote_floats(part_a, part_b) == OP_F64 ? OP_C128 : OP_C64;
    }
    if (kinds & OP_KIND_F)
        return promote_floats(op_float_for(a), op_float_for(b));
    return promote_integers(a, b);
}

int op_same_kind(op_dtype from, op_dtype to)
{
    /* bool -> unsigned -> signed -> float -> complex, never back; sizes do not matter */
    static const signed char order[] = {
        [OP_KIND_B] = 0, [OP_KIND_U] = 1, [OP_KIND_I] = 2, [OP_KIND_F] = 3, [OP_KIND_C] = 4};
    return from == to || order[op_dtype_kind(from)] <= order[op_dtype_kind(to)];
}

int op_int_fits(op_dtype dtype, int negative, uint64_t value)
{
    int bits = 8 * op_dtypes[dtype].size;
    switch (op_dtype_kind(dtype)) {
    case OP_KIND_B:
        return !negative && value <= 1;
    case OP_KIND_U:
        return !negative && (bits == 64 || value >> bits == 0);
    case OP_KIND_I:
        return negative ? (int64_t)value >= -(int64_t)(UINT64_MAX >> (65 - bits)) - 1
                        : value <= UINT64_MAX >> (65 - bits);
    default:
        return 1;
    }
}
