/* Builders of counts: how many elements fall into each bin. */
#include <float.h>
#include <math.h>

#include "expr/build.h"
#include "expr/reduce.h"

static op_expr *wrong_bins(op_graph *graph, const char *who, int64_t bins)
{
    return op_graph_fail(graph, OP_ERR_LIMIT, who, 1, "%s: there can be 1 to %d bins, not %lld", who, OP_MOST_BINS,
                         (long long)bins);
}

static op_expr *apply(op_opcode code, op_expr *a, op_expr *b)
{
    op_expr *args[] = {a, b};
    return a && b ? op_build(NULL, code, 2, args) : NULL;
}

static op_expr *choose(op_expr *condition, op_expr *a, op_expr *b)
{
    op_expr *args[] = {condition, a, b};
    return condition && a && b ? op_build(NULL, OP_CODE_where, 3, args) : NULL;
}

/* -1, which no bin counts, where the mask is false. */
static op_expr *leave_out(op_expr *place, op_expr *where)
{
    op_expr *masked = choose(where, place, op_const_i64(place->graph, -1));
    int same = masked && masked->ndim == place->ndim;
    for (int i = 0; same && i < place->ndim; i++)
        same = masked->shape[i] == place->shape[i];
    return same || !masked ? masked
                           : op_graph_fail(place->graph, OP_ERR_SHAPE, "where", 1,
                                           "the mask of where= has more elements than what is counted");
}

/* Counts the places of x's elements: integers, of which those in 0..bins-1 are bins. */
static op_expr *count_places(op_expr *place, int64_t bins, op_expr *x, op_expr *where, double lo, double hi)
{
    place = place ? op_cast(place, OP_I64) : NULL;
    place = place && where ? leave_out(place, where) : place;
    if (!place)
        return NULL;
    uint64_t all = place->ndim == OP_MAX_NDIM ? UINT64_MAX : ((uint64_t)1 << place->ndim) - 1;
    op_expr draft = {.kind = OP_NODE_COUNT,
                     .dtype = OP_I64,
                     .ndim = 1,
                     .n_args = 1,
                     .shape = &bins,
                     .arg = {place, x, where},
                     .reduce = {.axes = all, .range = {lo, hi}}};
    return op_graph_intern(place->graph, &draft);
}

op_expr *op_build_bincount(op_expr *x, int64_t bins, op_expr *where)
{
    op_graph *graph = op_expr_graph(x, "bincount", 0);
    if (!graph)
        return NULL;
    if (!(op_dtype_kind((op_dtype)x->dtype) & (OP_KIND_B | OP_KIND_I | OP_KIND_U)))
        return op_graph_fail(graph, OP_ERR_DTYPE, "bincount", 0,
                             "bincount counts integers and bools, not %s; histogram counts floats",
                             op_dtype_name((op_dtype)x->dtype));
    if (bins < 1 || bins > OP_MOST_BINS)
        return wrong_bins(graph, "bincount", bins);
    return count_places(x, bins, x, where, 0, 0);
}

op_expr *op_bincount(op_expr *x, int64_t bins)
{
    return op_build_bincount(x, bins, NULL);
}

/* ---- bins of equal width ---- */

typedef struct op_bins {
    int64_t n;
    double lo, hi, step;
    op_dtype dtype; /* that values and edges are compared in: f64 or f32 */
} op_bins;

/* Edge i of NumPy's linspace, i an expression of f64: computed in f64, and then rounded. */
static op_expr *edge(const op_bins *bins, op_expr *i)
{
    op_graph *graph = i ? i->graph : NULL;
    op_expr *at = graph ? apply(OP_CODE_multiply, i, op_scalar(graph, bins->step)) : NULL;
    at = at ? apply(OP_CODE_add, at, op_scalar(graph, bins->lo)) : NULL;
    return at ? op_cast(at, bins->dtype) : NULL;
}

/* The bin of each element, or -1. This is NumPy's way to the last bit: the first guess can be one off, and is
 * put right by comparing with the edges. */
static op_expr *find_bins(const op_bins *bins, op_expr *x)
{
    op_graph *graph = x->graph;
    op_expr *lo = op_scalar(graph, bins->lo), *hi = op_scalar(graph, bins->hi), *one = op_scalar(graph, 1);
    op_expr *last = op_scalar(graph, (double)(bins->n - 1));
    op_expr *inside = apply(OP_CODE_logical_and, apply(OP_CODE_greater_equal, x, lo), apply(OP_CODE_less_equal, x, hi));
    op_expr *offset = apply(OP_CODE_subtract, x, lo);
    op_expr *guess = offset ? apply(OP_CODE_divide, op_cast(offset, OP_F64), op_scalar(graph, bins->hi - bins->lo)) : NULL;
    guess = apply(OP_CODE_multiply, guess, op_scalar(graph, (double)bins->n));
    op_expr *i = guess ? apply(OP_CODE_minimum, op_build(NULL, OP_CODE_trunc, 1, &guess), last) : NULL;
    i = choose(apply(OP_CODE_less, x, edge(bins, i)), apply(OP_CODE_subtract, i, one), i);
    op_expr *next = apply(OP_CODE_add, i, one);
    op_expr *late = apply(OP_CODE_logical_and, apply(OP_CODE_greater_equal, x, edge(bins, next)), apply(OP_CODE_less, i, last));
    i = choose(late, next, i);
    return i ? choose(inside, op_cast(i, OP_I32), op_const_i32(graph, -1)) : NULL; /* i32: its conversion is a vector's */
}

static double edge_value(const op_bins *bins, int64_t i)
{
    double value = i == bins->n ? bins->hi : (double)i * bins->step + bins->lo;
    return bins->dtype == OP_F32 ? (double)(float)value : value;
}

/* True if every edge is larger than the one before. */
static int edges_rise(const op_bins *bins)
{
    int single = bins->dtype == OP_F32;
    double size = fmax(fabs(bins->lo), fabs(bins->hi));
    if (bins->step > 8 * size * (single ? FLT_EPSILON : DBL_EPSILON) && bins->step > (single ? FLT_MIN : DBL_MIN) &&
        size < (single ? FLT_MAX : DBL_MAX) / 2)
        return 1; /* no rounding can bring two together */
    for (int64_t i = 0; i < bins->n; i++)
        if (!(edge_value(bins, i) < edge_value(bins, i + 1)))
            return 0;
    return 1;
}

op_expr *op_build_histogram(op_expr *x, int64_t n, double lo, double hi, op_expr *where)
{
    op_graph *graph = op_expr_graph(x, "histogram", 0);
    if (!graph)
        return NULL;
    if (n < 1 || n > OP_MOST_BINS)
        return wrong_bins(graph, "histogram", n);
    if (!(lo < hi) || !isfinite(hi - lo))
        return op_graph_fail(graph, OP_ERR_RANGE, "histogram", 2,
                             "histogram: the range %.17g to %.17g is not one of finite width, from less to more", lo, hi);
    op_bins bins = {n, lo, hi, (hi - lo) / (double)n, x->dtype == OP_F32 ? OP_F32 : OP_F64};
    if (!edges_rise(&bins))
        return op_graph_fail(graph, OP_ERR_RANGE, "histogram", 1,
                             "histogram: %lld bins between %.17g and %.17g are too narrow for %s", (long long)n, lo, hi,
                             op_dtype_name(bins.dtype));
    op_expr *value = op_cast(x, bins.dtype);
    return value ? count_places(find_bins(&bins, value), n, x, where, lo, hi) : NULL;
}

op_expr *op_histogram(op_expr *x, int64_t bins, double lo, double hi)
{
    return op_build_histogram(x, bins, lo, hi, NULL);
}
