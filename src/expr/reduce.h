/* The reduction table as data. */
#ifndef ONEPASS_EXPR_REDUCE_H
#define ONEPASS_EXPR_REDUCE_H

#include "expr/graph.h"

typedef enum op_reduce_code {
#define REDUCE(name, ...) OP_REDUCE_##name,
#define REDUCER(name, ...) OP_REDUCE_##name,
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
    uint8_t result;      /* op_dtype of the result; 0: the accumulator's */
    uint16_t combine;    /* op_opcode that combines two states, if a state is one value; else OP_CODE_NONE */
} op_reduce_row;

/* Indexed by op_reduce_code. */
extern const op_reduce_row op_reduce_rows[OP_REDUCE_END];

/* A reduction of the table, with options that it takes; they may be NULL. */
op_expr *op_build_reduce(op_reduce_code code, op_expr *x, op_axes axes, const op_reduce_options *options);

/* where(mask, x, identity): what is left out changes nothing. */
op_expr *op_reduce_masked(op_reduce_code code, op_expr *x, op_expr *where);

/* What formulas call by name: the rows of the table, and what statistics.c makes of them. */
typedef op_expr *(*op_reduce_builder)(op_expr *x, op_axes axes, const op_reduce_options *options);
typedef struct op_reduce_name {
    const char *name;
    int takes; /* which options */
    op_reduce_builder build;
} op_reduce_name;
extern const op_reduce_name op_reduce_names[];
extern const int op_reduce_name_count;
/* The place of a name in op_reduce_names; -1 if it is not there. */
int op_reduce_from_name(const char *name, size_t length);
/* What the public builders and formulas call: checks the options, which may be NULL, first. */
op_expr *op_build_named_reduction(int place, op_expr *x, op_axes axes, const op_reduce_options *options);

/* Running reductions by name: op_cumsum and its kin, op_diff. */
typedef struct op_scan_name {
    const char *name;
    op_expr *(*build)(op_expr *x, int axis);
} op_scan_name;
extern const op_scan_name op_scan_names[];
extern const int op_scan_name_count;
int op_scan_from_name(const char *name, size_t length);

#endif
