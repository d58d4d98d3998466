/* Lowering: the element-wise part of an expression, as seen through index maps, becomes a program. */
#ifndef ONEPASS_PLAN_LOWER_H
#define ONEPASS_PLAN_LOWER_H

#include "plan/plan.h"

/* An array that a program reads: an input, a hole, or the result of an earlier stage. */
typedef struct op_leaf {
    op_place place;
    const int64_t *shape;
    const int64_t *strides;
} op_leaf;

/* What the planner knows beside the graph. */
typedef struct op_planner {
    const op_plan_request *request;
    op_arena *arena;
    op_plan *plan;
    const int64_t **shape; /* by node id, of open nodes; NULL if the request has none */
    op_leaf **leaf;        /* by node id, of nodes that a stage has computed; NULL if there is none */
    int stage_room;
    int64_t rows;  /* extent of the leading dimension, when the plan goes row by row */
    int rows_fail; /* a result is needed in another row than its own: plan again without rows */
} op_planner;

/* The extents of a node in this request. */
static inline const int64_t *op_planner_shape(const op_planner *planner, const op_expr *e)
{
    return e->open ? planner->shape[e->id] : e->shape;
}

/* Fills planner->shape for the open ones of these nodes, arguments before users. */
op_status op_resolve_shapes(op_planner *planner, op_expr *const *node, uint32_t n_node);
/* Does result i fit into its output: dtype, shape, elements that do not overlap? */
op_status op_check_output(const op_planner *planner, int i);

/* Are both reductions over the same axes of operands of the same shape, without weights? */
int op_can_share_pass(const op_planner *planner, const op_expr *a, const op_expr *b);
/* By position in the list, arguments before users: the level of each node that ends a stage, 1 to *most. It
 * needs lower levels only; reductions of one level that can share a pass do. NULL: no memory. */
uint32_t *op_find_levels(op_planner *planner, op_expr *const *node, uint32_t n_node, uint32_t *most);

/* By node id: true for values that are better computed once before the pass that needs them. NULL: no memory. */
uint8_t *op_find_hoisted(op_planner *planner, op_expr *const *node, uint32_t n_node);

/* A stage under construction, its dimensions those of `shape`, and the program's values. */
typedef struct op_lowering op_lowering;
op_lowering *op_lower_begin(op_planner *planner, op_stage *stage, int ndim, const int64_t *shape);
/* The value of an expression whose dimensions are the last ones of the stage; UINT32_MAX on error. */
uint32_t op_lower_expr(op_lowering *lowering, op_expr *e);
/* The value in another dtype. */
uint32_t op_lower_cast(op_lowering *lowering, uint32_t value, op_dtype dtype);
/* Completes the stage's program and inputs, with room for outputs, which the caller fills in. */
op_status op_lower_end(op_lowering *lowering, int n_out);

/* Bytes of the elements that an operand of a collapsed stage touches; 0 for a block in cache. */
int64_t op_stage_operand_bytes(const op_stage *stage, const op_stage_operand *operand);

/* Takes the leading dimension off a stage: it becomes the plan's rows. */
void op_stage_take_rows(op_stage *stage);

/* Forgets dimensions of extent 1, orders and merges the others, and settles access classes. */
void op_stage_collapse(op_stage *stage);

/* Below, rows are too short for a kernel that accumulates columns. */
enum { OP_FEWEST_COLUMNS = 64 };

/* The kernel of a collapsed reduce stage combines values itself, if it can. */
op_status op_stage_combine(op_stage *stage, op_arena *arena);

#endif
