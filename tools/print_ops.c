/* Prints what is derived from the op table and committed: print_ops ops.h | sugar.h | ops.md */
#include <stdio.h>
#include <string.h>

typedef struct row {
    const char *name, *alias_of, *accepts, *rule, *doc, *domain;
    int arity;
    double ulp;
} row;

static const row ops[] = {
#define OP(name, arity, accepts, rule, flags, cost, cb, ci, cf, ulp, domain, doc, recipe)                              \
    {#name, NULL, #accepts, #rule, doc, #domain, arity, ulp},
#define ALIAS(alias, name, arity) {#alias, #name, "", "", "", "", arity, 0},
#include "expr/ops.def"
#undef OP
};

static const row reductions[] = {
#define REDUCE(name, accepts, accumulator, empty, combine, cb, ci, cf, doc) {#name, NULL, #accepts, #accumulator, doc, #empty, 1, 0},
#include "expr/reduce.def"
#undef REDUCE
};

enum { N_OPS = sizeof ops / sizeof ops[0], N_REDUCTIONS = sizeof reductions / sizeof reductions[0] };

static const char *const parameters[] = {"", "op_expr *a", "op_expr *a, op_expr *b", "op_expr *a, op_expr *b, op_expr *c"};

static void print_header(void)
{
    puts("/* Printed from src/expr/ops.def and reduce.def by tools/print_ops.c: do not edit.\n"
         " *\n"
         " * The builders of the operations. Operands of one graph, of any shapes that broadcast; dtypes meet by\n"
         " * NumPy 2's promotion, and each line says which are accepted (B bool, I signed, U unsigned, F float).\n"
         " * Nothing is computed; NULL operands give NULL; errors are kept in the graph. ULP: the largest error\n"
         " * of a float result, 0 where it is correctly rounded. Included by onepass.h. */\n"
         "#ifndef ONEPASS_OPS_H\n"
         "#define ONEPASS_OPS_H\n");
    for (int i = 0; i < N_OPS; i++)
        if (ops[i].alias_of)
            printf("OP_API op_expr *op_%s(%s); /* op_%s */\n", ops[i].name, parameters[ops[i].arity], ops[i].alias_of);
        else
            printf("/* %s. Accepts %s; %g ULP. */\nOP_API op_expr *op_%s(%s);\n", ops[i].doc, ops[i].accepts, ops[i].ulp,
                   ops[i].name, parameters[ops[i].arity]);
    puts("\n/* Reductions: they combine in an order fixed by the shape alone, so that the result does not depend on\n"
         " * threads or vectors. flags: OP_KEEPDIMS. options may be NULL. */");
    for (int i = 0; i < N_REDUCTIONS; i++)
        printf("/* %s. */\nOP_API op_expr *op_%s(op_expr *x, op_axes axes, int flags);\n"
               "OP_API op_expr *op_%s_opt(op_expr *x, op_axes axes, const op_reduce_options *options);\n",
               reductions[i].doc, reductions[i].name, reductions[i].name);
    puts("\n#endif");
}

static void print_sugar(void)
{
    puts("/* Printed from src/expr/ops.def by tools/print_ops.c: do not edit.\n"
         " *\n"
         " * Lets a number stand where an expression does: op_mul(x, 2.0). A number becomes a weak scalar of the\n"
         " * graph of the other operands, so one operand must be an expression. Each argument is expanded once, so\n"
         " * that nested calls stay linear. Needs GNU C (statement expressions) or C++11. Include after onepass.h. */\n"
         "#ifndef ONEPASS_SUGAR_H\n"
         "#define ONEPASS_SUGAR_H\n\n"
         "#include \"onepass/onepass.h\"\n"
         "#include \"onepass/operand.h\"\n");
    for (int i = 0; i < N_OPS; i++) {
        static const char *const names[] = {"", "a", "a, b", "a, b, c"};
        static const char *const lifted[] = {"", "OP_OPERAND(a)", "OP_OPERAND(a), OP_OPERAND(b)",
                                             "OP_OPERAND(a), OP_OPERAND(b), OP_OPERAND(c)"};
        if (ops[i].arity > 1)
            printf("#define op_%s(%s) op_sugar_%d((op_%s), %s)\n", ops[i].name, names[ops[i].arity], ops[i].arity,
                   ops[i].name, lifted[ops[i].arity]);
    }
    puts("\n#endif");
}

static void print_page(void)
{
    puts("# The operations\n\nPrinted from `src/expr/ops.def` and `src/expr/reduce.def` by `tools/print_ops.c`.\n\n"
         "Accepts: B bool, I signed and U unsigned integers, F floats. ULP: the largest error of a float result; 0 is\n"
         "correctly rounded. In C each is `op_NAME`; in a formula it is `NAME`, or its operator.\n\n"
         "| name | operands | accepts | result | ULP | meaning |\n| --- | --- | --- | --- | --- | --- |");
    for (int i = 0; i < N_OPS; i++)
        if (!ops[i].alias_of) {
            printf("| `%s`", ops[i].name);
            for (int k = 0; k < N_OPS; k++)
                if (ops[k].alias_of && !strcmp(ops[k].alias_of, ops[i].name))
                    printf(", `%s`", ops[k].name);
            printf(" | %d | %s | %s | %g | ", ops[i].arity, ops[i].accepts, ops[i].rule, ops[i].ulp);
            for (const char *p = ops[i].doc; *p; p++)
                printf(*p == '|' ? "\\|" : "%c", *p);
            puts(" |");
        }
    puts("\n## Reductions\n\n| name | accepts | accumulator | meaning |\n| --- | --- | --- | --- |");
    for (int i = 0; i < N_REDUCTIONS; i++)
        printf("| `%s` | %s | %s | %s |\n", reductions[i].name, reductions[i].accepts, reductions[i].rule,
               reductions[i].doc);
    puts("\n`bincount(x, n)` counts the integers of x that are 0 to n - 1, in i64, and `histogram(x, bins, lo, hi)` the numbers\n"
         "in each of `bins` bins of equal width; counts of operands of one shape share a pass. With `weights=`\n"
         "they are sums. See [formula.md](formula.md#reductions-and-scans).");
    puts("\nWith `compensated=True` (in C: `op_reduce_options.compensated`) a sum of floats adds up its rounding errors, too,\n"
         "and is right to 1 ULP unless the terms cancel to some n * 2^-100 (f32: n * 2^-44) of their size.");
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "ops.h"))
        print_header();
    else if (argc == 2 && !strcmp(argv[1], "sugar.h"))
        print_sugar();
    else if (argc == 2 && !strcmp(argv[1], "ops.md"))
        print_page();
    else
        return fputs("usage: print_ops ops.h | sugar.h | ops.md\n", stderr), 2;
    return 0;
}
