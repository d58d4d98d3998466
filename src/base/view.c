/* Views: checks, spans and printing. */
#include "base/view.h"

#include <string.h>

#include "base/dtype.h"
#include "base/status.h"

int64_t op_shape_size(int ndim, const int64_t *shape)
{
    int64_t size = 1;
    for (int i = 0; i < ndim; i++)
        size *= shape[i];
    return size;
}

op_status op_view_check(const op_view *view, const char *what)
{
    if (!op_dtype_valid(view->dtype))
        return op_fail(OP_ERR_DTYPE, "%s: %d is no dtype (a zeroed view?)", what, (int)view->dtype);
    if (!op_dtypes[view->dtype].works)
        return op_fail(OP_ERR_UNSUPPORTED, "%s: arrays of %s are not supported in this version", what,
                       op_dtype_name(view->dtype));
    if (view->ndim < 0 || view->ndim > OP_MAX_NDIM)
        return op_fail(OP_ERR_SHAPE, "%s: %d dimensions; there can be 0 to %d", what, view->ndim, OP_MAX_NDIM);
    int empty = 0;
    int64_t reach = op_dtype_size(view->dtype), size = 1;
    for (int i = 0; i < view->ndim; i++) {
        if (view->shape[i] < 0)
            return op_fail(OP_ERR_SHAPE, "%s: extent %lld of dimension %d is negative", what,
                           (long long)view->shape[i], i);
        empty |= view->shape[i] == 0;
    }
    for (int i = 0; i < view->ndim && !empty; i++) {
        int64_t bytes;
        if (__builtin_mul_overflow(view->shape[i] - 1, view->strides[i], &bytes) || bytes == INT64_MIN ||
            __builtin_add_overflow(reach, bytes < 0 ? -bytes : bytes, &reach) ||
            __builtin_mul_overflow(size, view->shape[i], &size) || size > INT64_MAX / 16)
            return op_fail(OP_ERR_SHAPE, "%s: more elements or bytes than can be addressed", what);
    }
    if (!view->cdata && !empty)
        return op_fail(OP_ERR_INVALID, "%s: the data pointer is NULL", what);
    return OP_OK;
}

void op_view_span(const op_view *view, const char **begin, const char **end)
{
    const char *low = view->cdata, *high = low;
    for (int i = 0; i < view->ndim; i++) {
        if (view->shape[i] == 0) {
            *begin = *end = low;
            return;
        }
        int64_t bytes = (view->shape[i] - 1) * view->strides[i];
        if (bytes < 0)
            low += bytes;
        else
            high += bytes;
    }
    *begin = low;
    *end = high + op_dtype_size(view->dtype);
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int64_t length_of(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* The view from the point of steps of at least `step` bytes: *period divides all of them, and what the smaller
 * ones reach around any element is [*low, *high). */
static void split_at(const op_view *view, int64_t step, int64_t *period, int64_t *low, int64_t *high)
{
    *low = 0;
    *high = op_dtype_size(view->dtype);
    for (int i = 0; i < view->ndim; i++) {
        int64_t bytes = (view->shape[i] - 1) * view->strides[i];
        if (view->shape[i] > 1 && length_of(view->strides[i]) >= step)
            *period = gcd(*period, length_of(view->strides[i]));
        else if (bytes < 0)
            *low += bytes;
        else
            *high += bytes;
    }
}

/* True if two views interleave, as the colours of a picture or the halves of its rows do: their blocks, repeated
 * with a common period, never meet. */
static int interleave(const op_view *a, const op_view *b, int64_t step)
{
    int64_t period = 0, low_a, high_a, low_b, high_b;
    split_at(a, step, &period, &low_a, &high_a);
    split_at(b, step, &period, &low_b, &high_b);
    if (period == 0)
        return 0;
    /* how far b's block begins after a's, within a period */
    int64_t apart = (int64_t)((intptr_t)b->cdata - (intptr_t)a->cdata + low_b - low_a) % period;
    apart += apart < 0 ? period : 0;
    return apart >= high_a - low_a && period - apart >= high_b - low_b;
}

int op_views_overlap(const op_view *a, const op_view *b)
{
    const char *begin_a, *end_a, *begin_b, *end_b;
    op_view_span(a, &begin_a, &end_a);
    op_view_span(b, &begin_b, &end_b);
    if (begin_a >= end_b || begin_b >= end_a)
        return 0;
    for (int i = 0; i < a->ndim; i++)
        if (a->shape[i] > 1 && a->strides[i] != 0 && interleave(a, b, length_of(a->strides[i])))
            return 0;
    return 1;
}

const char *op_shape_text(int ndim, const int64_t *shape, char text[OP_SHAPE_TEXT])
{
    size_t used = 0;
    text[used++] = '(';
    for (int i = 0; i < ndim; i++) {
        char number[32];
        size_t length = shape[i] < 0 ? (size_t)snprintf(number, sizeof number, "?")
                                     : (size_t)snprintf(number, sizeof number, "%lld", (long long)shape[i]);
        if (used + length + 8 > OP_SHAPE_TEXT) {
            memcpy(text + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(text + used, number, length);
        used += length;
        if (i + 1 < ndim || ndim == 1)
            text[used++] = ',';
        if (i + 1 < ndim)
            text[used++] = ' ';
    }
    text[used++] = ')';
    text[used] = 0;
    return text;
}
