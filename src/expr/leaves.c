/* Leaves: inputs, constants, weak scalars, holes; and what an expression is. */
#include <string.h>

#include "base/view.h"
#include "expr/build.h"

static int usable(op_graph *graph, const char *who)
{
    if (graph && graph->magic == OP_GRAPH_MAGIC)
        return 1;
    op_graph_fail(NULL, OP_ERR_INVALID, who, -1, "%s: the graph is %s", who, graph ? "freed" : "NULL");
    return 0;
}

op_expr *op_input(op_graph *graph, op_view view)
{
    if (!usable(graph, "op_input"))
        return NULL;
    if (op_view_check(&view, "op_input") != OP_OK) {
        op_error error = *op_last_error();
        return op_graph_fail(graph, error.code, "op_input", 0, "%s", error.message);
    }
    op_expr draft = {.kind = OP_NODE_INPUT,
                     .dtype = (uint8_t)view.dtype,
                     .ndim = (uint8_t)view.ndim,
                     .shape = view.shape,
                     .input = {view.cdata, view.strides}};
    return op_graph_add(graph, &draft);
}

static op_expr *constant(op_graph *graph, const char *who, op_dtype dtype, const void *value, int weak)
{
    if (!usable(graph, who))
        return NULL;
    uint64_t bits = 0;
    memcpy(&bits, value, (size_t)op_dtype_size(dtype));
    return op_build_const(graph, dtype, bits, weak);
}

#define CONSTANT(name, type, dtype, weak)                                                                              \
    op_expr *op_##name(op_graph *graph, type value)                                                                    \
    {                                                                                                                  \
        return constant(graph, "op_" #name, dtype, &value, weak);                                                      \
    }
#define TRUTH(name, weak)                                                                                              \
    op_expr *op_##name(op_graph *graph, int value)                                                                     \
    {                                                                                                                  \
        uint8_t truth = value != 0;                                                                                    \
        return constant(graph, "op_" #name, OP_BOOL, &truth, weak);                                                    \
    }
TRUTH(const_bool, 0)
CONSTANT(const_i8, int8_t, OP_I8, 0)
CONSTANT(const_i16, int16_t, OP_I16, 0)
CONSTANT(const_i32, int32_t, OP_I32, 0)
CONSTANT(const_i64, int64_t, OP_I64, 0)
CONSTANT(const_u8, uint8_t, OP_U8, 0)
CONSTANT(const_u16, uint16_t, OP_U16, 0)
CONSTANT(const_u32, uint32_t, OP_U32, 0)
CONSTANT(const_u64, uint64_t, OP_U64, 0)
CONSTANT(const_f32, float, OP_F32, 0)
CONSTANT(const_f64, double, OP_F64, 0)
CONSTANT(scalar, double, OP_F64, 1)
CONSTANT(scalar_i64, int64_t, OP_I64, 1)
TRUTH(scalar_bool, 1)

op_expr *op_scalar_u64(op_graph *graph, uint64_t value)
{
    /* an integer of Python has no size: what fits in i64 is one */
    return constant(graph, "op_scalar_u64", value <= INT64_MAX ? OP_I64 : OP_U64, &value, 1);
}

static op_expr *hole(op_graph *graph, const char *who, int index, op_dtype dtype, int ndim, int weak)
{
    if (!usable(graph, who))
        return NULL;
    if (index < 0 || index >= 1 << 20)
        return op_graph_fail(graph, OP_ERR_INVALID, who, -1, "%s: index %d is not between 0 and %d", who, index,
                             (1 << 20) - 1);
    if (!op_dtype_valid(dtype) || !op_dtypes[dtype].works)
        return op_graph_fail(graph, OP_ERR_UNSUPPORTED, who, -1, "%s: arrays of %s are not supported in this version",
                             who, op_dtype_name(dtype));
    if (ndim < 0 || ndim > OP_MAX_NDIM)
        return op_graph_fail(graph, OP_ERR_SHAPE, who, -1, "%s: %d dimensions; there can be 0 to %d", who, ndim,
                             OP_MAX_NDIM);
    int64_t shape[OP_MAX_NDIM];
    for (int i = 0; i < ndim; i++)
        shape[i] = -1;
    op_expr draft = {.kind = OP_NODE_HOLE,
                     .dtype = (uint8_t)dtype,
                     .ndim = (uint8_t)ndim,
                     .weak = (uint8_t)weak,
                     .open = 1,
                     .shape = shape,
                     .hole = index};
    op_expr *node = op_graph_add(graph, &draft);
    if (node && index >= graph->n_hole)
        graph->n_hole = index + 1;
    return node;
}

op_expr *op_param(op_graph *graph, int index, op_dtype dtype, int ndim)
{
    return hole(graph, "op_param", index, dtype, ndim, 0);
}

op_expr *op_param_named(op_graph *graph, int index, const char *name, op_dtype dtype, int ndim)
{
    op_expr *node = hole(graph, "op_param_named", index, dtype, ndim, 0);
    return node ? op_named(node, name) : NULL;
}

op_expr *op_param_weak(op_graph *graph, int index, op_dtype dtype)
{
    return hole(graph, "op_param_weak", index, dtype, 0, 1);
}

static op_expr none_node;

op_expr *op_none(void)
{
    return &none_node;
}

op_dtype op_expr_dtype(const op_expr *expr)
{
    return expr && expr->graph ? (op_dtype)expr->dtype : 0;
}

int op_expr_ndim(const op_expr *expr)
{
    return expr && expr->graph ? expr->ndim : -1;
}

op_status op_expr_shape(const op_expr *expr, int64_t *shape)
{
    if (!expr || !expr->graph || !shape)
        return op_fail(OP_ERR_INVALID, "op_expr_shape: %s",
                       !shape ? "shape is NULL" : "the expression is NULL, OP_NONE or released");
    memcpy(shape, expr->shape, sizeof *shape * expr->ndim);
    return OP_OK;
}
