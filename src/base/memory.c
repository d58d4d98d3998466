/* The allocator and arenas. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void *default_alloc(size_t bytes, void *ctx)
{
    (void)ctx;
    return aligned_alloc(OP_ALIGNMENT, (bytes + OP_ALIGNMENT - 1) & ~(size_t)(OP_ALIGNMENT - 1));
}

static void default_free(void *memory, void *ctx)
{
    (void)ctx;
    free(memory);
}

const op_allocator op_default_allocator = {default_alloc, default_free, NULL};

void *op_alloc(const op_allocator *allocator, size_t bytes)
{
    if (bytes > PTRDIFF_MAX - OP_ALIGNMENT)
        return NULL;
    return allocator->alloc(bytes ? bytes : 1, allocator->ctx);
}

void *op_alloc_zero(const op_allocator *allocator, size_t bytes)
{
    void *memory = op_alloc(allocator, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

void op_release(const op_allocator *allocator, void *memory)
{
    if (memory)
        allocator->free(memory, allocator->ctx);
}

struct op_chunk {
    op_chunk *older;
    size_t size; /* bytes after the header */
    _Alignas(16) char bytes[];
};

enum { FIRST_CHUNK = 8 << 10, LARGEST_CHUNK = 1 << 20 };

void op_arena_init(op_arena *arena, const op_allocator *allocator)
{
    *arena = (op_arena){.allocator = allocator};
}

static void free_chunks(const op_allocator *allocator, op_chunk *chunk)
{
    while (chunk) {
        op_chunk *older = chunk->older;
        op_release(allocator, chunk);
        chunk = older;
    }
}

void op_arena_free(op_arena *arena)
{
    free_chunks(arena->allocator, arena->chunk);
    free_chunks(arena->allocator, arena->spare);
    op_arena_init(arena, arena->allocator);
}

/* Makes a chunk with room for `bytes` the current one. */
static int add_chunk(op_arena *arena, size_t bytes)
{
    op_chunk *chunk = arena->spare;
    if (chunk && chunk->size >= bytes) {
        arena->spare = chunk->older;
    } else {
        size_t size = arena->chunk ? arena->chunk->size * 2 : FIRST_CHUNK;
        if (size > LARGEST_CHUNK)
            size = LARGEST_CHUNK;
        if (size < bytes)
            size = bytes;
        chunk = op_alloc(arena->allocator, sizeof *chunk + size);
        if (!chunk)
            return 0;
        chunk->size = size;
    }
    chunk->older = arena->chunk;
    arena->chunk = chunk;
    arena->next = chunk->bytes;
    arena->end = chunk->bytes + chunk->size;
    return 1;
}

void *op_arena_alloc(op_arena *arena, size_t bytes)
{
    if (bytes > PTRDIFF_MAX / 2)
        return NULL;
    bytes = (bytes + 15) & ~(size_t)15;
    if ((size_t)(arena->end - arena->next) < bytes && !add_chunk(arena, bytes))
        return NULL;
    void *memory = arena->next;
    arena->next += bytes;
    return memory;
}

char *op_arena_text(op_arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = op_arena_alloc(arena, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

op_arena_mark op_arena_get_mark(const op_arena *arena)
{
    return (op_arena_mark){arena->chunk, arena->next};
}

void op_arena_release(op_arena *arena, op_arena_mark mark)
{
    while (arena->chunk != mark.chunk) {
        op_chunk *chunk = arena->chunk;
        arena->chunk = chunk->older;
        chunk->older = arena->spare;
        arena->spare = chunk;
    }
    arena->next = mark.next;
    arena->end = arena->chunk ? arena->chunk->bytes + arena->chunk->size : NULL;
}

void op_arena_release_to(op_arena *arena, void *memory)
{
    op_chunk *chunk = arena->chunk;
    uintptr_t address = (uintptr_t)memory;
    while (address < (uintptr_t)chunk->bytes || address >= (uintptr_t)chunk->bytes + chunk->size)
        chunk = chunk->older;
    op_arena_release(arena, (op_arena_mark){chunk, memory});
}
