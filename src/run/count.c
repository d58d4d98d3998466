/* Count stages. The kernel writes a cache-sized block of places, and each chunk counts them in a table of its
 * own; tables are added up as chunks end. Sums of integers have no order, so neither has this. */
#include <pthread.h>
#include <string.h>

#include "run/blocks.h"

enum {
    BLOCK = 1024, /* places evaluated at a time: 8 kB */
    WAYS = 4,     /* copies of a small table in turn: an increment does not wait for the one before */
    FEW_BINS = 1024,
    CHUNKS_PER_THREAD = 4,
};

typedef struct op_count_run {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    op_kernel_args *args;
    int64_t elements, chunks;
    int64_t slots; /* of a table: for each count its bins, and one for what is in none */
    int64_t ways;
    int64_t *total;
    pthread_mutex_t lock; /* of total */
} op_count_run;

/* way[] may all be the same table. */
static void count_block(int64_t *const way[WAYS], int64_t bins, const int64_t *place, int64_t n)
{
    int64_t i = 0;
    for (; i + WAYS <= n; i += WAYS)
        for (int w = 0; w < WAYS; w++)
            way[w][(uint64_t)place[i + w] < (uint64_t)bins ? place[i + w] : bins]++;
    for (; i < n; i++)
        way[0][(uint64_t)place[i] < (uint64_t)bins ? place[i] : bins]++;
}

/* Counts elements begin..end-1 of every operand in `ways` tables. */
static int count_elements(op_count_run *r, const op_evaluation *evaluation, int64_t *table, int64_t begin, int64_t end)
{
    for (; begin < end && !op_run_stopped(r->run); begin += BLOCK) {
        int64_t n = end - begin < BLOCK ? end - begin : BLOCK, *counts = table;
        if (!op_evaluate_sequence(evaluation, 0, begin, begin + n, 0))
            return 0;
        for (int k = 0; k < r->stage->n_reduction; k++) {
            const op_stage_reduction *count = &r->stage->reduction[k];
            int64_t *way[WAYS];
            for (int w = 0; w < WAYS; w++)
                way[w] = counts + w % r->ways * r->slots;
            const char *block = evaluation->memory + count->block * evaluation->block_bytes;
            count_block(way, count->extent, (const int64_t *)(const void *)block, n);
            counts += count->extent + 1;
        }
    }
    return 1;
}

static void add_to_total(op_count_run *r, const int64_t *table)
{
    pthread_mutex_lock(&r->lock);
    for (int64_t w = 0; w < r->ways; w++)
        for (int64_t i = 0; i < r->slots; i++)
            r->total[i] += table[w * r->slots + i];
    pthread_mutex_unlock(&r->lock);
}

static void chunk_of_elements(void *ctx, int64_t i)
{
    op_count_run *r = ctx;
    const op_allocator *allocator = &r->run->engine->allocator;
    op_args_room room;
    int64_t begin = r->elements / r->chunks * i, blocks = (int64_t)r->stage->program.n_out;
    int64_t end = i + 1 == r->chunks ? r->elements : begin + r->elements / r->chunks;
    int alone = r->chunks == 1 && r->ways == 1; /* then nobody else needs the total */
    op_kernel_args *args = op_args_copy(r->run, r->stage, r->args, &room);
    char *memory = op_alloc(allocator, (size_t)(blocks * BLOCK) * sizeof(int64_t));
    int64_t *table = alone ? r->total : op_alloc_zero(allocator, (size_t)(r->ways * r->slots) * sizeof *table);
    op_evaluation evaluation = {r->stage, r->code, r->args, args, memory, BLOCK * (int64_t)sizeof(int64_t)};
    if (!args || !memory || !table || !count_elements(r, &evaluation, table, begin, end))
        op_run_fail(r->run, OP_ERR_MEMORY);
    else if (!alone)
        add_to_total(r, table);
    if (args)
        op_args_free(r->run, args, &room);
    op_release(allocator, memory);
    if (!alone)
        op_release(allocator, table);
}

static void store_counts(const op_count_run *r)
{
    const int64_t *from = r->total;
    for (int k = 0; k < r->stage->n_reduction; k++) {
        const op_stage_reduction *count = &r->stage->reduction[k];
        char *to = op_run_address(r->run, &count->result);
        for (int64_t i = 0; i < count->extent; i++)
            memcpy(to + i * count->stride, &from[i], sizeof *from);
        from += count->extent + 1;
    }
}

static void count(op_count_run *r)
{
    int threads = op_threads_for(r->run, r->stage, r->code, (double)r->elements);
    int64_t most = r->elements / (8 * BLOCK + 2 * r->slots); /* a table costs less than the elements behind it */
    r->chunks = threads > 1 ? threads * CHUNKS_PER_THREAD : 1;
    r->chunks = r->chunks < most ? r->chunks : most > 0 ? most : 1;
    r->ways = r->slots <= FEW_BINS ? WAYS : 1;
    r->run->scratch_bytes += r->slots * (int64_t)sizeof *r->total * (1 + r->ways * (r->chunks < threads ? r->chunks : threads));
    if (r->elements > 0)
        op_parallel(r->run, threads, r->chunks, chunk_of_elements, r);
    store_counts(r);
}

op_status op_run_count(op_run_state *run, const op_stage *stage, const op_code *code)
{
    op_args_room room;
    op_count_run r = {.run = run, .stage = stage, .code = code, .elements = 1, .lock = PTHREAD_MUTEX_INITIALIZER};
    for (int d = 0; d < stage->ndim; d++)
        r.elements *= stage->shape[d];
    for (int k = 0; k < stage->n_reduction; k++)
        r.slots += stage->reduction[k].extent + 1;
    r.args = op_args_new(run, stage, &room);
    r.total = op_alloc_zero(&run->engine->allocator, (size_t)r.slots * sizeof *r.total);
    if (r.args && r.total)
        count(&r);
    else
        op_run_fail(run, OP_ERR_MEMORY);
    op_release(&run->engine->allocator, r.total);
    if (r.args)
        op_args_free(run, r.args, &room);
    return OP_OK;
}
