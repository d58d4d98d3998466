/* Questions about views. */
#ifndef ONEPASS_BASE_VIEW_H
#define ONEPASS_BASE_VIEW_H

#include "base/memory.h"
#include "onepass/onepass.h"

/* OP_OK, or an error with a sentence that starts with `what`: dtype, ndim, extents, element count,
 * a NULL pointer to elements that exist. */
op_status op_view_check(const op_view *view, const char *what);
/* Elements of a shape. */
int64_t op_shape_size(int ndim, const int64_t *shape);
/* The bytes that a view touches: [*begin, *end), empty if it has no elements. */
void op_view_span(const op_view *view, const char **begin, const char **end);
/* False if no byte belongs to both: their spans are apart, or their elements or rows interleave. True otherwise
 * (and in rare cases of unlike strides where they do not meet). */
int op_views_overlap(const op_view *a, const op_view *b);

enum { OP_SHAPE_TEXT = 128 };
/* "(3, 4)", "(5,)", "()"; -1 is printed as "?". Cut with "..." to fit. Returns text. */
const char *op_shape_text(int ndim, const int64_t *shape, char text[OP_SHAPE_TEXT]);

#endif
