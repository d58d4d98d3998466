/* Failures, one sentence each. */
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"

enum { MARGIN = 4, WIDEST = 100 };

static void __attribute__((format(printf, 1, 0))) say(const char *format, va_list args)
{
    fputs("onepass: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return CLI_USAGE;
}

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return CLI_FAILED;
}

int cli_not_yet(const char *what)
{
    return cli_usage("%s is not in this version", what);
}

/* True for the bytes of a UTF-8 character after its first. */
static int continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Prints one line, nothing in it for the terminal to obey. */
static void print_line(const char *text, int64_t begin, int64_t end)
{
    fprintf(stderr, "%*s", MARGIN, "");
    for (int64_t i = begin; i < end; i++)
        fputc(text[i] == '\t' ? ' ' : (unsigned char)text[i] < ' ' || text[i] == 127 ? '?' : text[i], stderr);
    fputc('\n', stderr);
}

/* The line of the formula that holds the place, and under it a caret and tildes. */
static void show_place(const char *text, int64_t begin, int64_t end)
{
    int64_t length = (int64_t)strlen(text), first, last;
    if (begin > length)
        return;
    for (first = begin; first > 0 && text[first - 1] != '\n'; first--)
        ;
    for (last = begin; last < length && text[last] != '\n'; last++)
        ;
    if (begin - first > WIDEST / 2) /* a long line: what is around the place */
        for (first = begin - WIDEST / 2; continues(text[first]); first++)
            ;
    if (last - first > WIDEST)
        for (last = first + WIDEST; last > begin && continues(text[last]); last--)
            ;
    print_line(text, first, last);
    fprintf(stderr, "%*s", MARGIN, "");
    for (int64_t i = first; i < begin; i++)
        if (!continues(text[i]))
            fputc(' ', stderr);
    fputc('^', stderr);
    for (int64_t i = begin + 1; i < end && i < last; i++)
        if (!continues(text[i]))
            fputc('~', stderr);
    fputc('\n', stderr);
}

int cli_fail_last(const char *formula)
{
    const op_error *error = op_last_error();
    int status = cli_fail("%s", error->message);
    if (formula && error->end > error->begin)
        show_place(formula, error->begin, error->end);
    return error->code == OP_ERR_PARSE || error->code == OP_ERR_NAME ? CLI_USAGE : status;
}
