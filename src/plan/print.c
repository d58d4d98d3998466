/* What `op_dump` and the debug letters show. */
#include "plan/print.h"

#include <inttypes.h>
#include <string.h>

#include "base/view.h"
#include "expr/reduce.h"

/* ---- one line ---- */

enum { DEPTH = 12, LINE = 400 /* characters, about */ };

static void print_value(op_text *text, op_dtype dtype, uint64_t bits)
{
    float f;
    double d;
    switch (dtype) {
    case OP_BOOL:
        op_text_add(text, bits & 0xff ? "true" : "false");
        break;
    case OP_F32:
        memcpy(&f, &bits, sizeof f);
        op_text_add(text, "%.9g", (double)f);
        break;
    case OP_F64:
        memcpy(&d, &bits, sizeof d);
        op_text_add(text, "%.17g", d);
        break;
    case OP_U8:
    case OP_U16:
    case OP_U32:
    case OP_U64:
        op_text_add(text, "%" PRIu64, bits);
        break;
    default: { /* signed: extend what is in the low bytes */
        int shift = 64 - 8 * op_dtypes[dtype].size;
        op_text_add(text, "%" PRId64, (int64_t)(bits << shift) >> shift);
    }
    }
}

static void print_nested(op_text *text, const op_expr *e, int depth, size_t limit);

static void print_args(op_text *text, const op_expr *e, int depth, size_t limit)
{
    for (int i = 0; i < e->n_args; i++) {
        if (i)
            op_text_add(text, ", ");
        print_nested(text, e->arg[i], depth - 1, limit);
    }
}

static const char *infix(uint16_t code)
{
    switch (code) {
    case OP_CODE_add:
        return "+";
    case OP_CODE_subtract:
        return "-";
    case OP_CODE_multiply:
        return "*";
    case OP_CODE_divide:
        return "/";
    case OP_CODE_less:
        return "<";
    case OP_CODE_less_equal:
        return "<=";
    case OP_CODE_greater:
        return ">";
    case OP_CODE_greater_equal:
        return ">=";
    case OP_CODE_equal:
        return "==";
    case OP_CODE_not_equal:
        return "!=";
    case OP_CODE_bitwise_and:
        return "&";
    case OP_CODE_bitwise_or:
        return "|";
    case OP_CODE_bitwise_xor:
        return "^";
    default:
        return NULL;
    }
}

static void print_op(op_text *text, const op_expr *e, int depth, size_t limit)
{
    const char *sign = infix(e->code);
    if (e->code == OP_CODE_CAST || e->code == OP_CODE_CAST_SAT) {
        op_text_add(text, "%s(", op_dtype_name((op_dtype)e->dtype));
        print_args(text, e, depth, limit);
        op_text_add(text, ")");
    } else if (sign) {
        op_text_add(text, "(");
        print_nested(text, e->arg[0], depth - 1, limit);
        op_text_add(text, " %s ", sign);
        print_nested(text, e->arg[1], depth - 1, limit);
        op_text_add(text, ")");
    } else {
        op_text_add(text, "%s(", op_rows[e->code].name);
        print_args(text, e, depth, limit);
        op_text_add(text, ")");
    }
}

static void print_bound(op_text *text, int64_t bound)
{
    if (bound != OP_END)
        op_text_add(text, "%" PRId64, bound);
}

static void print_view(op_text *text, const op_expr *e, int depth, size_t limit)
{
    const op_view_step *step = &e->view;
    char shape[OP_SHAPE_TEXT];
    print_nested(text, e->arg[0], depth - 1, limit);
    switch (step->kind) {
    case OP_VIEW_SLICE:
        op_text_add(text, "[axis %d: ", step->axis);
        print_bound(text, step->start);
        op_text_add(text, ":");
        print_bound(text, step->stop);
        if (step->step != 1)
            op_text_add(text, ":%" PRId64, step->step);
        op_text_add(text, "]");
        break;
    case OP_VIEW_INDEX:
        op_text_add(text, "[axis %d: %" PRId64 "]", step->axis, step->start);
        break;
    case OP_VIEW_PERMUTE:
        op_text_add(text, ".permute%s", op_shape_text(e->ndim, step->list, shape));
        break;
    case OP_VIEW_NEWAXIS:
        op_text_add(text, ".newaxis(%d)", step->axis);
        break;
    case OP_VIEW_SQUEEZE:
        op_text_add(text, ".squeeze(%d)", step->axis);
        break;
    case OP_VIEW_BROADCAST:
        op_text_add(text, ".broadcast_to%s", op_shape_text(e->ndim, step->list, shape));
        break;
    case OP_VIEW_RESHAPE:
        op_text_add(text, ".reshape%s", op_shape_text(e->ndim, step->list, shape));
        break;
    }
}

static void print_axes(op_text *text, const op_expr *e)
{
    const char *comma = "";
    for (int i = 0; i < e->arg[0]->ndim; i++)
        if (e->reduce.axes >> i & 1) {
            op_text_add(text, "%s%d", comma, i);
            comma = ",";
        }
}

/* As the caller wrote it, not as the places that its elements became. */
static void print_count(op_text *text, const op_expr *e, int depth, size_t limit)
{
    const op_counting *counting = e->reduce.counting;
    int is_histogram = counting->lo < counting->hi;
    op_text_add(text, is_histogram ? "histogram(" : "bincount(");
    print_nested(text, counting->x, depth - 1, limit);
    op_text_add(text, ", %" PRId64, e->shape[0]);
    if (is_histogram)
        op_text_add(text, ", %.17g, %.17g", counting->lo, counting->hi);
    if (counting->where) {
        op_text_add(text, ", where ");
        print_nested(text, counting->where, depth - 1, limit);
    }
    if (e->n_args > 1) {
        op_text_add(text, ", weights ");
        print_nested(text, e->arg[1], depth - 1, limit);
    }
    op_text_add(text, ")");
}

/* Recursion is bounded by depth. */
static void print_nested(op_text *text, const op_expr *e, int depth, size_t limit)
{
    if (e->name && e->kind != OP_NODE_CONST)
        op_text_add(text, "%.64s", e->name);
    else if (depth <= 0 || text->size > limit)
        op_text_add(text, "...");
    else if (e->kind == OP_NODE_INPUT)
        op_text_add(text, "in%u", e->id);
    else if (e->kind == OP_NODE_HOLE)
        op_text_add(text, "hole%d", e->hole);
    else if (e->kind == OP_NODE_CONST)
        print_value(text, (op_dtype)e->dtype, e->bits);
    else if (e->kind == OP_NODE_OP)
        print_op(text, e, depth, limit);
    else if (e->kind == OP_NODE_VIEW)
        print_view(text, e, depth, limit);
    else if (e->kind == OP_NODE_COUNT)
        print_count(text, e, depth, limit);
    else {
        op_text_add(text, "%s%s(", e->kind == OP_NODE_SCAN ? "running " : "", op_reduce_rows[e->reduce.code].name);
        print_nested(text, e->arg[0], depth - 1, limit);
        op_text_add(text, ", axes ");
        print_axes(text, e);
        op_text_add(text, ")");
    }
}

void op_print_expr(op_text *text, const op_expr *e)
{
    /* a name stands for the whole expression, which is what is asked for here */
    op_expr unnamed = *e;
    if (e->kind != OP_NODE_INPUT && e->kind != OP_NODE_HOLE)
        unnamed.name = NULL;
    print_nested(text, &unnamed, DEPTH, text->size + LINE);
}

/* ---- the graph ---- */

static void print_node(op_text *text, const op_expr *e)
{
    char shape[OP_SHAPE_TEXT];
    op_text_add(text, "%%%u: %s%s%s = ", e->id, op_dtype_name((op_dtype)e->dtype), op_shape_text(e->ndim, e->shape, shape),
                e->weak ? " weak" : "");
    switch (e->kind) {
    case OP_NODE_INPUT:
        op_text_add(text, "input");
        break;
    case OP_NODE_HOLE:
        op_text_add(text, "hole %d", e->hole);
        break;
    case OP_NODE_CONST:
        print_value(text, (op_dtype)e->dtype, e->bits);
        break;
    case OP_NODE_OP:
        op_text_add(text, "%s", op_rows[e->code].name);
        break;
    case OP_NODE_VIEW:
        op_text_add(text, "view");
        break;
    case OP_NODE_REDUCE:
    case OP_NODE_SCAN:
        op_text_add(text, "%s%s over axes ", e->kind == OP_NODE_SCAN ? "running " : "", op_reduce_rows[e->reduce.code].name);
        print_axes(text, e);
        op_text_add(text, " of");
        break;
    case OP_NODE_COUNT:
        op_text_add(text, "bincount");
        break;
    }
    for (int i = 0; i < e->n_args; i++)
        op_text_add(text, " %%%u", e->arg[i]->id);
    if (e->kind == OP_NODE_VIEW || e->name) {
        op_text_add(text, "    # ");
        op_print_expr(text, e);
    }
    op_text_add(text, "\n");
}

void op_print_graph(op_text *text, op_graph *graph, int n, op_expr *const *exprs)
{
    uint32_t epoch = ++graph->epoch;
    for (int i = 0; i < n; i++)
        exprs[i]->epoch = epoch;
    for (uint32_t i = graph->n_node; i-- > 0;) /* users come after their arguments */
        for (int k = 0; graph->node[i]->epoch == epoch && k < graph->node[i]->n_args; k++)
            graph->node[i]->arg[k]->epoch = epoch;
    for (uint32_t i = 0; i < graph->n_node; i++)
        if (graph->node[i]->epoch == epoch)
            print_node(text, graph->node[i]);
    for (int i = 0; i < n; i++)
        op_text_add(text, "result %d: %%%u\n", i, exprs[i]->id);
}

/* ---- programs and plans ---- */

static const char *access_name(int access)
{
    return access == OP_CONTIGUOUS ? "contiguous" : access == OP_BROADCAST ? "broadcast" : "strided";
}

static void print_operand(op_text *text, const op_program *program, const op_stage *stage, uint32_t k)
{
    int is_out = k >= program->n_in;
    op_text_add(text, "  %s %u: %s %s", is_out ? "out" : "in", is_out ? k - program->n_in : k,
                op_dtype_name((op_dtype)program->operand[k].dtype), access_name(program->operand[k].access));
    if (stage) {
        const op_stage_operand *operand = &stage->operand[k];
        static const char *const kinds[] = {"data", "hole", "output", "temporary", "temporary", "block in cache"};
        char strides[OP_SHAPE_TEXT];
        op_text_add(text, ", %s", kinds[operand->place.kind]);
        if (operand->place.index >= 0 && operand->place.kind != OP_PLACE_SCRATCH)
            op_text_add(text, " %d", operand->place.index);
        if (operand->place.kind != OP_PLACE_SCRATCH)
            op_text_add(text, ", byte strides %s", op_shape_text(stage->ndim, operand->strides, strides));
        if (operand->name)
            op_text_add(text, ", %.64s", operand->name);
    }
    op_text_add(text, "\n");
}

void op_print_program(op_text *text, const op_program *program, const op_stage *stage)
{
    op_text_add(text, "rank %u, %u inputs, %u outputs, %u scalars\n", program->rank, program->n_in, program->n_out,
                program->n_scalar);
    for (uint32_t k = 0; k < program->n_in + program->n_out; k++)
        print_operand(text, program, stage, k);
    for (uint32_t i = 0; i < program->n_insn; i++) {
        const op_insn *insn = &program->insn[i];
        op_text_add(text, "  v%u: %s = %s", i, op_dtype_name((op_dtype)insn->result), op_rows[insn->code].name);
        if (insn->code == OP_CODE_LOAD || insn->code == OP_CODE_SCALAR)
            op_text_add(text, " %u", insn->arg[0]);
        else
            for (int k = 0; k < op_rows[insn->code].arity; k++)
                op_text_add(text, " v%u", insn->arg[k]);
        op_text_add(text, "\n");
    }
    for (uint32_t i = 0; i < program->n_out; i++)
        op_text_add(text, "  store out %u = v%u\n", i, program->store[i]);
}

static void print_reduced(op_text *text, const op_stage *stage)
{
    if (stage->kind == OP_STAGE_MAP)
        return;
    if (stage->kind == OP_STAGE_COUNT || stage->kind == OP_STAGE_WEIGH) {
        for (int k = 0; k < stage->n_reduction; k++)
            op_text_add(text, "%s %" PRId64, k ? "," : ", into", stage->reduction[k].extent);
        op_text_add(text, " bins");
        return;
    }
    op_text_add(text, stage->kind == OP_STAGE_SCAN ? ", along" : ", reduces");
    for (int d = 0; d < stage->ndim; d++)
        if (stage->reduced >> d & 1)
            op_text_add(text, " %d", d);
}

static void print_pass(op_text *text, const op_plan *plan, int p)
{
    const op_pass *pass = &plan->pass[p];
    int number = 0;
    for (int q = 0; q <= p; q++)
        number += op_plan_counts(plan, &plan->pass[q]);
    op_text_add(text, "pass %d of %d", number, op_plan_passes(plan));
    if (!pass->pieces)
        return;
    op_text_add(text, ": %" PRId64, pass->pieces);
    if (pass->last)
        op_text_add(text, " pieces of %" PRId64 " elements", plan->stage[pass->first]->shape[0]);
    op_text_add(text, "%s, each of which takes these steps while it is in cache\n", pass->last ? "" : " rows");
}

static void print_stage_head(op_text *text, const op_plan *plan, int s)
{
    static const char *const kinds[] = {"map", "reduce", "scan", "count", "weigh"};
    const op_stage *stage = plan->stage[s];
    const op_pass *pass = &plan->pass[stage->pass];
    char shape[OP_SHAPE_TEXT];
    if (s == pass->first && op_plan_counts(plan, pass))
        print_pass(text, plan, stage->pass);
    if (pass->pieces)
        op_text_add(text, "step %d of %d", s + 1 - pass->first, pass->n_stage);
    else if (!op_plan_counts(plan, pass))
        op_text_add(text, stage->is_aside ? "aside" : "scalars");
    op_text_add(text, ": %s over %s, %" PRId64 " bytes",
                kinds[stage->kind], op_shape_text(stage->ndim, stage->shape, shape), stage->bytes);
    print_reduced(text, stage);
    op_text_add(text, "\n");
    for (int i = 0; i < stage->n_root; i++) {
        op_text_add(text, "  computes ");
        op_print_expr(text, stage->root[i]);
        op_text_add(text, "\n");
    }
}

void op_print_plan(op_text *text, const op_plan *plan)
{
    for (int s = 0; s < plan->n_stage; s++) {
        const op_stage *stage = plan->stage[s];
        print_stage_head(text, plan, s);
        for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++)
            print_operand(text, &stage->program, stage, k);
    }
    for (int t = 0; t < plan->n_temp; t++)
        op_text_add(text, "temporary %d: %" PRId64 " bytes%s\n", t, plan->temp[t].bytes,
                    plan->temp[t].pass < 0 ? "" : " in each thread's cache");
}

void op_print_passes(op_text *text, const op_plan *plan)
{
    int64_t bytes = 0, temp = 0, of_piece = 0;
    for (int s = 0; s < plan->n_stage; s++) {
        print_stage_head(text, plan, s);
        bytes += plan->stage[s]->bytes;
    }
    for (int t = 0; t < plan->n_temp; t++)
        *(plan->temp[t].pass < 0 ? &temp : &of_piece) += plan->temp[t].bytes;
    int passes = op_plan_passes(plan);
    op_text_add(text, "%d pass%s, %" PRId64 " bytes read and written, %" PRId64 " bytes of temporaries", passes,
                passes == 1 ? "" : "es", bytes, temp);
    if (of_piece)
        op_text_add(text, " and %" PRId64 " in each thread's cache", of_piece);
    op_text_add(text, "\n");
}
