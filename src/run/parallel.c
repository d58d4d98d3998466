/* Chunks over threads: OpenMP, or the host's own pool. */
#define _GNU_SOURCE
#if defined(_OPENMP)
#include <omp.h>
#else /* one thread, unless the host brings a pool */
#define omp_in_parallel() 1
#define omp_get_thread_num() 0
#endif
#include <pthread.h>

#include "base/fpstate.h"
#include "run/run.h"

/* ---- fork ----
 *
 * libgomp's pool belongs to the thread that made it. In a forked child that thread's pool names threads
 * that do not exist, and its next parallel region would wait for them for ever. There, regions are
 * entered from a fresh thread, which makes a pool of its own. */

static _Thread_local int had_pool;  /* this thread has entered a region */
static _Thread_local int lost_pool; /* and is now alone in a forked child */

static void after_fork_in_child(void)
{
    lost_pool = had_pool;
}

static void install_fork_handler(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

/* ---- one parallel loop ---- */

/* A run of chunks: a thread takes those of its own first, so that the next loop over the same arrays finds
 * them in the same core's cache, and then helps the others. */
typedef struct op_share {
    _Alignas(64) _Atomic int64_t next;
    int64_t end;
} op_share;

enum { MOST_SHARES = 64 };

typedef struct op_loop_state {
    op_run_state *run;
    void (*chunk)(void *ctx, int64_t i);
    void *ctx;
    int threads;
    int64_t n;
    int n_share; /* 1 when chunks must be begun in order */
    op_share share[MOST_SHARES];
} op_loop_state;

static void run_chunk(op_loop_state *loop, int64_t i)
{
    uint64_t state = op_fp_enter();
    loop->chunk(loop->ctx, i);
    op_fp_leave(state);
}

static void deal(op_loop_state *loop, int in_order)
{
    loop->n_share = in_order || loop->threads > MOST_SHARES ? 1 : loop->threads;
    for (int s = 0; s < loop->n_share; s++) {
        atomic_init(&loop->share[s].next, loop->n * s / loop->n_share);
        loop->share[s].end = loop->n * (s + 1) / loop->n_share;
    }
}

static void work(op_loop_state *loop, int thread)
{
    for (int s = 0; s < loop->n_share; s++) {
        op_share *share = &loop->share[(thread + s) % loop->n_share];
        int64_t i;
        while ((i = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed)) < share->end) {
            if (op_run_stopped(loop->run))
                return;
            run_chunk(loop, i);
        }
    }
}

static void *enter_region(void *state)
{
    op_loop_state *loop = state;
    had_pool = 1;
#pragma omp parallel num_threads(loop->threads)
    work(loop, omp_get_thread_num());
    return NULL;
}

static void enter_region_safely(op_loop_state *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_t thread;
    pthread_once(&once, install_fork_handler);
    if (!lost_pool)
        enter_region(loop);
    else if (pthread_create(&thread, NULL, enter_region, loop) == 0)
        pthread_join(thread, NULL);
    else
        work(loop, 0);
}

static void host_chunk(void *state, int64_t i)
{
    op_loop_state *loop = state;
    if (!op_run_stopped(loop->run))
        run_chunk(loop, i);
}

/* Takes up to `wanted` threads, this one included, out of the engine's budget. */
static int take_threads(op_engine *engine, int wanted)
{
    int budget = atomic_load_explicit(&engine->threads, memory_order_relaxed);
    int busy = atomic_fetch_add_explicit(&engine->threads_busy, wanted, memory_order_relaxed);
    int granted = budget - busy < wanted ? budget - busy : wanted;
    granted = granted < 1 ? 1 : granted;
    atomic_fetch_sub_explicit(&engine->threads_busy, wanted - granted, memory_order_relaxed);
    return granted;
}

static void run_loop(op_run_state *run, int threads, int64_t n, void (*chunk)(void *ctx, int64_t i), void *ctx,
                     int in_order)
{
    op_engine *engine = run->engine;
    op_loop_state loop;
    loop.run = run;
    loop.chunk = chunk;
    loop.ctx = ctx;
    loop.n = n;
    if (threads > n)
        threads = n > 1 ? (int)n : 1;
    if (engine->options.parallel_for && threads > 1) {
        engine->options.parallel_for(engine->options.parallel_ctx, n, host_chunk, &loop);
        run->threads_used = threads > run->threads_used ? threads : run->threads_used;
        return;
    }
    if (threads > 1 && omp_in_parallel()) /* inside somebody else's region */
        threads = 1;
    int granted = threads > 1 ? take_threads(engine, threads) : 1;
    loop.threads = granted;
    deal(&loop, in_order);
    if (granted > 1)
        enter_region_safely(&loop);
    else
        work(&loop, 0);
    if (threads > 1)
        atomic_fetch_sub_explicit(&engine->threads_busy, granted, memory_order_relaxed);
    run->threads_used = granted > run->threads_used ? granted : run->threads_used;
}

void op_parallel(op_run_state *run, int threads, int64_t n, void (*chunk)(void *ctx, int64_t i), void *ctx)
{
    run_loop(run, threads, n, chunk, ctx, 0);
}

void op_parallel_in_order(op_run_state *run, int threads, int64_t n, void (*chunk)(void *ctx, int64_t i), void *ctx)
{
    /* a host's pool may begin chunks in any order */
    run_loop(run, run->engine->options.parallel_for ? 1 : threads, n, chunk, ctx, 1);
}

void op_run_fail(const op_run_state *run, op_status status)
{
    int none = OP_OK;
    atomic_compare_exchange_strong(run->failed, &none, (int)status);
}

int op_run_stopped(const op_run_state *run)
{
    if (atomic_load_explicit(run->failed, memory_order_relaxed))
        return 1;
    if (atomic_load_explicit(&run->engine->cancels, memory_order_relaxed) == run->cancels &&
        !(run->cancel && *(const volatile int *)run->cancel))
        return 0;
    op_run_fail(run, OP_ERR_CANCELLED); /* for all threads, even if the caller's flag is cleared again */
    return 1;
}

int op_threads_for(const op_run_state *run, const op_stage *stage, const op_code *code, double elements)
{
    /* Measured roughly, on purpose: what matters is not to wake a thread for a few microseconds. */
    const double ns_per_cost = code->fn ? 0.05 : 0.8, ns_per_byte = 0.02, ns_per_thread = 15000;
    double ns = elements * stage->cost * ns_per_cost + (double)stage->bytes * ns_per_byte;
    double worth = ns / ns_per_thread;
    return worth < 2 ? 1 : worth < run->threads ? (int)worth : run->threads;
}
