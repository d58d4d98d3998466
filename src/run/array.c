/* Owned arrays. */
#define _GNU_SOURCE
#include "run/array.h"

#include <sys/mman.h>

#include "base/dtype.h"
#include "base/view.h"
#include "expr/graph.h"

enum { HUGE_PAGE = 2 << 20 };

op_array *op_array_wrap(op_engine *engine, const op_view *view, void (*release)(void *owner), void *owner)
{
    op_array *array = op_alloc(&engine->allocator, sizeof *array);
    if (!array) {
        op_fail(OP_ERR_MEMORY, "out of memory for an array");
        return NULL;
    }
    *array = (op_array){.engine = engine, .view = *view, .release = release, .owner = owner};
    op_engine_retain(engine);
    return array;
}

op_array *op_array_new(op_engine *engine, op_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t bytes = op_dtype_size(dtype);
    for (int i = 0; i < ndim; i++)
        if (__builtin_mul_overflow(bytes, shape[i] > 0 ? shape[i] : 1, &bytes)) {
            op_fail(OP_ERR_MEMORY, "an array of more bytes than can be addressed");
            return NULL;
        }
    char *memory = op_alloc(&engine->allocator, (size_t)bytes);
    if (!memory) {
        op_fail(OP_ERR_MEMORY, "out of memory for an array of %lld bytes", (long long)bytes);
        return NULL;
    }
    if (bytes >= 2 * HUGE_PAGE) { /* a hint: fewer page faults and TLB misses */
        char *begin = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
        madvise(begin, (size_t)(memory + bytes - begin) & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
    }
    op_view view = op_view_nd(dtype, memory, ndim, shape, NULL);
    op_array *array = op_array_wrap(engine, &view, NULL, memory);
    if (!array)
        op_release(&engine->allocator, memory);
    return array;
}

op_view op_array_view(const op_array *array)
{
    return array ? array->view : (op_view){.ndim = 0};
}

void op_array_free(op_array *array)
{
    if (!array)
        return;
    op_engine *engine = array->engine;
    if (array->release)
        array->release(array->owner);
    else
        op_release(&engine->allocator, array->owner);
    op_release(&engine->allocator, array);
    op_engine_free(engine);
}
