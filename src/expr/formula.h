/* Inside the formula parser: what its files share. */
#ifndef ONEPASS_EXPR_FORMULA_H
#define ONEPASS_EXPR_FORMULA_H

#include "expr/build.h"
#include "expr/lex.h"
#include "expr/literal.h"
#include "expr/reduce.h"

enum {
    OP_FORMULA_BYTES = 1 << 20, /* the longest formula */
    OP_FORMULA_DEPTH = 1000,    /* brackets and operators that wait for their end */
    OP_FORMULA_ITEMS = 256,     /* in one pair of brackets */
};

typedef enum op_value_kind {
    OP_VALUE_EXPR,    /* expr; NULL in a scan */
    OP_VALUE_LITERAL, /* a number, which stays one while it meets only numbers */
    OP_VALUE_DTYPE,
    OP_VALUE_NONE,
    OP_VALUE_ELLIPSIS,
    OP_VALUE_TUPLE, /* of integers: axes */
} op_value_kind;

/* Keywords that functions take. */
typedef enum op_key {
    OP_KEY_NONE,
    OP_KEY_AXIS,
    OP_KEY_DTYPE,
    OP_KEY_KEEPDIMS,
    OP_KEY_INITIAL,
    OP_KEY_DDOF,
    OP_KEY_WHERE,
    OP_KEY_COMPENSATED,
    OP_KEY_WEIGHTS,
    OP_KEY_LOC,
    OP_KEY_SCALE,
    OP_KEY_END
} op_key;

typedef struct op_value {
    op_value_kind kind;
    op_key key; /* as the argument of a function */
    int64_t begin, end;
    op_expr *expr;
    op_literal literal;
    op_dtype dtype;
    uint32_t tuple; /* index in op_formula.tuple */
} op_value;

typedef enum op_function_kind {
    OP_FUNCTION_NONE,
    OP_FUNCTION_OP,     /* code: op_opcode */
    OP_FUNCTION_SCAN,   /* code: place in op_scan_names */
    OP_FUNCTION_REDUCE, /* code: place in op_reduce_names */
    OP_FUNCTION_COUNT,  /* code: 0 is bincount, 1 histogram */
    OP_FUNCTION_CAST,   /* code: op_dtype */
    OP_FUNCTION_ASTYPE,
    OP_FUNCTION_TRANSPOSE,
    OP_FUNCTION_NORMAL, /* normal */
} op_function_kind;

typedef struct op_function {
    op_function_kind kind;
    int code;
    op_normal_builder *normal;
} op_function;

/* One part of a subscript: a[i], a[start:stop:step], a[None], a[...]. */
typedef struct op_item {
    enum { OP_ITEM_INDEX, OP_ITEM_SLICE, OP_ITEM_NEWAXIS, OP_ITEM_ELLIPSIS } kind;
    int colons;
    int has[3];
    int64_t bound[3];
} op_item;

/* An operator or a bracket that waits for its end. */
typedef enum op_pending_kind {
    OP_PENDING_PREFIX,
    OP_PENDING_BINARY,
    OP_PENDING_PAREN,
    OP_PENDING_CALL,
    OP_PENDING_INDEX,
} op_pending_kind;

typedef struct op_pending {
    op_pending_kind kind;
    int operation; /* op_opcode, OP_LITERAL_POWER or OP_OPERATION_MATMUL */
    int precedence;
    int64_t begin, end;   /* of its sign */
    int chained;          /* a < b < c: `chain` is a < b */
    op_value chain;
    op_function function; /* OP_PENDING_CALL */
    op_key key;           /* the keyword of the argument that is being read */
    int method;           /* x.sum(...): x is the first argument */
    int comma;            /* a comma came just before */
    uint32_t value_base, item_base;
    op_item item;
} op_pending;

enum { OP_OPERATION_MATMUL = OP_LITERAL_POWER + 1 };

/* A name: passed in, assigned, or (in a scan) neither. */
typedef struct op_symbol {
    const char *name; /* not terminated */
    size_t length;
    uint32_t hash;
    int known;    /* it has a value */
    int assigned; /* by the formula */
    int used;
    op_value value;
} op_symbol;

/* A growing array. */
typedef struct op_list {
    void *data;
    uint32_t used, room;
} op_list;

typedef struct op_formula {
    op_graph *graph; /* NULL: a scan, which builds nothing and asks only for names */
    const op_allocator *allocator;
    const char *text;
    op_token token;
    uint32_t brackets; /* open ones: lines do not end statements inside */
    op_list values, pending, items, tuples, symbols;
    uint32_t *bucket; /* symbols by hash: index + 1 */
    uint32_t n_bucket;
    op_value result; /* of the last statement */
    int has_result;  /* it was an expression, not an assignment */
    void (*found)(void *ctx, const char *text, const op_symbol *symbol, int64_t begin, int64_t end);
    void *found_ctx;
    op_status status; /* the first error's */
} op_formula;

/* All below return 1, or 0 after recording an error in the graph and as the thread's last one. */
int op_formula_fail(op_formula *f, op_status code, int64_t begin, int64_t end, const char *format, ...)
    OP_PRINTF(5, 6);
/* The same with the error that a builder has just recorded. */
int op_formula_fail_built(op_formula *f, int64_t begin, int64_t end);

/* Makes room for one more element and returns its address; NULL after an error. */
void *op_list_add(op_formula *f, op_list *list, size_t element);
#define OP_PUSH(f, list, type) ((type *)op_list_add(f, list, sizeof(type)))
#define OP_AT(list, type, i) (&((type *)(list)->data)[i])

/* Reads the next token; inside brackets the end of a line is a space. */
int op_formula_advance(op_formula *f);
op_token op_formula_peek(const op_formula *f);
/* Complains about the token: "expected" is what should be there. Returns 0. */
int op_formula_unexpected(op_formula *f, const char *expected);
/* True for words that can be no names. */
int op_formula_reserved(const op_formula *f, const op_token *token);

/* parse.c: the expression that begins at the token, and the token after it. */
int op_formula_expression(op_formula *f, op_value *value);

/* symbols.c */
op_symbol *op_symbol_find(op_formula *f, const char *name, size_t length);
op_symbol *op_symbol_add(op_formula *f, const char *name, size_t length); /* finds or makes it */
int op_symbol_value(op_formula *f, const op_token *name, op_value *value);
op_function op_function_find(const char *name, size_t length);
/* ...; did you mean 'sin'? An empty text if nothing is close. */
enum { OP_HINT_TEXT = 64 };
const char *op_function_hint(const char *name, size_t length, char hint[OP_HINT_TEXT]);

/* apply.c: operators, functions and subscripts on values */
int op_value_expr(op_formula *f, op_value *value);
int op_apply_unary(op_formula *f, int operation, const op_value *a, op_value *result);
int op_apply_binary(op_formula *f, int operation, op_value *a, op_value *b, op_value *result);
int op_apply_call(op_formula *f, const op_pending *call, int n, op_value *args, op_value *result);
int op_apply_items(op_formula *f, op_value *x, int n, const op_item *items, op_value *result);

#endif
