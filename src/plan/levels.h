/* When everything is computed: in which pass, and in which order within it. */
#ifndef ONEPASS_PLAN_LEVELS_H
#define ONEPASS_PLAN_LEVELS_H

#include "plan/lower.h"

typedef struct op_order {
    op_expr **node; /* arguments before users, each node once */
    uint32_t n;
} op_order;

/* Where a node that ends a stage, or an output, has its place. */
typedef struct op_level {
    uint32_t pass;  /* from 1 on; of other nodes, how many passes must have ended before */
    uint32_t depth; /* from 1 on: order of what shares a pass by pieces */
    int space;      /* by whose pieces the pass goes; -1: none */
} op_level;

typedef struct op_levels {
    uint32_t most;  /* the last pass that ends a stage of the list */
    op_level *node; /* by position in the list */
    op_level *out;  /* by output; pass most + 1 if it shares none */
    uint32_t *last; /* by node id: the last pass that needs the value */
    uint32_t *uses; /* by node id: how many nodes and outputs use it */
    uint32_t *cost; /* by node id: of an element, from the last stage on, 1 = an addition */
} op_levels;

/* NULL: no memory. */
op_levels *op_find_levels(op_planner *planner, const op_order *order);

/* Are both of one kind, over the same axes of operands of the same shape? */
int op_can_share_stage(const op_planner *planner, const op_expr *a, const op_expr *b);

/* Of nodes that end a stage: is the result there when each row is, or when all pieces are? Neither can be. */
int op_is_by_row(const op_expr *e);
int op_is_across(const op_expr *e);

/* By position in the list: the space of each node that ends a stage, or -1 (pieces.c). */
void op_find_spaces(op_planner *planner, const op_order *order, op_level *level);
/* The space that an output of this shape can go by, or -1. */
int op_space_of(const op_planner *planner, int ndim, const int64_t *shape);

#endif
