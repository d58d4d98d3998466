/* The words of a formula: names, numbers, signs, ends of statements. Reads nothing past the text's
 * NUL, allocates nothing and does not depend on the locale. */
#ifndef ONEPASS_EXPR_LEX_H
#define ONEPASS_EXPR_LEX_H

#include <stdint.h>

typedef enum op_token_kind {
    OP_TOKEN_END,       /* of the formula */
    OP_TOKEN_STATEMENT, /* ; or the end of a line */
    OP_TOKEN_NAME,
    OP_TOKEN_INT,
    OP_TOKEN_FLOAT,
    OP_TOKEN_SIGN,
    OP_TOKEN_BAD /* `why` says what is wrong with it */
} op_token_kind;

/* A sign as a number: its characters, the last one lowest. OP_SIGN2('*', '*') is **. */
#define OP_SIGN2(a, b) ((a) << 8 | (b))
#define OP_SIGN3(a, b, c) ((a) << 16 | (b) << 8 | (c))

typedef struct op_token {
    op_token_kind kind;
    int64_t begin, end; /* bytes of the formula */
    int sign;           /* OP_TOKEN_SIGN */
    uint64_t integer;   /* OP_TOKEN_INT */
    double real;        /* OP_TOKEN_FLOAT */
    const char *why;
    int unsupported;    /* OP_TOKEN_BAD: understood, but not in this version */
} op_token;

/* The token that begins at byte `from` or after it. */
op_token op_lex(const char *text, int64_t from);

/* True if the token is this name. */
int op_token_is(const char *text, const op_token *token, const char *name);
static inline int op_token_is_sign(const op_token *token, int sign)
{
    return token->kind == OP_TOKEN_SIGN && token->sign == sign;
}

#endif
