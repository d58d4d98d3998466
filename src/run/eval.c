/* op_eval and its kin: one evaluation from the graph to the caller's memory. */
#include <string.h>

#include "base/fpstate.h"
#include "base/view.h"
#include "run/array.h"
#include "run/dump.h"
#include "run/execute.h"

static op_status check_views(int n, const op_view *outs, const char *who)
{
    for (int i = 0; i < n; i++) {
        char what[64];
        snprintf(what, sizeof what, "%s: output %d", who, i);
        op_status status = op_view_check(&outs[i], what);
        if (status != OP_OK)
            return status;
    }
    return OP_OK;
}

/* Plans and runs with the graph's scratch arena, which is empty again afterwards. */
static op_status evaluate(op_graph *graph, int n, op_expr *const *exprs, const op_view *outs)
{
    op_arena_mark mark = op_arena_get_mark(&graph->scratch);
    op_plan_request request = {.graph = graph, .n = n, .exprs = exprs, .outs = outs};
    op_prepared prepared;
    op_launch launch = {.miss = "", .isa = ""};
    uint64_t state = op_fp_enter(); /* our own arithmetic on times and costs raises flags, too */
    op_status status = op_prepare(&request, &graph->scratch, &prepared);
    if (status == OP_OK) {
        launch = prepared.launch;
        op_debug_plan(graph->engine, &prepared);
        status = op_execute(graph->engine, &prepared, 0, NULL, n, outs, &graph->run_options, &launch);
        op_prepared_release(&prepared);
        op_engine_count(graph->engine, &launch);
    }
    op_fp_leave(state);
    graph->launch = launch;
    op_arena_release(&graph->scratch, mark);
    return status;
}

static op_status refuse_holes(int n, op_expr *const *exprs, const char *who)
{
    for (int i = 0; i < n; i++)
        if (exprs[i]->open)
            return op_fail(OP_ERR_INVALID, "%s: expression %d has holes (op_param); use op_compile and op_run", who, i);
    return OP_OK;
}

op_status op_eval(op_expr *expr, op_view out)
{
    op_graph *graph = op_exprs_graph(NULL, 1, &expr, "op_eval");
    if (!graph)
        return op_last_error()->code;
    op_status status = check_views(1, &out, "op_eval");
    if (status == OP_OK)
        status = refuse_holes(1, &expr, "op_eval");
    return status == OP_OK ? evaluate(graph, 1, &expr, &out) : status;
}

op_status op_eval_many(op_graph *graph, int n, op_expr *const *exprs, const op_view *outs)
{
    if (n == 0)
        return OP_OK;
    if (!graph || n < 0 || !exprs || !outs)
        return op_fail(OP_ERR_INVALID, "op_eval_many: %s", n < 0 ? "n is negative" : "an argument is NULL");
    if (!op_exprs_graph(graph, n, exprs, "op_eval_many"))
        return op_last_error()->code;
    op_status status = check_views(n, outs, "op_eval_many");
    if (status == OP_OK)
        status = refuse_holes(n, exprs, "op_eval_many");
    return status == OP_OK ? evaluate(graph, n, exprs, outs) : status;
}

op_status op_compute(op_expr *expr, op_array **array)
{
    if (!array)
        return op_fail(OP_ERR_INVALID, "op_compute: array is NULL");
    *array = NULL;
    op_graph *graph = op_exprs_graph(NULL, 1, &expr, "op_compute");
    if (!graph)
        return op_last_error()->code;
    op_status status = refuse_holes(1, &expr, "op_compute");
    if (status != OP_OK)
        return status;
    op_array *made = op_array_new(graph->engine, (op_dtype)expr->dtype, expr->ndim, expr->shape);
    status = made ? evaluate(graph, 1, &expr, &made->view) : op_last_error()->code;
    if (status == OP_OK)
        *array = made;
    else
        op_array_free(made);
    return status;
}
