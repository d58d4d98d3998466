/* The command line: -x, -x VALUE, -xVALUE, --name, --name VALUE, --name=VALUE, --, operands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static int bad(const char *what, const char *text)
{
    cli_usage("%s '%s' (a formula that begins with '-' goes after --)", what, text);
    return CLI_ARG_BAD;
}

static int take_value(cli_args *args, const char *shown)
{
    args->value = *args->next;
    if (args->value) {
        args->next++;
        return 1;
    }
    cli_usage("%s needs a value", shown);
    return 0;
}

static int long_option(cli_args *args, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    for (int i = 0; args->options[i].name; i++) {
        const cli_option *option = &args->options[i];
        if (strlen(option->name) != length || strncmp(option->name, text, length) != 0)
            continue;
        if (equals && !option->takes_value) {
            cli_usage("--%s takes no value", option->name);
            return CLI_ARG_BAD;
        }
        args->value = equals ? equals + 1 : NULL;
        if (!equals && option->takes_value && !take_value(args, text - 2))
            return CLI_ARG_BAD;
        return i;
    }
    return bad("there is no option", text - 2);
}

static int short_option(cli_args *args, const char *whole)
{
    char letter = *args->cluster++;
    for (int i = 0; args->options[i].name; i++) {
        const cli_option *option = &args->options[i];
        if (!letter || option->letter != letter)
            continue;
        args->value = NULL;
        if (option->takes_value && *args->cluster) {
            args->value = args->cluster;
            args->cluster = NULL;
        } else if (option->takes_value) {
            const char shown[] = {'-', letter, 0};
            if (!take_value(args, shown))
                return CLI_ARG_BAD;
        }
        return i;
    }
    return bad("there is no option", whole);
}

int cli_next_arg(cli_args *args)
{
    if (args->cluster && *args->cluster)
        return short_option(args, args->cluster);
    args->cluster = NULL;
    char *text = *args->next;
    if (!text)
        return CLI_ARG_END;
    args->next++;
    if (!args->only_operands && !strcmp(text, "--")) {
        args->only_operands = 1;
        return cli_next_arg(args);
    }
    args->value = text;
    if (args->only_operands || text[0] != '-' || !text[1])
        return CLI_ARG_OPERAND;
    if (text[1] == '-')
        return long_option(args, text + 2);
    args->cluster = text + 1;
    return short_option(args, text);
}

int cli_parse_count(const char *option, const char *text, int low, int high, int *count)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < low || value > high) {
        cli_usage("%s takes a whole number from %d to %d, not '%s'", option, low, high, text);
        return 0;
    }
    *count = (int)value;
    return 1;
}
