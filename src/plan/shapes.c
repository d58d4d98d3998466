/* The shapes of a request: what the extents of op_run's arguments make of open expressions, and whether
 * results fit into their outputs. */
#include <string.h>

#include "base/view.h"
#include "expr/check.h"
#include "expr/shape.h"
#include "plan/lower.h"

/* ---- open shapes ---- */

static op_status resolve_hole(op_planner *planner, const op_expr *e, int64_t *shape)
{
    const op_plan_request *request = planner->request;
    const op_view *view = e->hole < request->n_hole ? &request->holes[e->hole] : NULL;
    if (!view)
        return op_fail(OP_ERR_INVALID, "hole %d has no argument", e->hole);
    if (view->dtype != (op_dtype)e->dtype || view->ndim != e->ndim)
        return op_fail(view->dtype != (op_dtype)e->dtype ? OP_ERR_DTYPE : OP_ERR_SHAPE,
                       "argument %d is %s with %d dimensions; the hole is %s with %d", e->hole,
                       op_dtype_name(view->dtype), view->ndim, op_dtype_name((op_dtype)e->dtype), e->ndim);
    memcpy(shape, view->shape, sizeof *shape * (size_t)e->ndim);
    return OP_OK;
}

static op_status resolve_op(op_planner *planner, const op_expr *e, int64_t *shape)
{
    int ndim = 0;
    for (int k = 0; k < e->n_args; k++) {
        const int64_t *arg = op_planner_shape(planner, e->arg[k]);
        char mine[OP_SHAPE_TEXT], other[OP_SHAPE_TEXT];
        op_shape_text(ndim, shape, mine);
        if (!op_broadcast_shape(&ndim, shape, e->arg[k]->ndim, arg))
            return op_fail(OP_ERR_SHAPE, "%s: shapes %s and %s do not broadcast", op_rows[e->code].name, mine,
                           op_shape_text(e->arg[k]->ndim, arg, other));
    }
    return OP_OK;
}

static op_status resolve_reduce(op_planner *planner, const op_expr *e, int64_t *shape)
{
    const int64_t *arg = op_planner_shape(planner, e->arg[0]);
    const op_reduce_row *row = &op_reduce_rows[e->reduce.code];
    int ndim = 0;
    for (int i = 0; i < e->arg[0]->ndim; i++) {
        int reduced = e->reduce.axes >> i & 1;
        if (reduced && arg[i] == 0 && row->empty_fails && !e->reduce.may_be_empty)
            return op_fail(OP_ERR_SHAPE, "%s of no elements has no value (axis %d is empty)", row->name, i);
        if (!reduced || e->reduce.keepdims)
            shape[ndim++] = reduced ? 1 : arg[i];
    }
    return OP_OK;
}

static op_status resolve_count(op_planner *planner, const op_expr *e, int64_t *shape)
{
    shape[0] = e->shape[0];
    const op_expr *x = e->arg[0], *weights = e->n_args > 1 ? e->arg[1] : NULL;
    char mine[OP_SHAPE_TEXT], other[OP_SHAPE_TEXT];
    if (!weights ||
        op_broadcasts_to(weights->ndim, op_planner_shape(planner, weights), x->ndim, op_planner_shape(planner, x)))
        return OP_OK;
    return op_fail(OP_ERR_SHAPE, "weights of shape %s do not broadcast to %s, the shape of what is counted",
                   op_shape_text(weights->ndim, op_planner_shape(planner, weights), mine),
                   op_shape_text(x->ndim, op_planner_shape(planner, x), other));
}

static op_status resolve_shape(op_planner *planner, const op_expr *e)
{
    int64_t shape[OP_MAX_NDIM];
    op_status status = OP_OK;
    if (e->kind == OP_NODE_HOLE)
        status = resolve_hole(planner, e, shape);
    else if (e->kind == OP_NODE_OP)
        status = resolve_op(planner, e, shape);
    else if (e->kind == OP_NODE_REDUCE)
        status = resolve_reduce(planner, e, shape);
    else if (e->kind == OP_NODE_COUNT)
        status = resolve_count(planner, e, shape);
    else if (e->kind == OP_NODE_SCAN)
        memcpy(shape, op_planner_shape(planner, e->arg[0]), sizeof *shape * e->ndim);
    else {
        const char *wrong = op_view_shape(&e->view, e->arg[0]->ndim, op_planner_shape(planner, e->arg[0]), e->ndim, shape);
        if (wrong)
            status = op_fail(OP_ERR_SHAPE, "a view of an argument of op_run: %s", wrong);
    }
    int64_t *copy = OP_NEW_ARRAY(planner->arena, int64_t, e->ndim + 1);
    if (status != OP_OK || !copy)
        return status != OP_OK ? status : op_fail(OP_ERR_MEMORY, "out of memory for a plan");
    memcpy(copy, shape, sizeof *shape * (size_t)e->ndim);
    planner->shape[e->id] = copy;
    return OP_OK;
}

op_status op_resolve_shapes(op_planner *planner, op_expr *const *node, uint32_t n_node)
{
    planner->shape = OP_NEW_ARRAY(planner->arena, const int64_t *, planner->request->graph->n_node);
    if (!planner->shape)
        return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
    for (uint32_t i = 0; i < n_node; i++) {
        op_status status = node[i]->open ? resolve_shape(planner, node[i]) : OP_OK;
        if (status != OP_OK)
            return status;
    }
    return OP_OK;
}

/* ---- outputs ---- */

/* A dimension along which elements of the output share bytes, or -1: a stride shorter than an element, or
 * the same stride twice. */
static int overlapping_dim(const op_view *out)
{
    int64_t size = op_dtype_size(out->dtype);
    for (int d = 0; d < out->ndim; d++)
        if (out->shape[d] == 0)
            return -1;
    for (int d = 0; d < out->ndim; d++) {
        int64_t stride = out->strides[d] < 0 ? -out->strides[d] : out->strides[d];
        if (out->shape[d] > 1 && stride < size)
            return d;
        for (int k = 0; k < d; k++)
            if (out->shape[d] > 1 && out->shape[k] > 1 && (out->strides[k] == stride || out->strides[k] == -stride))
                return d;
    }
    return -1;
}

op_status op_check_output(const op_planner *planner, int i)
{
    const op_expr *e = planner->request->exprs[i];
    const op_view *out = &planner->request->outs[i];
    const int64_t *shape = op_planner_shape(planner, e);
    char mine[OP_SHAPE_TEXT], other[OP_SHAPE_TEXT];
    if (!op_same_kind((op_dtype)e->dtype, out->dtype))
        return op_fail(OP_ERR_DTYPE, "output %d: %s cannot be cast to %s by the same_kind rule; use op_cast", i,
                       op_dtype_name((op_dtype)e->dtype), op_dtype_name(out->dtype));
    int reduces = e->kind == OP_NODE_REDUCE || e->kind == OP_NODE_COUNT;
    int fits = e->ndim <= out->ndim && (!reduces || e->ndim == out->ndim);
    for (int d = 0; d < e->ndim && fits; d++) {
        int64_t have = out->shape[out->ndim - e->ndim + d];
        fits = shape[d] == have || (shape[d] == 1 && !reduces);
    }
    if (!fits)
        return op_fail(OP_ERR_SHAPE, "output %d: a result of shape %s (%s) does not fit into %s (%s)", i,
                       op_shape_text(e->ndim, shape, mine), op_dtype_name((op_dtype)e->dtype),
                       op_shape_text(out->ndim, out->shape, other), op_dtype_name(out->dtype));
    int overlapping = overlapping_dim(out);
    if (overlapping >= 0)
        return op_fail(OP_ERR_OVERLAP, "output %d: its elements overlap, dimension %d has extent %lld and stride %lld", i,
                       overlapping, (long long)out->shape[overlapping], (long long)out->strides[overlapping]);
    return OP_OK;
}
