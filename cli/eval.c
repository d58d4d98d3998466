/* onepass eval: inputs -> formula -> outputs, in one pass. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "io/store.h"

static const char help[] =
    "usage: onepass eval FORMULA [NAME=VALUE]... [-o OUT.npy] [options]\n"
    "\n"
    "Evaluates the formula in one pass over its arrays.\n"
    "\n"
    "  onepass eval 'sin(b) + c' b=b.npy c=c.npy -o a.npy\n"
    "  onepass eval 's = sin(b); y = s + c' b=b.npy c=2.5 -o s=s.npy -o y=y.npy\n"
    "  onepass eval -- '-b*b/2' b=b.npz:b\n"
    "\n"
    "VALUE is file.npy, file.npz (with one array), file.npz:array, a number, or - for standard\n"
    "input; ./1e5 is a file. Without -o the result is printed in brief.\n"
    "\n"
    "  -o, --output OUT.npy        write the last statement's result; - is standard output\n"
    "  -o, --output NAME=OUT.npy   write what the formula calls NAME; may be given several times\n"
    "  -e, --expression FORMULA    the formula; all operands are then NAME=VALUE\n"
    "  -f, --file FILE             the formula is in a file\n"
    "  -t, --threads N             use at most N threads\n"
    "      --dtype DTYPE           dtype of the output, such as f32\n"
    "      --isa LEVEL             instruction-set level to compile for, such as x86-64-v3\n"
    "      --tier jit|interp       compile (the default), or interpret\n"
    "      --repeat N              evaluate N times\n"
    "      --explain               say what was done, on standard error\n"
    "      --stats                 figures as one line of JSON on standard error\n"
    "  -q, --quiet                 print no result\n"
    "      --                      what follows is no option\n"
    "\n"
    "Exit status: 0 done, 1 the work failed, 2 the command line or the formula is wrong.\n";

enum { OPT_OUTPUT, OPT_EXPRESSION, OPT_FILE, OPT_THREADS, OPT_DTYPE, OPT_ISA, OPT_TIER, OPT_REPEAT, OPT_EXPLAIN,
       OPT_STATS, OPT_QUIET, OPT_HELP, OPT_MEMORY };

static const cli_option options[] = {
    [OPT_OUTPUT] = {'o', "output", 1},   [OPT_EXPRESSION] = {'e', "expression", 1}, [OPT_FILE] = {'f', "file", 1},
    [OPT_THREADS] = {'t', "threads", 1}, [OPT_DTYPE] = {0, "dtype", 1},             [OPT_ISA] = {0, "isa", 1},
    [OPT_TIER] = {0, "tier", 1},         [OPT_REPEAT] = {0, "repeat", 1},           [OPT_EXPLAIN] = {0, "explain", 0},
    [OPT_STATS] = {0, "stats", 0},       [OPT_QUIET] = {'q', "quiet", 0},           [OPT_HELP] = {'h', "help", 0},
    [OPT_MEMORY] = {0, "memory", 1},     {0, NULL, 0},
};

/* Where a result goes: a file, or memory to be printed from. */
typedef struct sink {
    const char *name; /* in the formula; NULL: the last statement's */
    size_t name_length;
    const char *path; /* NULL: memory */
    op_expr *expr;
    op_view view;
    op_store store;
    void *memory;
} sink;

typedef struct eval {
    const char *text, *file;
    const char **operand;
    sink *sink;
    int n_operand, n_sink;
    int threads, repeat, explain, stats, quiet, interpret, help;
    op_dtype dtype;
    const char *isa;
    double best_seconds;
} eval;

/* ---- The command line ----------------------------------------------------------------------------------- */

static int add_output(eval *e, const char *value)
{
    size_t length = cli_name_length(value);
    int named = length && value[length] == '=';
    sink *s = &e->sink[e->n_sink];
    *s = (sink){.name = named ? value : NULL, .name_length = named ? length : 0,
                .path = named ? value + length + 1 : value, .store = {.fd = -1}};
    size_t path_length = strlen(s->path);
    if (!path_length)
        return cli_usage("-o '%s' has no file", value);
    if (path_length > 4 && !strcmp(s->path + path_length - 4, ".npz"))
        return cli_usage("-o writes .npy files, not '%s'", s->path);
    for (int i = 0; i < e->n_sink; i++)
        if (!strcmp(e->sink[i].path, s->path))
            return cli_usage("'%s' is the output of two results", s->path);
    e->n_sink++;
    return CLI_DONE;
}

static int set_option(eval *e, int option, const char *value)
{
    switch (option) {
    case OPT_OUTPUT:
        return add_output(e, value);
    case OPT_EXPRESSION:
        e->text = value;
        return CLI_DONE;
    case OPT_FILE:
        e->file = value;
        return CLI_DONE;
    case OPT_THREADS:
        return cli_parse_count("--threads", value, 1, 4096, &e->threads) ? CLI_DONE : CLI_USAGE;
    case OPT_REPEAT:
        return cli_parse_count("--repeat", value, 1, 1000000000, &e->repeat) ? CLI_DONE : CLI_USAGE;
    case OPT_DTYPE:
        e->dtype = op_dtype_from_name(value);
        return e->dtype ? CLI_DONE : cli_usage("there is no dtype '%s'", value);
    case OPT_ISA:
        e->isa = value;
        return CLI_DONE;
    case OPT_TIER:
        e->interpret = !strcmp(value, "interp");
        if (!strcmp(value, "tiered"))
            return cli_not_yet("--tier tiered");
        return e->interpret || !strcmp(value, "jit") ? CLI_DONE : cli_usage("--tier is jit or interp, not '%s'", value);
    case OPT_MEMORY:
        return cli_not_yet("--memory");
    case OPT_EXPLAIN:
        e->explain = 1;
        return CLI_DONE;
    case OPT_STATS:
        e->stats = 1;
        return CLI_DONE;
    case OPT_QUIET:
        e->quiet = 1;
        return CLI_DONE;
    default:
        e->help = 1;
        return CLI_DONE;
    }
}

static int read_args(eval *e, char **argv)
{
    cli_args args = {.next = argv, .options = options};
    size_t n = 0;
    while (argv[n])
        n++;
    e->operand = calloc(n + 1, sizeof *e->operand);
    e->sink = calloc(n + 1, sizeof *e->sink);
    if (!e->operand || !e->sink)
        return cli_fail("out of memory");
    for (int arg; (arg = cli_next_arg(&args)) != CLI_ARG_END && !e->help;) {
        if (arg == CLI_ARG_BAD)
            return CLI_USAGE;
        if (arg == CLI_ARG_OPERAND) {
            e->operand[e->n_operand++] = args.value;
            continue;
        }
        int status = set_option(e, arg, args.value);
        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

/* ---- Outputs --------------------------------------------------------------------------------------------- */

/* The expression that a sink takes. */
static int choose_result(sink *s, const cli_results *results)
{
    s->expr = s->name ? NULL : results->last;
    for (int i = 0; i < results->n && s->name; i++)
        if (strlen(results->name[i]) == s->name_length && !memcmp(results->name[i], s->name, s->name_length))
            s->expr = results->expr[i];
    return s->expr ? CLI_DONE : cli_usage("-o: the formula assigns no '%.*s'", (int)s->name_length, s->name);
}

static int open_memory(sink *s, op_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t bytes = op_dtype_size(dtype);
    for (int i = 0; i < ndim; i++)
        if (__builtin_mul_overflow(bytes, shape[i], &bytes))
            return cli_fail("the result is larger than any memory");
    s->memory = op_alloc(&op_default_allocator, (size_t)bytes);
    if (!s->memory)
        return cli_fail("out of memory for a result of %lld bytes (-o writes it to a file)", (long long)bytes);
    s->view = op_view_nd(dtype, s->memory, ndim, shape, NULL);
    return CLI_DONE;
}

static int open_sink(sink *s, op_dtype dtype)
{
    int64_t shape[OP_MAX_NDIM];
    int ndim = op_expr_ndim(s->expr), fd = -1;
    if (op_expr_shape(s->expr, shape) != OP_OK)
        return cli_fail_last(NULL);
    dtype = dtype ? dtype : op_expr_dtype(s->expr);
    if (!s->path)
        return open_memory(s, dtype, ndim, shape);
    if (!strcmp(s->path, "-")) {
        fd = STDOUT_FILENO;
        if (isatty(fd))
            return cli_usage("-o -: standard output is a terminal, and a .npy file is no text");
    }
    if (op_store_open_npy(&s->store, fd < 0 ? s->path : "standard output", fd, dtype, ndim, shape, &s->view) != OP_OK)
        return cli_fail("%s", op_last_error()->message);
    return CLI_DONE;
}

static int open_sinks(eval *e, const cli_results *results)
{
    if (!e->n_sink)
        e->sink[e->n_sink++] = (sink){.store = {.fd = -1}};
    for (int i = 0; i < e->n_sink; i++) {
        int status = choose_result(&e->sink[i], results);
        if (status != CLI_DONE)
            return status;
    }
    for (int i = 0; i < e->n_sink; i++) {
        int status = open_sink(&e->sink[i], e->dtype);
        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

static int close_sinks(eval *e)
{
    for (int i = 0; i < e->n_sink; i++) {
        sink *s = &e->sink[i];
        if (s->path && op_store_commit(&s->store) != OP_OK)
            return cli_fail("%s", op_last_error()->message);
        if (!s->path && !e->quiet)
            cli_print_array(stdout, &s->view);
    }
    if (fflush(stdout) || ferror(stdout))
        return cli_fail("cannot write the result: %s", strerror(errno));
    return CLI_DONE;
}

static void discard_sinks(eval *e)
{
    for (int i = 0; i < e->n_sink; i++) {
        op_store_discard(&e->sink[i].store);
        op_release(&op_default_allocator, e->sink[i].memory);
    }
}

/* ---- The work --------------------------------------------------------------------------------------------- */

static int interrupted(void)
{
    cli_fail("interrupted");
    return CLI_SIGNAL + cli_signal();
}

static int run(eval *e, op_graph *graph, const char *formula)
{
    op_expr **exprs = malloc((size_t)e->n_sink * sizeof *exprs);
    op_view *views = malloc((size_t)e->n_sink * sizeof *views);
    int status = exprs && views ? CLI_DONE : cli_fail("out of memory");
    for (int i = 0; i < e->n_sink && status == CLI_DONE; i++) {
        exprs[i] = e->sink[i].expr;
        views[i] = e->sink[i].view;
    }
    for (int i = 0; i < (e->repeat ? e->repeat : 1) && status == CLI_DONE; i++) {
        op_launch launch;
        if (cli_signal())
            status = interrupted();
        else if (op_eval_many(graph, e->n_sink, exprs, views) != OP_OK)
            status = op_last_error()->code == OP_ERR_CANCELLED && cli_signal() ? interrupted() : cli_fail_last(formula);
        else if (op_last_launch(graph, &launch) == OP_OK && (i == 0 || launch.run_seconds < e->best_seconds))
            e->best_seconds = launch.run_seconds;
    }
    free(exprs);
    free(views);
    return status == CLI_DONE && cli_signal() ? interrupted() : status;
}

static int explain(const eval *e, op_graph *graph)
{
    op_expr **exprs = calloc((size_t)e->n_sink + 1, sizeof *exprs);
    if (!exprs)
        return cli_fail("out of memory");
    for (int i = 0; i < e->n_sink; i++)
        exprs[i] = e->sink[i].expr;
    op_status status = op_dump_many(graph, e->n_sink, exprs, OP_DUMP_EXPLAIN, stderr);
    free(exprs);
    return status == OP_OK ? CLI_DONE : cli_fail_last(NULL);
}

static int print_stats(const eval *e, op_engine *engine, op_graph *graph)
{
    op_stats stats;
    op_launch launch;
    if (op_engine_stats(engine, &stats) != OP_OK || op_last_launch(graph, &launch) != OP_OK)
        return cli_fail_last(NULL);
    fprintf(stderr,
            "{\"signature\": \"%016" PRIx64 "\", \"compiles\": %" PRId64 ", \"hits_memory\": %" PRId64
            ", \"hits_disk\": %" PRId64 ", \"compile_seconds\": %.9f, \"run_seconds\": %.9f, \"bytes\": %" PRId64
            ", \"gb_per_second\": %.3f, \"threads\": %d, \"isa\": \"%s\", \"interpreted\": %" PRId64 "}\n",
            launch.signature, stats.compiles, stats.hits_memory, stats.hits_disk, stats.compile_seconds,
            e->best_seconds, launch.bytes, e->best_seconds > 0 ? (double)launch.bytes / e->best_seconds / 1e9 : 0.0,
            launch.threads, launch.isa ? launch.isa : "", stats.interpreted);
    return CLI_DONE;
}

static int evaluate(eval *e, cli_formula *formula, op_engine *engine, op_graph *graph)
{
    cli_results results = {0};
    int status = cli_inputs_load(formula, graph, 0);
    if (status == CLI_DONE)
        status = cli_build(formula, graph, &results);
    if (status == CLI_DONE)
        status = open_sinks(e, &results);
    if (status == CLI_DONE)
        status = run(e, graph, formula->text);
    if (status == CLI_DONE)
        status = close_sinks(e);
    if (status == CLI_DONE && e->explain)
        status = explain(e, graph);
    if (status == CLI_DONE && e->stats)
        status = print_stats(e, engine, graph);
    discard_sinks(e);
    cli_results_free(&results);
    return status;
}

static int with_engine(eval *e, cli_formula *formula)
{
    op_options engine_options = {.threads = e->threads, .isa = e->isa,
                                 .flags = e->interpret ? OP_ENGINE_INTERPRET : 0};
    op_engine *engine = op_engine_new(&engine_options);
    if (!engine) {
        int memory = op_last_error()->code == OP_ERR_MEMORY;
        cli_fail("%s", op_last_error()->message);
        return memory ? CLI_FAILED : CLI_USAGE;
    }
    cli_watch_signals(engine);
    op_graph *graph = op_graph_new(engine);
    int status = graph ? evaluate(e, formula, engine, graph) : cli_fail_last(NULL);
    cli_watch_signals(NULL);
    op_graph_free(graph);
    op_engine_free(engine);
    return status;
}

int cli_eval(char **argv)
{
    eval e = {0};
    cli_formula formula = {0};
    int status = read_args(&e, argv);
    if (status == CLI_DONE && e.help)
        fputs(help, stdout);
    if (status == CLI_DONE && !e.help)
        status = cli_formula_open(&formula, e.text, e.file, e.n_operand, e.operand);
    if (status == CLI_DONE && !e.help)
        status = cli_formula_check(&formula);
    if (status == CLI_DONE && !e.help)
        status = with_engine(&e, &formula);
    cli_formula_close(&formula);
    free(e.operand);
    free(e.sink);
    return status;
}
