/* Reading files: mapping where that is possible. */
#include "io/block.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"

enum { FIRST_READ = 64 << 10 };

op_status op_block_alloc(op_block *block, size_t size, const char *name, const op_allocator *allocator,
                         uint8_t **bytes)
{
    *block = (op_block){.size = size, .allocator = allocator};
    block->memory = op_alloc(allocator, size);
    if (!block->memory)
        return op_fail(OP_ERR_MEMORY, "%s: out of memory for %zu bytes", name, size);
    block->bytes = *bytes = block->memory;
    return OP_OK;
}

void op_block_release(op_block *block)
{
    if (block->map)
        munmap(block->map, block->map_size);
    if (block->memory)
        op_release(block->allocator, block->memory);
    *block = (op_block){0};
}

/* Doubles the room of a block of memory. */
static op_status grow(op_block *block, const char *name)
{
    op_block larger;
    uint8_t *bytes = NULL;
    op_status status = op_block_alloc(&larger, block->size ? 2 * block->size : FIRST_READ, name, block->allocator,
                                      &bytes);
    if (status != OP_OK)
        return status;
    if (block->size)
        memcpy(bytes, block->bytes, block->size);
    op_block_release(block);
    *block = larger;
    return OP_OK;
}

static op_status read_to_end(op_block *block, int fd, const char *name)
{
    size_t used = 0;
    for (;;) {
        if (used == block->size) {
            op_status status = grow(block, name);
            if (status != OP_OK)
                return status;
        }
        ssize_t got = read(fd, (uint8_t *)block->memory + used, block->size - used);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return op_fail(OP_ERR_IO, "cannot read %s: %s", name, strerror(errno));
        used += (size_t)got;
    }
    block->size = used;
    return OP_OK;
}

op_status op_block_open_fd(op_block *block, int fd, const char *name, const op_allocator *allocator)
{
    *block = (op_block){.allocator = allocator};
    struct stat info;
    if (fstat(fd, &info))
        return op_fail(OP_ERR_IO, "cannot read %s: %s", name, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return op_fail(OP_ERR_IO, "cannot read %s: it is a directory", name);
    if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)) {
        op_status status = read_to_end(block, fd, name);
        if (status != OP_OK)
            op_block_release(block);
        return status;
    }
    if (!S_ISREG(info.st_mode))
        return op_fail(OP_ERR_IO, "cannot read %s: neither a file nor a pipe", name);
    if (info.st_size == 0) /* nothing to map */
        return OP_OK;
    void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return op_fail(OP_ERR_IO, "cannot map %s: %s", name, strerror(errno));
    block->map = map;
    block->bytes = map;
    block->size = block->map_size = (size_t)info.st_size;
    return OP_OK;
}

op_status op_block_open(op_block *block, const char *path, const op_allocator *allocator)
{
    *block = (op_block){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return op_fail(OP_ERR_IO, "cannot open %s: %s", path, strerror(errno));
    op_status status = op_block_open_fd(block, fd, path, allocator);
    close(fd);
    return status;
}
