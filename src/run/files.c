/* op_load and op_save: files as arrays. */
#include <errno.h>
#include <string.h>

#include "base/dtype.h"
#include "base/view.h"
#include "io/load.h"
#include "io/store.h"
#include "run/array.h"

/* What keeps a loaded array's bytes: the block, in memory of the engine's. */
static void release_block(void *owner)
{
    op_block *block = owner, copy = *block;
    op_release(copy.allocator, block);
    op_block_release(&copy);
}

static op_status load(op_engine *engine, const char *path, op_array **array)
{
    op_block block, *kept;
    op_view view;
    op_status status = op_load_file(path, &engine->allocator, &block, &view);
    if (status != OP_OK)
        return status;
    if (!op_dtypes[view.dtype].works) {
        op_block_release(&block);
        return op_fail(OP_ERR_UNSUPPORTED, "%s: arrays of %s are not supported in this version", path,
                       op_dtype_name(view.dtype));
    }
    kept = op_alloc(&engine->allocator, sizeof *kept);
    if (!kept) {
        op_block_release(&block);
        return op_fail(OP_ERR_MEMORY, "%s: out of memory", path);
    }
    *kept = block;
    *array = op_array_wrap(engine, &view, release_block, kept);
    if (*array)
        return OP_OK;
    release_block(kept);
    return OP_ERR_MEMORY;
}

op_status op_load(op_engine *engine, const char *path, op_array **array)
{
    int error = errno;
    if (!engine || !path || !array)
        return op_fail(OP_ERR_INVALID, "op_load: %s is NULL", !engine ? "the engine" : !path ? "the path"
                       : "the place for the array");
    *array = NULL;
    op_status status = load(engine, path, array);
    errno = error;
    return status;
}

/* Copies the elements in C order; bools become 0 or 1. */
static void copy_elements(uint8_t *to, const op_view *from)
{
    int64_t index[OP_MAX_NDIM] = {0}, size = op_shape_size(from->ndim, from->shape);
    size_t element = (size_t)op_dtype_size(from->dtype);
    const char *at = from->cdata;
    for (int64_t i = 0; i < size; i++) {
        memcpy(to, at, element);
        if (from->dtype == OP_BOOL)
            *to = *to != 0;
        to += element;
        for (int axis = from->ndim - 1; axis >= 0; axis--) {
            at += from->strides[axis];
            if (++index[axis] < from->shape[axis])
                break;
            at -= from->strides[axis] * from->shape[axis];
            index[axis] = 0;
        }
    }
}

static op_status save(const char *path, const op_view *view)
{
    op_store store;
    op_view out;
    op_status status = op_store_open_npy(&store, path, -1, view->dtype, view->ndim, view->shape, &out);
    if (status != OP_OK)
        return status;
    int empty = 0;
    for (int i = 0; i < view->ndim; i++)
        empty |= view->shape[i] == 0;
    if (!empty)
        copy_elements(out.data, view);
    return op_store_commit(&store);
}

op_status op_save(const char *path, op_view view)
{
    int error = errno;
    if (!path)
        return op_fail(OP_ERR_INVALID, "op_save: the path is NULL");
    op_status status = op_view_check(&view, "op_save");
    if (status == OP_OK)
        status = save(path, &view);
    errno = error;
    return status;
}
