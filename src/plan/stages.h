/* Building the stages of a plan, one after another. */
#ifndef ONEPASS_PLAN_STAGES_H
#define ONEPASS_PLAN_STAGES_H

#include "plan/lower.h"

enum { OP_NODES_PER_STAGE = 2000 /* compile time grows with the nodes of a kernel, a little faster than linearly */ };

typedef struct op_order {
    op_expr **node; /* arguments before users, each node once */
    uint32_t n;
} op_order;

/* An output of a map stage: where a value goes, in the dimensions of the stage. */
typedef struct op_target {
    op_expr *expr;
    op_dtype dtype;
    op_place place;
    const int64_t *strides;
    const char *name;
} op_target;

op_status op_plan_no_memory(void);

/* A temporary for the value of e, which is from now on a leaf. NULL: no memory. */
op_leaf *op_plan_temp(op_planner *planner, const op_expr *e);
/* Where a reduction goes: to an output, if one takes it as it is, else to a temporary. NULL: no memory. */
op_leaf *op_plan_result(op_planner *planner, const op_expr *e);

/* One map stage over `shape` that computes several values. */
op_status op_plan_map(op_planner *planner, int ndim, const int64_t *shape, int n, const op_target *target);
/* Computes e into a temporary, in C order. */
op_status op_plan_materialise(op_planner *planner, op_expr *e);
/* Several reductions (or counts) over the same axes of operands of the same shape, in one stage. */
op_status op_plan_reductions(op_planner *planner, int n, op_expr *const *e, op_leaf *const *to);
/* A stage for one reduction or scan. */
op_status op_plan_single(op_planner *planner, op_expr *e);
/* Makes a reshape a leaf. */
op_status op_plan_reshape(op_planner *planner, op_expr *e);
/* All stages of a very large expression before those of its outputs. */
op_status op_plan_cut(op_planner *planner, const op_order *order, uint32_t *room);

#endif
