/* The public builders, one per row and alias of the op table. */
#include "expr/build.h"

#define ARGS_1 op_expr *a
#define ARGS_2 op_expr *a, op_expr *b
#define ARGS_3 op_expr *a, op_expr *b, op_expr *c
#define LIST_1 a
#define LIST_2 a, b
#define LIST_3 a, b, c
#define BUILDER(name, code, arity)                                                                                     \
    op_expr *op_##name(ARGS_##arity)                                                                                   \
    {                                                                                                                  \
        op_expr *args[] = {LIST_##arity};                                                                              \
        return op_build(NULL, OP_CODE_##code, arity, args);                                                            \
    }
#define OP(name, arity, ...) BUILDER(name, name, arity)
#define ALIAS(alias, name, arity) BUILDER(alias, name, arity)
#include "expr/ops.def"
