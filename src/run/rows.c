/* Passes by pieces: all stages run on a piece while it is in cache. What is the same for every piece of a chunk is
 * prepared once, because a row may be only a few hundred elements. */
#include "base/view.h"
#include "run/run.h"

enum { BATCH_ELEMENTS = 262144 /* of one chunk */ };

typedef struct op_rows_run {
    op_run_state *run;
    const op_pass *pass;
    int64_t batch, chunks; /* pieces of one chunk */
    op_across **across;    /* by stage of the pass; NULL where results are those of a piece */
    op_scan_chain **chain; /* the same of scans that go on from piece to piece */
    int chains;            /* how many of them there are */
} op_rows_run;

/* A stage, as a thread runs it: with arguments of its own if one call of the kernel is the whole row, with a
 * reduction of the row or of all pieces, or in general. */
typedef struct op_row_stage {
    const op_stage *stage;
    const op_code *code;
    op_args_room room;
    op_kernel_args *args;
    int streams; /* whole cache lines of every row past the cache */
    op_row_reduction *reduction;
    op_feed *feed;
    op_scan_chain *chain;
} op_row_stage;

/* A thread's part of the run. */
typedef struct op_rows_worker {
    op_run_state own;
    const op_pass *pass;
    char **temp;
    char *memory; /* temporaries of one piece */
    op_row_stage *stage;
} op_rows_worker;

/* Does a later stage of the pass read the output? */
static int is_read_again(const op_plan *plan, const op_pass *pass, const op_place *out)
{
    for (int i = pass->first; i < pass->first + pass->n_stage; i++)
        for (uint32_t k = 0; k < plan->stage[i]->program.n_in; k++) {
            const op_place *in = &plan->stage[i]->operand[k].place;
            if (in->kind == out->kind && in->index == out->index)
                return 1;
        }
    return 0;
}

/* Outputs only, because temporaries are read again; and in every piece the same element must be the first aligned
 * one of all. */
static int choose_stream(const op_run_state *run, const op_pass *pass, const op_row_stage *s)
{
    const op_stage_operand *out = &s->stage->operand[s->stage->program.n_in];
    int64_t size = op_dtype_size(out->dtype), stride = out->place.piece_stride;
    for (uint32_t k = 0; k < s->stage->program.n_out; k++) {
        const op_place *place = &out[k].place;
        int moves_alike = op_dtype_size(out[k].dtype) == size ? (place->piece_stride - stride) % 64 == 0
                                                              : (place->piece_stride | stride) % 64 == 0;
        if (place->kind != OP_PLACE_OUT || place->piece_stride % size || !moves_alike ||
            is_read_again(run->plan, pass, place))
            return 0;
    }
    return op_stream_lead(run, s->stage, s->args) >= 0;
}

static int open_stage(op_rows_worker *w, const op_rows_run *r, int64_t chunk, int i)
{
    op_run_state *own = &w->own;
    const op_stage *stage = own->plan->stage[w->pass->first + i];
    op_row_stage *s = &w->stage[i];
    *s = (op_row_stage){.stage = stage, .code = own->code[w->pass->first + i]};
    if (r->across[i]) {
        s->feed = op_feed_open(r->across[i], own, chunk);
        return s->feed != NULL;
    }
    s->chain = r->chain[i];
    if (op_row_reduction_serves(stage)) {
        s->reduction = op_row_reduction_open(own, stage, s->code);
        return s->reduction != NULL;
    }
    if (stage->kind != OP_STAGE_MAP || stage->ndim != 1)
        return 1;
    s->args = op_args_new(own, stage, &s->room);
    s->streams = s->args && choose_stream(own, w->pass, s);
    return s->args != NULL;
}

/* The caller closes the worker in any case. */
static int open_worker(op_rows_worker *w, const op_rows_run *r, int64_t chunk)
{
    const op_run_state *run = r->run;
    const op_plan *plan = run->plan;
    const op_allocator *allocator = &run->engine->allocator;
    int pass = (int)(r->pass - plan->pass);
    int64_t bytes = 0;
    w->own = *run;
    w->own.piece = chunk * r->batch;
    w->own.threads = 1;
    w->pass = r->pass;
    for (int t = 0; t < plan->n_temp; t++)
        bytes += plan->temp[t].pass == pass ? op_aligned(plan->temp[t].bytes) : 0;
    w->memory = op_alloc(allocator, (size_t)bytes);
    w->temp = op_alloc(allocator, sizeof *w->temp * (size_t)(plan->n_temp + 1));
    w->stage = op_alloc_zero(allocator, sizeof *w->stage * (size_t)r->pass->n_stage);
    if (!w->memory || !w->temp || !w->stage)
        return 0;
    char *next = w->memory;
    for (int t = 0; t < plan->n_temp; t++) {
        int is_own = plan->temp[t].pass == pass;
        w->temp[t] = is_own ? next : run->temp[t];
        next += is_own ? op_aligned(plan->temp[t].bytes) : 0;
    }
    w->own.temp = w->temp;
    for (int i = 0; i < r->pass->n_stage; i++)
        if (!open_stage(w, r, chunk, i))
            return 0;
    return 1;
}

static void close_worker(op_rows_worker *w)
{
    const op_allocator *allocator = &w->own.engine->allocator;
    for (int s = 0; w->stage && s < w->pass->n_stage; s++) {
        op_row_reduction_close(w->stage[s].reduction);
        op_feed_close(w->stage[s].feed);
        if (!w->stage[s].args)
            continue;
        if (w->stage[s].streams)
            op_stream_fence();
        op_args_free(&w->own, w->stage[s].args, &w->stage[s].room);
    }
    op_release(allocator, w->stage);
    op_release(allocator, w->temp);
    op_release(allocator, w->memory);
}

static int run_elements(const op_row_stage *s, int64_t begin, int64_t end)
{
    return begin == end || op_code_run(s->code, s->args, begin, end);
}

/* Only whole cache lines go past the cache: a line that two rows share would be fetched after all. */
static int run_streaming(const op_row_stage *s, int64_t n)
{
    uint32_t out = s->stage->program.n_in;
    int64_t size = op_dtype_size(s->stage->operand[out].dtype);
    int64_t lead = (int64_t)(-(uintptr_t)s->args->operand[out].data & 63) / size;
    lead = lead < n ? lead : n;
    int64_t end = lead + ((n - lead) * size & -64) / size;
    int ok = run_elements(s, 0, lead) && run_elements(s, end, n);
    s->args->flags |= OP_KERNEL_STREAM;
    ok = ok && run_elements(s, lead, end);
    s->args->flags &= ~(uint64_t)OP_KERNEL_STREAM;
    return ok;
}

static int run_map(const op_rows_worker *w, op_row_stage *s)
{
    int64_t n = w->pass->last && w->own.piece == w->pass->pieces - 1 ? w->pass->last : s->stage->shape[0];
    int ok = s->streams ? run_streaming(s, n) : run_elements(s, 0, n);
    op_args_advance(s->args, s->stage);
    return ok;
}

/* Returns 0 after a failure. */
static int run_row(op_rows_worker *w)
{
    int ok = 1;
    for (int i = 0; i < w->pass->n_stage && ok; i++) {
        op_row_stage *s = &w->stage[i];
        if (s->feed)
            op_feed_piece(s->feed);
        else if (s->chain)
            op_scan_chain_piece(s->chain, &w->own);
        else if (s->reduction)
            op_row_reduction_run(s->reduction);
        else if (s->args)
            ok = run_map(w, s);
        else
            ok = op_run_stage(&w->own, w->pass->first + i) == OP_OK;
        ok &= !atomic_load_explicit(w->own.failed, memory_order_relaxed);
    }
    return ok;
}

static void chunk_of_pieces(void *ctx, int64_t i)
{
    const op_rows_run *r = ctx;
    op_rows_worker w;
    int64_t end = (i + 1) * r->batch < r->pass->pieces ? (i + 1) * r->batch : r->pass->pieces;
    int ok = open_worker(&w, r, i);
    for (; ok && w.own.piece < end && !op_run_stopped(&w.own); w.own.piece++)
        ok = run_row(&w);
    if (!ok)
        op_run_fail(r->run, OP_ERR_MEMORY);
    close_worker(&w);
}

/* Does a scan go on from piece to piece? */
static int is_chain(const op_pass *pass, const op_stage *stage)
{
    return pass->last && stage->kind == OP_STAGE_SCAN;
}

/* What goes across pieces. Returns 0 if out of memory; close_across in any case. */
static int open_across(op_rows_run *r)
{
    op_run_state *run = r->run;
    const op_allocator *allocator = &run->engine->allocator;
    int ok;
    r->across = op_alloc_zero(allocator, sizeof *r->across * (size_t)r->pass->n_stage);
    r->chain = op_alloc_zero(allocator, sizeof *r->chain * (size_t)r->pass->n_stage);
    ok = r->across && r->chain;
    for (int i = 0; ok && i < r->pass->n_stage; i++) {
        const op_stage *stage = run->plan->stage[r->pass->first + i];
        const op_code *code = run->code[r->pass->first + i];
        if (stage->is_across)
            ok = (r->across[i] = op_across_open(run, stage, code, r->chunks, r->batch)) != NULL;
        else if (is_chain(r->pass, stage))
            ok = (r->chain[i] = op_scan_chain_open(run, stage, code)) != NULL;
    }
    return ok;
}

static void close_across(op_rows_run *r)
{
    for (int i = 0; i < r->pass->n_stage; i++) {
        op_across_close(r->across ? r->across[i] : NULL);
        op_scan_chain_close(r->chain ? r->chain[i] : NULL);
    }
    op_release(&r->run->engine->allocator, r->across);
    op_release(&r->run->engine->allocator, r->chain);
}

/* How many threads, and how many pieces each of them takes at a time. */
static int choose_batch(op_rows_run *r)
{
    const op_pass *pass = r->pass;
    int threads = 1, is_across = 0;
    double elements = 1;
    for (int s = pass->first; s < pass->first + pass->n_stage; s++) {
        const op_stage *stage = r->run->plan->stage[s];
        double size = (double)op_shape_size(stage->ndim, stage->shape);
        int wanted = op_threads_for(r->run, stage, r->run->code[s], size * (double)pass->pieces);
        threads = wanted > threads ? wanted : threads;
        elements = size > elements ? size : elements;
        is_across |= stage->is_across;
        r->chains += is_chain(pass, stage);
    }
    int64_t fair = pass->pieces / (threads * 4); /* pieces of a chunk that leave something to balance */
    r->batch = elements < BATCH_ELEMENTS ? (int64_t)(BATCH_ELEMENTS / elements) : 1;
    if (is_across) /* what a chunk leaves of a reduction is kept: few chunks */
        r->batch = threads > 1 ? fair : pass->pieces;
    r->batch = r->batch > fair && threads > 1 ? fair : r->batch;
    if (r->chains) /* a piece needs the one before */
        r->batch = threads > 1 ? 1 : pass->pieces;
    while (pass->last && threads > 1 && r->batch & (r->batch - 1)) /* powers of two of elements are subtrees */
        r->batch &= r->batch - 1;
    r->batch = r->batch > 0 ? r->batch : 1;
    r->chunks = (pass->pieces + r->batch - 1) / r->batch;
    return threads;
}

op_status op_run_pieces(op_run_state *run, int pass)
{
    op_rows_run r = {.run = run, .pass = &run->plan->pass[pass]};
    int threads = choose_batch(&r);
    if (!open_across(&r))
        op_run_fail(run, OP_ERR_MEMORY);
    else if (r.chains)
        op_parallel_in_order(run, threads, r.chunks, chunk_of_pieces, &r);
    else
        op_parallel(run, threads, r.chunks, chunk_of_pieces, &r);
    for (int i = 0; r.across && i < r.pass->n_stage; i++)
        if (r.across[i] && !op_run_stopped(run))
            op_across_finish(r.across[i]);
    close_across(&r);
    return OP_OK;
}
