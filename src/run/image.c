/* Code pages. */
#define _GNU_SOURCE
#include "run/image.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *op_image_map(const op_image *image, size_t *mapping_size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (image->size + page - 1) & ~(page - 1);
    void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return NULL;
    memcpy(mapping, image->bytes, image->size);
    __builtin___clear_cache((char *)mapping, (char *)mapping + size);
    if (mprotect(mapping, size, PROT_READ | PROT_EXEC) != 0) {
        munmap(mapping, size);
        return NULL;
    }
    *mapping_size = size;
    return mapping;
}

void op_image_unmap(void *mapping, size_t mapping_size)
{
    if (mapping)
        munmap(mapping, mapping_size);
}
