/* onepass inspect: what a formula becomes on its way to the processor. Nothing is evaluated. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char help[] =
    "usage: onepass inspect FORMULA [NAME=DTYPE[SHAPE] | NAME=VALUE]... [--show WHAT] [options]\n"
    "\n"
    "Shows what the formula becomes. No array needs to exist:\n"
    "\n"
    "  onepass inspect 'sin(b) + c' 'b=f64[n]' 'c=f64[n]' --show ir\n"
    "  onepass inspect 'a + 2' 'a=f32[100, 200]' --show plan,asm --isa x86-64-v3\n"
    "\n"
    "DTYPE[SHAPE] is an array that is not there; an extent is a number, or a name for one that is\n"
    "open. Otherwise VALUE is as for eval: a file, or a number.\n"
    "\n"
    "      --show WHAT             one or several of graph, plan, signature, ir, opt, asm, explain,\n"
    "                              with commas between them, or all; graph,plan if not given\n"
    "      --isa LEVEL             instruction-set level to compile for, such as x86-64-v3\n"
    "  -e, --expression FORMULA    the formula; all operands are then values\n"
    "  -f, --file FILE             the formula is in a file\n"
    "\n"
    "Exit status: 0 done, 1 the work failed, 2 the command line or the formula is wrong.\n";

enum { OPT_SHOW, OPT_ISA, OPT_EXPRESSION, OPT_FILE, OPT_HTML, OPT_HELP };

static const cli_option options[] = {
    [OPT_SHOW] = {0, "show", 1}, [OPT_ISA] = {0, "isa", 1},   [OPT_EXPRESSION] = {'e', "expression", 1},
    [OPT_FILE] = {'f', "file", 1}, [OPT_HTML] = {0, "html", 1}, [OPT_HELP] = {'h', "help", 0},
    {0, NULL, 0},
};

static const struct {
    const char *name;
    op_dump_what what;
} dumps[] = {
    {"graph", OP_DUMP_GRAPH}, {"plan", OP_DUMP_PLAN}, {"signature", OP_DUMP_SIGNATURE}, {"ir", OP_DUMP_IR},
    {"opt", OP_DUMP_IR_OPT},  {"asm", OP_DUMP_ASM},   {"explain", OP_DUMP_EXPLAIN},
};

enum { N_DUMPS = sizeof dumps / sizeof dumps[0] };

typedef struct inspect {
    const char *text, *file, *isa;
    const char **operand;
    int n_operand, help;
    unsigned show; /* bit i: dumps[i] */
} inspect;

static int add_show(inspect *in, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, ",");
        unsigned bits = length == 3 && !strncmp(list, "all", 3) ? (1u << N_DUMPS) - 1 : 0;
        for (int i = 0; i < N_DUMPS; i++)
            if (strlen(dumps[i].name) == length && !strncmp(list, dumps[i].name, length))
                bits = 1u << i;
        if (!bits)
            return cli_usage("--show: there is no '%.*s'; there are graph, plan, signature, ir, opt, asm, explain "
                             "and all", (int)length, list);
        in->show |= bits;
        list += length + (list[length] == ',');
    }
    return CLI_DONE;
}

static int set_option(inspect *in, int option, const char *value)
{
    switch (option) {
    case OPT_SHOW:
        return add_show(in, value);
    case OPT_ISA:
        in->isa = value;
        return CLI_DONE;
    case OPT_EXPRESSION:
        in->text = value;
        return CLI_DONE;
    case OPT_FILE:
        in->file = value;
        return CLI_DONE;
    case OPT_HTML:
        return cli_not_yet("--html");
    default:
        in->help = 1;
        return CLI_DONE;
    }
}

static int read_args(inspect *in, char **argv)
{
    cli_args args = {.next = argv, .options = options};
    size_t n = 0;
    while (argv[n])
        n++;
    in->operand = calloc(n + 1, sizeof *in->operand);
    if (!in->operand)
        return cli_fail("out of memory");
    for (int arg; (arg = cli_next_arg(&args)) != CLI_ARG_END && !in->help;) {
        int status = CLI_DONE;
        if (arg == CLI_ARG_OPERAND)
            in->operand[in->n_operand++] = args.value;
        else
            status = arg == CLI_ARG_BAD ? CLI_USAGE : set_option(in, arg, args.value);
        if (status != CLI_DONE)
            return status;
    }
    if (!in->show)
        return add_show(in, "graph,plan");
    return CLI_DONE;
}

static int show_all(const inspect *in, op_graph *graph, const cli_results *results)
{
    int several = (in->show & (in->show - 1)) != 0;
    for (int i = 0; i < N_DUMPS; i++) {
        if (!(in->show >> i & 1))
            continue;
        if (several)
            printf("---- %s\n", dumps[i].name);
        if (op_dump_many(graph, results->n, results->expr, dumps[i].what, stdout) != OP_OK)
            return cli_fail_last(NULL);
    }
    return fflush(stdout) || ferror(stdout) ? cli_fail("cannot write to standard output") : CLI_DONE;
}

static int with_engine(const inspect *in, cli_formula *formula)
{
    op_options engine_options = {.isa = in->isa};
    cli_results results = {0};
    op_engine *engine = op_engine_new(&engine_options);
    if (!engine) {
        cli_fail("%s", op_last_error()->message);
        return CLI_USAGE;
    }
    op_graph *graph = op_graph_new(engine);
    int status = graph ? cli_inputs_load(formula, graph, 1) : cli_fail_last(NULL);
    if (status == CLI_DONE)
        status = cli_build(formula, graph, &results);
    if (status == CLI_DONE)
        status = show_all(in, graph, &results);
    cli_results_free(&results);
    op_graph_free(graph);
    op_engine_free(engine);
    return status;
}

int cli_inspect(char **argv)
{
    inspect in = {0};
    cli_formula formula = {0};
    int status = read_args(&in, argv);
    if (status == CLI_DONE && in.help)
        fputs(help, stdout);
    if (status == CLI_DONE && !in.help)
        status = cli_formula_open(&formula, in.text, in.file, in.n_operand, in.operand);
    if (status == CLI_DONE && !in.help)
        status = cli_formula_check(&formula);
    if (status == CLI_DONE && !in.help)
        status = with_engine(&in, &formula);
    cli_formula_close(&formula);
    free(in.operand);
    return status;
}
