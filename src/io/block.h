/* Bytes that came from a file: mapped, or in memory when they had to be read, inflated or swapped. */
#ifndef ONEPASS_IO_BLOCK_H
#define ONEPASS_IO_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "onepass/onepass.h"

typedef struct op_block {
    const uint8_t *bytes;
    size_t size;
    void *map; /* to be unmapped, or NULL */
    size_t map_size;
    void *memory; /* to be given back, or NULL */
    const op_allocator *allocator;
} op_block;

/* Maps a regular file read-only; reads a pipe to its end. Anything else is an error. */
op_status op_block_open(op_block *block, const char *path, const op_allocator *allocator);
/* The same for an open descriptor, which stays open; `name` is for messages. */
op_status op_block_open_fd(op_block *block, int fd, const char *name, const op_allocator *allocator);
/* `size` bytes of memory to be filled through *bytes. */
op_status op_block_alloc(op_block *block, size_t size, const char *name, const op_allocator *allocator,
                         uint8_t **bytes);
void op_block_release(op_block *block);

#endif
