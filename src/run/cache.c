/* The kernel cache: whole signatures are compared, not hashes; one thread compiles a kernel while others
 * that want the same one wait; the least recently used goes when there are too many. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "run/compiler.h"
#include "run/engine.h"
#include "run/image.h"

enum { MOST_CODES = 4096 };

int op_cache_init(op_cache *cache)
{
    return pthread_mutex_init(&cache->lock, NULL) == 0 && pthread_cond_init(&cache->ready, NULL) == 0;
}

void op_cache_free(op_cache *cache)
{
    for (uint32_t i = 0; i < OP_CACHE_BUCKETS; i++)
        while (cache->bucket[i]) {
            op_code *code = cache->bucket[i];
            cache->bucket[i] = code->next;
            op_code_release(code);
        }
    pthread_cond_destroy(&cache->ready);
    pthread_mutex_destroy(&cache->lock);
}

void op_code_retain(op_code *code)
{
    atomic_fetch_add_explicit(&code->refs, 1, memory_order_relaxed);
}

void op_code_release(op_code *code)
{
    if (!code || atomic_fetch_sub_explicit(&code->refs, 1, memory_order_acq_rel) != 1)
        return;
    const op_allocator *allocator = code->allocator;
    op_image_unmap(code->mapping, code->mapping_size);
    op_release(allocator, code->slots.slot);
    op_release(allocator, code->program_memory);
    op_release(allocator, code->key);
    op_release(allocator, code);
}

int op_code_run(const op_code *code, const op_kernel_args *args, int64_t begin, int64_t end)
{
    if (!code->fn)
        return op_interpret(code, args, begin, end);
    code->fn(args, begin, end);
    return 1;
}

/* A code with its program decoded, not compiled yet. */
static op_code *new_code(op_engine *engine, const uint8_t *key, size_t key_size, uint64_t hash)
{
    const op_allocator *allocator = &engine->allocator;
    op_code *code = op_alloc_zero(allocator, sizeof *code);
    if (!code)
        return NULL;
    code->allocator = allocator;
    code->hash = hash;
    code->key_size = key_size;
    atomic_store(&code->refs, 1);
    code->key = op_alloc(allocator, key_size);
    code->program_memory = op_alloc(allocator, op_signature_memory(key, key_size));
    if (!code->key || !code->program_memory || !op_signature_decode(key, key_size, &code->program, code->program_memory) ||
        !op_interpret_prepare(&code->program, allocator, &code->slots)) {
        op_code_release(code);
        return NULL;
    }
    memcpy(code->key, key, key_size);
    return code;
}

static void adopt_image(op_engine *engine, op_code *code, op_image *image)
{
    code->mapping = op_image_map(image, &code->mapping_size);
    if (code->mapping) {
        void *entry = (char *)code->mapping + image->entry;
        memcpy(&code->fn, &entry, sizeof code->fn);
    } else {
        code->why_interpreted = "the system allows no executable page";
    }
    free(image->bytes);
    if (op_engine_debugs(engine, 'c'))
        op_engine_log(engine, "cache: compiled %016llx, %zu bytes of code", (unsigned long long)code->hash, image->size);
}

static void compile(op_engine *engine, op_code *code)
{
    op_image image;
    char message[256] = "";
    double start = op_seconds();
    op_status status = op_compiler_compile(engine, code->key, code->key_size, &image, message, sizeof message);
    code->compile_seconds = op_seconds() - start;
    if (status == OP_OK)
        adopt_image(engine, code, &image);
    else
        code->why_interpreted = "the compiler failed";
    if (status != OP_OK && op_engine_debugs(engine, 'c'))
        op_engine_log(engine, "cache: %016llx is interpreted: %s", (unsigned long long)code->hash, message);
    if (op_engine_debugs(engine, 't'))
        op_engine_log(engine, "time: compile %.3f ms", 1e3 * code->compile_seconds);
}

/* ---- the table; called with the lock held ---- */

static op_code *find(op_cache *cache, const uint8_t *key, size_t key_size, uint64_t hash)
{
    for (op_code *code = cache->bucket[hash % OP_CACHE_BUCKETS]; code; code = code->next)
        if (code->hash == hash && code->key_size == key_size && !memcmp(code->key, key, key_size))
            return code;
    return NULL;
}

/* Drops the least recently used code that is ready. */
static void evict(op_cache *cache)
{
    op_code **oldest = NULL;
    for (uint32_t i = 0; i < OP_CACHE_BUCKETS; i++)
        for (op_code **link = &cache->bucket[i]; *link; link = &(*link)->next)
            if (atomic_load(&(*link)->state) == OP_CODE_READY && (!oldest || (*link)->last_use < (*oldest)->last_use))
                oldest = link;
    if (!oldest)
        return;
    op_code *code = *oldest;
    *oldest = code->next;
    cache->n_code--;
    op_code_release(code);
}

static void insert(op_cache *cache, op_code *code)
{
    if (cache->n_code >= MOST_CODES)
        evict(cache);
    op_code **bucket = &cache->bucket[code->hash % OP_CACHE_BUCKETS];
    code->next = *bucket;
    *bucket = code;
    cache->n_code++;
    op_code_retain(code);
}

/* ---- lookup ---- */

static op_status add(op_engine *engine, const uint8_t *key, size_t key_size, uint64_t hash, op_lookup *lookup)
{
    op_cache *cache = &engine->cache;
    op_code *code = new_code(engine, key, key_size, hash);
    if (!code) {
        pthread_mutex_unlock(&cache->lock);
        return op_fail(OP_ERR_MEMORY, "out of memory for a kernel");
    }
    insert(cache, code);
    code->last_use = ++cache->clock;
    pthread_mutex_unlock(&cache->lock);
    if (engine->interpret)
        code->why_interpreted = "the interpreter was asked for";
    else
        compile(engine, code);
    pthread_mutex_lock(&cache->lock);
    atomic_store(&code->state, OP_CODE_READY);
    pthread_cond_broadcast(&cache->ready);
    pthread_mutex_unlock(&cache->lock);
    *lookup = (op_lookup){code, "this signature is new to the engine", code->fn != NULL};
    return OP_OK;
}

op_status op_cache_get(op_engine *engine, const uint8_t *key, size_t key_size, op_lookup *lookup)
{
    op_cache *cache = &engine->cache;
    uint64_t hash = op_hash_bytes(key, key_size);
    pthread_mutex_lock(&cache->lock);
    op_code *code = find(cache, key, key_size, hash);
    if (!code)
        return add(engine, key, key_size, hash, lookup);
    op_code_retain(code);
    code->last_use = ++cache->clock;
    while (atomic_load(&code->state) != OP_CODE_READY)
        pthread_cond_wait(&cache->ready, &cache->lock);
    pthread_mutex_unlock(&cache->lock);
    *lookup = (op_lookup){code, "", 0};
    return OP_OK;
}
