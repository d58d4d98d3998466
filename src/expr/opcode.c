/* The op table as data. */
#include "expr/opcode.h"

#include <math.h>
#include <string.h>

/* "B I U F" in a row becomes one mask: each letter adds itself to a leading zero. */
#define B | OP_KIND_B
#define I | OP_KIND_I
#define U | OP_KIND_U
#define F | OP_KIND_F
#define COMMUTES OP_FLAG_COMMUTES
#define PYTHON OP_FLAG_PYTHON
#define NO_BOOL OP_FLAG_NO_BOOL
#define BOOL_TO_FLOAT OP_FLAG_BOOL_TO_FLOAT
#define UNSTABLE OP_FLAG_UNSTABLE

const op_row op_rows[OP_CODE_END] = {
    [OP_CODE_NONE] = {.name = "none", .doc = ""},
#define OP(name_, arity_, accepts_, rule_, flags_, cost_, cb, ci, cf, ulp_, domain_, doc_, recipe)                     \
    [OP_CODE_##name_] = {                                                                                              \
        .name = #name_,                                                                                                \
        .doc = doc_,                                                                                                   \
        .ulp = ulp_,                                                                                                   \
        .arity = arity_,                                                                                               \
        .accepts = 0 accepts_,                                                                                         \
        .rule = OP_RULE_##rule_,                                                                                       \
        .flags = flags_,                                                                                               \
        .cost = cost_,                                                                                                 \
        .domain = OP_DOMAIN_##domain_,                                                                                 \
    },
#include "expr/ops.def"
#undef OP
    [OP_CODE_LOAD] = {.name = "load", .doc = "an element of an operand", .cost = 1},
    [OP_CODE_SCALAR] = {.name = "scalar", .doc = "one value for the whole run"},
    [OP_CODE_CAST] = {.name = "cast", .doc = "another dtype", .arity = 1, .cost = 1},
    [OP_CODE_CAST_SAT] = {.name = "cast_sat", .doc = "another dtype; integers saturate", .arity = 1, .cost = 1},
};

const op_alias op_aliases[] = {
#define OP(...)
#define ALIAS(alias, of, arity) {#alias, OP_CODE_##of},
#include "expr/ops.def"
#undef OP
};
const int op_alias_count = sizeof op_aliases / sizeof op_aliases[0];

/* ---- identities ---- */

static int float_identity(op_opcode combine, double *value)
{
    switch (combine) {
    case OP_CODE_add:
        *value = -0.0; /* 0 would make 0 of -0 */
        return 1;
    case OP_CODE_multiply:
        *value = 1;
        return 1;
    case OP_CODE_maximum:
        *value = -INFINITY;
        return 1;
    case OP_CODE_minimum:
        *value = INFINITY;
        return 1;
    case OP_CODE_fmax:
    case OP_CODE_fmin:
        *value = NAN;
        return 1;
    default:
        return 0;
    }
}

static int integer_identity(op_opcode combine, op_dtype dtype, uint64_t *bits)
{
    int is_signed = op_dtype_kind(dtype) == OP_KIND_I;
    uint64_t most = dtype == OP_BOOL ? 1 : UINT64_MAX >> (64 - 8 * op_dtypes[dtype].size);
    switch (combine) {
    case OP_CODE_add:
    case OP_CODE_logical_or:
        *bits = 0;
        return 1;
    case OP_CODE_multiply:
    case OP_CODE_logical_and:
        *bits = 1;
        return 1;
    case OP_CODE_maximum:
        *bits = is_signed ? most / 2 + 1 : 0;
        return 1;
    case OP_CODE_minimum:
        *bits = is_signed ? most / 2 : most;
        return 1;
    default:
        return 0;
    }
}

int op_identity(op_opcode combine, op_dtype dtype, uint64_t *bits)
{
    double value;
    if (op_dtype_kind(dtype) != OP_KIND_F)
        return integer_identity(combine, dtype, bits);
    if (!float_identity(combine, &value))
        return 0;
    float narrow = (float)value;
    *bits = 0;
    memcpy(bits, dtype == OP_F32 ? (void *)&narrow : (void *)&value, (size_t)op_dtypes[dtype].size);
    return 1;
}
