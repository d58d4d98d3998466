/* Arrays that the library owns: a view, and what keeps its bytes alive. */
#ifndef ONEPASS_RUN_ARRAY_H
#define ONEPASS_RUN_ARRAY_H

#include "run/engine.h"

struct op_array {
    op_engine *engine;
    op_view view;
    void (*release)(void *owner); /* what op_array_free calls for the bytes; NULL: they are op_alloc'ed */
    void *owner;                  /* for release; the bytes if release is NULL */
};

/* A new array of this dtype and shape, in C order; NULL with an error recorded. */
op_array *op_array_new(op_engine *engine, op_dtype dtype, int ndim, const int64_t *shape);
/* An array around bytes that release(owner) frees; on failure the caller still owns them. */
op_array *op_array_wrap(op_engine *engine, const op_view *view, void (*release)(void *owner), void *owner);

#endif
