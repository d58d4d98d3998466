/* Looking in: op_dump, op_dump_to, op_dump_many, and the debug letters, which show the same text. */
#include "run/dump.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "plan/print.h"
#include "run/compiler.h"

/* IR or assembly of one stage, its values named after the expression's. */
static op_status print_code(op_text *text, op_engine *engine, const op_stage *stage, op_dump_what what)
{
    uint32_t n = stage->program.n_in + stage->program.n_out;
    const char **operand = op_alloc_zero(&engine->allocator, sizeof *operand * (n + 1));
    op_text comment;
    op_text_init(&comment, &engine->allocator);
    for (uint32_t k = 0; operand && k < n; k++)
        operand[k] = stage->operand[k].name;
    for (int i = 0; i < stage->n_root; i++) {
        op_text_add(&comment, "%s%s", i ? "\n" : "", stage->kind != OP_STAGE_MAP ? "operand of " : "");
        op_print_expr(&comment, stage->root[i]);
    }
    op_names names = {operand, comment.bytes};
    char *code = NULL, message[256] = "";
    op_status status = op_compiler_print(engine, stage->signature, stage->signature_size, what, &names, &code, message,
                                         sizeof message);
    if (status == OP_OK)
        op_text_append(text, code, strlen(code));
    else
        op_fail(status, "%s", message);
    free(code);
    op_text_free(&comment);
    op_release(&engine->allocator, operand);
    return status;
}

static op_status print_stages(op_text *text, op_engine *engine, const op_plan *plan, op_dump_what what)
{
    op_status status = OP_OK;
    for (int s = 0; s < plan->n_stage && status == OP_OK; s++) {
        const op_stage *stage = plan->stage[s];
        if (plan->n_stage > 1)
            op_text_add(text, "; stage %d of %d\n", s + 1, plan->n_stage);
        if (what == OP_DUMP_SIGNATURE) {
            op_text_add(text, "signature %016llx, %zu bytes\n",
                        (unsigned long long)op_hash_bytes(stage->signature, stage->signature_size), stage->signature_size);
            op_print_program(text, &stage->program, NULL);
        } else {
            status = print_code(text, engine, stage, what);
        }
    }
    return status;
}

static void print_lookups(op_text *text, const op_launch *launch)
{
    op_text_add(text, "instruction set %s, %d kernel%s: %d compiled in %.3f ms, %d from memory%s%s\n", launch->isa,
                launch->kernels, launch->kernels == 1 ? "" : "s", launch->compiles, 1e3 * launch->compile_seconds, launch->hits_memory,
                *launch->miss ? "; missed because " : "", launch->miss);
}

static op_status print_planned(op_text *text, op_graph *graph, int n, op_expr *const *exprs, op_dump_what what)
{
    op_arena arena;
    op_arena_init(&arena, op_engine_allocator(graph->engine));
    op_plan_request request = {.graph = graph, .n = n, .exprs = exprs};
    op_plan *plan = NULL;
    op_prepared prepared = {0};
    op_status status = op_made_up_request(&request, &arena);
    if (status == OP_OK && what == OP_DUMP_EXPLAIN) {
        status = op_prepare(&request, &arena, &prepared);
        plan = prepared.plan;
    } else if (status == OP_OK) {
        status = op_plan_build(&request, &arena, &plan);
    }
    if (status == OP_OK && what == OP_DUMP_PLAN)
        op_print_plan(text, plan);
    else if (status == OP_OK && what == OP_DUMP_EXPLAIN) {
        op_print_passes(text, plan);
        print_lookups(text, &prepared.launch);
        op_engine_count(graph->engine, &prepared.launch);
        op_prepared_release(&prepared);
    } else if (status == OP_OK)
        status = print_stages(text, graph->engine, plan, what);
    op_arena_free(&arena);
    return status;
}

static op_status dump(op_graph *graph, int n, op_expr *const *exprs, op_dump_what what, op_text *text)
{
    if (what < OP_DUMP_GRAPH || what > OP_DUMP_EXPLAIN)
        return op_fail(OP_ERR_INVALID, "op_dump: %d is nothing to dump", (int)what);
    op_text_init(text, op_engine_allocator(graph->engine));
    op_status status = OP_OK;
    if (what == OP_DUMP_GRAPH)
        op_print_graph(text, graph, n, exprs);
    else
        status = print_planned(text, graph, n, exprs, what);
    if (status == OP_OK && text->failed)
        status = op_fail(OP_ERR_MEMORY, "op_dump: out of memory");
    return status;
}

op_status op_dump_to(op_expr *expr, op_dump_what what, void (*write)(void *ctx, const char *text, size_t n), void *ctx)
{
    op_text text = {0};
    if (!write)
        return op_fail(OP_ERR_INVALID, "op_dump_to: write is NULL");
    op_graph *graph = op_expr_graph(expr, "op_dump", 0);
    op_status status = graph ? dump(graph, 1, &expr, what, &text) : op_last_error()->code;
    if (status == OP_OK && text.size)
        write(ctx, text.bytes, text.size);
    if (text.allocator)
        op_text_free(&text);
    return status;
}

op_status op_dump_many(op_graph *graph, int n, op_expr *const *exprs, op_dump_what what, FILE *file)
{
    op_text text = {0};
    if (!graph || n < 1 || !exprs || !file)
        return op_fail(OP_ERR_INVALID, "op_dump_many: %s",
                       n < 1 ? "there must be at least one expression" : "an argument is NULL");
    if (!op_exprs_graph(graph, n, exprs, "op_dump_many"))
        return op_last_error()->code;
    op_status status = dump(graph, n, exprs, what, &text);
    if (status == OP_OK && text.size)
        fwrite(text.bytes, 1, text.size, file);
    if (text.allocator)
        op_text_free(&text);
    return status == OP_OK && ferror(file) ? op_fail(OP_ERR_IO, "op_dump_many: the file cannot be written") : status;
}

static void write_file(void *ctx, const char *text, size_t n)
{
    fwrite(text, 1, n, ctx);
}

op_status op_dump(op_expr *expr, op_dump_what what, FILE *file)
{
    if (!op_expr_graph(expr, "op_dump", 0))
        return op_last_error()->code;
    if (!file)
        return op_fail(OP_ERR_INVALID, "op_dump: the file is NULL");
    op_status status = op_dump_to(expr, what, write_file, file);
    return status == OP_OK && ferror(file) ? op_fail(OP_ERR_IO, "op_dump: the file cannot be written") : status;
}

void op_debug_plan(op_engine *engine, const op_prepared *prepared)
{
    static const struct {
        char letter;
        op_dump_what what;
    } code_letters[] = {{'s', OP_DUMP_SIGNATURE}, {'i', OP_DUMP_IR}, {'o', OP_DUMP_IR_OPT}, {'a', OP_DUMP_ASM}};
    if (!engine->debug[0])
        return;
    op_text text;
    op_text_init(&text, &engine->allocator);
    if (op_engine_debugs(engine, 'g'))
        for (int s = 0; s < prepared->plan->n_stage; s++)
            for (int i = 0; i < prepared->plan->stage[s]->n_root; i++) {
                op_text_add(&text, "graph: ");
                op_print_expr(&text, prepared->plan->stage[s]->root[i]);
                op_text_add(&text, "\n");
            }
    if (op_engine_debugs(engine, 'p'))
        op_print_plan(&text, prepared->plan);
    for (size_t i = 0; i < sizeof code_letters / sizeof code_letters[0]; i++)
        if (op_engine_debugs(engine, code_letters[i].letter))
            print_stages(&text, engine, prepared->plan, code_letters[i].what);
    if (text.size)
        op_engine_log_text(engine, text.bytes);
    op_text_free(&text);
}
