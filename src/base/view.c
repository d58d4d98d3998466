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

int op_views_overlap(const op_view *a, const op_view *b)
{
    const char *begin_a, *end_a, *begin_b, *end_b;
    op_view_span(a, &begin_a, &end_a);
    op_view_span(b, &begin_b, &end_b);
    return begin_a < end_b && begin_b < end_a;
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
