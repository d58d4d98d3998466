/* What a view step does to a shape. The same code serves builders, where extents may be open (-1), and
 * the planner, where they are known. */
#ifndef ONEPASS_EXPR_SHAPE_H
#define ONEPASS_EXPR_SHAPE_H

#include "expr/graph.h"

/* The shape of step(source of this shape), into result[]. Returns NULL, or what is wrong (static text).
 * ndim of the result is the node's and does not depend on extents. */
const char *op_view_shape(const op_view_step *step, int ndim, const int64_t *shape, int result_ndim, int64_t *result);

/* Python's slice.indices: normalises start, stop and step for an extent; returns the count. */
int64_t op_slice_indices(int64_t extent, int64_t *start, int64_t stop, int64_t step);

#endif
