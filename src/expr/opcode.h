/* The opcodes, private to the library: one per row of ops.def, and those that only programs have. */
#ifndef ONEPASS_EXPR_OPCODE_H
#define ONEPASS_EXPR_OPCODE_H

#include <stdint.h>

#include "base/dtype.h"

typedef enum op_opcode {
    OP_CODE_NONE = 0,
#define OP(name, ...) OP_CODE_##name,
#include "expr/ops.def"
#undef OP
    OP_CODE_TABLE_END,           /* rows of ops.def are below this */
    OP_CODE_LOAD = OP_CODE_TABLE_END, /* an element of an operand */
    OP_CODE_SCALAR,              /* a value that is the same for the whole run */
    OP_CODE_CAST,
    OP_CODE_CAST_SAT,
    OP_CODE_END
} op_opcode;


typedef enum op_rule { OP_RULE_SAME, OP_RULE_TO_BOOL, OP_RULE_LOGIC, OP_RULE_SELECT, OP_RULE_DIVIDE } op_rule;

enum {
    OP_FLAG_COMMUTES = 1,
    OP_FLAG_PYTHON = 2,
    OP_FLAG_NO_BOOL = 4,
    OP_FLAG_UNSTABLE = 8,
    OP_FLAG_BOOL_TO_FLOAT = 16
};

/* Where tests draw operands from. */
typedef enum op_domain { OP_DOMAIN_ANY, OP_DOMAIN_UNIT, OP_DOMAIN_SYMM, OP_DOMAIN_POSITIVE, OP_DOMAIN_SMALL, OP_DOMAIN_SHIFT } op_domain;

/* A row of the op table without its C text and its recipe. */
typedef struct op_row {
    const char *name;
    const char *doc;
    float ulp;
    uint8_t arity;
    uint8_t accepts; /* mask of OP_KIND_... */
    uint8_t rule;    /* op_rule */
    uint8_t flags;   /* mask of OP_FLAG_... */
    uint8_t cost;    /* 1 = an addition */
    uint8_t domain;  /* op_domain */
} op_row;

/* Indexed by op_opcode; the program-only opcodes have rows too. */
extern const op_row op_rows[OP_CODE_END];

/* The bits, in the low bytes, of what changes no bit that it is combined with, by an operation that reductions combine
 * with. Returns 0 if it is none. */
int op_identity(op_opcode combine, op_dtype dtype, uint64_t *bits);

typedef struct op_alias {
    const char *name;
    uint16_t code;
} op_alias;
extern const op_alias op_aliases[];
extern const int op_alias_count;

#endif
