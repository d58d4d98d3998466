/* Dtypes: the table, NumPy 2's promotion, and casting rules. */
#ifndef ONEPASS_BASE_DTYPE_H
#define ONEPASS_BASE_DTYPE_H

#include "onepass/onepass.h"

enum { OP_DTYPE_END = OP_C128 + 1 };

/* Kinds of dtype, as a mask. */
enum { OP_KIND_B = 1, OP_KIND_I = 2, OP_KIND_U = 4, OP_KIND_F = 8, OP_KIND_C = 16 };

typedef struct op_dtype_row {
    const char *name, *long_name;
    const char *npy; /* NumPy's code without byte order, "f8" */
    uint8_t size;    /* bytes */
    uint8_t kind;    /* OP_KIND_... */
    uint8_t works;   /* arrays of it can be computed with in this version */
} op_dtype_row;

/* Indexed by op_dtype. */
extern const op_dtype_row op_dtypes[OP_DTYPE_END];

static inline int op_dtype_valid(op_dtype dtype)
{
    return (int)dtype >= OP_BOOL && (int)dtype < OP_DTYPE_END;
}
static inline int op_dtype_kind(op_dtype dtype)
{
    return op_dtypes[dtype].kind;
}

/* NumPy's result_type of two arrays. */
op_dtype op_promote(op_dtype a, op_dtype b);
/* The float that NumPy computes sin of this dtype in. */
op_dtype op_float_for(op_dtype dtype);
/* NumPy's casting="same_kind". */
int op_same_kind(op_dtype from, op_dtype to);
/* True if an integer, given as its value and whether that is negative, fits. */
int op_int_fits(op_dtype dtype, int negative, uint64_t two_complement);

#endif
