/* From expressions to stages: each stage is one pass over memory that runs one program over one
 * iteration space. A plan holds no address that a later run may change: places name them. */
#ifndef ONEPASS_PLAN_PLAN_H
#define ONEPASS_PLAN_PLAN_H

#include "base/memory.h"
#include "expr/graph.h"
#include "expr/reduce.h"
#include "plan/program.h"

typedef enum op_place_kind {
    OP_PLACE_DATA,    /* a bound input */
    OP_PLACE_HOLE,    /* argument `index` of op_run */
    OP_PLACE_OUT,     /* output `index` */
    OP_PLACE_TEMP,    /* temporary `index` of the plan */
    OP_PLACE_PIECE,   /* the same, but each thread has its own, for one piece of a pass */
    OP_PLACE_SCRATCH, /* a reduction's block of values: cache-sized, each thread has its own */
} op_place_kind;

typedef struct op_place {
    op_place_kind kind;
    int index;
    const void *data;     /* OP_PLACE_DATA */
    int64_t offset;       /* bytes from where the place begins */
    int64_t piece_stride; /* bytes from one piece of the pass to the next, if it has pieces */
} op_place;

typedef struct op_stage_operand {
    op_place place;
    op_dtype dtype;
    int64_t *strides; /* bytes, one per dimension of the stage */
    const char *name; /* or NULL */
    int64_t bytes;    /* that the whole pass reads or writes through it, each element once */
} op_stage_operand;

typedef enum op_stage_kind {
    OP_STAGE_MAP,
    OP_STAGE_REDUCE,
    OP_STAGE_SCAN,
    OP_STAGE_COUNT,
    OP_STAGE_WEIGH
} op_stage_kind;

/* One reduction of a reduce stage; the stage's reductions share its pass over memory. A scan stage has one,
 * whose result has a stride along the scanned dimension, too. Those of a count stage are its counts; a count with
 * weights has a stage of its own. */
typedef struct op_stage_reduction {
    op_reduce_code code;
    int block;      /* the program's output that holds the values; several reductions may share one */
    int weights;    /* the output that holds a count's weights */
    op_dtype dtype; /* of those values */
    op_dtype result_dtype;
    op_place result;
    int64_t *strides; /* of the result, one per dimension of the stage; 0 where reduced */
    int64_t extent;   /* of one result: 1, or the bins of a count, which are `stride` bytes apart */
    int64_t stride;
    int64_t bytes; /* of all results */
} op_stage_reduction;

typedef struct op_stage {
    op_stage_kind kind;
    int pass;
    int ndim;       /* at least 1 */
    int64_t *shape; /* of one piece, if the pass has pieces */
    op_program program;
    op_stage_operand *operand; /* inputs, then outputs */
    uint64_t *scalar;          /* the program's slots */
    uint8_t *signature;
    size_t signature_size;
    /* reduce: dimensions in logical order; the program's outputs are blocks in cache */
    uint64_t reduced; /* bit i: dimension i is reduced */
    int lanes;        /* virtual lanes of the accumulation: OP_LANES or 1 */
    int accumulates;  /* the kernel's last inputs, as many as its outputs, are states, which the outputs replace */
    int n_reduction;
    op_stage_reduction *reduction;
    int is_aside;  /* computes a few values that stay in cache, for the next pass */
    int is_across; /* reduces all pieces of the pass to one result, which is there when the pass has ended */
    int64_t bytes; /* read from memory and written by the whole pass, each element once */
    double cost;   /* of one element, 1 = an addition */
    int n_root;
    const op_expr **root; /* what it computes: for printing */
} op_stage;

/* Stages that share one pass over memory: all of them run on a piece of their data while it is in cache. A piece
 * is a row, one index of the leading dimension, or a number of elements of arrays that are one sequence each. */
typedef struct op_pass {
    int first, n_stage;
    int64_t pieces; /* 0: a single stage, which runs as a whole */
    int64_t last;   /* elements of the last piece, which may be shorter than the others; 0 if pieces are rows */
} op_pass;

typedef struct op_temp {
    int64_t bytes;
    int pass; /* whose threads have it each for themselves, for one piece; -1: there is one of it */
} op_temp;

typedef struct op_plan {
    int n_stage;
    op_stage **stage;
    int n_pass;
    op_pass *pass;
    int n_temp;
    op_temp *temp;
} op_plan;

/* What a plan is made for. outs: the dtypes, shapes and strides of the outputs (their addresses play no
 * part), NULL for C order in the expression's own shape and dtype. holes: the same for op_run's
 * arguments; NULL for shapes that are made up (dumps, op_compile). */
typedef struct op_plan_request {
    op_graph *graph;
    int n;
    op_expr *const *exprs;
    const op_view *outs;
    int n_hole;
    const op_view *holes;
} op_plan_request;

/* Builds the plan in `arena`. Errors: shapes that do not fit, casts that same_kind forbids, memory. */
op_status op_plan_build(const op_plan_request *request, op_arena *arena, op_plan **plan);

/* Do both begin at the same byte? */
static inline int op_same_place(const op_place *a, const op_place *b)
{
    return a->kind == b->kind && a->index == b->index && a->data == b->data && a->offset == b->offset;
}

/* A stage over scalars alone, or over a few values that stay in cache, is no pass over memory. */
int op_plan_counts(const op_plan *plan, const op_pass *pass);
/* A reduce stage whose reductions have a block each, and states that are single values. */
int op_stage_states_are_values(const op_stage *stage);
int op_plan_passes(const op_plan *plan);

/* The first broken rule of a plan (static text), or NULL. */
const char *op_plan_verify(const op_plan *plan);

#endif
