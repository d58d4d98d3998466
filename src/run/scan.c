/* Scan stages. A sequence is cut into blocks of BLOCK elements: y[i] = carry and (x[first] and ... x[i]),
 * where carry is what the blocks before combine to, one after another. The order depends on the length
 * alone. A few long sequences run on several threads as chains: each thread scans the blocks of a chunk in
 * cache, waits for the carry of the chunk before, passes its own on, and only then writes: one pass over memory. */
#include <sched.h>
#include <string.h>

#include "expr/loops.h"
#include "run/blocks.h"

enum {
    BLOCK = 1024,
    CHUNK = 8 * BLOCK, /* most elements evaluated at a time: they stay in cache */
    LANES = 8,         /* most sequences side by side in a chunk, when the scanned axis is not the innermost */
    COLUMNS = 1024,    /* and at a time, when there are so many that blocks of them need not be kept */
    EXPANDED = 64,     /* lanes that carries of few columns are repeated to */
    SPINS = 2000,      /* before a thread that waits lets others run */
};

typedef struct op_link {
    _Atomic int ready;
    _Alignas(8) char carry[LANES * 8];
} op_link;

typedef struct op_scan_run {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    op_kernel_args *args;
    const op_reducer *reducer;
    int size;               /* bytes of a value */
    int scanned;            /* dimension, or -1: its extent is 1 */
    int64_t length;         /* of a sequence */
    int64_t kept;           /* sequences */
    char *result;
    const int64_t *strides;
    int64_t step;           /* bytes from one result of a sequence to the next */
    int64_t columns, width; /* innermost kept extent, and the most columns of a chunk; 1 along the innermost axis */
    int64_t column_blocks;
    int64_t span;           /* elements of a sequence in a chunk, when chunks are a chain */
    int64_t chunks;         /* and chunks of a sequence */
    op_link *link;          /* the carry into each chunk; NULL when sequences are not cut */
    int64_t batch;          /* items of a thread's chunk, when sequences are not cut */
} op_scan_run;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

typedef struct op_worker {
    op_scan_run *r;
    op_args_room room;
    op_kernel_args *args;
    _Alignas(OP_ALIGNMENT) char values[CHUNK * 8];
} op_worker;

static int begin_worker(op_worker *w, op_scan_run *r)
{
    w->r = r;
    w->args = op_args_copy(r->run, r->stage, r->args, &w->room);
    if (!w->args)
        op_run_fail(r->run, OP_ERR_MEMORY);
    return w->args != NULL;
}

static void end_worker(op_worker *w)
{
    op_args_free(w->r->run, w->args, &w->room);
}

static void identity(const op_scan_run *r, void *carry, int64_t lanes)
{
    r->reducer->leaf(carry, lanes, NULL, 0, 0, 0, 0, 0);
}

/* The values of `rows` rows of n elements along dimension `dim`, from the given place, one row after another.
 * One row needs no dimension. */
static void evaluate(op_worker *w, int dim, int64_t kept, int64_t position, int64_t column, int64_t rows, int64_t n)
{
    const op_stage *stage = w->r->stage;
    int inner = stage->ndim - 1;
    uint32_t n_in = stage->program.n_in;
    for (uint32_t k = 0; k < n_in; k++) {
        const int64_t *strides = stage->operand[k].strides;
        op_operand *operand = &w->args->operand[k];
        operand->data = w->r->args->operand[k].data + op_offset_of(stage, strides, inner, kept, position) +
                        column * strides[inner];
        operand->row_stride = rows > 1 ? strides[dim] : 0;
    }
    if (rows > 1 && op_rows_are_one(stage, dim, n)) {
        n *= rows;
        rows = 1;
    }
    w->args->operand[n_in] = (op_operand){w->values, w->r->size, n * w->r->size, 0};
    w->args->n = n;
    if (!op_code_run(w->r->code, w->args, 0, stage->program.rank == 1 ? n : rows))
        op_run_fail(w->r->run, OP_ERR_MEMORY);
}

/* ---- sequences in chunks of whole blocks ---- */

/* A place in the work: `width` sequences side by side (1 along the innermost axis) and n elements of each. */
typedef struct op_span {
    int64_t kept; /* index of the kept dimensions before the innermost one */
    int64_t column, width;
    int64_t begin, n;
} op_span;

static int64_t block_end(const op_span *s, int64_t i)
{
    return least(i + BLOCK, s->n);
}

/* Scans each block of the values for itself. */
static void scan_blocks(op_worker *w, const op_span *s)
{
    const op_scan_run *r = w->r;
    int64_t width = s->width, full = s->n / BLOCK, rest = s->n % BLOCK;
    if (width > full + 1) { /* more sequences than blocks: those side by side */
        for (int64_t i = 0; i < s->n; i += BLOCK)
            r->reducer->scan(w->values + i * width * r->size, width, 1, width, 0, block_end(s, i) - i);
        return;
    }
    for (int64_t j = 0; j < width; j++) {
        char *lane = w->values + j * r->size;
        if (rest)
            r->reducer->scan(lane, full + 1, BLOCK * width, width, 0, rest);
        r->reducer->scan(lane, full, BLOCK * width, width, rest, BLOCK);
    }
}

/* Writes rows of few lanes. Contiguous ones are taken several at a time. */
static void write_lanes(const op_scan_run *r, char *to, const char *carry, const char *values, int64_t rows,
                        int64_t width)
{
    int64_t step = r->strides[r->stage->ndim - 1], together = EXPANDED / width;
    if (step == r->size && r->step == width * step && rows > together) {
        _Alignas(8) char expanded[EXPANDED * 8];
        for (int64_t i = 0; i < together; i++)
            memcpy(expanded + i * width * r->size, carry, (size_t)(width * r->size));
        r->reducer->carries(to, together * r->step, step, expanded, values, rows / together, together * width);
        to += rows / together * together * r->step;
        values += rows / together * together * width * r->size;
        rows %= together;
    }
    r->reducer->carries(to, r->step, step, carry, values, rows, width);
}

/* Combines the blocks with their carries and writes them; *carry becomes that of what follows. next, if there
 * is one, gets it before anything is written. */
static void write_blocks(op_worker *w, const op_span *s, char *carry, op_link *next)
{
    const op_scan_run *r = w->r;
    int64_t row = s->width * r->size;
    int inner = r->stage->ndim - 1;
    _Alignas(8) char into[CHUNK / BLOCK][LANES * 8];
    for (int64_t i = 0; i < s->n; i += BLOCK) {
        memcpy(into[i / BLOCK], carry, (size_t)row);
        r->reducer->merge(carry, 0, w->values + (block_end(s, i) - 1) * row, 0, s->width, s->width);
    }
    if (next) {
        memcpy(next->carry, carry, (size_t)row);
        atomic_store_explicit(&next->ready, 1, memory_order_release);
    }
    char *to = r->result + op_offset_of(r->stage, r->strides, inner, s->kept, 0) + s->begin * r->step;
    if (r->scanned != inner)
        to += s->column * r->strides[inner];
    for (int64_t i = 0; i < s->n; i += BLOCK)
        if (s->width == 1)
            r->reducer->carry(to + i * r->step, r->step, into[i / BLOCK], w->values + i * row, block_end(s, i) - i);
        else
            write_lanes(r, to + i * r->step, into[i / BLOCK], w->values + i * row, block_end(s, i) - i, s->width);
}

static void scan_span(op_worker *w, const op_span *s)
{
    const op_scan_run *r = w->r;
    if (r->scanned == r->stage->ndim - 1)
        evaluate(w, -1, s->kept, 0, s->begin, 1, s->n);
    else
        evaluate(w, r->scanned, s->kept, s->begin, s->column, s->n, s->width);
    scan_blocks(w, s);
}

/* Sequences number i: of one index of the kept dimensions, or of a block of columns there. */
static op_span span_of(const op_scan_run *r, int64_t i)
{
    int64_t column = i % r->column_blocks * r->width;
    return (op_span){i / r->column_blocks, column, least(r->columns - column, r->width), 0, 0};
}

static void wait_for(op_scan_run *r, op_link *link)
{
    /* the chunk before was begun earlier: it will be ready in a moment */
    for (int i = 0; !atomic_load_explicit(&link->ready, memory_order_acquire) && !op_run_stopped(r->run); i++)
        if (i > SPINS)
            sched_yield();
}

/* The chunks of neighbouring columns follow one another, so that several of them are on their way. */
static void chunk_of_chain(void *ctx, int64_t i)
{
    op_scan_run *r = ctx;
    int64_t blocks = r->column_blocks, chunk = i / blocks % r->chunks;
    op_span s = span_of(r, i / blocks / r->chunks * blocks + i % blocks);
    s.begin = chunk * r->span;
    s.n = least(r->length - s.begin, r->span);
    op_worker w;
    if (!begin_worker(&w, r))
        return;
    scan_span(&w, &s);
    wait_for(r, &r->link[i]);
    write_blocks(&w, &s, r->link[i].carry, chunk + 1 < r->chunks ? &r->link[i + blocks] : NULL);
    end_worker(&w);
}

static void chunk_of_sequences(void *ctx, int64_t i)
{
    op_scan_run *r = ctx;
    int64_t first = i * r->batch, end = least(first + r->batch, r->kept / r->columns * r->column_blocks);
    op_worker w;
    if (!begin_worker(&w, r))
        return;
    for (int64_t k = first; k < end; k++) {
        _Alignas(8) char carry[LANES * 8];
        op_span s = span_of(r, k);
        identity(r, carry, s.width);
        for (; s.begin < r->length && !op_run_stopped(r->run); s.begin += r->span) {
            s.n = least(r->length - s.begin, r->span);
            scan_span(&w, &s);
            write_blocks(&w, &s, carry, NULL);
        }
    }
    end_worker(&w);
}

static void scan_chains(op_scan_run *r, int threads)
{
    int64_t sequences = r->kept / r->columns * r->column_blocks, links = sequences * r->chunks;
    int64_t bytes = links * (int64_t)sizeof *r->link;
    r->link = op_alloc_zero(&r->run->engine->allocator, (size_t)bytes);
    r->run->scratch_bytes += bytes;
    if (!r->link) {
        op_run_fail(r->run, OP_ERR_MEMORY);
        return;
    }
    for (int64_t i = 0; i < links; i++)
        if (i / r->column_blocks % r->chunks == 0) {
            identity(r, r->link[i].carry, LANES);
            atomic_store(&r->link[i].ready, 1);
        }
    op_parallel_in_order(r->run, threads, links, chunk_of_chain, r);
    op_release(&r->run->engine->allocator, r->link);
}

static void scan_spans(op_scan_run *r, int threads)
{
    r->column_blocks = (r->columns + r->width - 1) / r->width;
    r->span = CHUNK / BLOCK / r->width * BLOCK;
    r->chunks = (r->length + r->span - 1) / r->span;
    int64_t sequences = r->kept / r->columns * r->column_blocks, elements = r->length * r->width;
    if (sequences < 2 * threads && r->chunks > 1 && threads > 1) {
        scan_chains(r, threads);
        return;
    }
    r->batch = CHUNK / elements > 0 ? CHUNK / elements : 1;
    op_parallel(r->run, threads, (sequences + r->batch - 1) / r->batch, chunk_of_sequences, r);
}

/* ---- many short rows: several at a time ---- */

static void write_rows(op_worker *w, int64_t first, int64_t rows)
{
    const op_scan_run *r = w->r;
    int inner = r->stage->ndim - 1;
    int64_t n = r->length, row = r->strides[inner - 1];
    _Alignas(8) char carry[8];
    char *to = r->result + op_offset_of(r->stage, r->strides, inner, first, 0);
    identity(r, carry, 1);
    if (r->step == r->size && row == n * r->size)
        n *= rows, rows = 1;
    for (int64_t i = 0; i < rows; i++)
        r->reducer->carry(to + i * row, r->step, carry, w->values + i * n * r->size, n);
}

static void chunk_of_short_rows(void *ctx, int64_t i)
{
    op_scan_run *r = ctx;
    int inner = r->stage->ndim - 1;
    int64_t first = i * r->batch, end = least(first + r->batch, r->kept);
    int64_t extent = r->stage->shape[inner - 1];
    op_worker w;
    if (!begin_worker(&w, r))
        return;
    while (first < end) {
        int64_t rows = least(least(end - first, CHUNK / r->length), extent - first % extent);
        evaluate(&w, inner - 1, first, 0, 0, rows, r->length);
        r->reducer->scan(w.values, rows, r->length, 1, 0, r->length);
        write_rows(&w, first, rows);
        first += rows;
    }
    end_worker(&w);
}

static void scan_short_rows(op_scan_run *r, int threads)
{
    r->batch = CHUNK / r->length;
    op_parallel(r->run, threads, (r->kept + r->batch - 1) / r->batch, chunk_of_short_rows, r);
}

/* ---- along another axis, many columns: a lane for each, without keeping blocks ---- */

static void scan_columns(op_worker *w, const op_span *s)
{
    const op_scan_run *r = w->r;
    int inner = r->stage->ndim - 1;
    _Alignas(OP_ALIGNMENT) char local[COLUMNS * 8], carry[COLUMNS * 8];
    int64_t rows_at_once = CHUNK / 2 / s->width, step = r->strides[inner];
    char *to = r->result + op_offset_of(r->stage, r->strides, inner, s->kept, 0) + s->column * step;
    identity(r, carry, s->width);
    identity(r, local, s->width);
    for (int64_t i = 0, rows; i < r->length && !op_run_stopped(r->run); i += rows) {
        rows = least(least(r->length - i, rows_at_once), BLOCK - i % BLOCK);
        evaluate(w, r->scanned, s->kept, i, s->column, rows, s->width);
        r->reducer->columns(to + i * r->step, r->step, step, local, carry, w->values, rows, s->width);
        if ((i + rows) % BLOCK == 0) {
            r->reducer->merge(carry, 0, local, 0, s->width, s->width);
            identity(r, local, s->width);
        }
    }
}

static void chunk_of_columns(void *ctx, int64_t i)
{
    op_scan_run *r = ctx;
    op_span s = span_of(r, i);
    op_worker w;
    if (!begin_worker(&w, r))
        return;
    scan_columns(&w, &s);
    end_worker(&w);
}

/* Blocks of columns for every thread, but not narrower than a few cache lines. */
static void scan_along_columns(op_scan_run *r, int threads)
{
    int64_t outer = r->kept / r->columns, wanted = (2 * threads + outer - 1) / outer;
    r->width = least(COLUMNS, (r->columns / wanted + 31) & ~(int64_t)31);
    r->column_blocks = (r->columns + r->width - 1) / r->width;
    op_parallel(r->run, threads, outer * r->column_blocks, chunk_of_columns, r);
}

/* ---- the whole ---- */

static void scan(op_scan_run *r)
{
    const op_stage *stage = r->stage;
    int inner = stage->ndim - 1;
    int threads = op_threads_for(r->run, stage, r->code, (double)r->kept * (double)r->length);
    r->columns = r->width = r->column_blocks = 1;
    if (r->scanned == inner && inner > 0 && r->length <= BLOCK) {
        scan_short_rows(r, threads);
    } else if (r->scanned == inner) {
        scan_spans(r, threads);
    } else {
        r->columns = stage->shape[inner];
        r->width = least(r->columns, LANES);
        if (r->columns < 2 * LANES || r->kept < 2 * LANES * threads)
            scan_spans(r, threads);
        else
            scan_along_columns(r, threads);
    }
}

/* Everything but the kernel's arguments. */
static op_scan_run describe(op_run_state *run, const op_stage *stage, const op_code *code)
{
    const op_stage_reduction *reduction = &stage->reduction[0];
    op_scan_run r = {.run = run,
                     .stage = stage,
                     .code = code,
                     .reducer = &op_loops_best()->reducer[reduction->code][reduction->dtype],
                     .size = (int)op_dtype_size(reduction->dtype),
                     .scanned = -1,
                     .length = 1,
                     .kept = 1,
                     .result = op_run_address(run, &reduction->result),
                     .strides = reduction->strides};
    for (int d = 0; d < stage->ndim; d++) {
        *(op_is_reduced(stage, d) ? &r.length : &r.kept) *= stage->shape[d];
        if (op_is_reduced(stage, d)) {
            r.scanned = d;
            r.step = r.strides[d];
        }
    }
    return r;
}

op_status op_run_scan(op_run_state *run, const op_stage *stage, const op_code *code)
{
    op_args_room room;
    op_scan_run r = describe(run, stage, code);
    if (r.kept == 0 || r.length == 0)
        return OP_OK;
    r.args = op_args_new(run, stage, &room);
    if (!r.args)
        return op_fail(OP_ERR_MEMORY, "out of memory for a kernel's arguments");
    scan(&r);
    op_args_free(run, r.args, &room);
    return OP_OK;
}

/* ---- across the pieces of a pass ---- */

struct op_scan_chain {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    const op_pass *pass;
    op_link link[]; /* the carry into each piece */
};

op_scan_chain *op_scan_chain_open(op_run_state *run, const op_stage *stage, const op_code *code)
{
    const op_pass *pass = &run->plan->pass[stage->pass];
    size_t bytes = sizeof(op_scan_chain) + sizeof(op_link) * (size_t)pass->pieces;
    op_scan_chain *chain = op_alloc_zero(&run->engine->allocator, bytes);
    if (!chain)
        return NULL;
    run->scratch_bytes += (int64_t)bytes;
    chain->run = run;
    chain->stage = stage;
    chain->code = code;
    chain->pass = pass;
    op_scan_run r = describe(run, stage, code);
    identity(&r, chain->link[0].carry, 1);
    atomic_store(&chain->link[0].ready, 1);
    return chain;
}

void op_scan_chain_piece(op_scan_chain *chain, op_run_state *run)
{
    int is_last = run->piece == chain->pass->pieces - 1;
    op_link *link = &chain->link[run->piece];
    op_scan_run r = describe(run, chain->stage, chain->code);
    op_span s = {.width = 1, .n = is_last ? chain->pass->last : r.length};
    op_args_room room;
    op_worker w;
    r.columns = r.width = r.column_blocks = 1;
    r.args = op_args_new(run, chain->stage, &room);
    if (r.args && begin_worker(&w, &r)) {
        scan_span(&w, &s);
        wait_for(&r, link);
        write_blocks(&w, &s, link->carry, is_last ? NULL : link + 1);
        end_worker(&w);
    } else {
        op_run_fail(run, OP_ERR_MEMORY);
    }
    if (r.args)
        op_args_free(run, r.args, &room);
}

void op_scan_chain_close(op_scan_chain *chain)
{
    if (chain)
        op_release(&chain->run->engine->allocator, chain);
}
