/* Weighted count stages: the sum of the weights that fall into each bin. A sum of floats has an order, and it is
 * fixed by the numbers of elements and of bins alone: the elements of a chunk, in C order, are added one after
 * another to a table of its own, and the tables to the total, one after another. NumPy's histogram does the same with
 * chunks of 65536. Chunks of one batch run side by side. */
#include <string.h>

#include "run/blocks.h"

enum {
    BLOCK = 1024,             /* places and weights evaluated at a time: 8 kB each */
    LEAST_CHUNK = 65536,      /* elements */
    ELEMENTS_PER_BIN = 8,     /* at least, so that a table costs less than the elements behind it */
    TABLES_PER_THREAD = 4,    /* in a batch, so that threads do not wait for one another */
    TABLE_OF_CACHE = 1 << 13, /* bins; of larger tables each thread has one */
};

typedef struct op_weigh_run {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    op_kernel_args *args;
    const op_stage_reduction *sum;
    int64_t elements, chunk, chunks;
    int64_t slots; /* of a table, 8 bytes each: the bins, and one for what is in none */
    int64_t first; /* chunk of the batch */
    int64_t batch; /* most chunks */
    char *tables;  /* one for each chunk of a batch, and the total */
} op_weigh_run;

static char *table_of(const op_weigh_run *r, int64_t i)
{
    return r->tables + i * r->slots * 8;
}

static char *total_of(const op_weigh_run *r)
{
    return table_of(r, r->batch);
}

static void add_floats(double *table, int64_t bins, const int64_t *place, const double *weight, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        table[(uint64_t)place[i] < (uint64_t)bins ? place[i] : bins] += weight[i];
}

/* Signed and unsigned ones: sums wrap. */
static void add_integers(uint64_t *table, int64_t bins, const int64_t *place, const uint64_t *weight, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        table[(uint64_t)place[i] < (uint64_t)bins ? place[i] : bins] += weight[i];
}

/* Adds the weights of elements begin..end-1 to a table. Returns 0 if out of memory. */
static int weigh_elements(const op_weigh_run *r, const op_evaluation *evaluation, void *table, int64_t begin,
                          int64_t end)
{
    const void *place = evaluation->memory + r->sum->block * evaluation->block_bytes;
    const void *weight = evaluation->memory + r->sum->weights * evaluation->block_bytes;
    for (; begin < end && !op_run_stopped(r->run); begin += BLOCK) {
        int64_t n = end - begin < BLOCK ? end - begin : BLOCK;
        if (!op_evaluate_sequence(evaluation, 0, begin, begin + n, 0))
            return 0;
        if (r->sum->result_dtype == OP_F64)
            add_floats(table, r->sum->extent, place, weight, n);
        else
            add_integers(table, r->sum->extent, place, weight, n);
    }
    return 1;
}

static void chunk_of_batch(void *ctx, int64_t i)
{
    op_weigh_run *r = ctx;
    const op_allocator *allocator = &r->run->engine->allocator;
    op_args_room room;
    int64_t begin = (r->first + i) * r->chunk, end = begin + r->chunk < r->elements ? begin + r->chunk : r->elements;
    op_kernel_args *args = op_args_copy(r->run, r->stage, r->args, &room);
    char *memory = op_alloc(allocator, (size_t)r->stage->program.n_out * BLOCK * 8);
    op_evaluation evaluation = {r->stage, r->code, r->args, args, memory, BLOCK * 8};
    memset(table_of(r, i), 0, (size_t)r->slots * 8);
    if (!args || !memory || !weigh_elements(r, &evaluation, table_of(r, i), begin, end))
        op_run_fail(r->run, OP_ERR_MEMORY);
    if (args)
        op_args_free(r->run, args, &room);
    op_release(allocator, memory);
}

static void add_to_total(const op_weigh_run *r, int64_t i)
{
    if (r->sum->result_dtype == OP_F64) {
        double *total = (void *)total_of(r), *table = (void *)table_of(r, i);
        for (int64_t k = 0; k < r->slots; k++)
            total[k] += table[k];
    } else {
        uint64_t *total = (void *)total_of(r), *table = (void *)table_of(r, i);
        for (int64_t k = 0; k < r->slots; k++)
            total[k] += table[k];
    }
}

static void store_total(const op_weigh_run *r)
{
    char *to = op_run_address(r->run, &r->sum->result);
    for (int64_t i = 0; i < r->sum->extent; i++)
        memcpy(to + i * r->sum->stride, total_of(r) + i * 8, 8);
}

static void weigh(op_weigh_run *r, int threads)
{
    memset(total_of(r), 0, (size_t)r->slots * 8);
    for (r->first = 0; r->first < r->chunks && !op_run_stopped(r->run); r->first += r->batch) {
        int64_t n = r->chunks - r->first < r->batch ? r->chunks - r->first : r->batch;
        op_parallel(r->run, threads, n, chunk_of_batch, r);
        for (int64_t i = 0; i < n; i++)
            add_to_total(r, i);
    }
    store_total(r);
}

op_status op_run_weigh(op_run_state *run, const op_stage *stage, const op_code *code)
{
    op_args_room room;
    op_weigh_run r = {.run = run, .stage = stage, .code = code, .sum = &stage->reduction[0], .elements = 1};
    for (int d = 0; d < stage->ndim; d++)
        r.elements *= stage->shape[d];
    int threads = op_threads_for(run, stage, code, (double)r.elements);
    int64_t bins = r.sum->extent, wanted = bins <= TABLE_OF_CACHE ? threads * TABLES_PER_THREAD : threads;
    r.slots = bins + 1;
    r.chunk = bins * ELEMENTS_PER_BIN > LEAST_CHUNK ? bins * ELEMENTS_PER_BIN : LEAST_CHUNK;
    r.chunks = (r.elements + r.chunk - 1) / r.chunk;
    r.batch = r.chunks < wanted ? r.chunks : wanted;
    size_t bytes = (size_t)(r.batch + 1) * (size_t)r.slots * 8;
    run->scratch_bytes += (int64_t)bytes;
    r.args = op_args_new(run, stage, &room);
    r.tables = op_alloc(&run->engine->allocator, bytes);
    if (r.args && r.tables)
        weigh(&r, threads);
    else
        op_run_fail(run, OP_ERR_MEMORY);
    op_release(&run->engine->allocator, r.tables);
    if (r.args)
        op_args_free(run, r.args, &room);
    return OP_OK;
}
