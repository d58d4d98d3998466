/* Builders of views: the same elements under other indices. */
#include <string.h>

#include "base/view.h"
#include "expr/build.h"
#include "expr/shape.h"

/* axis counted from 0; -1 after an error. room is the number of axes that can be named. */
static int resolve_axis(op_graph *graph, const char *who, int axis, int room)
{
    if (axis >= -room && axis < room)
        return axis < 0 ? axis + room : axis;
    op_graph_fail(graph, OP_ERR_SHAPE, who, 0, "%s: axis %d is out of range for %d dimensions", who, axis, room);
    return -1;
}

static op_expr *view(op_expr *x, const char *who, op_view_step step, int result_ndim)
{
    int64_t shape[OP_MAX_NDIM];
    if (result_ndim > OP_MAX_NDIM)
        return op_graph_fail(x->graph, OP_ERR_SHAPE, who, 0, "%s: more than %d dimensions", who, OP_MAX_NDIM);
    const char *wrong = op_view_shape(&step, x->ndim, x->shape, result_ndim, shape);
    if (wrong) {
        char text[OP_SHAPE_TEXT];
        return op_graph_fail(x->graph, OP_ERR_SHAPE, who, 0, "%s of shape %s: %s", who,
                             op_shape_text(x->ndim, x->shape, text), wrong);
    }
    op_expr draft = {.kind = OP_NODE_VIEW,
                     .dtype = x->dtype,
                     .ndim = (uint8_t)result_ndim,
                     .n_args = 1,
                     .shape = shape,
                     .arg = {x},
                     .view = step};
    return op_graph_intern(x->graph, &draft);
}

op_expr *op_slice(op_expr *x, int axis, int64_t start, int64_t stop, int64_t step)
{
    op_graph *graph = op_expr_graph(x, "op_slice", 0);
    if (!graph || (axis = resolve_axis(graph, "op_slice", axis, x->ndim)) < 0)
        return NULL;
    if (step == 0)
        return op_graph_fail(graph, OP_ERR_INVALID, "op_slice", 0, "op_slice: the step is 0");
    step = step == OP_END ? 1 : step;
    if (x->shape[axis] >= 0) { /* the normal form, so that equal slices are one node */
        int64_t count = op_slice_indices(x->shape[axis], &start, stop, step);
        if (count == x->shape[axis] && start == 0 && step == 1)
            return x;
        stop = count ? start + (count - 1) * step + (step > 0 ? 1 : -1) : start;
        stop = stop < 0 ? OP_END : stop;
        start = start < 0 ? 0 : start;
        if (count == 0)
            start = stop = 0, step = 1;
        if (count == 1)
            stop = start + 1, step = 1;
    }
    return view(x, "op_slice", (op_view_step){OP_VIEW_SLICE, axis, start, stop, step, NULL}, x->ndim);
}

op_expr *op_flip(op_expr *x, int axis)
{
    return op_slice(x, axis, OP_END, OP_END, -1);
}

op_expr *op_index(op_expr *x, int axis, int64_t i)
{
    op_graph *graph = op_expr_graph(x, "op_index", 0);
    if (!graph || (axis = resolve_axis(graph, "op_index", axis, x->ndim)) < 0)
        return NULL;
    return view(x, "op_index", (op_view_step){.kind = OP_VIEW_INDEX, .axis = axis, .start = i}, x->ndim - 1);
}

op_expr *op_permute(op_expr *x, const int *axes)
{
    op_graph *graph = op_expr_graph(x, "op_permute", 0);
    if (!graph)
        return NULL;
    if (!axes)
        return op_graph_fail(graph, OP_ERR_INVALID, "op_permute", 0, "op_permute: axes is NULL");
    int64_t list[OP_MAX_NDIM];
    uint64_t seen = 0;
    int moved = 0;
    for (int i = 0; i < x->ndim; i++) {
        int axis = resolve_axis(graph, "op_permute", axes[i], x->ndim);
        if (axis < 0)
            return NULL;
        if (seen >> axis & 1)
            return op_graph_fail(graph, OP_ERR_SHAPE, "op_permute", 0, "op_permute: axis %d is there twice", axis);
        seen |= (uint64_t)1 << axis;
        list[i] = axis;
        moved |= axis != i;
    }
    return moved ? view(x, "op_permute", (op_view_step){.kind = OP_VIEW_PERMUTE, .list = list}, x->ndim) : x;
}

op_expr *op_transpose(op_expr *x)
{
    if (!op_expr_graph(x, "op_transpose", 0))
        return NULL;
    int axes[OP_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++)
        axes[i] = x->ndim - 1 - i;
    return op_permute(x, axes);
}

op_expr *op_newaxis(op_expr *x, int axis)
{
    op_graph *graph = op_expr_graph(x, "op_newaxis", 0);
    if (!graph || (axis = resolve_axis(graph, "op_newaxis", axis, x->ndim + 1)) < 0)
        return NULL;
    return view(x, "op_newaxis", (op_view_step){.kind = OP_VIEW_NEWAXIS, .axis = axis}, x->ndim + 1);
}

op_expr *op_squeeze(op_expr *x, int axis)
{
    op_graph *graph = op_expr_graph(x, "op_squeeze", 0);
    if (!graph || (axis = resolve_axis(graph, "op_squeeze", axis, x->ndim)) < 0)
        return NULL;
    return view(x, "op_squeeze", (op_view_step){.kind = OP_VIEW_SQUEEZE, .axis = axis}, x->ndim - 1);
}

/* A list of extents that the caller gave: their number, signs and product. */
static int check_list(op_graph *graph, const char *who, int ndim, const int64_t *shape, int may_be_open)
{
    int open = 0;
    int64_t size = 1;
    if (ndim < 0 || ndim > OP_MAX_NDIM || (ndim && !shape)) {
        op_graph_fail(graph, OP_ERR_SHAPE, who, 0, "%s: %d dimensions; there can be 0 to %d", who, ndim, OP_MAX_NDIM);
        return 0;
    }
    for (int i = 0; i < ndim; i++) {
        open += shape[i] == -1;
        if (shape[i] < -may_be_open || open > 1 ||
            (shape[i] > 0 && __builtin_mul_overflow(size, shape[i], &size))) {
            op_graph_fail(graph, OP_ERR_SHAPE, who, 0, "%s: extent %lld of dimension %d cannot be", who,
                          (long long)shape[i], i);
            return 0;
        }
    }
    return 1;
}

op_expr *op_broadcast_to(op_expr *x, int ndim, const int64_t *shape)
{
    op_graph *graph = op_expr_graph(x, "op_broadcast_to", 0);
    if (!graph || !check_list(graph, "op_broadcast_to", ndim, shape, 0))
        return NULL;
    if (ndim < x->ndim)
        return op_graph_fail(graph, OP_ERR_SHAPE, "op_broadcast_to", 0,
                             "op_broadcast_to: %d dimensions cannot become %d", x->ndim, ndim);
    return view(x, "op_broadcast_to", (op_view_step){.kind = OP_VIEW_BROADCAST, .list = shape}, ndim);
}

op_expr *op_reshape(op_expr *x, int ndim, const int64_t *shape)
{
    op_graph *graph = op_expr_graph(x, "op_reshape", 0);
    if (!graph || !check_list(graph, "op_reshape", ndim, shape, 1))
        return NULL;
    if (x->kind == OP_NODE_CONST) { /* one element: every extent is 1, and there is nothing to rearrange */
        int64_t ones[OP_MAX_NDIM];
        for (int i = 0; i < ndim; i++)
            ones[i] = shape[i] == -1 ? 1 : shape[i];
        if (op_shape_size(ndim, ones) == 1)
            return op_broadcast_to(x, ndim, ones);
    }
    return view(x, "op_reshape", (op_view_step){.kind = OP_VIEW_RESHAPE, .list = shape}, ndim);
}
