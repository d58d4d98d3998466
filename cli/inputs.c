/* The formula and its NAME=VALUE operands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dtype.h"
#include "cli/cli.h"
#include "expr/formula.h"
#include "expr/parse.h"
#include "io/load.h"

size_t cli_name_length(const char *text)
{
    op_token token = op_lex(text, 0);
    return token.kind == OP_TOKEN_NAME && token.begin == 0 ? (size_t)token.end : 0;
}

/* ---- Reading the command line ------------------------------------------------------------------------- */

static int read_formula_file(cli_formula *formula, const char *path)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;
    if (!file)
        return cli_fail("cannot open %s: %s", path, strerror(errno));
    formula->text = malloc(OP_FORMULA_BYTES + 2); /* one more than is allowed, so that it is noticed */
    size_t size = formula->text ? fread(formula->text, 1, OP_FORMULA_BYTES + 1, file) : 0;
    int failed = ferror(file), error = errno;
    if (file != stdin)
        fclose(file);
    if (!formula->text)
        return cli_fail("out of memory");
    formula->text[size] = 0;
    if (failed)
        return cli_fail("cannot read %s: %s", path, strerror(error));
    if (strlen(formula->text) != size)
        return cli_fail("%s is not a text: it has a zero byte", path);
    return CLI_DONE;
}

static int add_input(cli_formula *formula, const char *operand)
{
    size_t length = cli_name_length(operand);
    if (!length || operand[length] != '=')
        return cli_usage("'%s' is not NAME=VALUE", operand);
    if (!operand[length + 1])
        return cli_usage("'%s' has no value", operand);
    cli_input *input = &formula->input[formula->n_input];
    input->value = operand + length + 1;
    input->name = strndup(operand, length);
    if (!input->name)
        return cli_fail("out of memory");
    formula->n_input++;
    for (cli_input *other = formula->input; other < input; other++)
        if (!strcmp(other->name, input->name))
            return cli_usage("'%s' is given twice", input->name);
    return CLI_DONE;
}

int cli_formula_open(cli_formula *formula, const char *text, const char *file, int n, const char **operands)
{
    *formula = (cli_formula){0};
    if (text && file)
        return cli_usage("the formula is given twice, with -e and with -f");
    if (!text && !file && n == 0)
        return cli_usage("there is no formula");
    int first = !text && !file;
    if (first)
        text = operands[0];
    if (file) {
        int status = read_formula_file(formula, file);
        if (status != CLI_DONE)
            return status;
    } else if (!(formula->text = strdup(text))) {
        return cli_fail("out of memory");
    }
    formula->input = calloc((size_t)n + 1, sizeof *formula->input);
    if (!formula->input)
        return cli_fail("out of memory");
    for (int i = first; i < n; i++) {
        int status = add_input(formula, operands[i]);
        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

void cli_formula_close(cli_formula *formula)
{
    for (int i = 0; i < formula->n_input; i++) {
        op_block_release(&formula->input[i].block);
        free(formula->input[i].name);
    }
    free(formula->input);
    free(formula->text);
    *formula = (cli_formula){0};
}

/* ---- Names --------------------------------------------------------------------------------------------- */

typedef struct uses {
    unsigned char *used;
    int64_t begin, end; /* of the first name without a value */
    char *missing;
} uses;

static void found(void *ctx, const char *name, int known, int64_t begin, int64_t end)
{
    uses *u = ctx;
    if (known >= 0) {
        u->used[known] = 1;
    } else if (!u->missing) {
        u->missing = strdup(name);
        u->begin = begin;
        u->end = end;
    }
}

static const char **names_of(const cli_formula *formula)
{
    const char **names = malloc(((size_t)formula->n_input + 1) * sizeof *names);
    for (int i = 0; names && i < formula->n_input; i++)
        names[i] = formula->input[i].name;
    return names;
}

int cli_formula_check(const cli_formula *formula)
{
    int status = CLI_DONE, n = formula->n_input;
    uses u = {.used = calloc((size_t)n + 1, 1)};
    const char **names = names_of(formula);
    if (!names || !u.used) {
        status = cli_fail("out of memory");
    } else if (op_formula_scan(formula->text, n, names, found, &u) != OP_OK) {
        cli_fail_last(formula->text);
        status = CLI_USAGE;
    } else if (u.missing) {
        op_fail_at(OP_ERR_NAME, u.begin, u.end, "'%s' has no value: add %s=FILE.npy or %s=NUMBER", u.missing,
                   u.missing, u.missing);
        status = cli_fail_last(formula->text);
    } else {
        for (int i = 0; i < n && status == CLI_DONE; i++)
            if (!u.used[i])
                status = cli_usage("'%s' is not used in the formula", names[i]);
    }
    free(names);
    free(u.used);
    free(u.missing);
    return status;
}

/* ---- Values -------------------------------------------------------------------------------------------- */

/* A number as the formula language writes it, with a sign. 0 if the text is none. */
static int parse_number(const char *text, op_graph *graph, op_expr **expr)
{
    int negative = text[0] == '-';
    const char *digits = text + (negative || text[0] == '+');
    op_token token = op_lex(digits, 0);
    if (token.begin != 0 || digits[token.end])
        return 0;
    int is_true = op_token_is(digits, &token, "True");
    if (op_token_is(digits, &token, "inf") || op_token_is(digits, &token, "nan"))
        *expr = op_scalar(graph, negative ? -strtod(digits, NULL) : strtod(digits, NULL));
    else if (digits == text && (is_true || op_token_is(digits, &token, "False")))
        *expr = op_scalar_bool(graph, is_true);
    else if (token.kind == OP_TOKEN_FLOAT)
        *expr = op_scalar(graph, negative ? -token.real : token.real);
    else if (token.kind == OP_TOKEN_INT && !negative)
        *expr = op_scalar_u64(graph, token.integer);
    else if (token.kind == OP_TOKEN_INT && token.integer <= (uint64_t)INT64_MAX + 1)
        *expr = op_scalar_i64(graph, (int64_t)(0 - token.integer));
    else
        return 0;
    return 1;
}

/* f64[n, 3]: an array that is not there. A dimension with a name has an open extent. Returns 0 if the
 * text is no such thing. */
static int parse_type(cli_input *input, op_graph *graph, int hole, op_expr **expr)
{
    static _Alignas(OP_ALIGNMENT) const char nothing[OP_ALIGNMENT];
    const char *bracket = strchr(input->value, '[');
    char name[16];
    size_t length = bracket ? (size_t)(bracket - input->value) : 0;
    if (!length || length >= sizeof name || cli_name_length(input->value) != length)
        return 0;
    memcpy(name, input->value, length);
    name[length] = 0;
    op_dtype dtype = op_dtype_from_name(name);
    int64_t shape[OP_MAX_NDIM], at = 1;
    int ndim = 0, open = 0;
    op_token token = op_lex(bracket, at);
    for (; dtype && ndim < OP_MAX_NDIM && (token.kind == OP_TOKEN_INT || token.kind == OP_TOKEN_NAME); ndim++) {
        open |= token.kind == OP_TOKEN_NAME;
        shape[ndim] = token.integer > INT64_MAX ? INT64_MAX : (int64_t)token.integer;
        token = op_lex(bracket, at = token.end);
        if (op_token_is_sign(&token, ','))
            token = op_lex(bracket, at = token.end);
    }
    if (!dtype || !op_token_is_sign(&token, ']') || bracket[token.end])
        return 0;
    *expr = open ? op_param_named(graph, hole, input->name, dtype, ndim)
                 : op_input(graph, op_view_nd(dtype, nothing, ndim, shape, NULL));
    return 1;
}

static int load(cli_input *input, op_graph *graph)
{
    const char *value = input->value;
    if (!strncmp(value, "shm:", 4))
        return cli_not_yet("shared memory (shm:)");
    op_status status = strcmp(value, "-") ? op_load_file(value, &op_default_allocator, &input->block, &input->view)
                                          : op_load_fd(STDIN_FILENO, "standard input", &op_default_allocator,
                                                       &input->block, &input->view);
    if (status != OP_OK)
        return cli_fail("%s", op_last_error()->message);
    if (!op_dtypes[input->view.dtype].works)
        return cli_fail("%s: arrays of %s are not supported in this version", value,
                        op_dtypes[input->view.dtype].long_name);
    input->expr = op_input(graph, input->view);
    return input->expr ? CLI_DONE : cli_fail_last(NULL);
}

int cli_inputs_load(cli_formula *formula, op_graph *graph, int allow_types)
{
    int standard_input = 0, holes = 0;
    for (int i = 0; i < formula->n_input; i++)
        if (!strcmp(formula->input[i].value, "-") && standard_input++)
            return cli_usage("standard input can be the value of one name only");
    for (int i = 0; i < formula->n_input; i++) {
        cli_input *input = &formula->input[i];
        if (parse_number(input->value, graph, &input->expr) ||
            (allow_types && parse_type(input, graph, holes, &input->expr))) {
            holes += input->expr && op_expr_ndim(input->expr) > 0;
            if (!input->expr)
                return cli_fail("%s", op_last_error()->message);
            continue;
        }
        int status = load(input, graph);
        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

/* ---- Building ------------------------------------------------------------------------------------------ */

void cli_results_free(cli_results *results)
{
    free(results->name);
    free(results->expr);
    *results = (cli_results){0};
}

int cli_build(const cli_formula *formula, op_graph *graph, cli_results *results)
{
    int n = formula->n_input, room = 0;
    for (const char *at = formula->text; *at; at++)
        room += *at == '=';
    room++; /* no more assignments than signs, and one result without a name */
    *results = (cli_results){.n = room};
    results->name = malloc((size_t)room * sizeof *results->name);
    results->expr = malloc((size_t)room * sizeof *results->expr);
    const char **names = names_of(formula);
    op_expr **exprs = malloc(((size_t)n + 1) * sizeof *exprs);
    int status = CLI_DONE;
    if (!names || !exprs || !results->name || !results->expr) {
        status = cli_fail("out of memory");
    } else {
        for (int i = 0; i < n; i++)
            exprs[i] = formula->input[i].expr;
        if (op_parse(graph, formula->text, n, names, exprs, &results->last) != OP_OK ||
            op_parse_many(graph, formula->text, n, names, exprs, &results->n, results->name, results->expr) != OP_OK)
            status = cli_fail_last(formula->text);
    }
    free(names);
    free(exprs);
    return status;
}
