/* The onepass command: which of its parts is meant. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char help[] =
    "usage: onepass eval FORMULA [NAME=VALUE]... [-o OUT.npy] [options]\n"
    "       onepass inspect FORMULA [NAME=DTYPE[SHAPE] | NAME=VALUE]... [--show WHAT]\n"
    "       onepass --version | --help | COMMAND --help\n"
    "\n"
    "Array formulas in NumPy's meaning, compiled to one fused loop and evaluated in one pass.\n"
    "\n"
    "  onepass eval 'sin(b) + c' b=b.npy c=c.npy -o a.npy\n"
    "  onepass inspect 'sin(b) + c' 'b=f64[n]' 'c=f64[n]' --show ir\n"
    "\n"
    "`onepass eval --help` and `onepass inspect --help` list the options.\n"
    "Exit status: 0 done, 1 the work failed, 2 the command line or the formula is wrong.\n";

/* ---- Signals ------------------------------------------------------------------------------------------- */

static op_engine *volatile watched;
static volatile sig_atomic_t signal_number;

static void on_signal(int number)
{
    op_engine *engine = watched;
    signal_number = number;
    if (engine)
        op_cancel(engine);
}

void cli_watch_signals(op_engine *engine)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    watched = engine;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction now, old;
        memset(&now, 0, sizeof now);
        sigemptyset(&now.sa_mask);
        now.sa_handler = engine ? on_signal : SIG_DFL;
        now.sa_flags = (int)SA_RESETHAND; /* a second one ends the process at once */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* as under nohup */
            sigaction(numbers[i], &now, NULL);
    }
}

int cli_signal(void)
{
    return signal_number;
}

/* ---- Commands ------------------------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
    static const char *const planned[] = {"bench", "compile", "cache", "map"};
    const char *command = argc > 1 ? argv[1] : NULL;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, after which files are cleaned up */
    if (!command)
        return cli_usage("there is no command; onepass --help lists them");
    if (!strcmp(command, "eval"))
        return cli_eval(argv + 2);
    if (!strcmp(command, "inspect"))
        return cli_inspect(argv + 2);
    if (!strcmp(command, "--help") || !strcmp(command, "-h") || !strcmp(command, "help")) {
        fputs(help, stdout);
        return CLI_DONE;
    }
    if (!strcmp(command, "--version")) {
        printf("onepass %s\n", op_version_text());
        return CLI_DONE;
    }
    for (size_t i = 0; i < sizeof planned / sizeof planned[0]; i++)
        if (!strcmp(command, planned[i]))
            return cli_not_yet(planned[i]);
    return cli_usage("there is no command '%s'; onepass --help lists them", command);
}
