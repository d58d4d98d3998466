/* Engines: options, environment, reference counts. */
#define _GNU_SOURCE
#include "run/engine.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/options.h"
#include "expr/graph.h"

int op_version(void)
{
    return OP_VERSION;
}

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *op_version_text(void)
{
    return TEXT(OP_VERSION_MAJOR) "." TEXT(OP_VERSION_MINOR) "." TEXT(OP_VERSION_PATCH);
}

int op_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? n : 1;
}

/* What Linux says of one cache of this core; 0 if it says nothing. sysconf adds up every core's share on
 * some machines, and would have streaming stores begin ten times too late. */
static int64_t cache_from_sysfs(int index)
{
    char path[80], unit = 0;
    long long size = 0;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int fields = fscanf(file, "%lld%c", &size, &unit);
    fclose(file);
    return fields < 1 ? 0 : unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : size;
}

int64_t op_cache_bytes(void)
{
    static _Atomic int64_t known;
    int64_t bytes = atomic_load_explicit(&known, memory_order_relaxed);
    if (bytes)
        return bytes;
    for (int index = 0; index < 8; index++) {
        int64_t one = cache_from_sysfs(index);
        bytes = one > bytes ? one : bytes;
    }
    if (bytes <= 0)
        bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (bytes <= 0)
        bytes = 8 << 20;
    atomic_store_explicit(&known, bytes, memory_order_relaxed);
    return bytes;
}

double op_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- options and environment ---- */

static const char *environment(const op_engine *engine, const char *name)
{
    return engine->options.flags & OP_ENGINE_NO_ENV ? NULL : getenv(name);
}

static op_status choose_isa(op_engine *engine)
{
    const char *name = engine->options.isa ? engine->options.isa : environment(engine, "ONEPASS_ISA");
    engine->isa = op_isa_best();
    if (!name || !*name)
        return OP_OK;
    op_isa isa = op_isa_from_name(name);
    if (isa == OP_ISA_NONE)
        return op_fail(OP_ERR_INVALID, "\"%s\" is no instruction-set level", name);
    if (!op_isa_runs(isa))
        return op_fail(OP_ERR_UNSUPPORTED, "this machine cannot run the instruction-set level %s", name);
    engine->isa = isa;
    return OP_OK;
}

static op_status choose_threads(op_engine *engine)
{
    int threads = engine->options.threads;
    const char *text = environment(engine, "ONEPASS_THREADS");
    if (!threads && text && *text)
        threads = atoi(text);
    if (threads < 0 || threads > 4096)
        return op_fail(OP_ERR_INVALID, "%d threads; there can be 1 to 4096, or 0 for one per core", threads);
    atomic_store(&engine->threads, threads ? threads : op_cores());
    return OP_OK;
}

static op_status configure(op_engine *engine)
{
    const op_options *o = &engine->options;
    if (!o->alloc != !o->free)
        return op_fail(OP_ERR_INVALID, "op_options: alloc and free go together");
    unsigned known_flags = OP_ENGINE_NO_ENV | OP_ENGINE_INTERPRET | OP_ENGINE_VERIFY;
    op_status status = op_options_known("op_options", o->flags & ~known_flags, o->reserved);
    if (status == OP_OK)
        status = choose_isa(engine);
    if (status == OP_OK)
        status = choose_threads(engine);
    const char *debug = environment(engine, "ONEPASS_DEBUG");
    if (debug)
        strncpy(engine->debug, debug, sizeof engine->debug - 1);
    const char *tier = environment(engine, "ONEPASS_TIER");
    engine->interpret = o->flags & OP_ENGINE_INTERPRET || (tier && !strcmp(tier, "interp")) ||
                        engine->isa == OP_ISA_NONE;
    return status;
}

op_engine *op_engine_new(const op_options *options)
{
    op_allocator allocator = op_default_allocator;
    if (options && options->alloc && options->free)
        allocator = (op_allocator){options->alloc, options->free, options->alloc_ctx};
    op_engine *engine = op_alloc_zero(&allocator, sizeof *engine);
    if (!engine || !op_cache_init(&engine->cache) || pthread_mutex_init(&engine->stats_lock, NULL)) {
        op_release(&allocator, engine);
        op_fail(OP_ERR_MEMORY, "op_engine_new: out of memory");
        return NULL;
    }
    engine->allocator = allocator;
    engine->options = options ? *options : (op_options){0};
    atomic_store(&engine->refs, 1);
    if (configure(engine) != OP_OK) {
        op_engine_free(engine);
        return NULL;
    }
    return engine;
}

const op_allocator *op_engine_allocator(const op_engine *engine)
{
    return &engine->allocator;
}

void op_engine_retain(op_engine *engine)
{
    atomic_fetch_add(&engine->refs, 1);
}

void op_engine_free(op_engine *engine)
{
    if (!engine || atomic_fetch_sub(&engine->refs, 1) != 1)
        return;
    op_allocator allocator = engine->allocator;
    op_cache_free(&engine->cache);
    pthread_mutex_destroy(&engine->stats_lock);
    op_release(&allocator, engine);
}

op_status op_engine_set_threads(op_engine *engine, int n)
{
    if (!engine || n < 0 || n > 4096)
        return engine ? op_fail(OP_ERR_INVALID, "%d threads; there can be 1 to 4096, or 0 for one per core", n)
                      : op_fail(OP_ERR_INVALID, "op_engine_set_threads: the engine is NULL");
    atomic_store(&engine->threads, n ? n : op_cores());
    return OP_OK;
}

void op_cancel(op_engine *engine)
{
    if (engine)
        atomic_fetch_add(&engine->cancels, 1);
}

const char *op_engine_isa(const op_engine *engine)
{
    return engine && engine->isa ? op_isa_rows[engine->isa].name : "none";
}

op_status op_engine_stats(op_engine *engine, op_stats *stats)
{
    if (!engine || !stats)
        return op_fail(OP_ERR_INVALID, "op_engine_stats: %s is NULL", engine ? "stats" : "the engine");
    pthread_mutex_lock(&engine->stats_lock);
    *stats = engine->stats;
    pthread_mutex_unlock(&engine->stats_lock);
    return OP_OK;
}

/* ---- the log ---- */

void op_engine_log_text(op_engine *engine, const char *text)
{
    while (*text) {
        const char *end = strchr(text, '\n');
        size_t length = end ? (size_t)(end - text) : strlen(text);
        op_engine_log(engine, "%.*s", (int)length, text);
        text += length + (end != NULL);
    }
}

void op_engine_log(op_engine *engine, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (engine->options.log)
        engine->options.log(line, engine->options.log_ctx);
    else /* only debug letters come here, and the user has asked for them in the environment */
        fprintf(stderr, "%s\n", line);
}
