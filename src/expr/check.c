/* The type check of element-wise operations: promotion, weak scalars, broadcasting. */
#include "expr/check.h"

#include <string.h>

#include "base/view.h"

static op_dtype weak_default(op_dtype dtype)
{
    switch (op_dtype_kind(dtype)) {
    case OP_KIND_B:
        return OP_BOOL;
    case OP_KIND_F:
        return OP_F64;
    case OP_KIND_C:
        return OP_C128;
    default:
        return dtype == OP_U64 ? OP_U64 : OP_I64;
    }
}

/* What a strong dtype becomes when a number of Python's kind joins it. */
static op_dtype join_weak(op_dtype strong, op_dtype weak)
{
    int numbers = OP_KIND_I | OP_KIND_U;
    int strong_kind = op_dtype_kind(strong), weak_kind = op_dtype_kind(weak);
    if (weak_kind == OP_KIND_B || strong_kind == OP_KIND_C)
        return strong;
    if (weak_kind == OP_KIND_C)
        return strong == OP_F64 || !(strong_kind & OP_KIND_F) ? OP_C128 : OP_C64;
    if (weak_kind == OP_KIND_F)
        return strong_kind == OP_KIND_F ? strong : OP_F64;
    return strong_kind & (numbers | OP_KIND_F) ? strong : OP_I64;
}

op_dtype op_common_dtype(op_graph *graph, const char *who, int n, op_expr *const *args, int *weak)
{
    op_dtype strong = 0, weak_part = 0;
    /* floats first, as in NumPy: u16, i8 and f32 meet in f32, though u16 and i8 alone meet in i32 */
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++) {
            op_dtype dtype = (op_dtype)args[i]->dtype;
            int is_inexact = op_dtype_kind(dtype) & (OP_KIND_F | OP_KIND_C) ? 1 : 0;
            if (is_inexact == pass)
                continue;
            if (args[i]->weak)
                weak_part = weak_part ? op_promote(weak_part, weak_default(dtype)) : weak_default(dtype);
            else
                strong = strong ? op_promote(strong, dtype) : dtype;
        }
    *weak = !strong;
    op_dtype common = strong ? strong : weak_part;
    for (int i = 0; i < n && strong; i++) /* one by one: integers of Python stay integers, however large */
        if (args[i]->weak)
            common = join_weak(common, weak_default((op_dtype)args[i]->dtype));
    if (!op_dtypes[common].works) {
        op_graph_fail(graph, OP_ERR_UNSUPPORTED, who, -1,
                      "%s: %s and %s meet in %s, which is not supported in this version; cast one of them", who,
                      op_dtype_name((op_dtype)args[0]->dtype), op_dtype_name((op_dtype)args[n - 1]->dtype),
                      op_dtype_name(common));
        return 0;
    }
    return common;
}

int op_broadcast_shape(int *ndim, int64_t *shape, int other_ndim, const int64_t *other)
{
    if (other_ndim > *ndim) {
        int more = other_ndim - *ndim;
        memmove(shape + more, shape, sizeof *shape * (size_t)*ndim);
        for (int i = 0; i < more; i++)
            shape[i] = 1;
        *ndim = other_ndim;
    }
    for (int i = 0; i < other_ndim; i++) {
        int64_t *mine = &shape[*ndim - other_ndim + i];
        if (other[i] == *mine || other[i] == 1)
            continue;
        if (*mine == 1 || (*mine == -1 && other[i] > 1))
            *mine = other[i];
        else if (other[i] != -1 && *mine != -1)
            return 0;
    }
    return 1;
}

int op_broadcasts_to(int ndim, const int64_t *shape, int to_ndim, const int64_t *to)
{
    for (int i = 0; i < ndim && ndim <= to_ndim; i++) {
        int64_t have = shape[i], want = to[to_ndim - ndim + i];
        if (have != want && have != 1 && have != -1 && want != -1)
            return 0;
    }
    return ndim <= to_ndim;
}

static int check_shapes(op_graph *graph, const op_row *row, op_expr *const *args, op_typing *typing)
{
    typing->ndim = 0;
    for (int i = 0; i < row->arity; i++) {
        int ndim = typing->ndim;
        int64_t before[OP_MAX_NDIM];
        memcpy(before, typing->shape, sizeof *before * (size_t)ndim);
        if (op_broadcast_shape(&typing->ndim, typing->shape, args[i]->ndim, args[i]->shape))
            continue;
        char mine[OP_SHAPE_TEXT], other[OP_SHAPE_TEXT];
        op_graph_fail(graph, OP_ERR_SHAPE, row->name, i, "%s: shapes %s (%s) and %s (%s) do not broadcast", row->name,
                      op_shape_text(ndim, before, mine), op_dtype_name((op_dtype)args[i ? i - 1 : 0]->dtype),
                      op_shape_text(args[i]->ndim, args[i]->shape, other), op_dtype_name((op_dtype)args[i]->dtype));
        return 0;
    }
    return 1;
}

/* Moves a dtype that the loop does not accept to the one that NumPy would compute in; 0 if none. */
static op_dtype accepted_dtype(const op_row *row, op_dtype dtype)
{
    int kind = op_dtype_kind(dtype);
    if (row->accepts & kind)
        return dtype;
    if (kind == OP_KIND_B && row->flags & OP_FLAG_NO_BOOL)
        return 0;
    if (kind == OP_KIND_B && row->accepts & OP_KIND_I && !(row->flags & OP_FLAG_BOOL_TO_FLOAT))
        return OP_I8;
    if (kind & (OP_KIND_B | OP_KIND_I | OP_KIND_U) && row->accepts & OP_KIND_F)
        return row->rule == OP_RULE_DIVIDE ? OP_F64 : op_float_for(dtype);
    return 0;
}

/* Of integers where only floats are accepted, NumPy takes the first loop that holds each operand: u16 and i16
 * meet in f32, and not in the f64 that holds the i32 in which they would meet as integers. */
static op_dtype float_for_each(op_dtype common, int n, op_expr *const *args)
{
    int kinds = 0;
    op_dtype floats = OP_F16;
    for (int i = 0; i < n; i++)
        if (!args[i]->weak) {
            kinds |= op_dtype_kind((op_dtype)args[i]->dtype);
            floats = op_promote(floats, op_float_for((op_dtype)args[i]->dtype));
        }
    return kinds & OP_KIND_I && kinds & OP_KIND_U ? floats : op_float_for(common);
}

/* The dtype that the loop computes in; 0 after an error. */
static op_dtype loop_dtype(op_graph *graph, const op_row *row, op_expr *const *args, op_dtype common)
{
    op_dtype dtype = accepted_dtype(row, common);
    if (dtype && dtype != common && op_dtype_kind(dtype) == OP_KIND_F && row->rule != OP_RULE_DIVIDE)
        dtype = float_for_each(common, row->arity, args);
    if (dtype == OP_F16 && row->rule == OP_RULE_TO_BOOL) /* nobody sees which float it was */
        dtype = OP_F32;
    if (dtype && op_dtypes[dtype].works)
        return dtype;
    if (!dtype)
        op_graph_fail(graph, OP_ERR_DTYPE, row->name, -1, "%s does not accept %s", row->name, op_dtype_name(common));
    else
        op_graph_fail(graph, OP_ERR_UNSUPPORTED, row->name, -1,
                      "%s of %s%s%s gives %s, which is not supported in this version; cast the operand first",
                      row->name, op_dtype_name((op_dtype)args[0]->dtype), row->arity > 1 ? " and " : "",
                      row->arity > 1 ? op_dtype_name((op_dtype)args[row->arity - 1]->dtype) : "", op_dtype_name(dtype));
    return 0;
}

/* A comparison with a number outside the array's range is still a comparison: with an infinity. */
static int compares_beyond(const op_row *row, op_expr *const *args, op_dtype common, op_typing *typing)
{
    int integers = OP_KIND_I | OP_KIND_U, any = 0;
    for (int i = 0; i < row->arity; i++) {
        int negative = args[i]->dtype == OP_I64 && (int64_t)args[i]->bits < 0;
        int is_number = args[i]->kind == OP_NODE_CONST && args[i]->weak && op_dtype_kind((op_dtype)args[i]->dtype) & integers;
        int applies = row->rule == OP_RULE_TO_BOOL && op_dtype_kind(common) & integers && is_number;
        typing->beyond[i] = applies && !op_int_fits(common, negative, args[i]->bits) ? negative ? -1 : 1 : 0;
        any |= typing->beyond[i];
    }
    return any;
}

int op_check(op_graph *graph, op_opcode code, op_expr *const *args, op_typing *typing)
{
    const op_row *row = &op_rows[code];
    if (!check_shapes(graph, row, args, typing))
        return 0;
    int weak = 0;
    op_dtype dtype = OP_BOOL;
    memset(typing->beyond, 0, sizeof typing->beyond);
    int first = row->rule == OP_RULE_SELECT;
    if (row->rule != OP_RULE_LOGIC) {
        op_dtype common = op_common_dtype(graph, row->name, row->arity - first, args + first, &weak);
        if (!common)
            return 0;
        if (!weak && compares_beyond(row, args, common, typing))
            common = OP_F64;
        dtype = loop_dtype(graph, row, args, common);
        if (!dtype)
            return 0;
    }
    typing->dtype = dtype;
    typing->result = row->rule == OP_RULE_TO_BOOL ? OP_BOOL : dtype;
    typing->weak = weak && row->flags & OP_FLAG_PYTHON;
    for (int i = 0; i < row->arity; i++)
        typing->operand[i] = first && i == 0 ? OP_BOOL : dtype;
    return 1;
}
