/* Builders of reductions: axes, accumulator dtype, where= and initial= as element-wise parts. */
#include "expr/reduce.h"

#include <string.h>

#include "base/view.h"
#include "expr/build.h"
#include "expr/loops.h"

#define B | OP_KIND_B
#define I | OP_KIND_I
#define U | OP_KIND_U
#define F | OP_KIND_F
#define VALUE 0
#define ERROR 1
const op_reduce_row op_reduce_rows[OP_REDUCE_END] = {
#define REDUCE(name_, accepts_, accumulator_, empty_, combine_, cb, ci, cf, doc_)                                      \
    [OP_REDUCE_##name_] = {.name = #name_,                                                                             \
                           .doc = doc_,                                                                                \
                           .accepts = 0 accepts_,                                                                      \
                           .accumulator = OP_ACCUMULATOR_##accumulator_,                                               \
                           .empty_fails = empty_,                                                                      \
                           .combine = OP_CODE_##combine_},
#define REDUCER(name_, accepts_, accumulator_, empty_, result_, doc_)                                                  \
    [OP_REDUCE_##name_] = {.name = #name_,                                                                             \
                           .doc = doc_,                                                                                \
                           .accepts = 0 accepts_,                                                                      \
                           .accumulator = OP_ACCUMULATOR_##accumulator_,                                               \
                           .empty_fails = empty_,                                                                      \
                           .result = result_},
#include "expr/reduce.def"
#undef REDUCE
};
#undef B
#undef I
#undef U
#undef F

op_axes op_axes_all(void)
{
    return (op_axes){.count = -1};
}

op_axes op_axes_of(int count, const int *axes)
{
    op_axes result = {.count = count < 0 || count > OP_MAX_NDIM ? OP_MAX_NDIM + 1 : count};
    if (!axes && count > 0)
        result.count = OP_MAX_NDIM + 1; /* refused by whoever gets it */
    for (int i = 0; axes && i < count && i < OP_MAX_NDIM; i++) /* what is out of range stays so */
        result.axis[i] = (signed char)(axes[i] < -128 ? -128 : axes[i] > 127 ? 127 : axes[i]);
    return result;
}

/* The axes as a mask; 0 after an error. */
static int resolve_axes(op_expr *x, const char *who, const op_axes *axes, uint64_t *mask)
{
    *mask = 0;
    if (axes->count > OP_MAX_NDIM) {
        op_graph_fail(x->graph, OP_ERR_SHAPE, who, 0, "%s: there can be 0 to %d axes, in a list that is there", who,
                      OP_MAX_NDIM);
        return 0;
    }
    if (axes->count < 0)
        *mask = x->ndim == OP_MAX_NDIM ? UINT64_MAX : ((uint64_t)1 << x->ndim) - 1;
    for (int i = 0; i < axes->count; i++) {
        int axis = axes->axis[i];
        if (x->ndim == 0 && (axis == 0 || axis == -1)) /* NumPy lets a scalar have this axis */
            continue;
        if (axis < -x->ndim || axis >= x->ndim) {
            op_graph_fail(x->graph, OP_ERR_SHAPE, who, 0, "%s: axis %d is out of range for %d dimensions", who, axis,
                          x->ndim);
            return 0;
        }
        axis += axis < 0 ? x->ndim : 0;
        if (*mask >> axis & 1) {
            op_graph_fail(x->graph, OP_ERR_SHAPE, who, 0, "%s: axis %d is there twice", who, axis);
            return 0;
        }
        *mask |= (uint64_t)1 << axis;
    }
    return 1;
}

static op_dtype accumulator_dtype(const op_reduce_row *row, op_dtype dtype)
{
    int kind = op_dtype_kind(dtype);
    if (row->accumulator == OP_ACCUMULATOR_TRUTH)
        return OP_BOOL;
    if (row->accumulator == OP_ACCUMULATOR_WIDE && kind & (OP_KIND_B | OP_KIND_I))
        return OP_I64;
    if (row->accumulator == OP_ACCUMULATOR_WIDE && kind == OP_KIND_U)
        return OP_U64;
    return dtype;
}

op_expr *op_reduce_masked(op_reduce_code code, op_expr *x, op_expr *where)
{
    uint64_t state[4] = {0}, identity = 0;
    op_loops_best()->reducer[code][x->dtype].leaf(state, 1, NULL, 0, 0, 0, 0, 0);
    memcpy(&identity, state, (size_t)op_dtype_size((op_dtype)x->dtype)); /* a state begins with the value */
    op_expr *args[] = {where, x, op_build_const(x->graph, (op_dtype)x->dtype, identity, 0)};
    op_expr *masked = op_build(x->graph, OP_CODE_where, 3, args);
    if (!masked)
        return NULL;
    int same = masked->ndim == x->ndim;
    for (int i = 0; i < x->ndim && same; i++)
        same = masked->shape[i] == x->shape[i];
    return same ? masked
                : op_graph_fail(x->graph, OP_ERR_SHAPE, op_reduce_rows[code].name, 1,
                                "%s: the mask of where= has more elements than the operand",
                                op_reduce_rows[code].name);
}

/* combine(initial, reduced) as an element-wise operation. */
static op_expr *apply_initial(op_reduce_code code, op_expr *reduced, op_expr *initial)
{
    op_reduce_code plain = code == OP_REDUCE_compensated_sum ? OP_REDUCE_sum : code;
    op_expr *args[] = {op_cast(initial, (op_dtype)reduced->dtype), reduced};
    return op_build(reduced->graph, (op_opcode)op_reduce_rows[plain].combine, 2, args);
}

static op_expr *reduce_node(op_reduce_code code, op_expr *x, uint64_t mask, const op_reduce_options *options)
{
    int64_t shape[OP_MAX_NDIM];
    int ndim = 0;
    for (int i = 0; i < x->ndim; i++)
        if (!(mask >> i & 1))
            shape[ndim++] = x->shape[i];
        else if (options->flags & OP_KEEPDIMS)
            shape[ndim++] = 1;
    op_dtype result = (op_dtype)op_reduce_rows[code].result;
    op_expr draft = {.kind = OP_NODE_REDUCE,
                     .dtype = result ? (uint8_t)result : x->dtype,
                     .ndim = (uint8_t)ndim,
                     .n_args = 1,
                     .shape = shape,
                     .arg = {x},
                     .reduce = {(uint16_t)code, options->flags & OP_KEEPDIMS ? 1 : 0, options->initial != NULL, mask}};
    return op_graph_intern(x->graph, &draft);
}

/* There is no NaN among integers. */
static op_reduce_code without_nan(op_reduce_code code, const op_expr *x)
{
    if (!x || op_dtype_kind((op_dtype)x->dtype) == OP_KIND_F)
        return code;
    return code == OP_REDUCE_nanmax ? OP_REDUCE_max : code == OP_REDUCE_nanmin ? OP_REDUCE_min : code;
}

op_expr *op_build_reduce(op_reduce_code code, op_expr *x, op_axes axes, const op_reduce_options *options)
{
    static const op_reduce_options defaults;
    code = without_nan(code, x);
    const op_reduce_row *row = &op_reduce_rows[code];
    const op_reduce_options *o = options ? options : &defaults;
    op_graph *graph = op_expr_graph(x, row->name, 0);
    uint64_t mask;
    if (!graph || !resolve_axes(x, row->name, &axes, &mask))
        return NULL;
    op_dtype dtype = o->dtype ? o->dtype : accumulator_dtype(row, (op_dtype)x->dtype);
    if (!op_dtype_valid(dtype) || !op_dtypes[dtype].works)
        return op_graph_fail(graph, OP_ERR_DTYPE, row->name, 0, "%s: dtype %d is none that can be computed in",
                             row->name, (int)dtype);
    if (dtype == OP_BOOL && (code == OP_REDUCE_sum || code == OP_REDUCE_prod)) { /* as NumPy: or, and */
        code = code == OP_REDUCE_sum ? OP_REDUCE_any : OP_REDUCE_all;
        row = &op_reduce_rows[code];
    }
    if (o->compensated && op_dtype_kind(dtype) == OP_KIND_F) { /* sums of integers lose nothing */
        code = OP_REDUCE_compensated_sum;
        row = &op_reduce_rows[code];
    }
    if (!op_loops_best()->reducer[code][dtype].state_bytes)
        return op_graph_fail(graph, OP_ERR_DTYPE, row->name, 0, "%s does not accept %s", row->name,
                             op_dtype_name(dtype));
    x = op_cast(x, dtype);
    if (x && o->where)
        x = op_reduce_masked(code, x, o->where);
    if (!x)
        return NULL;
    int may_be_empty = o->initial || !row->empty_fails;
    for (int i = 0; i < x->ndim && !may_be_empty; i++)
        if (mask >> i & 1 && x->shape[i] == 0)
            return op_graph_fail(graph, OP_ERR_SHAPE, row->name, 0, "%s of no elements has no value (axis %d is empty)",
                                 row->name, i);
    op_expr *reduced = reduce_node(code, x, mask, o);
    return reduced && o->initial ? apply_initial(code, reduced, o->initial) : reduced;
}
