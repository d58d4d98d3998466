/* The onepass command: what its files share. */
#ifndef ONEPASS_CLI_CLI_H
#define ONEPASS_CLI_CLI_H

#include <stdio.h>

#include "io/block.h"
#include "onepass/onepass.h"

/* Exit statuses. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_SIGNAL = 128 };

/* ---- report.c: every failure is one sentence on standard error; these return the exit status ------- */

int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The thread's last error: CLI_USAGE if it is about the formula's text, else CLI_FAILED. The place in
 * the formula, if the error has one, is shown with carets under it. */
int cli_fail_last(const char *formula);
int cli_not_yet(const char *what);

/* ---- args.c: options and operands -------------------------------------------------------------------- */

typedef struct cli_option {
    char letter; /* 0: none */
    const char *name;
    int takes_value;
} cli_option;

typedef struct cli_args {
    char **next; /* ends with NULL */
    char *cluster; /* letters left of -qt4 */
    int only_operands; /* after -- */
    const cli_option *options; /* ends with a zero row */
    const char *value;
} cli_args;

enum { CLI_ARG_END = -1, CLI_ARG_OPERAND = -2, CLI_ARG_BAD = -3 };

/* The index of the next option, with its value in args->value; or an operand, which is args->value; or
 * CLI_ARG_END. CLI_ARG_BAD after saying what is wrong. */
int cli_next_arg(cli_args *args);
/* A whole number between low and high; 0 after saying what is wrong. */
int cli_parse_count(const char *option, const char *text, int low, int high, int *count);

/* ---- inputs.c: NAME=VALUE ------------------------------------------------------------------------------ */

typedef struct cli_input {
    char *name; /* owned */
    const char *value;
    op_block block; /* what the data lies in */
    op_view view;
    op_expr *expr;
} cli_input;

typedef struct cli_formula {
    char *text; /* owned */
    cli_input *input;
    int n_input;
} cli_formula;

/* Where the formula is: -e TEXT, -f FILE, or neither (then it is the first operand). */
int cli_formula_open(cli_formula *formula, const char *text, const char *file, int n, const char **operands);
void cli_formula_close(cli_formula *formula);
/* Reads the formula for its names; each needs a value, and each value a use. */
int cli_formula_check(const cli_formula *formula);
/* Numbers become weak scalars, files arrays; allow_types: f64[n, 3] is an array that is not there. */
int cli_inputs_load(cli_formula *formula, op_graph *graph, int allow_types);

typedef struct cli_results {
    int n;
    const char **name; /* "" for a last statement without a name */
    op_expr **expr;
    op_expr *last; /* the last statement's */
} cli_results;

/* Builds every result of the formula. */
int cli_build(const cli_formula *formula, op_graph *graph, cli_results *results);
void cli_results_free(cli_results *results);
/* The length of the name that the text begins with, 0 if it is none. */
size_t cli_name_length(const char *text);

/* ---- print.c ------------------------------------------------------------------------------------------- */

/* Dtype, shape and elements as NumPy prints them, the middle of long ones left out. */
void cli_print_array(FILE *file, const op_view *view);

/* ---- The commands ---------------------------------------------------------------------------------------- */

int cli_eval(char **argv);
int cli_inspect(char **argv);

/* Ctrl-C and its kin cancel this engine's work; NULL when it is about to end. */
void cli_watch_signals(op_engine *engine);
/* The signal that came, or 0. */
int cli_signal(void);

#endif
