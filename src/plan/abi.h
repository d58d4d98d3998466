/* The interface between the library and a compiled kernel: body(args, begin, end). Change OP_ABI_VERSION with the
 * offsets and with what a kernel does; a backend of another one is refused. */
#ifndef ONEPASS_PLAN_ABI_H
#define ONEPASS_PLAN_ABI_H

#include <stdint.h>

enum { OP_ABI_VERSION = 3 };

typedef struct op_operand {
    char *data;
    int64_t stride;     /* bytes to the next element of a row */
    int64_t row_stride; /* bytes to the next row, rank 2 only */
    int64_t ahead;      /* bytes to the same element of the next piece of the pass, which may be fetched meanwhile */
    int64_t far_ahead;  /* bytes to what may be fetched into a larger cache: at least as far */
} op_operand;

enum {
    OP_KERNEL_STREAM = 1, /* write contiguous outputs past the cache (non-temporal) */
    OP_KERNEL_LEAVES = 2, /* of a kernel that folds: rows are the leaves of one sequence of n elements */
    OP_KERNEL_RESULTS = 4, /* of a kernel that folds: lanes are combined to results */
};

/* Functions that kernels reach by number: see op_call below. */
typedef void (*op_call_fn)(void);

typedef struct op_kernel_args {
    const op_call_fn *calls;  /* indexed by op_call */
    const uint64_t *scalars;  /* each in the low bytes, in its own dtype; bool as 0 or 1 */
    int64_t n;                /* rank 2: elements of a row */
    uint64_t flags;           /* OP_KERNEL_... */
    op_operand operand[];     /* inputs, then outputs */
} op_kernel_args;

/* Rank 1: elements begin..end-1 of operands that start at data + begin * stride.
 * Rank 2: rows begin..end-1, all args->n elements of each. Of an output that folds (program.h), each row
 * stores OP_LANES values, or with OP_KERNEL_RESULTS one, at any address. With OP_KERNEL_LEAVES, row r has the elements
 * from r * OP_LEAF on, at most OP_LEAF of the args->n; results are then of all rows together, which are rows 0 to end-1
 * and at most two, and row_stride is 0.
 * Contiguous outputs written with OP_KERNEL_STREAM are fenced by the caller. */
typedef void (*op_kernel_fn)(const op_kernel_args *args, int64_t begin, int64_t end);

/* The call table. Each rare function gets an entry that works on lanes in memory:
 *
 *     void entry(T *y, const T *x1, const T *x2, const uint8_t *mask, int64_t n)
 *
 * which sets y[i] = f(x1[i], x2[i]) where mask[i] is not 0 (x2 is NULL for one argument). */
typedef enum op_call {
#define RARE(type, name, arity) OP_CALL_RARE_##type##_##name,
#include "math/rare.def"
#undef RARE
    OP_CALL_FMA_F32, /* void (float *y, const float *a, const float *b, const float *c, int64_t n) */
    OP_CALL_FMA_F64, /* the same in double: for levels without the instruction */
    OP_CALL_END
} op_call;

#endif
