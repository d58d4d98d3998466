/* From a path to a view. */
#include "io/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "io/npy.h"
#include "io/npz.h"

/* Reverses the bytes of each part: a complex number is two parts. */
static void swap_parts(uint8_t *to, const uint8_t *from, size_t bytes, size_t part)
{
    for (size_t i = 0; i + part <= bytes; i += part)
        for (size_t k = 0; k < part; k++)
            to[i + k] = from[i + part - 1 - k];
}

/* Replaces the block by one with the data alone, in this machine's byte order. */
static op_status swap_block(op_block *block, const char *name, const op_npy *npy)
{
    op_block swapped;
    uint8_t *bytes;
    op_status status = op_block_alloc(&swapped, (size_t)npy->data_bytes, name, block->allocator, &bytes);
    if (status != OP_OK)
        return status;
    size_t part = (size_t)op_dtype_size(npy->dtype);
    if (npy->dtype == OP_C64 || npy->dtype == OP_C128)
        part /= 2;
    swap_parts(bytes, block->bytes + npy->data_offset, (size_t)npy->data_bytes, part);
    op_block_release(block);
    *block = swapped;
    return OP_OK;
}

static op_view view_of(const uint8_t *data, const op_npy *npy)
{
    int64_t strides[OP_MAX_NDIM], stride = op_dtype_size(npy->dtype);
    for (int i = 0; i < npy->ndim; i++) {
        int axis = npy->fortran ? i : npy->ndim - 1 - i;
        strides[axis] = stride;
        if (npy->data_bytes) /* else the extents may be anything */
            stride *= npy->shape[axis];
    }
    return op_view_nd(npy->dtype, data, npy->ndim, npy->shape, strides);
}

/* The view of a block that holds a .npy file. */
static op_status open_npy(op_block *block, const char *name, op_view *view)
{
    op_npy npy;
    op_status status = op_npy_parse_header(block->bytes, block->size, name, &npy);
    if (status != OP_OK)
        return status;
    size_t there = block->size - npy.data_offset;
    if ((uint64_t)npy.data_bytes > there)
        return op_fail(OP_ERR_FORMAT, "%s is cut short: %lld bytes of data are missing", name,
                       (long long)((uint64_t)npy.data_bytes - there));
    size_t offset = npy.data_offset;
    if (npy.swapped) {
        status = swap_block(block, name, &npy);
        offset = 0;
    }
    if (status == OP_OK)
        *view = view_of(block->bytes + offset, &npy);
    return status;
}

static int is_zip(const op_block *block)
{
    return block->size >= 4 && (!memcmp(block->bytes, "PK\3\4", 4) || !memcmp(block->bytes, "PK\5\6", 4));
}

static op_status open_block(op_block *block, const char *path, const char *member, const char *name, op_view *view)
{
    op_status status = OP_OK;
    if (member || is_zip(block))
        status = op_npz_select(block, path, member);
    if (status == OP_OK)
        status = open_npy(block, name, view);
    if (status != OP_OK)
        op_block_release(block);
    return status;
}

/* Splits "x.npz:member" at the last ".npz:"; returns where the member's name begins, or NULL. */
static const char *find_member(const char *path)
{
    const char *found = NULL;
    for (const char *at = path; (at = strstr(at, ".npz:")) != NULL; at += 5)
        found = at + 5;
    return found;
}

op_status op_load_file(const char *path, const op_allocator *allocator, op_block *block, op_view *view)
{
    const char *member = find_member(path);
    char *archive = member ? strndup(path, (size_t)(member - path) - 1) : NULL;
    if (member && !archive)
        return op_fail(OP_ERR_MEMORY, "out of memory");
    op_status status = op_block_open(block, archive ? archive : path, allocator);
    if (status == OP_OK)
        status = open_block(block, archive ? archive : path, member, path, view);
    free(archive);
    return status;
}

op_status op_load_fd(int fd, const char *name, const op_allocator *allocator, op_block *block, op_view *view)
{
    op_status status = op_block_open_fd(block, fd, name, allocator);
    return status == OP_OK ? open_block(block, name, NULL, name, view) : status;
}
