/* Numbers as a formula writes them, and Python's arithmetic on them: integers that cannot wrap, floats,
 * bools. An array never comes near here. */
#ifndef ONEPASS_EXPR_LITERAL_H
#define ONEPASS_EXPR_LITERAL_H

#include <stdint.h>

#include "expr/opcode.h"

typedef enum op_literal_kind { OP_LITERAL_BOOL, OP_LITERAL_INT, OP_LITERAL_FLOAT } op_literal_kind;

__extension__ typedef __int128 op_wide;

typedef struct op_literal {
    op_literal_kind kind;
    op_wide integer; /* a bool's too */
    double real;
} op_literal;

enum { OP_LITERAL_POWER = OP_CODE_END }; /* ** as an operation, beside the opcodes */

/* a `operation` b as Python has it, except that `and` and `or` give bools. Returns NULL, or why there
 * is no result. */
const char *op_literal_binary(int operation, const op_literal *a, const op_literal *b, op_literal *result);
const char *op_literal_unary(int operation, const op_literal *a, op_literal *result);

#endif
