/* Numbers where expressions stand: see include/onepass/operand.h. */
#include "onepass/operand.h"

#include "expr/graph.h"

static op_expr *lift(op_graph *graph, op_operand_value v)
{
    switch (v.is_number) {
    case 1:
        return op_scalar(graph, v.f);
    case 2:
        return op_scalar_i64(graph, v.i);
    case 3:
        return op_scalar_u64(graph, v.u);
    case 4:
        return op_scalar_bool(graph, v.i != 0);
    default:
        return v.expr;
    }
}

static op_graph *graph_of(int n, const op_operand_value *operand)
{
    for (int i = 0; i < n; i++)
        if (operand[i].expr)
            return operand[i].expr->graph;
    op_graph_fail(NULL, OP_ERR_INVALID, NULL, 0, "an operation on numbers alone has no graph: make one of them an op_scalar");
    return NULL;
}

op_expr *op_sugar_2(op_expr *(*build)(op_expr *, op_expr *), op_operand_value a, op_operand_value b)
{
    op_graph *graph = graph_of(2, (op_operand_value[]){a, b});
    return graph ? build(lift(graph, a), lift(graph, b)) : NULL;
}

op_expr *op_sugar_3(op_expr *(*build)(op_expr *, op_expr *, op_expr *), op_operand_value a, op_operand_value b,
                    op_operand_value c)
{
    op_graph *graph = graph_of(3, (op_operand_value[]){a, b, c});
    return graph ? build(lift(graph, a), lift(graph, b), lift(graph, c)) : NULL;
}
