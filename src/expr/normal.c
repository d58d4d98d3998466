/* The normal distribution with SciPy's parameters, in terms of the standard one. */
#include <math.h>
#include <string.h>

#include "expr/build.h"

/* NULL operands make NULL results, so what follows nests without checks. */
static op_expr *apply_1(op_opcode code, op_expr *a)
{
    return a ? op_build(NULL, code, 1, &a) : NULL;
}

static op_expr *apply_2(op_opcode code, op_expr *a, op_expr *b)
{
    op_expr *args[] = {a, b};
    return a ? op_build(NULL, code, 2, args) : NULL;
}

static int is_constant(const op_expr *x, double *value)
{
    if (!x || x->kind != OP_NODE_CONST)
        return 0;
    uint64_t bits = op_fold_cast((op_dtype)x->dtype, OP_F64, 0, x->bits);
    memcpy(value, &bits, sizeof bits);
    return 1;
}

/* Left out, or a number that changes nothing, not even the dtype. */
static int is_default(const op_expr *x, double neutral)
{
    double value;
    return x == op_none() || (is_constant(x, &value) && x->weak && value == neutral);
}

/* Integers become f64 before any arithmetic, which would wrap. Numbers stay weak. */
static op_expr *as_float(op_expr *x)
{
    int stays = !x || x == op_none() || x->weak || op_dtype_kind((op_dtype)x->dtype) == OP_KIND_F;
    return stays ? x : op_cast(x, OP_F64);
}

typedef struct normal {
    op_expr *loc, *scale; /* NULL: 0 and 1 */
    op_expr *x;           /* the argument */
    int failed;
} normal;

static normal prepare(const char *who, op_expr *x, op_expr *loc, op_expr *scale)
{
    if (!op_expr_graph(x, who, 0))
        return (normal){.failed = 1};
    normal n = {.x = as_float(x)};
    n.failed = !n.x;
    if (!is_default(loc, 0)) {
        n.loc = as_float(loc);
        n.failed |= loc && !n.loc;
    }
    if (!is_default(scale, 1)) {
        n.scale = as_float(scale);
        n.failed |= scale && !n.scale;
    }
    if (!n.failed && ((!loc && !n.loc) || (!scale && !n.scale))) {
        int operand = loc ? 2 : 1;
        if (x->graph->error.code == OP_OK)
            op_graph_fail(x->graph, OP_ERR_INVALID, who, operand, "%s: operand %d is NULL; one that is left out is OP_NONE",
                          who, operand);
        n.failed = 1;
    }
    return n;
}

/* (x - loc) / scale */
static op_expr *standard(const normal *n)
{
    op_expr *z = n->loc ? apply_2(OP_CODE_subtract, n->x, n->loc) : n->x;
    return n->scale ? apply_2(OP_CODE_divide, z, n->scale) : z;
}

/* y where the scale is positive, else NaN. */
static op_expr *checked(const normal *n, op_expr *y)
{
    double value;
    if (!y || !n->scale || (is_constant(n->scale, &value) && value > 0))
        return y;
    op_expr *zero = op_scalar(y->graph, 0), *nan = op_scalar(y->graph, NAN);
    op_expr *args[] = {zero && nan ? apply_2(OP_CODE_greater, n->scale, zero) : NULL, y, nan};
    return args[0] ? op_build(NULL, OP_CODE_where, 3, args) : NULL;
}

static op_expr *build_pdf(const normal *n)
{
    op_expr *y = apply_1(OP_CODE_normal_density, standard(n));
    return n->scale ? apply_2(OP_CODE_divide, y, n->scale) : y;
}

static op_expr *build_logpdf(const normal *n)
{
    op_expr *y = apply_1(OP_CODE_log_normal_density, standard(n));
    if (!n->scale || !y)
        return y;
    op_expr *log_scale = apply_1(OP_CODE_log, n->scale);
    if (log_scale && n->scale->weak) /* the logarithm of a number is none, but f64 */
        log_scale = op_cast(log_scale, (op_dtype)y->dtype);
    return log_scale ? apply_2(OP_CODE_subtract, y, log_scale) : NULL;
}

static op_expr *build_cdf(const normal *n)
{
    return apply_1(OP_CODE_ndtr, standard(n));
}

static op_expr *build_logcdf(const normal *n)
{
    return apply_1(OP_CODE_log_ndtr, standard(n));
}

static op_expr *build_sf(const normal *n)
{
    return apply_1(OP_CODE_ndtr, apply_1(OP_CODE_negative, standard(n)));
}

static op_expr *build_logsf(const normal *n)
{
    return apply_1(OP_CODE_log_ndtr, apply_1(OP_CODE_negative, standard(n)));
}

static op_expr *scaled_quantile(const normal *n)
{
    op_expr *q = apply_1(OP_CODE_ndtri, n->x);
    return n->scale ? apply_2(OP_CODE_multiply, q, n->scale) : q;
}

static op_expr *build_ppf(const normal *n)
{
    op_expr *q = scaled_quantile(n);
    return n->loc ? apply_2(OP_CODE_add, q, n->loc) : q;
}

static op_expr *build_isf(const normal *n)
{
    op_expr *q = scaled_quantile(n);
    return n->loc ? q ? apply_2(OP_CODE_subtract, n->loc, q) : NULL : apply_1(OP_CODE_negative, q);
}

#define NORMAL(X)                                                                                                      \
    X(pdf)                                                                                                             \
    X(logpdf)                                                                                                          \
    X(cdf)                                                                                                             \
    X(logcdf)                                                                                                          \
    X(sf)                                                                                                              \
    X(logsf)                                                                                                           \
    X(ppf)                                                                                                             \
    X(isf)

#define PUBLIC(name)                                                                                                   \
    op_expr *op_norm_##name(op_expr *x, op_expr *loc, op_expr *scale)                                                  \
    {                                                                                                                  \
        normal n = prepare("norm_" #name, x, loc, scale);                                                              \
        return n.failed ? NULL : checked(&n, build_##name(&n));                                                        \
    }
NORMAL(PUBLIC)

static const struct {
    const char *name;
    op_normal_builder *build;
} builders[] = {
#define NAME(name) {#name, op_norm_##name},
    NORMAL(NAME)};

op_normal_builder *op_normal_from_name(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof builders / sizeof builders[0]; i++)
        if (strlen(builders[i].name) == length && !memcmp(builders[i].name, name, length))
            return builders[i].build;
    return NULL;
}
