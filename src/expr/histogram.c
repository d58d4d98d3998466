/* Builders of counts: how many elements fall into each bin. */
#include "expr/build.h"
#include "expr/reduce.h"

static op_expr *wrong_bins(op_graph *graph, const char *who, int64_t bins)
{
    return op_graph_fail(graph, OP_ERR_LIMIT, who, 1, "%s: there can be 1 to %d bins, not %lld", who, OP_MOST_BINS,
                         (long long)bins);
}

/* -1, which no bin counts, where the mask is false. */
static op_expr *leave_out(op_expr *place, op_expr *where)
{
    op_expr *mask = where ? op_broadcast_to(op_cast(where, OP_BOOL), place->ndim, place->shape) : NULL;
    op_expr *args[] = {mask, place, op_const_i64(place->graph, -1)};
    return mask && args[2] ? op_build(NULL, OP_CODE_where, 3, args) : where ? NULL : place;
}

/* Counts places, integers of which those in 0..bins-1 are bins. */
static op_expr *count_places(op_expr *place, int64_t bins, op_expr *where)
{
    place = place ? op_cast(place, OP_I64) : NULL;
    place = place ? leave_out(place, where) : NULL;
    if (!place)
        return NULL;
    uint64_t all = place->ndim == OP_MAX_NDIM ? UINT64_MAX : ((uint64_t)1 << place->ndim) - 1;
    op_expr draft = {.kind = OP_NODE_COUNT,
                     .dtype = OP_I64,
                     .ndim = 1,
                     .n_args = 1,
                     .shape = &bins,
                     .arg = {place},
                     .reduce = {.axes = all}};
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
    return count_places(x, bins, where);
}

op_expr *op_bincount(op_expr *x, int64_t bins)
{
    return op_build_bincount(x, bins, NULL);
}
