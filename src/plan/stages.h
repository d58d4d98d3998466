/* Building the stages of a plan, one after another. */
#ifndef ONEPASS_PLAN_STAGES_H
#define ONEPASS_PLAN_STAGES_H

#include "plan/levels.h"
#include "plan/lower.h"

enum { OP_NODES_PER_STAGE = 2000 /* compile time grows with the nodes of a kernel, a little faster than linearly */ };

/* An output of a map stage: where a value goes, in the dimensions of the stage. */
typedef struct op_target {
    op_expr *expr;
    op_dtype dtype;
    op_place place;
    const int64_t *strides;
    const char *name;
} op_target;

op_status op_plan_no_memory(void);

/* A new pass without stages. The next stage makes one of its own, unless planner->pieces says that it belongs to the
 * last one. NULL: no memory. */
op_pass *op_plan_pass(op_planner *planner);

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
/* One stage for order[first] and all later reductions of its level that can share it. */
op_status op_plan_group(op_planner *planner, const op_order *order, uint32_t first);
/* Map stages for those wanted outputs that are not written yet (NULL: all of them), one for each shape. */
op_status op_plan_outputs(op_planner *planner, const uint8_t *wanted);
/* Makes a reshape a leaf. */
op_status op_plan_reshape(op_planner *planner, op_expr *e);
/* The stages of level planner->now that go by the pieces of space number s, if they are several: one pass. If they
 * cannot, the space is off. */
op_status op_plan_pieces(op_planner *planner, const op_order *order, int s);

/* All stages of a very large expression before those of its outputs. */
op_status op_plan_cut(op_planner *planner, const op_order *order, uint32_t *room);

#endif
