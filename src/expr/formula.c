/* The formula language from outside: statements, the public calls, and scans for names. The machine
 * that reads one expression is in parse.c. */
#include <string.h>

#include "expr/formula.h"
#include "expr/parse.h"

/* ---- Errors, lists, tokens -------------------------------------------------------------------------- */

/* The thread's last error becomes the formula's: it gets its place, and its graph keeps it. */
static int keep_error(op_formula *f, int64_t begin, int64_t end)
{
    op_error error = *op_last_error();
    error.begin = begin;
    error.end = end;
    f->status = op_fail_with(&error);
    if (f->graph && (f->graph->error.code == OP_OK || !strcmp(f->graph->error.message, error.message)))
        f->graph->error = error;
    return 0;
}

int op_formula_fail(op_formula *f, op_status code, int64_t begin, int64_t end, const char *format, ...)
{
    op_error error;
    va_list args;
    va_start(args, format);
    op_error_vset(&error, code, NULL, -1, format, args);
    va_end(args);
    op_fail_with(&error);
    return keep_error(f, begin, end);
}

int op_formula_fail_built(op_formula *f, int64_t begin, int64_t end)
{
    return keep_error(f, begin, end);
}

void *op_list_add(op_formula *f, op_list *list, size_t element)
{
    if (list->used == list->room) {
        uint32_t room = list->room ? 2 * list->room : 16;
        void *larger = op_alloc(f->allocator, room * element);
        if (!larger) {
            op_formula_fail(f, OP_ERR_MEMORY, 0, 0, "out of memory");
            return NULL;
        }
        if (list->used)
            memcpy(larger, list->data, list->used * element);
        op_release(f->allocator, list->data);
        list->data = larger;
        list->room = room;
    }
    return (char *)list->data + list->used++ * element;
}

int op_formula_advance(op_formula *f)
{
    do
        f->token = op_lex(f->text, f->token.end);
    while (f->token.kind == OP_TOKEN_STATEMENT && f->brackets && f->text[f->token.begin] == '\n');
    if (f->token.kind != OP_TOKEN_BAD)
        return 1;
    return op_formula_fail(f, f->token.unsupported ? OP_ERR_UNSUPPORTED : OP_ERR_PARSE, f->token.begin, f->token.end,
                           "%s", f->token.why);
}

op_token op_formula_peek(const op_formula *f)
{
    return op_lex(f->text, f->token.end);
}

int op_formula_unexpected(op_formula *f, const char *expected)
{
    const op_token *t = &f->token;
    int shown = t->end - t->begin > 40 ? 40 : (int)(t->end - t->begin);
    if (t->kind == OP_TOKEN_END || t->kind == OP_TOKEN_STATEMENT)
        return op_formula_fail(f, OP_ERR_PARSE, t->begin, t->begin + 1, "the %s ends where %s is expected",
                               t->kind == OP_TOKEN_END ? "formula" : "statement", expected);
    return op_formula_fail(f, OP_ERR_PARSE, t->begin, t->end, "'%.*s' stands where %s is expected", shown,
                           f->text + t->begin, expected);
}

int op_formula_reserved(const op_formula *f, const op_token *token)
{
    static const char *const reserved[] = {"and", "or", "not", "if", "else", "for", "in", "is", "lambda", NULL};
    int i = 0;
    while (reserved[i] && !op_token_is(f->text, token, reserved[i]))
        i++;
    return reserved[i] != NULL;
}

/* ---- Statements ------------------------------------------------------------------------------------- */

/* Gives the value a name, in dumps too. */
static int assign(op_formula *f, const op_token *name, op_value *value)
{
    if (value->kind != OP_VALUE_LITERAL && !op_value_expr(f, value))
        return 0;
    op_symbol *symbol = op_symbol_add(f, f->text + name->begin, (size_t)(name->end - name->begin));
    if (!symbol)
        return 0;
    symbol->known = symbol->assigned = 1;
    symbol->value = *value;
    return 1;
}

static int statement(op_formula *f)
{
    op_token name = f->token, next = op_formula_peek(f);
    int is_assignment = name.kind == OP_TOKEN_NAME && op_token_is_sign(&next, '=');
    if (f->has_result)
        return op_formula_fail(f, OP_ERR_PARSE, f->result.begin, f->result.end,
                               "the value of this statement is not used: only the last one needs no name");
    if (is_assignment && op_formula_reserved(f, &name))
        return op_formula_unexpected(f, "a name");
    if (is_assignment && (!op_formula_advance(f) || !op_formula_advance(f)))
        return 0;
    op_value value;
    if (!op_formula_expression(f, &value))
        return 0;
    if (is_assignment && !assign(f, &name, &value))
        return 0;
    if (!is_assignment && value.kind != OP_VALUE_LITERAL && !op_value_expr(f, &value))
        return 0;
    f->result = value;
    f->has_result = !is_assignment;
    return 1;
}

static int statements(op_formula *f)
{
    int n = 0;
    size_t length = strnlen(f->text, OP_FORMULA_BYTES + 1);
    if (length > OP_FORMULA_BYTES)
        return op_formula_fail(f, OP_ERR_LIMIT, 0, 0, "the formula is longer than %d bytes", OP_FORMULA_BYTES);
    if (!op_formula_advance(f))
        return 0;
    while (f->token.kind != OP_TOKEN_END) {
        if (f->token.kind != OP_TOKEN_STATEMENT) {
            if (!statement(f))
                return 0;
            n++;
        }
        if (f->token.kind == OP_TOKEN_STATEMENT && !op_formula_advance(f))
            return 0;
    }
    return n ? 1 : op_formula_fail(f, OP_ERR_PARSE, 0, 0, "the formula is empty");
}

/* ---- The public calls ------------------------------------------------------------------------------- */

static void close_formula(op_formula *f)
{
    op_list *lists[] = {&f->values, &f->pending, &f->items, &f->tuples, &f->symbols};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        op_release(f->allocator, lists[i]->data);
    op_release(f->allocator, f->bucket);
}

/* Makes the names known that were passed in. */
static int add_names(op_formula *f, int n, const char *const *names, op_expr *const *exprs)
{
    for (int i = 0; i < n; i++) {
        size_t length = names[i] ? strlen(names[i]) : 0;
        if (!length)
            return op_formula_fail(f, OP_ERR_INVALID, 0, 0, "a name that was passed is NULL or empty");
        if (op_symbol_find(f, names[i], length))
            return op_formula_fail(f, OP_ERR_INVALID, 0, 0, "the name '%s' is passed twice", names[i]);
        op_symbol *symbol = op_symbol_add(f, names[i], length);
        if (!symbol)
            return 0;
        symbol->known = 1;
        symbol->value = (op_value){.kind = OP_VALUE_EXPR, .expr = exprs ? exprs[i] : NULL};
    }
    return 1;
}

/* Dumps show the names of the arrays that the formula used. */
static void name_inputs(op_formula *f)
{
    for (uint32_t i = 0; i < f->symbols.used; i++) {
        const op_symbol *symbol = OP_AT(&f->symbols, op_symbol, i);
        op_expr *expr = symbol->value.expr;
        if (symbol->used && !symbol->assigned && expr && !expr->name &&
            (expr->kind == OP_NODE_INPUT || expr->kind == OP_NODE_HOLE))
            op_named(expr, symbol->name);
    }
}

static int open_formula(op_formula *f, op_graph *graph, const char *who, const char *text, int n,
                        const char *const *names, op_expr *const *exprs)
{
    *f = (op_formula){.graph = graph, .allocator = &op_default_allocator, .text = text};
    if (!graph || graph->magic != OP_GRAPH_MAGIC) {
        f->graph = NULL;
        return op_formula_fail(f, OP_ERR_INVALID, 0, 0, "%s: the graph is %s", who, graph ? "freed" : "NULL");
    }
    if (!text || n < 0 || (n > 0 && (!names || !exprs)))
        return op_formula_fail(f, OP_ERR_INVALID, 0, 0, "%s: the formula or the list of names is NULL", who);
    f->allocator = op_engine_allocator(graph->engine);
    return add_names(f, n, names, exprs);
}

op_status op_parse(op_graph *graph, const char *text, int n, const char *const *names, op_expr *const *exprs,
                   op_expr **expr)
{
    op_formula f;
    if (!expr)
        return op_fail(OP_ERR_INVALID, "op_parse: the place for the expression is NULL");
    *expr = NULL;
    if (open_formula(&f, graph, "op_parse", text, n, names, exprs) && statements(&f) &&
        op_value_expr(&f, &f.result)) {
        name_inputs(&f);
        *expr = f.result.expr;
    }
    close_formula(&f);
    return f.status;
}

/* One output; 0 after an error. */
static int give_output(op_formula *f, op_value *value, const op_symbol *symbol, const char **name, op_expr **expr)
{
    if (!op_value_expr(f, value))
        return 0;
    char *copy = op_arena_alloc(&f->graph->names, symbol ? symbol->length + 1 : 1);
    if (!copy)
        return op_formula_fail(f, OP_ERR_MEMORY, 0, 0, "out of memory");
    if (symbol)
        memcpy(copy, symbol->name, symbol->length);
    copy[symbol ? symbol->length : 0] = 0;
    *name = copy;
    *expr = value->expr;
    return 1;
}

static int give_outputs(op_formula *f, int *n_out, const char **names, op_expr **exprs)
{
    int room = *n_out, n = f->has_result;
    for (uint32_t i = 0; i < f->symbols.used; i++)
        n += OP_AT(&f->symbols, op_symbol, i)->assigned;
    *n_out = n;
    if (n > room)
        return op_formula_fail(f, OP_ERR_LIMIT, 0, 0, "the formula has %d outputs, and there is room for %d", n, room);
    int k = 0;
    for (uint32_t i = 0; i < f->symbols.used; i++) {
        op_symbol *symbol = OP_AT(&f->symbols, op_symbol, i);
        if (!symbol->assigned)
            continue;
        if (!give_output(f, &symbol->value, symbol, &names[k], &exprs[k]))
            return 0;
        k++;
    }
    return !f->has_result || give_output(f, &f->result, NULL, &names[k], &exprs[k]);
}

op_status op_parse_many(op_graph *graph, const char *text, int n, const char *const *names, op_expr *const *exprs,
                        int *n_out, const char **out_names, op_expr **out_exprs)
{
    op_formula f;
    if (!n_out || *n_out < 0 || (*n_out > 0 && (!out_names || !out_exprs)))
        return op_fail(OP_ERR_INVALID, "op_parse_many: there is no place for the outputs");
    if (open_formula(&f, graph, "op_parse_many", text, n, names, exprs) && statements(&f) &&
        give_outputs(&f, n_out, out_names, out_exprs))
        name_inputs(&f);
    close_formula(&f);
    return f.status;
}

/* ---- Scans ------------------------------------------------------------------------------------------ */

typedef struct scan {
    int n;
    op_formula *formula;
    void (*found)(void *ctx, const char *name, int known, int64_t begin, int64_t end);
    void *ctx;
    char *name; /* room for the longest, terminated */
} scan;

static void report(void *ctx, const char *text, const op_symbol *symbol, int64_t begin, int64_t end)
{
    const scan *s = ctx;
    ptrdiff_t index = symbol - OP_AT(&s->formula->symbols, op_symbol, 0);
    (void)text;
    memcpy(s->name, symbol->name, symbol->length);
    s->name[symbol->length] = 0;
    s->found(s->ctx, s->name, index < s->n ? (int)index : -1, begin, end);
}

op_status op_formula_scan(const char *text, int n, const char *const *names,
                          void (*found)(void *ctx, const char *name, int known, int64_t begin, int64_t end), void *ctx)
{
    op_formula f = {.allocator = &op_default_allocator, .text = text, .found = report};
    scan s = {n, &f, found, ctx, NULL};
    if (!text)
        return op_fail(OP_ERR_INVALID, "the formula is NULL");
    s.name = op_alloc(f.allocator, strnlen(text, OP_FORMULA_BYTES) + 1);
    if (!s.name)
        return op_fail(OP_ERR_MEMORY, "out of memory");
    f.found_ctx = &s;
    if (add_names(&f, n, names, NULL))
        statements(&f);
    close_formula(&f);
    op_release(f.allocator, s.name);
    return f.status;
}

typedef struct plain_scan {
    void (*found)(void *ctx, const char *name);
    void *ctx;
} plain_scan;

static void report_plain(void *ctx, const char *name, int known, int64_t begin, int64_t end)
{
    const plain_scan *s = ctx;
    (void)known, (void)begin, (void)end;
    s->found(s->ctx, name);
}

op_status op_formula_names(const char *text, void (*found)(void *ctx, const char *name), void *ctx)
{
    plain_scan s = {found, ctx};
    if (!found)
        return op_fail(OP_ERR_INVALID, "op_formula_names: found is NULL");
    return op_formula_scan(text, 0, NULL, report_plain, &s);
}
