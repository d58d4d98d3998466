/* Shapes of view steps. */
#include "expr/shape.h"

#include <string.h>

#include "base/view.h"

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

int64_t op_slice_indices(int64_t extent, int64_t *start, int64_t stop, int64_t step)
{
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? extent - 1 : extent;
    if (*start == OP_END)
        *start = step < 0 ? high : low;
    else
        *start = clamp(*start < 0 ? *start + extent : *start, low, high);
    if (stop == OP_END)
        stop = step < 0 ? low : high;
    else
        stop = clamp(stop < 0 ? stop + extent : stop, low, high);
    /* in unsigned arithmetic: step may be INT64_MIN */
    if (step > 0)
        return stop > *start ? (stop - *start - 1) / step + 1 : 0;
    return stop < *start ? (int64_t)((uint64_t)(*start - stop - 1) / (0 - (uint64_t)step)) + 1 : 0;
}

static const char *slice_shape(const op_view_step *step, const int64_t *shape, int64_t *result)
{
    int64_t extent = shape[step->axis], start = step->start;
    result[step->axis] = extent < 0 ? -1 : op_slice_indices(extent, &start, step->stop, step->step);
    return NULL;
}

/* Copies shape without the axis. */
static void drop_axis(int axis, int ndim, const int64_t *shape, int64_t *result)
{
    for (int i = 0; i < ndim - 1; i++)
        result[i] = shape[i + (i >= axis)];
}

static const char *index_shape(const op_view_step *step, int ndim, const int64_t *shape, int64_t *result)
{
    int64_t extent = shape[step->axis];
    if (extent >= 0 && (step->start < -extent || step->start >= extent))
        return "the index is out of bounds";
    drop_axis(step->axis, ndim, shape, result);
    return NULL;
}

static const char *broadcast_shape(const op_view_step *step, int ndim, const int64_t *shape, int result_ndim,
                                   int64_t *result)
{
    memcpy(result, step->list, sizeof *result * (size_t)result_ndim);
    for (int i = 0; i < ndim; i++) {
        int64_t wanted = result[result_ndim - ndim + i];
        if (shape[i] != -1 && shape[i] != 1 && shape[i] != wanted)
            return "the shape does not broadcast to the one that is asked for";
    }
    return NULL;
}

static const char *reshape_shape(const op_view_step *step, int ndim, const int64_t *shape, int result_ndim,
                                 int64_t *result)
{
    int unknown = -1;
    int64_t known = 1, total = 1;
    for (int i = 0; i < ndim; i++)
        total = shape[i] < 0 || total < 0 ? -1 : total * shape[i];
    for (int i = 0; i < result_ndim; i++) {
        result[i] = step->list[i];
        if (result[i] == -1)
            unknown = i;
        else
            known *= result[i];
    }
    if (total < 0)
        return NULL;
    if (unknown >= 0) {
        if (known == 0 || total % known)
            return "the number of elements cannot stay the same";
        result[unknown] = total / known;
    } else if (known != total) {
        return "the number of elements would change";
    }
    return NULL;
}

const char *op_view_shape(const op_view_step *step, int ndim, const int64_t *shape, int result_ndim, int64_t *result)
{
    switch (step->kind) {
    case OP_VIEW_SLICE:
        memcpy(result, shape, sizeof *shape * (size_t)ndim);
        return slice_shape(step, shape, result);
    case OP_VIEW_INDEX:
        return index_shape(step, ndim, shape, result);
    case OP_VIEW_PERMUTE:
        for (int i = 0; i < ndim; i++)
            result[i] = shape[step->list[i]];
        return NULL;
    case OP_VIEW_NEWAXIS:
        for (int i = 0; i < result_ndim; i++)
            result[i] = i == step->axis ? 1 : shape[i - (i > step->axis)];
        return NULL;
    case OP_VIEW_SQUEEZE:
        if (shape[step->axis] != -1 && shape[step->axis] != 1)
            return "the axis to squeeze is longer than 1";
        drop_axis(step->axis, ndim, shape, result);
        return NULL;
    case OP_VIEW_BROADCAST:
        return broadcast_shape(step, ndim, shape, result_ndim, result);
    case OP_VIEW_RESHAPE:
        return reshape_shape(step, ndim, shape, result_ndim, result);
    }
    return "no such view";
}
