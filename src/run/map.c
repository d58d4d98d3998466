/* Map stages: chunks of the iteration space, each through the kernel. */
#include <string.h>

#include "run/run.h"

enum {
    CHUNK_BYTES = 256 << 10, /* read and written by one chunk: small enough to balance, large enough to amortise */
    TILE = 64,               /* rows and columns of a tile when an operand runs across the rows */
};

typedef struct op_map_run {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    op_kernel_args *args; /* of the first row */
    int64_t lead;         /* rank 1: elements before the aligned part of the outputs */
    int64_t chunk;        /* elements or rows of one chunk */
    int64_t total;        /* elements, or rows of all outer dimensions together */
    int64_t block;        /* rank 2: columns at a time */
} op_map_run;

/* ---- arguments ---- */

static size_t args_bytes(const op_stage *stage)
{
    return sizeof(op_kernel_args) + sizeof(op_operand) * (stage->program.n_in + stage->program.n_out);
}

static op_kernel_args *args_memory(const op_run_state *run, const op_stage *stage, op_args_room *room)
{
    size_t bytes = args_bytes(stage);
    return bytes <= sizeof room->bytes ? (op_kernel_args *)(void *)room : op_alloc(&run->engine->allocator, bytes);
}

/* Half a piece farther than the next one, if they follow one another in memory. */
static int64_t far_ahead(const op_stage *stage, const op_stage_operand *operand)
{
    int64_t ahead = operand->place.piece_stride;
    return stage->ndim == 1 && ahead == stage->shape[0] * operand->strides[0] ? ahead + ahead / 2 : ahead;
}

op_kernel_args *op_args_new(const op_run_state *run, const op_stage *stage, op_args_room *room)
{
    op_kernel_args *args = args_memory(run, stage, room);
    if (!args)
        return NULL;
    int inner = stage->ndim - 1;
    *args = (op_kernel_args){.calls = op_calls, .scalars = stage->scalar, .n = stage->shape[inner]};
    for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++) {
        const op_stage_operand *operand = &stage->operand[k];
        int scratch = operand->place.kind == OP_PLACE_SCRATCH;
        args->operand[k] = (op_operand){.data = scratch ? NULL : op_run_address(run, &operand->place),
                                        .stride = operand->strides[inner],
                                        .row_stride = inner ? operand->strides[inner - 1] : 0,
                                        .ahead = operand->place.piece_stride,
                                        .far_ahead = far_ahead(stage, operand)};
    }
    return args;
}

op_kernel_args *op_args_copy(const op_run_state *run, const op_stage *stage, const op_kernel_args *args,
                             op_args_room *room)
{
    op_kernel_args *copy = args_memory(run, stage, room);
    return copy ? memcpy(copy, args, args_bytes(stage)) : NULL;
}

void op_args_free(const op_run_state *run, op_kernel_args *args, op_args_room *room)
{
    if ((void *)args != (void *)room)
        op_release(&run->engine->allocator, args);
}

void op_args_advance(op_kernel_args *args, const op_stage *stage)
{
    for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++)
        args->operand[k].data += args->operand[k].ahead;
}

/* ---- chunks ---- */

void op_stream_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* on x86 a full fence, which orders streaming stores, too */
}

static void fence(const op_kernel_args *args)
{
    if (args->flags & OP_KERNEL_STREAM)
        op_stream_fence();
}

static void run_range(op_map_run *m, const op_kernel_args *args, int64_t begin, int64_t end)
{
    if (begin < end && !op_code_run(m->code, args, begin, end))
        op_run_fail(m->run, OP_ERR_MEMORY);
}

static void chunk_of_elements(void *ctx, int64_t i)
{
    op_map_run *m = ctx;
    int64_t begin = m->lead + i * m->chunk, end = begin + m->chunk;
    end = end < m->total ? end : m->total;
    if (i == 0 && m->lead) { /* the unaligned part is stored as usual */
        op_args_room room;
        op_kernel_args *args = op_args_copy(m->run, m->stage, m->args, &room);
        if (!args) {
            op_run_fail(m->run, OP_ERR_MEMORY);
            return;
        }
        args->flags &= ~(uint64_t)OP_KERNEL_STREAM;
        run_range(m, args, 0, m->lead < m->total ? m->lead : m->total);
        op_args_free(m->run, args, &room);
    }
    run_range(m, m->args, begin, end);
    fence(m->args);
}

/* Moves the operands to a row of the outer dimensions, and to a column. */
static void move_operands(const op_map_run *m, op_kernel_args *args, int64_t outer, int64_t column)
{
    const op_stage *stage = m->stage;
    for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++) {
        const int64_t *strides = stage->operand[k].strides;
        char *data = m->args->operand[k].data + column * strides[stage->ndim - 1];
        int64_t rest = outer;
        for (int d = stage->ndim - 3; d >= 0; d--) {
            data += rest % stage->shape[d] * strides[d];
            rest /= stage->shape[d];
        }
        args->operand[k].data = data;
    }
}

static void chunk_of_rows(void *ctx, int64_t i)
{
    op_map_run *m = ctx;
    const op_stage *stage = m->stage;
    int64_t n = stage->shape[stage->ndim - 1], rows = stage->shape[stage->ndim - 2];
    int64_t blocks = (n + m->block - 1) / m->block;
    int64_t begin = i / blocks * m->chunk, end = begin + m->chunk, column = i % blocks * m->block;
    end = end < m->total ? end : m->total;
    op_args_room room;
    op_kernel_args *args = op_args_copy(m->run, stage, m->args, &room);
    if (!args) {
        op_run_fail(m->run, OP_ERR_MEMORY);
        return;
    }
    args->n = n - column < m->block ? n - column : m->block;
    while (begin < end) {
        int64_t row = begin % rows, count = rows - row < end - begin ? rows - row : end - begin;
        move_operands(m, args, begin / rows, column);
        run_range(m, args, row, row + count);
        begin += count;
    }
    fence(args);
    op_args_free(m->run, args, &room);
}

/* ---- choices ---- */

static int64_t bytes_per_element(const op_stage *stage)
{
    int64_t bytes = 0;
    for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++)
        bytes += op_dtype_size(stage->operand[k].dtype);
    return bytes;
}

/* Bytes that the pass of a stage reads and writes. */
static int64_t bytes_beside(const op_run_state *run, const op_stage *stage)
{
    const op_pass *pass = &run->plan->pass[stage->pass];
    int64_t bytes = 0;
    for (int s = pass->first; s < pass->first + pass->n_stage; s++)
        bytes += run->plan->stage[s]->bytes;
    return bytes;
}

int64_t op_stream_lead(const op_run_state *run, const op_stage *stage, const op_kernel_args *args)
{
    int64_t lead = -1;
    if (run->in_place || bytes_beside(run, stage) < op_cache_bytes())
        return -1;
    for (uint32_t k = stage->program.n_in; k < stage->program.n_in + stage->program.n_out; k++) {
        int64_t size = op_dtype_size(stage->operand[k].dtype);
        int64_t bytes = (int64_t)(-(uintptr_t)args->operand[k].data & 63);
        if (stage->program.operand[k].access != OP_CONTIGUOUS || bytes % size || (lead >= 0 && lead != bytes / size))
            return -1;
        lead = bytes / size;
        for (int d = 0; d < stage->ndim - 1; d++)
            if (stage->operand[k].strides[d] % 64 || lead)
                return -1;
    }
    return lead;
}

static void choose_stream(op_map_run *m)
{
    int64_t lead = op_stream_lead(m->run, m->stage, m->args);
    if (lead < 0)
        return;
    m->lead = m->stage->ndim == 1 ? lead : 0;
    m->args->flags |= OP_KERNEL_STREAM;
}

/* True if an operand's neighbours lie in different rows: then tiles keep its cache lines. */
static int runs_across_rows(const op_stage *stage)
{
    for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++) {
        const int64_t *strides = stage->operand[k].strides;
        int64_t inner = strides[stage->ndim - 1], row = strides[stage->ndim - 2];
        if (row && (inner < 0 ? -inner : inner) > (row < 0 ? -row : row))
            return 1;
    }
    return 0;
}

static int64_t at_least(int64_t value, int64_t low)
{
    return value < low ? low : value;
}

static void run_elements(op_map_run *m, int threads)
{
    int64_t n = m->stage->shape[0], per_thread = n / (threads * 4);
    choose_stream(m);
    m->total = n;
    m->chunk = at_least(CHUNK_BYTES / bytes_per_element(m->stage), 1024) & ~(int64_t)1023;
    if (m->chunk > per_thread && threads > 1)
        m->chunk = at_least(per_thread & ~(int64_t)1023, 1024);
    else if (threads == 1 && m->stage->cost < 64)
        m->chunk *= 16; /* nothing to balance: only often enough to be cancelled */
    int64_t chunks = n <= m->lead ? 1 : (n - m->lead + m->chunk - 1) / m->chunk;
    op_parallel(m->run, threads, chunks, chunk_of_elements, m);
}

static void run_rows(op_map_run *m, int threads)
{
    const op_stage *stage = m->stage;
    int64_t n = stage->shape[stage->ndim - 1];
    m->total = 1;
    for (int d = 0; d < stage->ndim - 1; d++)
        m->total *= stage->shape[d];
    choose_stream(m);
    int64_t elements = CHUNK_BYTES / bytes_per_element(stage);
    m->block = n;
    if (runs_across_rows(stage)) {
        m->block = n < 2 * TILE ? n : TILE;
        elements = TILE * TILE;
    } else if (n > elements) {
        m->block = at_least(elements & ~(int64_t)1023, 1024);
    }
    m->chunk = at_least(elements / m->block, 1);
    int64_t per_thread = m->total / (threads * 4);
    if (threads > 1 && m->block == n && m->chunk > per_thread)
        m->chunk = at_least(per_thread, 1);
    int64_t chunks = (m->total + m->chunk - 1) / m->chunk * ((n + m->block - 1) / m->block);
    op_parallel(m->run, threads, chunks, chunk_of_rows, m);
}

op_status op_run_map(op_run_state *run, const op_stage *stage, const op_code *code)
{
    op_args_room room;
    double elements = 1;
    for (int d = 0; d < stage->ndim; d++)
        elements *= (double)stage->shape[d];
    if (elements == 0)
        return OP_OK;
    op_map_run m = {.run = run, .stage = stage, .code = code, .args = op_args_new(run, stage, &room)};
    if (!m.args)
        return op_fail(OP_ERR_MEMORY, "out of memory for a kernel's arguments");
    int threads = op_threads_for(run, stage, code, elements);
    if (stage->ndim == 1)
        run_elements(&m, threads);
    else
        run_rows(&m, threads);
    op_args_free(run, m.args, &room);
    return OP_OK;
}
