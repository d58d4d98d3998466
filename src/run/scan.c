/* Scan stages. A sequence is cut into blocks of BLOCK elements: y[i] = carry and (x[first] and ... x[i]),
 * where carry is what the blocks before combine to, one after another. The order depends on the length
 * alone. One long sequence runs on several threads as a chain: each scans its blocks in cache, waits for
 * the carry of the chunk before, passes its own on, and only then writes: one pass over memory. */
#include <string.h>

#include "expr/loops.h"
#include "run/blocks.h"

enum {
    BLOCK = 1024,
    CHUNK = 8 * BLOCK, /* elements of one chunk: stays in cache while it waits */
    COLUMNS = 512,     /* at a time, when the scanned axis is not the innermost */
};

typedef struct op_link {
    _Atomic int ready;
    uint64_t carry;
} op_link;

typedef struct op_scan_run {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    op_kernel_args *args;
    const op_reducer *reducer;
    int size;           /* bytes of a value */
    int64_t length;     /* of a sequence */
    int64_t kept;       /* sequences */
    char *result;
    const int64_t *strides;
    int64_t chunks;     /* of a sequence, when chunks are a chain */
    op_link *link;      /* by chunk: the carry into it */
    int64_t batch;      /* sequences of a chunk, when they are not cut */
} op_scan_run;

static void fail(op_scan_run *r)
{
    int none = OP_OK;
    atomic_compare_exchange_strong(&r->run->failed, &none, (int)OP_ERR_MEMORY);
}

typedef struct op_worker {
    op_scan_run *r;
    op_args_room room;
    op_evaluation evaluation;
} op_worker;

static void end_worker(op_worker *w)
{
    if (w->evaluation.args)
        op_args_free(w->r->run, w->evaluation.args, &w->room);
    op_release(&w->r->run->engine->allocator, w->evaluation.memory);
}

static int begin_worker(op_worker *w, op_scan_run *r, int64_t values)
{
    w->r = r;
    w->evaluation = (op_evaluation){r->stage, r->code, r->args, op_args_copy(r->run, r->stage, r->args, &w->room),
                                    op_alloc(&r->run->engine->allocator, (size_t)(values * 8)), values * 8};
    if (w->evaluation.args && w->evaluation.memory)
        return 1;
    end_worker(w);
    fail(r);
    return 0;
}

/* carry = carry and value */
static void combine(const op_scan_run *r, void *carry, const void *value)
{
    r->reducer->merge(carry, 0, value, 0, 1, 1);
}

static void identity(const op_scan_run *r, void *carry)
{
    r->reducer->leaf(carry, 1, NULL, 0, 0, 0, 0, 0);
}

/* ---- along the innermost axis ---- */

static void write_values(const op_scan_run *r, const char *values, int64_t kept, int64_t begin, int64_t n)
{
    int inner = r->stage->ndim - 1;
    int64_t stride = r->strides[inner];
    char *to = r->result + op_offset_of(r->stage, r->strides, inner, kept, 0) + begin * stride;
    if (stride == r->size)
        memcpy(to, values, (size_t)(n * r->size));
    else
        for (int64_t i = 0; i < n; i++)
            memcpy(to + i * stride, values + i * r->size, (size_t)r->size);
}

/* Evaluates n values and scans each block of them for itself. */
static char *scan_blocks(op_worker *w, int64_t kept, int64_t begin, int64_t n)
{
    const op_scan_run *r = w->r;
    char *values = w->evaluation.memory;
    if (!op_evaluate(&w->evaluation, r->stage->ndim - 1, kept, 0, begin, 1, n, 0))
        fail(w->r);
    for (int64_t i = 0; i < n; i += BLOCK)
        r->reducer->scan(values + i * r->size, n - i < BLOCK ? n - i : BLOCK);
    return values;
}

/* Adds the carry to every block; *carry becomes that of what follows. next, if there is one, gets it before
 * the blocks are rewritten. */
static void add_carry(const op_scan_run *r, char *values, int64_t n, uint64_t *carry, op_link *next)
{
    uint64_t into[CHUNK / BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        into[i / BLOCK] = *carry;
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        combine(r, carry, values + (i + count - 1) * r->size);
    }
    if (next) {
        next->carry = *carry;
        atomic_store_explicit(&next->ready, 1, memory_order_release);
    }
    for (int64_t i = 0; i < n; i += BLOCK)
        r->reducer->carry(values + i * r->size, &into[i / BLOCK], n - i < BLOCK ? n - i : BLOCK);
}

static void chunk_of_chain(void *ctx, int64_t i)
{
    op_scan_run *r = ctx;
    int64_t kept = i / r->chunks, chunk = i % r->chunks, begin = chunk * CHUNK;
    int64_t n = r->length - begin < CHUNK ? r->length - begin : CHUNK;
    op_worker w;
    if (!begin_worker(&w, r, CHUNK))
        return;
    char *values = scan_blocks(&w, kept, begin, n);
    while (!atomic_load_explicit(&r->link[i].ready, memory_order_acquire) && !op_run_stopped(r->run))
        ; /* the chunk before was begun earlier: it will be ready in a moment */
    uint64_t carry = r->link[i].carry;
    add_carry(r, values, n, &carry, chunk + 1 < r->chunks ? &r->link[i + 1] : NULL);
    write_values(r, values, kept, begin, n);
    end_worker(&w);
}

static void chunk_of_sequences(void *ctx, int64_t i)
{
    op_scan_run *r = ctx;
    int64_t first = i * r->batch, end = first + r->batch < r->kept ? first + r->batch : r->kept;
    op_worker w;
    if (!begin_worker(&w, r, CHUNK))
        return;
    for (int64_t kept = first; kept < end; kept++) {
        uint64_t carry = 0;
        identity(r, &carry);
        for (int64_t begin = 0; begin < r->length && !op_run_stopped(r->run); begin += CHUNK) {
            int64_t n = r->length - begin < CHUNK ? r->length - begin : CHUNK;
            char *values = scan_blocks(&w, kept, begin, n);
            add_carry(r, values, n, &carry, NULL);
            write_values(r, values, kept, begin, n);
        }
    }
    end_worker(&w);
}

static void scan_along_rows(op_scan_run *r, int threads)
{
    r->chunks = (r->length + CHUNK - 1) / CHUNK;
    if (r->kept >= 2 * threads || r->chunks == 1 || threads == 1) {
        r->batch = CHUNK / r->length > 0 ? CHUNK / r->length : 1;
        op_parallel(r->run, threads, (r->kept + r->batch - 1) / r->batch, chunk_of_sequences, r);
        return;
    }
    int64_t bytes = r->kept * r->chunks * (int64_t)sizeof *r->link;
    r->link = op_alloc_zero(&r->run->engine->allocator, (size_t)bytes);
    r->run->scratch_bytes += bytes;
    if (!r->link) {
        fail(r);
        return;
    }
    for (int64_t k = 0; k < r->kept; k++) {
        identity(r, &r->link[k * r->chunks].carry);
        atomic_store(&r->link[k * r->chunks].ready, 1);
    }
    op_parallel_in_order(r->run, threads, r->kept * r->chunks, chunk_of_chain, r);
    op_release(&r->run->engine->allocator, r->link);
}

/* ---- along another axis: a lane for each column ---- */

static void scan_columns(op_worker *w, int64_t outer, int64_t first, int64_t width)
{
    op_scan_run *r = w->r;
    const op_stage *stage = r->stage;
    int inner = stage->ndim - 1;
    char *values = w->evaluation.memory, *local = values + width * 8, *carry = local + width * 8, *y = carry + width * 8;
    size_t bytes = (size_t)(width * r->size);
    r->reducer->leaf(carry, width, NULL, 0, 0, 0, 0, 0);
    for (int64_t i = 0; i < r->length && !op_run_stopped(r->run); i++) {
        if (!op_evaluate(&w->evaluation, inner, outer, i, first, 1, width, 0))
            fail(r);
        if (i % BLOCK == 0)
            memcpy(local, values, bytes);
        else
            r->reducer->merge(local, 0, values, 0, width, width);
        memcpy(y, carry, bytes);
        r->reducer->merge(y, 0, local, 0, width, width);
        if (i % BLOCK == BLOCK - 1)
            memcpy(carry, y, bytes);
        char *to = r->result + op_offset_of(stage, r->strides, inner, outer, i) + first * r->strides[inner];
        for (int64_t j = 0; j < width; j++)
            memcpy(to + j * r->strides[inner], y + j * r->size, (size_t)r->size);
    }
}

static void chunk_of_columns(void *ctx, int64_t i)
{
    op_scan_run *r = ctx;
    int64_t columns = r->stage->shape[r->stage->ndim - 1], blocks = (columns + COLUMNS - 1) / COLUMNS;
    int64_t first = i % blocks * COLUMNS, width = columns - first < COLUMNS ? columns - first : COLUMNS;
    op_worker w;
    if (!begin_worker(&w, r, 4 * width))
        return;
    scan_columns(&w, i / blocks, first, width);
    end_worker(&w);
}

/* ---- the whole ---- */

op_status op_run_scan(op_run_state *run, const op_stage *stage, const op_code *code)
{
    op_args_room room;
    const op_stage_reduction *reduction = &stage->reduction[0];
    op_scan_run r = {.run = run,
                     .stage = stage,
                     .code = code,
                     .reducer = &op_loops_best()->reducer[reduction->code][reduction->dtype],
                     .size = (int)op_dtype_size(reduction->dtype),
                     .length = 1,
                     .kept = 1,
                     .result = op_run_address(run, &reduction->result),
                     .strides = reduction->strides};
    for (int d = 0; d < stage->ndim; d++)
        *(op_is_reduced(stage, d) ? &r.length : &r.kept) *= stage->shape[d];
    if (r.kept == 0 || r.length == 0)
        return OP_OK;
    r.args = op_args_new(run, stage, &room);
    if (!r.args)
        return op_fail(OP_ERR_MEMORY, "out of memory for a kernel's arguments");
    int threads = op_threads_for(run, stage, code, (double)r.kept * (double)r.length);
    int64_t columns = stage->shape[stage->ndim - 1];
    if (op_is_reduced(stage, stage->ndim - 1))
        scan_along_rows(&r, threads);
    else
        op_parallel(run, threads, r.kept / columns * ((columns + COLUMNS - 1) / COLUMNS), chunk_of_columns, &r);
    op_args_free(run, r.args, &room);
    return OP_OK;
}
