/* One evaluation: a plan, the addresses behind its places, and how it may run. */
#ifndef ONEPASS_RUN_RUN_H
#define ONEPASS_RUN_RUN_H

#include "plan/plan.h"
#include "run/engine.h"

typedef struct op_run_state {
    op_engine *engine;
    const op_plan *plan;
    op_code **code;            /* by stage; each a reference of the run's owner */
    const op_view *holes;
    const op_view *outs;
    char **temp;               /* by temporary; NULL while it is not needed */
    const int *temp_first, *temp_last; /* by temporary: the passes that need it */
    int threads;               /* at most */
    const int *cancel;         /* the caller's flag, or NULL */
    unsigned cancels;          /* the engine's count when the run began */
    void (*progress)(void *ctx, double done);
    void *progress_ctx;
    int64_t piece;             /* of the pass that is running, if it has pieces */
    int in_place;              /* an output shares memory with an input */
    _Atomic int *failed;       /* op_status of the first failure in a chunk, of any thread */
    /* what happened, for launch records */
    int threads_used;
    int interpreted;
    int64_t bytes, scratch_bytes;
} op_run_state;

/* Runs every stage. */
op_status op_run_stages(op_run_state *run);
op_status op_run_map(op_run_state *run, const op_stage *stage, const op_code *code);
op_status op_run_reduce(op_run_state *run, const op_stage *stage, const op_code *code);
op_status op_run_scan(op_run_state *run, const op_stage *stage, const op_code *code);
op_status op_run_count(op_run_state *run, const op_stage *stage, const op_code *code);
op_status op_run_weigh(op_run_state *run, const op_stage *stage, const op_code *code);
op_status op_run_stage(op_run_state *run, int stage); /* whichever it is */
op_status op_run_pieces(op_run_state *run, int pass); /* all stages of a pass by pieces */

/* A reduction of one sequence in a pass by rows: what is the same for all rows of a thread is made once. NULL
 * if out of memory. op_row_reduction_run is for the row that the run is at: from that of open on, one after another. */
typedef struct op_row_reduction op_row_reduction;
int op_row_reduction_serves(const op_stage *stage);
op_row_reduction *op_row_reduction_open(op_run_state *run, const op_stage *stage, const op_code *code);
void op_row_reduction_run(op_row_reduction *row);
void op_row_reduction_close(op_row_reduction *row);

/* A reduction across the pieces of a pass (run/across.c), and what each of its chunks leaves of it. Open takes how
 * many there are, and how many pieces each has; NULL if out of memory. */
typedef struct op_across op_across;
op_across *op_across_open(op_run_state *run, const op_stage *stage, const op_code *code, int64_t chunks, int64_t pieces);
/* All chunks have been fed: stores the results. */
void op_across_finish(op_across *across);
void op_across_close(op_across *across);

/* A thread feeds the pieces of one chunk, one after another. */
typedef struct op_feed op_feed;
op_feed *op_feed_open(op_across *across, op_run_state *run, int64_t chunk);
void op_feed_piece(op_feed *feed);
/* Keeps what the chunk came to, and frees the feed. */
void op_feed_close(op_feed *feed);

/* A scan across the pieces of a pass, each of at most 8192 elements (run/scan.c). Pieces wait for those before them,
 * so they must be begun in order. Open returns NULL if out of memory; a piece is the one that `run` is at. */
typedef struct op_scan_chain op_scan_chain;
op_scan_chain *op_scan_chain_open(op_run_state *run, const op_stage *stage, const op_code *code);
void op_scan_chain_piece(op_scan_chain *chain, op_run_state *run);
void op_scan_chain_close(op_scan_chain *chain);

/* Elements of a map stage that come before all its contiguous outputs are aligned for stores past the cache;
 * -1 if that never is, or if the outputs are small enough to stay in cache. */
int64_t op_stream_lead(const op_run_state *run, const op_stage *stage, const op_kernel_args *args);
/* After stores past the cache. */
void op_stream_fence(void);

/* The address of a place. */
char *op_run_address(const op_run_state *run, const op_place *place);

/* Keeps the first failure of any chunk, which stops the others. */
void op_run_fail(const op_run_state *run, op_status status);

/* True once the run should stop, and then for good. */
int op_run_stopped(const op_run_state *run);

/* Calls chunk(ctx, i) for 0 <= i < n on up to `threads` threads, with the default floating-point state,
 * until all are done or the run is stopped. */
void op_parallel(op_run_state *run, int threads, int64_t n, void (*chunk)(void *ctx, int64_t i), void *ctx);

/* The same, and chunk i is begun after chunk i - 1 has been: it may wait for it. */
void op_parallel_in_order(op_run_state *run, int threads, int64_t n, void (*chunk)(void *ctx, int64_t i), void *ctx);

/* How many threads are worth waking for so much work. */
int op_threads_for(const op_run_state *run, const op_stage *stage, const op_code *code, double elements);

/* Kernel arguments with room for every operand of a stage, filled with its addresses and strides.
 * Freed with op_args_free; NULL if out of memory. `room` is used for small ones. */
typedef struct op_args_room {
    _Alignas(16) char bytes[32 + 24 * 32];
} op_args_room;
op_kernel_args *op_args_new(const op_run_state *run, const op_stage *stage, op_args_room *room);
op_kernel_args *op_args_copy(const op_run_state *run, const op_stage *stage, const op_kernel_args *args,
                             op_args_room *room);
void op_args_free(const op_run_state *run, op_kernel_args *args, op_args_room *room);
/* From one piece of the pass to the next. */
void op_args_advance(op_kernel_args *args, const op_stage *stage);

#endif
