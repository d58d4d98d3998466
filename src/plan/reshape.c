/* Reshapes: a leaf with other strides where memory allows it, else of a copy in C order. */
#include <string.h>

#include "base/view.h"
#include "plan/stages.h"

/* NumPy's reshape without a copy: groups of dimensions with the same number of elements, each of which
 * must lie in one stride. Returns 0 if that cannot be. */
static int reshape_strides(int ndim, const int64_t *shape, const int64_t *strides, int to_ndim, const int64_t *to_shape,
                           int64_t *to_strides)
{
    int i = 0, j = 0;
    while (i < ndim && j < to_ndim) {
        int from = i, to = j;
        int64_t have = shape[i++], want = to_shape[j++];
        while (have != want)
            if (have < want && i < ndim)
                have *= shape[i++];
            else if (j < to_ndim)
                want *= to_shape[j++];
            else
                return 0;
        int64_t stride = strides[i - 1], run = 1;
        for (int k = i - 1; k >= from; k--) { /* extents of 1 have no say */
            if (shape[k] != 1 && run == 1)
                stride = strides[k];
            if (shape[k] != 1 && strides[k] != stride * run)
                return 0;
            run *= shape[k];
        }
        for (int k = j - 1; k >= to; k--) {
            to_strides[k] = stride;
            stride *= to_shape[k];
        }
    }
    for (; j < to_ndim; j++) /* what is left has extent 1 */
        to_strides[j] = 0;
    return 1;
}

op_status op_plan_reshape(op_planner *planner, op_expr *e)
{
    op_expr *source = e->arg[0];
    const int64_t *shape = op_planner_shape(planner, e), *from = op_planner_shape(planner, source);
    op_leaf *leaf = op_arena_alloc(planner->arena, sizeof *leaf);
    int64_t *strides = OP_NEW_ARRAY(planner->arena, int64_t, e->ndim + 1);
    if (!leaf || !strides)
        return op_plan_no_memory();
    leaf->shape = shape;
    leaf->strides = strides;
    leaf->place = (op_place){.kind = OP_PLACE_DATA, .index = -1, .data = leaf}; /* of no elements, if nothing else */
    planner->leaf[e->id] = leaf;
    const int64_t *have = NULL;
    if (planner->leaf[source->id]) {
        have = planner->leaf[source->id]->strides;
        leaf->place = planner->leaf[source->id]->place;
    } else if (source->kind == OP_NODE_INPUT) {
        have = source->input.strides;
        leaf->place = (op_place){OP_PLACE_DATA, -1, source->input.data, 0, 0};
    } else if (source->kind == OP_NODE_HOLE) {
        have = planner->request->holes[source->hole].strides;
        leaf->place = (op_place){OP_PLACE_HOLE, source->hole, NULL, 0, 0};
    }
    if (op_shape_size(e->ndim, shape) == 0) {
        memset(strides, 0, sizeof *strides * (size_t)e->ndim);
        return OP_OK;
    }
    if (have && reshape_strides(source->ndim, from, have, e->ndim, shape, strides))
        return OP_OK;
    op_status status = source->kind == OP_NODE_CONST ? OP_OK : op_plan_materialise(planner, source);
    if (status != OP_OK || source->kind == OP_NODE_CONST)
        return status != OP_OK ? status : op_fail(OP_ERR_UNSUPPORTED, "a constant cannot be reshaped; broadcast it");
    leaf->place = planner->leaf[source->id]->place;
    reshape_strides(source->ndim, from, planner->leaf[source->id]->strides, e->ndim, shape, strides);
    return OP_OK;
}
