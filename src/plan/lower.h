/* Lowering: the element-wise part of an expression, as seen through index maps, becomes a program. */
#ifndef ONEPASS_PLAN_LOWER_H
#define ONEPASS_PLAN_LOWER_H

#include "plan/plan.h"

/* An array that a program reads: an input, a hole, or the result of an earlier stage. */
typedef struct op_leaf {
    op_place place;
    const int64_t *shape;
    const int64_t *strides;
    int pass; /* that computes it, if it goes by pieces; else -1 */
} op_leaf;

/* A way of cutting a pass into pieces. */
typedef struct op_space {
    int64_t rows;     /* extent of the leading dimension, whose every index is a piece; or 0: */
    int64_t elements; /* of every array, which must be one sequence in C order */
    int off;          /* tried in vain */
    uint32_t built;   /* the last level that has a pass by these pieces */
} op_space;

enum { OP_MOST_SPACES = 16 };

/* What the planner knows beside the graph. */
typedef struct op_planner {
    const op_plan_request *request;
    op_arena *arena;
    op_plan *plan;
    const int64_t **shape; /* by node id, of open nodes; NULL if the request has none */
    op_leaf **leaf;        /* by node id, of nodes that a stage has computed; NULL if there is none */
    int stage_room, pass_room;
    op_space space[OP_MOST_SPACES];
    int n_space;
    uint8_t *written;               /* by output: a map stage computes it */
    const struct op_levels *levels; /* NULL while there are none */
    uint32_t now;                   /* the level whose stages are built */
    const op_space *pieces;         /* of the pass that is being built, or NULL */
    int pieces_fail;                /* a stage cannot go by these pieces */
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

/* Counts what a stage reads and writes, while its dimensions are those of the expression. */
void op_stage_count_bytes(op_stage *stage);

/* A map and the reduction after it that reads what it stores become one stage, whose kernel does both. */
op_status op_plan_join(op_plan *plan, op_pass *pass, op_arena *arena);

/* Lets stages of a pass by rows fetch what the first one will read of the next row. */
void op_plan_fetch_ahead(op_plan *plan, const op_pass *pass);

/* Takes the leading dimension off a stage: its indices are the pieces of the pass. */
void op_stage_take_rows(op_stage *stage);
/* Cuts a stage of one dimension into pieces of so many elements. */
void op_stage_cut(op_stage *stage, int64_t elements);

/* Forgets dimensions of extent 1, merges the others and settles access classes. Dimensions are put into
 * the order of memory, unless they must keep theirs. */
void op_stage_collapse(op_stage *stage, int keep_order);

/* Below, a dimension is too short to become that of the columns. */
enum { OP_FEWEST_COLUMNS = 64 };

/* The kernel of a collapsed reduce stage combines values itself, if it can. */
op_status op_stage_combine(op_stage *stage, op_arena *arena);

#endif
