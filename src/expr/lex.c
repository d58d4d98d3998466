/* The lexer. Numbers are Python's: 1, 1_000, 0x1F, 0b101, 0o17, 2.5e-3, .5, 1. */
#include "expr/lex.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 1024 }; /* characters; more cannot change a double that anybody wrote */

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The value of a digit in any base, or 99. */
static int digit_value(int c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Digits of a base with single underscores between them; returns where they end, `at` if there are
 * none. */
static int64_t skip_digits(const char *text, int64_t at, int base)
{
    while (digit_value(text[at]) < base || (text[at] == '_' && digit_value(text[at + 1]) < base))
        at++;
    return at;
}

static op_token bad(op_token token, const char *why)
{
    token.kind = OP_TOKEN_BAD;
    token.why = why;
    return token;
}

static op_token integer(const char *text, op_token token, int64_t digits, int base)
{
    token.kind = OP_TOKEN_INT;
    for (int64_t i = digits; i < token.end; i++) {
        if (text[i] == '_')
            continue;
        if (__builtin_mul_overflow(token.integer, (uint64_t)base, &token.integer) ||
            __builtin_add_overflow(token.integer, (uint64_t)digit_value(text[i]), &token.integer))
            return bad(token, "this integer does not fit 64 bits");
    }
    return token;
}

/* strtod in the C locale, whatever the host has chosen, with errno as it was. */
static double to_double(const char *digits)
{
    int error = errno;
    double value = 0;
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale) {
        value = strtod_l(digits, NULL, c_locale);
        freelocale(c_locale);
    } else {
        value = strtod(digits, NULL);
    }
    errno = error;
    return value;
}

static op_token real(const char *text, op_token token)
{
    char digits[NUMBER_MAX];
    size_t used = 0;
    token.kind = OP_TOKEN_FLOAT;
    for (int64_t i = token.begin; i < token.end; i++) {
        if (text[i] == '_')
            continue;
        if (used + 1 == NUMBER_MAX)
            return bad(token, "this number has too many digits");
        digits[used++] = text[i];
    }
    digits[used] = 0;
    token.real = to_double(digits);
    return token;
}

static op_token number(const char *text, op_token token)
{
    int64_t at = token.begin;
    int base = 10, is_real = 0;
    if (text[at] == '0' && text[at + 1] && strchr("xXbBoO", text[at + 1]))
        base = strchr("xX", text[at + 1]) ? 16 : strchr("bB", text[at + 1]) ? 2 : 8;
    int64_t digits = base == 10 ? at : at + 2;
    at = skip_digits(text, digits, base);
    if (base == 10 && text[at] == '.') {
        is_real = 1;
        at = is_digit(text[at + 1]) ? skip_digits(text, at + 1, 10) : at + 1;
    }
    if (base == 10 && (text[at] == 'e' || text[at] == 'E')) {
        int64_t exponent = at + 1 + (text[at + 1] == '+' || text[at + 1] == '-');
        if (is_digit(text[exponent])) {
            is_real = 1;
            at = skip_digits(text, exponent, 10);
        }
    }
    token.end = at;
    if (base == 10 && (text[at] == 'j' || text[at] == 'J') && !is_letter(text[at + 1]) && !is_digit(text[at + 1])) {
        token.end++;
        token.unsupported = 1;
        return bad(token, "complex numbers are not supported in this version");
    }
    if (is_letter(text[at]) || is_digit(text[at]) || (base != 10 && at == digits)) {
        while (is_letter(text[token.end]) || is_digit(text[token.end]))
            token.end++;
        return bad(token, "this is not a number");
    }
    if (is_real)
        return real(text, token);
    if (base == 10 && text[digits] == '0' && skip_digits(text, digits, 1) != at)
        return bad(token, "a decimal integer does not begin with 0; octal is 0o17");
    return integer(text, token, digits, base);
}

static op_token sign(const char *text, op_token token)
{
    static const char *const signs[] = {"...", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", NULL};
    token.kind = OP_TOKEN_SIGN;
    for (int i = 0; signs[i]; i++) {
        size_t length = strlen(signs[i]);
        if (strncmp(text + token.begin, signs[i], length) != 0)
            continue;
        for (size_t k = 0; k < length; k++)
            token.sign = token.sign << 8 | signs[i][k];
        token.end = token.begin + (int64_t)length;
        return token;
    }
    token.sign = text[token.begin];
    token.end = token.begin + 1;
    if (strchr("+-*/%@<>=&|^~()[],:.", text[token.begin]))
        return token;
    while ((text[token.end] & 0xC0) == 0x80) /* the rest of a UTF-8 character */
        token.end++;
    if (text[token.begin] == '!')
        return bad(token, "'!' is not an operator; it is 'not' or '~' here, and '!=' between two values");
    return bad(token, "this character has no place in a formula");
}

op_token op_lex(const char *text, int64_t from)
{
    int64_t at = from;
    while (text[at] && strchr(" \t\r\f", text[at]))
        at++;
    if (text[at] == '#')
        while (text[at] && text[at] != '\n')
            at++;
    op_token token = {.begin = at, .end = at};
    if (!text[at])
        return token;
    if (text[at] == ';' || text[at] == '\n') {
        token.kind = OP_TOKEN_STATEMENT;
        token.end++;
        return token;
    }
    if (is_letter(text[at])) {
        token.kind = OP_TOKEN_NAME;
        while (is_letter(text[token.end]) || is_digit(text[token.end]))
            token.end++;
        return token;
    }
    if (is_digit(text[at]) || (text[at] == '.' && is_digit(text[at + 1])))
        return number(text, token);
    return sign(text, token);
}

int op_token_is(const char *text, const op_token *token, const char *name)
{
    size_t length = (size_t)(token->end - token->begin);
    return token->kind == OP_TOKEN_NAME && strlen(name) == length && !memcmp(text + token->begin, name, length);
}
