/* The engine: thread budget, kernel cache, counters, debug letters. */
#ifndef ONEPASS_RUN_ENGINE_H
#define ONEPASS_RUN_ENGINE_H

#include <stdatomic.h>

#include "base/isa.h"
#include "base/memory.h"
#include "base/status.h"
#include "run/code.h"

struct op_engine {
    _Atomic int refs;
    op_options options;
    op_allocator allocator;
    op_isa isa;
    int interpret;
    char debug[32]; /* letters of ONEPASS_DEBUG */
    _Atomic int threads;      /* the budget */
    _Atomic int threads_busy; /* of it, in use */
    _Atomic unsigned cancels; /* calls of op_cancel */
    op_cache cache;
    pthread_mutex_t stats_lock;
    op_stats stats;
};

static inline int op_engine_debugs(const op_engine *engine, char letter)
{
    for (const char *p = engine->debug; *p; p++)
        if (*p == letter)
            return 1;
    return 0;
}

/* One line to the engine's log. */
void op_engine_log(op_engine *engine, const char *format, ...) OP_PRINTF(2, 3);
/* A text of several lines. */
void op_engine_log_text(op_engine *engine, const char *text);

/* Cores that the process may use. */
int op_cores(void);
/* Bytes of the last-level cache; a guess if the system does not say. */
int64_t op_cache_bytes(void);
double op_seconds(void);

#endif
