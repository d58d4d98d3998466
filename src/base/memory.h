/* Every byte that the library allocates: the engine's allocator, and arenas on top of it. */
#ifndef ONEPASS_BASE_MEMORY_H
#define ONEPASS_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

enum { OP_ALIGNMENT = 64 }; /* of what op_alloc returns, bytes: a cache line, the widest vector */

static inline int64_t op_aligned(int64_t bytes)
{
    return (bytes + OP_ALIGNMENT - 1) & ~(int64_t)(OP_ALIGNMENT - 1);
}

typedef struct op_allocator {
    void *(*alloc)(size_t bytes, void *ctx);
    void (*free)(void *memory, void *ctx);
    void *ctx;
} op_allocator;

/* aligned_alloc and free. */
extern const op_allocator op_default_allocator;

void *op_alloc(const op_allocator *allocator, size_t bytes);
/* The same, zeroed. */
void *op_alloc_zero(const op_allocator *allocator, size_t bytes);
void op_release(const op_allocator *allocator, void *memory);

/* Memory that is freed all at once, or back to a mark. A chunk that has been allocated is kept for
 * reuse until the end. */
typedef struct op_chunk op_chunk;
typedef struct op_arena {
    const op_allocator *allocator;
    op_chunk *chunk; /* the current one; older ones behind it */
    op_chunk *spare; /* released, newest first */
    char *next, *end;
} op_arena;

typedef struct op_arena_mark {
    op_chunk *chunk;
    char *next;
} op_arena_mark;

void op_arena_init(op_arena *arena, const op_allocator *allocator);
void op_arena_free(op_arena *arena);
/* At a multiple of 16 bytes; NULL if out of memory. */
void *op_arena_alloc(op_arena *arena, size_t bytes);
/* A copy of the text; NULL if out of memory. */
char *op_arena_text(op_arena *arena, const char *text);
op_arena_mark op_arena_get_mark(const op_arena *arena);
void op_arena_release(op_arena *arena, op_arena_mark mark);
/* Releases what was allocated last down to this allocation, inclusive. */
void op_arena_release_to(op_arena *arena, void *memory);

#define OP_NEW_ARRAY(arena, type, n) ((type *)op_arena_alloc(arena, sizeof(type) * (size_t)(n)))

#endif
