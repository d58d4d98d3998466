/* The reduction table as data. */
#ifndef ONEPASS_EXPR_REDUCE_H
#define ONEPASS_EXPR_REDUCE_H

#include "expr/graph.h"

typedef enum op_reduce_code {
#define REDUCE(name, ...) OP_REDUCE_##name,
#include "expr/reduce.def"
#undef REDUCE
    OP_REDUCE_END
} op_reduce_code;

typedef enum op_accumulator { OP_ACCUMULATOR_WIDE, OP_ACCUMULATOR_SAME, OP_ACCUMULATOR_TRUTH } op_accumulator;

typedef struct op_reduce_row {
    const char *name;
    const char *doc;
    uint8_t accepts;
    uint8_t accumulator; /* op_accumulator */
    uint8_t empty_fails; /* no elements: an error */
} op_reduce_row;

/* Indexed by op_reduce_code. */
extern const op_reduce_row op_reduce_rows[OP_REDUCE_END];

/* The public builders' common part; options may be NULL. */
op_expr *op_build_reduce(op_reduce_code code, op_expr *x, op_axes axes, const op_reduce_options *options);
/* The code of a name; OP_REDUCE_END if there is none. */
op_reduce_code op_reduce_from_name(const char *name, size_t length);

#endif
