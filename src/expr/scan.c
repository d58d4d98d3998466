/* Builders of scans: running sums and their kin along one axis, and differences. */
#include <string.h>

#include "expr/build.h"
#include "expr/reduce.h"

static op_expr *build_scan(const char *who, op_reduce_code code, op_expr *x, int axis)
{
    op_graph *graph = op_expr_graph(x, who, 0);
    if (!graph)
        return NULL;
    if (axis < -x->ndim || axis >= x->ndim)
        return op_graph_fail(graph, OP_ERR_SHAPE, who, 0, "%s: axis %d is out of range for %d dimensions", who, axis,
                             x->ndim);
    axis += axis < 0 ? x->ndim : 0;
    int kind = op_dtype_kind((op_dtype)x->dtype);
    if (op_reduce_rows[code].accumulator == OP_ACCUMULATOR_WIDE && kind != OP_KIND_F)
        x = op_cast(x, kind == OP_KIND_U ? OP_U64 : OP_I64);
    if (!x)
        return NULL;
    op_expr draft = {.kind = OP_NODE_SCAN,
                     .dtype = x->dtype,
                     .ndim = x->ndim,
                     .n_args = 1,
                     .shape = x->shape,
                     .arg = {x},
                     .reduce = {.code = (uint16_t)code, .keepdims = 1, .axes = (uint64_t)1 << axis}};
    return op_graph_intern(graph, &draft);
}

op_expr *op_cumsum(op_expr *x, int axis)
{
    return build_scan("cumsum", OP_REDUCE_sum, x, axis);
}

op_expr *op_cumprod(op_expr *x, int axis)
{
    return build_scan("cumprod", OP_REDUCE_prod, x, axis);
}

op_expr *op_cummax(op_expr *x, int axis)
{
    return build_scan("cummax", OP_REDUCE_max, x, axis);
}

op_expr *op_cummin(op_expr *x, int axis)
{
    return build_scan("cummin", OP_REDUCE_min, x, axis);
}

op_expr *op_diff(op_expr *x, int axis)
{
    op_expr *args[] = {op_slice(x, axis, 1, OP_END, 1), op_slice(x, axis, OP_END, -1, 1)};
    if (!args[0] || !args[1])
        return NULL;
    int is_bool = op_dtype_kind((op_dtype)args[0]->dtype) == OP_KIND_B; /* as NumPy's */
    return op_build(NULL, is_bool ? OP_CODE_not_equal : OP_CODE_subtract, 2, args);
}

const op_scan_name op_scan_names[] = {
    {"cumsum", op_cumsum}, {"cumprod", op_cumprod}, {"cummax", op_cummax}, {"cummin", op_cummin}, {"diff", op_diff}};
const int op_scan_name_count = sizeof op_scan_names / sizeof op_scan_names[0];

int op_scan_from_name(const char *name, size_t length)
{
    for (int i = 0; i < op_scan_name_count; i++)
        if (!strncmp(op_scan_names[i].name, name, length) && !op_scan_names[i].name[length])
            return i;
    return -1;
}
