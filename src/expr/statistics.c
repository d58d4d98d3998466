/* Reductions made of those in the table and of element-wise parts. What they share - the operand, the
 * axes - is one node and one pass: mean and var of an expression read it once. */
#include <math.h>
#include <string.h>

#include "base/options.h"
#include "expr/build.h"
#include "expr/reduce.h"

/* NULL operands make NULL results, so what follows nests without checks. */
static op_expr *apply_1(op_opcode code, op_expr *a)
{
    return a ? op_build(NULL, code, 1, &a) : NULL;
}

static op_expr *apply_2(op_opcode code, op_expr *a, op_expr *b)
{
    op_expr *args[] = {a, b};
    return a && b ? op_build(NULL, code, 2, args) : NULL;
}

static op_expr *choose(op_expr *condition, op_expr *a, op_expr *b)
{
    op_expr *args[] = {condition, a, b};
    return condition && a && b ? op_build(NULL, OP_CODE_where, 3, args) : NULL;
}

static op_expr *reduce(op_reduce_code code, op_expr *x, op_axes axes, int flags, op_expr *where)
{
    op_reduce_options options = {.flags = flags, .where = where};
    return x ? op_build_reduce(code, x, axes, &options) : NULL;
}

/* A sum, with what the options of its caller say about sums. */
static op_expr *sum(op_expr *x, op_axes axes, int flags, const op_reduce_options *o)
{
    op_reduce_options options = {.flags = flags, .where = o->where, .compensated = o->compensated};
    return x ? op_build_reduce(OP_REDUCE_sum, x, axes, &options) : NULL;
}

static op_reduce_options given(const op_reduce_options *options)
{
    return options ? *options : (op_reduce_options){0};
}

/* The operand in the dtype that means are computed in: integers in f64. */
static op_expr *as_float(op_expr *x, const op_reduce_options *options)
{
    if (!x || options->dtype)
        return x ? op_cast(x, options->dtype) : NULL;
    return op_dtype_kind((op_dtype)x->dtype) == OP_KIND_F ? x : op_cast(x, OP_F64);
}

/* How many elements there are behind each result: a number where the shape is known. */
static op_expr *count(op_expr *x, op_axes axes, int flags, op_expr *where)
{
    op_expr *counted = reduce(OP_REDUCE_count, x, axes, flags, NULL);
    if (!counted)
        return NULL;
    if (where) {
        if (x->open)
            return op_graph_fail(x->graph, OP_ERR_UNSUPPORTED, "count", -1,
                                 "where= needs a known shape in this reduction; it depends on a hole");
        return reduce(OP_REDUCE_sum, op_broadcast_to(op_cast(where, OP_BOOL), x->ndim, x->shape), axes, flags, NULL);
    }
    if (x->open)
        return counted;
    double n = 1;
    for (int i = 0; i < x->ndim; i++)
        n *= counted->reduce.axes >> i & 1 ? (double)x->shape[i] : 1;
    return op_scalar(x->graph, n);
}

static op_expr *build_mean(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    op_reduce_options o = given(options);
    x = as_float(x, &o);
    op_expr *n = count(x, axes, o.flags, o.where);
    op_expr *total = sum(x, axes, o.flags, &o);
    op_expr *mean = n ? apply_2(OP_CODE_divide, total, n->weak ? n : op_cast(n, (op_dtype)x->dtype)) : NULL;
    return mean && o.dtype ? op_cast(mean, o.dtype) : mean;
}

/* The sum of the squared deviations, in f64. A mask needs the mean first: two passes. */
static op_expr *deviations(op_expr *x, op_axes axes, const op_reduce_options *o)
{
    if (!o->where)
        return reduce(OP_REDUCE_deviations, x, axes, o->flags, NULL);
    x = op_cast(x, OP_F64);
    op_reduce_options kept = {.flags = OP_KEEPDIMS, .where = o->where};
    op_expr *d = apply_2(OP_CODE_subtract, x, build_mean(x, axes, &kept));
    return reduce(OP_REDUCE_sum, apply_1(OP_CODE_square, d), axes, o->flags, o->where);
}

static op_expr *build_var(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    op_reduce_options o = given(options);
    x = as_float(x, &o);
    op_expr *n = count(x, axes, o.flags, o.where);
    if (!n)
        return NULL;
    n = apply_2(OP_CODE_subtract, n->weak ? n : op_cast(n, OP_F64), op_scalar(x->graph, o.ddof));
    n = apply_2(OP_CODE_maximum, n, op_scalar(x->graph, 0));
    op_expr *var = apply_2(OP_CODE_divide, deviations(x, axes, &o), n);
    return var ? op_cast(var, (op_dtype)x->dtype) : NULL;
}

static op_expr *build_std(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    return apply_1(OP_CODE_sqrt, build_var(x, axes, options));
}

static op_expr *build_ptp(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    return apply_2(OP_CODE_subtract, op_build_reduce(OP_REDUCE_max, x, axes, options),
                   op_build_reduce(OP_REDUCE_min, x, axes, options));
}

static op_expr *build_count_nonzero(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    op_reduce_options o = given(options);
    op_expr *truth = x ? op_cast(x, OP_BOOL) : NULL;
    return reduce(OP_REDUCE_sum, truth, axes, o.flags, o.where);
}

/* ---- without the NaNs ---- */

/* The mask of the elements that are numbers, and that the caller's mask has, too. */
static op_expr *numbers(op_expr *x, op_expr *where)
{
    op_expr *mask = x ? apply_1(OP_CODE_logical_not, apply_1(OP_CODE_isnan, x)) : NULL;
    return where ? apply_2(OP_CODE_logical_and, mask, where) : mask;
}

#define WITHOUT_NAN(name, build)                                                                                       \
    static op_expr *build_nan##name(op_expr *x, op_axes axes, const op_reduce_options *options)                        \
    {                                                                                                                  \
        op_reduce_options o = given(options);                                                                          \
        int can_be_nan = x && op_dtype_kind((op_dtype)x->dtype) == OP_KIND_F;                                          \
        if (can_be_nan)                                                                                                \
            o.where = numbers(x, o.where);                                                                             \
        return can_be_nan && !o.where ? NULL : build(x, axes, &o);                                                     \
    }
#define OP_REDUCTION(name)                                                                                             \
    static op_expr *build_##name(op_expr *x, op_axes axes, const op_reduce_options *options)                           \
    {                                                                                                                  \
        return op_build_reduce(OP_REDUCE_##name, x, axes, options);                                                    \
    }
OP_REDUCTION(sum)
OP_REDUCTION(prod)
OP_REDUCTION(max)
OP_REDUCTION(min)
OP_REDUCTION(any)
OP_REDUCTION(all)
OP_REDUCTION(argmax)
OP_REDUCTION(argmin)
OP_REDUCTION(nanmax)
OP_REDUCTION(nanmin)
WITHOUT_NAN(sum, build_sum)
WITHOUT_NAN(prod, build_prod)
WITHOUT_NAN(mean, build_mean)
WITHOUT_NAN(var, build_var)
WITHOUT_NAN(std, build_std)

/* ---- norms ---- */

static op_expr *build_norm1(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    x = apply_1(OP_CODE_absolute, x);
    return x ? op_build_reduce(OP_REDUCE_sum, x, axes, options) : NULL;
}

static op_expr *build_norm2(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    op_reduce_options o = given(options);
    x = apply_1(OP_CODE_square, as_float(x, &o));
    return x ? apply_1(OP_CODE_sqrt, op_build_reduce(OP_REDUCE_sum, x, axes, options)) : NULL;
}

static op_expr *build_norm_inf(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    x = apply_1(OP_CODE_absolute, x);
    return x ? op_build_reduce(OP_REDUCE_max, x, axes, options) : NULL;
}

/* ---- exponentials ---- */

/* The largest element of each group, or 0 where that is not finite: exp(x - m) cannot overflow. */
static op_expr *finite_max(op_expr *x, op_axes axes, int flags)
{
    op_expr *m = reduce(OP_REDUCE_max, x, axes, flags, NULL);
    return m ? choose(apply_1(OP_CODE_isfinite, m), m, op_scalar(m->graph, 0)) : NULL;
}

static op_expr *build_logsumexp(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    op_reduce_options o = given(options);
    x = as_float(x, &o);
    if (x && o.where) /* exp(-inf) adds nothing, and no maximum is among what is left out */
        x = op_reduce_masked(OP_REDUCE_max, x, op_cast(o.where, OP_BOOL));
    o.where = NULL;
    op_expr *e = apply_1(OP_CODE_exp, apply_2(OP_CODE_subtract, x, finite_max(x, axes, OP_KEEPDIMS)));
    op_expr *total = sum(e, axes, o.flags, &o);
    return apply_2(OP_CODE_add, apply_1(OP_CODE_log, total), finite_max(x, axes, o.flags));
}

/* The sum is at least 1, so its reciprocal is exact enough, and n products take less time than n quotients. */
static op_expr *build_softmax(op_expr *x, op_axes axes, const op_reduce_options *options)
{
    op_reduce_options o = given(options);
    x = as_float(x, &o);
    op_expr *e = apply_1(OP_CODE_exp, apply_2(OP_CODE_subtract, x, reduce(OP_REDUCE_max, x, axes, OP_KEEPDIMS, NULL)));
    return apply_2(OP_CODE_multiply, e, apply_1(OP_CODE_reciprocal, sum(e, axes, OP_KEEPDIMS, &o)));
}

/* ---- products ---- */

static op_expr *check_vectors(const char *who, op_expr *a, op_expr *b, int same_ndim)
{
    op_graph *graph = op_expr_graph(a, who, 0);
    if (!graph || !op_expr_graph(b, who, 1))
        return NULL;
    if (same_ndim ? a->ndim != b->ndim : a->ndim > 1 || b->ndim > 1)
        return op_graph_fail(graph, OP_ERR_UNSUPPORTED, who, -1, "%s of %d and %d dimensions is not supported", who,
                             a->ndim, b->ndim);
    return a;
}

op_expr *op_dot(op_expr *a, op_expr *b)
{
    if (!check_vectors("dot", a, b, 0))
        return NULL;
    op_expr *product = apply_2(OP_CODE_multiply, a, b);
    return a->ndim == 1 && b->ndim == 1 ? reduce(OP_REDUCE_sum, product, OP_ALL, 0, NULL) : product;
}

op_expr *op_inner(op_expr *a, op_expr *b)
{
    return op_dot(a, b);
}

op_expr *op_vdot(op_expr *a, op_expr *b)
{
    return check_vectors("vdot", a, b, 1) ? reduce(OP_REDUCE_sum, apply_2(OP_CODE_multiply, a, b), OP_ALL, 0, NULL) : NULL;
}

/* ---- by name ---- */

enum { DTYPE = 1, WHERE = 2, INITIAL = 4, DDOF = 8, COMPENSATED = 16, OPTIONS_END = 5 };

/* name, the options that it takes beside keepdims */
#define REDUCTIONS(X)                                                                                                  \
    X(mean, DTYPE | WHERE | COMPENSATED)                                                                               \
    X(var, DTYPE | WHERE | DDOF)                                                                                       \
    X(std, DTYPE | WHERE | DDOF)                                                                                       \
    X(ptp, DTYPE | WHERE)                                                                                              \
    X(count_nonzero, WHERE)                                                                                            \
    X(nansum, DTYPE | WHERE | INITIAL | COMPENSATED)                                                                   \
    X(nanprod, DTYPE | WHERE | INITIAL)                                                                                \
    X(nanmean, DTYPE | WHERE | COMPENSATED)                                                                            \
    X(nanvar, DTYPE | WHERE | DDOF)                                                                                    \
    X(nanstd, DTYPE | WHERE | DDOF)                                                                                    \
    X(norm1, DTYPE | WHERE | INITIAL | COMPENSATED)                                                                    \
    X(norm2, DTYPE | WHERE | INITIAL | COMPENSATED)                                                                    \
    X(norm_inf, DTYPE | WHERE | INITIAL)                                                                               \
    X(logsumexp, DTYPE | WHERE | COMPENSATED)                                                                          \
    X(softmax, DTYPE | COMPENSATED)                                                                                    \
    X(argmax, 0)                                                                                                       \
    X(argmin, 0)                                                                                                       \
    X(sum, DTYPE | WHERE | INITIAL | COMPENSATED)                                                                      \
    X(prod, DTYPE | WHERE | INITIAL)                                                                                   \
    X(max, DTYPE | WHERE | INITIAL)                                                                                    \
    X(min, DTYPE | WHERE | INITIAL)                                                                                    \
    X(any, WHERE | INITIAL)                                                                                            \
    X(all, WHERE | INITIAL)                                                                                            \
    X(nanmax, DTYPE | WHERE | INITIAL)                                                                                 \
    X(nanmin, DTYPE | WHERE | INITIAL)

#define PLACE(name, takes) PLACE_##name,
enum { REDUCTIONS(PLACE) };

#define NAME(name, takes) {#name, takes, build_##name},
const op_reduce_name op_reduce_names[] = {REDUCTIONS(NAME)};
const int op_reduce_name_count = sizeof op_reduce_names / sizeof op_reduce_names[0];

/* Whether a reduction takes these options; the error names the first that it does not take. */
static int takes(const op_reduce_name *reduction, op_graph *graph, const op_reduce_options *o)
{
    static const char *const words[OPTIONS_END] = {"dtype=", "where=", "initial=", "ddof=", "compensated="};
    const char *who = reduction->name;
    int given = (o->dtype ? DTYPE : 0) | (o->where ? WHERE : 0) | (o->initial ? INITIAL : 0) |
                (o->ddof != 0 ? DDOF : 0) | (o->compensated ? COMPENSATED : 0);
    if (op_options_known("op_reduce_options", (unsigned)o->flags & ~(unsigned)OP_KEEPDIMS, o->reserved) != OP_OK) {
        op_error error = *op_last_error();
        return op_graph_fail(graph, error.code, who, -1, "%s: %s", who, error.message), 0;
    }
    for (int i = 0; i < OPTIONS_END; i++)
        if (given & ~reduction->takes & 1 << i)
            return op_graph_fail(graph, OP_ERR_INVALID, who, -1, "%s does not take %s", who, words[i]), 0;
    return 1;
}

op_expr *op_build_named_reduction(int place, op_expr *x, op_axes axes, const op_reduce_options *options)
{
    const op_reduce_name *reduction = &op_reduce_names[place];
    op_reduce_options o = given(options);
    op_graph *graph = op_expr_graph(x, reduction->name, 0);
    return graph && takes(reduction, graph, &o) ? reduction->build(x, axes, &o) : NULL;
}

#define PUBLIC(name, takes)                                                                                            \
    op_expr *op_##name(op_expr *x, op_axes axes, int flags)                                                            \
    {                                                                                                                  \
        op_reduce_options options = {.flags = flags};                                                                  \
        return op_build_named_reduction(PLACE_##name, x, axes, &options);                                              \
    }                                                                                                                  \
    op_expr *op_##name##_opt(op_expr *x, op_axes axes, const op_reduce_options *options)                               \
    {                                                                                                                  \
        return op_build_named_reduction(PLACE_##name, x, axes, options);                                               \
    }
REDUCTIONS(PUBLIC)

int op_reduce_from_name(const char *name, size_t length)
{
    for (int i = 0; i < op_reduce_name_count; i++)
        if (!strncmp(op_reduce_names[i].name, name, length) && !op_reduce_names[i].name[length])
            return i;
    return -1;
}
