/* check -> convert the operands -> fold -> intern: how an operation becomes a node. */
#include "expr/build.h"

#include <math.h>
#include <string.h>

#include "base/view.h"
#include "expr/check.h"

op_opcode op_opcode_from_name(const char *name, size_t length)
{
    for (int code = OP_CODE_NONE + 1; code < OP_CODE_TABLE_END; code++)
        if (!strncmp(op_rows[code].name, name, length) && !op_rows[code].name[length])
            return (op_opcode)code;
    for (int i = 0; i < op_alias_count; i++)
        if (!strncmp(op_aliases[i].name, name, length) && !op_aliases[i].name[length])
            return (op_opcode)op_aliases[i].code;
    return OP_CODE_NONE;
}

/* The graph that all operands share; NULL, with the first error recorded, if one is unusable. */
static op_graph *operands_graph(op_graph *graph, const char *who, int n, op_expr *const *args)
{
    for (int i = 0; !graph && i < n; i++)
        if (args[i] && args[i]->graph && args[i]->graph->magic == OP_GRAPH_MAGIC)
            graph = args[i]->graph;
    for (int i = 0; i < n; i++) {
        if (!args[i]) {
            if (!graph || graph->error.code == OP_OK)
                op_graph_fail(graph, OP_ERR_INVALID, who, i,
                              "%s: operand %d is NULL (an expression that failed, or a number without sugar.h)", who, i);
            return NULL;
        }
        op_graph *mine = op_expr_graph(args[i], who, i);
        if (!mine) { /* the error is the thread's last one; the graph of the other operands keeps it, too */
            op_error error = *op_last_error();
            return graph ? (op_graph_fail(graph, error.code, who, i, "%s", error.message), NULL) : NULL;
        }
        if (mine != graph) {
            op_graph_fail(graph, OP_ERR_INVALID, who, i, "%s: operand %d belongs to another graph", who, i);
            return NULL;
        }
    }
    return graph;
}

static int all_constant(int n, op_expr *const *args)
{
    for (int i = 0; i < n; i++)
        if (args[i]->kind != OP_NODE_CONST)
            return 0;
    return 1;
}

/* Operand i as the loop reads it. A number that does not fit is an error, but in where it wraps, as in NumPy's. */
static op_expr *converted_operand(const op_row *row, const op_typing *typing, op_expr *x, int i)
{
    if (row->rule == OP_RULE_SELECT && x->kind == OP_NODE_CONST)
        return op_build_cast(x, typing->operand[i], 0);
    return op_build_operand(x, typing->operand[i], row->name, i);
}

op_expr *op_build(op_graph *graph, op_opcode code, int n, op_expr *const *args)
{
    const op_row *row = &op_rows[code];
    graph = operands_graph(graph, row->name, n, args);
    op_typing typing;
    if (!graph || !op_check(graph, code, args, &typing))
        return NULL;
    op_expr draft = {.kind = OP_NODE_OP,
                     .code = (uint16_t)code,
                     .dtype = (uint8_t)typing.result,
                     .weak = (uint8_t)typing.weak,
                     .ndim = (uint8_t)typing.ndim,
                     .n_args = (uint8_t)n,
                     .shape = typing.shape};
    uint64_t bits[3];
    for (int i = 0; i < n; i++) {
        op_expr *operand = typing.beyond[i] ? op_scalar(graph, typing.beyond[i] > 0 ? INFINITY : -INFINITY) : args[i];
        draft.arg[i] = operand ? converted_operand(row, &typing, operand, i) : NULL;
        if (!draft.arg[i])
            return NULL;
        bits[i] = draft.arg[i]->bits;
    }
    if (code == OP_CODE_power && draft.arg[1]->kind == OP_NODE_CONST && op_dtype_kind(typing.dtype) == OP_KIND_I &&
        (int64_t)op_fold_cast(typing.dtype, OP_I64, 0, bits[1]) < 0)
        return op_graph_fail(graph, OP_ERR_DTYPE, row->name, 1, "an integer has no negative integer power");
    if (all_constant(n, draft.arg))
        return op_build_const(graph, typing.result, op_fold(code, typing.dtype, n, bits), typing.weak);
    op_expr *simpler = op_simplify(code, typing.dtype, draft.arg);
    return simpler ? simpler : op_graph_intern(graph, &draft);
}

op_expr *op_build_const(op_graph *graph, op_dtype dtype, uint64_t bits, int weak)
{
    op_expr draft = {.kind = OP_NODE_CONST, .dtype = (uint8_t)dtype, .weak = (uint8_t)weak, .bits = bits};
    return op_graph_intern(graph, &draft);
}

op_expr *op_build_cast(op_expr *x, op_dtype dtype, int saturate)
{
    const char *who = saturate ? "op_cast_sat" : "op_cast";
    op_graph *graph = op_expr_graph(x, who, 0);
    if (!graph)
        return NULL;
    if (!op_dtype_valid(dtype) || !op_dtypes[dtype].works)
        return op_graph_fail(graph, OP_ERR_UNSUPPORTED, who, 0, "%s: arrays of %s are not supported in this version",
                             who, op_dtype_name(dtype));
    op_dtype from = (op_dtype)x->dtype;
    int integers = OP_KIND_B | OP_KIND_I | OP_KIND_U;
    saturate = saturate && op_dtype_kind(from) & integers && op_dtype_kind(dtype) & (OP_KIND_I | OP_KIND_U);
    if (x->kind == OP_NODE_CONST)
        return op_build_const(graph, dtype, op_fold_cast(from, dtype, saturate, x->bits), 0);
    if (from == dtype && !x->weak)
        return x;
    op_expr draft = {.kind = OP_NODE_OP,
                     .code = saturate ? OP_CODE_CAST_SAT : OP_CODE_CAST,
                     .dtype = (uint8_t)dtype,
                     .ndim = x->ndim,
                     .n_args = 1,
                     .shape = x->shape,
                     .arg = {x}};
    return op_graph_intern(graph, &draft);
}

op_expr *op_build_operand(op_expr *x, op_dtype dtype, const char *who, int operand)
{
    int integers = OP_KIND_I | OP_KIND_U;
    if (x->dtype == dtype && x->kind != OP_NODE_CONST)
        return x; /* a weak hole that meets its own dtype stays as it is */
    if (x->kind == OP_NODE_CONST && x->weak && op_dtype_kind((op_dtype)x->dtype) & integers &&
        op_dtype_kind(dtype) & integers) {
        int negative = x->dtype == OP_I64 && (int64_t)x->bits < 0;
        if (!op_int_fits(dtype, negative, x->bits))
            return negative ? op_graph_fail(x->graph, OP_ERR_RANGE, who, operand, "%s: %lld does not fit in %s", who,
                                            (long long)x->bits, op_dtype_name(dtype))
                            : op_graph_fail(x->graph, OP_ERR_RANGE, who, operand, "%s: %llu does not fit in %s", who,
                                            (unsigned long long)x->bits, op_dtype_name(dtype));
    }
    return op_build_cast(x, dtype, 0);
}

op_expr *op_cast(op_expr *x, op_dtype dtype)
{
    return op_build_cast(x, dtype, 0);
}

op_expr *op_cast_sat(op_expr *x, op_dtype dtype)
{
    return op_build_cast(x, dtype, 1);
}
