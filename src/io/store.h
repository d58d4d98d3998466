/* Writing a file whole or not at all: a temporary file beside the target is mapped, filled, and given
 * the target's name at the end. The space is reserved first, so that a full disk is an error here and
 * not a signal later. Nothing is flushed to the disk: the file survives a crash of the process, not
 * of the machine. */
#ifndef ONEPASS_IO_STORE_H
#define ONEPASS_IO_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "onepass/onepass.h"

typedef struct op_store {
    uint8_t *bytes; /* to be filled */
    size_t size;
    int fd;
    int owns_fd;
    char *target;    /* owned */
    char *temporary; /* owned; NULL: the bytes are memory, and are written to fd by op_store_commit */
} op_store;

/* A new file of `size` bytes, which may replace one. A target that is a device or a pipe is written
 * at the end, and not replaced. */
op_status op_store_open(op_store *store, const char *path, size_t size);
/* The same, to be written to an open descriptor, which stays open. */
op_status op_store_open_fd(op_store *store, int fd, const char *name, size_t size);
/* A .npy file in C order: header and view are ready, the elements are to be filled. fd < 0: a path. */
op_status op_store_open_npy(op_store *store, const char *path, int fd, op_dtype dtype, int ndim,
                            const int64_t *shape, op_view *view);
/* Puts the file in its place. Whatever it returns, the store is closed, and the temporary file gone. */
op_status op_store_commit(op_store *store);
/* Leaves everything as it was before. Does nothing to a store that is zeroed or closed. */
void op_store_discard(op_store *store);

#endif
