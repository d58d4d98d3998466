/* Builders of counts: how many elements fall into each bin. */
#include <float.h>
#include <math.h>

#include "base/options.h"
#include "base/view.h"
#include "expr/build.h"
#include "expr/check.h"
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

/* The weights in the dtype that their sums are computed in: f64, or the widest integer, whose sums wrap. */
static op_expr *wide_weights(op_expr *weights, op_expr *x, const char *who)
{
    op_graph *graph = x->graph;
    char mine[OP_SHAPE_TEXT], other[OP_SHAPE_TEXT];
    if (op_expr_graph(weights, who, 1) != graph)
        return op_graph_fail(graph, OP_ERR_INVALID, who, 1, "%s: the weights are no expression of this graph", who);
    if (!op_broadcasts_to(weights->ndim, weights->shape, x->ndim, x->shape))
        return op_graph_fail(
            graph, OP_ERR_SHAPE, who, 1, "%s: weights of shape %s do not broadcast to %s, the shape of what is counted",
            who, op_shape_text(weights->ndim, weights->shape, mine), op_shape_text(x->ndim, x->shape, other));
    int kind = op_dtype_kind((op_dtype)weights->dtype);
    return op_cast(weights, kind == OP_KIND_F ? OP_F64 : kind == OP_KIND_U ? OP_U64 : OP_I64);
}

/* Counts places: integers, of which those in 0..bins-1 are bins. With weights, which may be NULL, adds them up. */
static op_expr *count_places(op_expr *place, int64_t bins, const op_counting *counting, op_expr *weights)
{
    place = place ? op_cast(place, OP_I64) : NULL;
    place = place && counting->where ? leave_out(place, counting->where) : place;
    if (!place)
        return NULL;
    uint64_t all = place->ndim == OP_MAX_NDIM ? UINT64_MAX : ((uint64_t)1 << place->ndim) - 1;
    op_expr draft = {.kind = OP_NODE_COUNT,
                     .dtype = weights ? weights->dtype : OP_I64,
                     .ndim = 1,
                     .n_args = weights ? 2 : 1,
                     .shape = &bins,
                     .arg = {place, weights},
                     .reduce = {.axes = all, .counting = counting}};
    return op_graph_intern(place->graph, &draft);
}

/* Options without any are NULL's. Returns 0 after an error. */
static int read_options(op_graph *graph, const char *who, const op_count_options *given, op_count_options *options)
{
    *options = given ? *given : (op_count_options){0};
    if (op_options_known("op_count_options", 0, options->reserved) == OP_OK)
        return 1;
    op_error error = *op_last_error();
    return op_graph_fail(graph, error.code, who, -1, "%s: %s", who, error.message), 0;
}

op_expr *op_bincount_opt(op_expr *x, int64_t bins, const op_count_options *options)
{
    op_graph *graph = op_expr_graph(x, "bincount", 0);
    op_count_options o;
    if (!graph || !read_options(graph, "bincount", options, &o))
        return NULL;
    if (!(op_dtype_kind((op_dtype)x->dtype) & (OP_KIND_B | OP_KIND_I | OP_KIND_U)))
        return op_graph_fail(graph, OP_ERR_DTYPE, "bincount", 0,
                             "bincount counts integers and bools, not %s; histogram counts floats",
                             op_dtype_name((op_dtype)x->dtype));
    if (bins < 1 || bins > OP_MOST_BINS)
        return wrong_bins(graph, "bincount", bins);
    op_counting counting = {.x = x, .where = o.where};
    op_expr *weights = o.weights ? wide_weights(op_cast(o.weights, OP_F64), x, "bincount") : NULL; /* NumPy's dtype */
    return o.weights && !weights ? NULL : count_places(x, bins, &counting, weights);
}

op_expr *op_bincount(op_expr *x, int64_t bins)
{
    return op_bincount_opt(x, bins, NULL);
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

/* The bins of a histogram of x; 0 after an error. */
static int set_bins(op_expr *x, int64_t n, double lo, double hi, op_bins *bins)
{
    op_graph *graph = x->graph;
    if (n < 1 || n > OP_MOST_BINS)
        return wrong_bins(graph, "histogram", n), 0;
    if (!(lo < hi) || !isfinite(hi - lo))
        return op_graph_fail(graph, OP_ERR_RANGE, "histogram", 2,
                             "histogram: the range %.17g to %.17g is not one of finite width, from less to more", lo,
                             hi),
               0;
    *bins = (op_bins){n, lo, hi, (hi - lo) / (double)n, x->dtype == OP_F32 ? OP_F32 : OP_F64};
    if (!edges_rise(bins))
        return op_graph_fail(graph, OP_ERR_RANGE, "histogram", 1,
                             "histogram: %lld bins between %.17g and %.17g are too narrow for %s", (long long)n, lo, hi,
                             op_dtype_name(bins->dtype)),
               0;
    return 1;
}

op_expr *op_histogram_opt(op_expr *x, int64_t n, double lo, double hi, const op_count_options *options)
{
    op_graph *graph = op_expr_graph(x, "histogram", 0);
    op_count_options o;
    op_bins bins;
    if (!graph || !read_options(graph, "histogram", options, &o) || !set_bins(x, n, lo, hi, &bins))
        return NULL;
    op_counting counting = {x, o.where, lo, hi};
    op_expr *value = op_cast(x, bins.dtype), *weights = o.weights ? wide_weights(o.weights, x, "histogram") : NULL;
    if (!value || (o.weights && !weights))
        return NULL;
    op_expr *counts = count_places(find_bins(&bins, value), n, &counting, weights);
    return counts && weights ? op_cast(counts, (op_dtype)o.weights->dtype) : counts; /* as NumPy's */
}

op_expr *op_histogram(op_expr *x, int64_t bins, double lo, double hi)
{
    return op_histogram_opt(x, bins, lo, hi, NULL);
}
