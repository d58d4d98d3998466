/* Plans with rows: all stages run on a row while it is in cache. What is the same for every row of a chunk is
 * prepared once, because a row may be only a few hundred elements. */
#include "base/view.h"
#include "run/run.h"

enum { BATCH_ELEMENTS = 65536 /* of one chunk */ };

typedef struct op_rows_run {
    op_run_state *run;
    int64_t batch; /* rows of one chunk */
} op_rows_run;

/* A stage, as a thread runs it: with arguments of its own if one call of the kernel is the whole row, with a
 * reduction, or in general. */
typedef struct op_row_stage {
    const op_stage *stage;
    const op_code *code;
    op_args_room room;
    op_kernel_args *args;
    op_row_reduction *reduction;
} op_row_stage;

/* A thread's part of the run. */
typedef struct op_rows_worker {
    op_run_state own;
    char *temp[OP_PLAN_ROW_TEMPS];
    char *memory; /* temporaries of one row */
    op_row_stage *stage;
} op_rows_worker;

/* Outputs only, because temporaries are read again; and every row must begin aligned. */
static void choose_stream(const op_run_state *run, op_row_stage *s)
{
    for (uint32_t k = s->stage->program.n_in; k < s->stage->program.n_in + s->stage->program.n_out; k++)
        if (s->stage->operand[k].place.kind != OP_PLACE_OUT || s->stage->operand[k].place.row_stride % 64)
            return;
    if (op_stream_lead(run, s->stage, s->args) == 0)
        s->args->flags |= OP_KERNEL_STREAM;
}

static int open_stage(op_run_state *own, op_row_stage *s, int i)
{
    const op_stage *stage = own->plan->stage[i];
    *s = (op_row_stage){.stage = stage, .code = own->code[i]};
    if (op_row_reduction_serves(stage)) {
        s->reduction = op_row_reduction_open(own, stage, s->code);
        return s->reduction != NULL;
    }
    if (stage->kind != OP_STAGE_MAP || stage->ndim != 1)
        return 1;
    s->args = op_args_new(own, stage, &s->room);
    if (s->args)
        choose_stream(own, s);
    return s->args != NULL;
}

/* The caller closes the worker in any case. */
static int open_worker(op_rows_worker *w, const op_run_state *run, int64_t first)
{
    const op_plan *plan = run->plan;
    const op_allocator *allocator = &run->engine->allocator;
    int64_t bytes = 0;
    w->own = *run;
    w->own.row = first;
    w->own.temp = w->temp;
    w->own.threads = 1;
    for (int t = 0; t < plan->n_temp; t++)
        bytes += op_aligned(plan->temp_bytes[t]);
    w->memory = op_alloc(allocator, (size_t)bytes);
    w->stage = op_alloc_zero(allocator, sizeof *w->stage * (size_t)plan->n_stage);
    if (!w->memory || !w->stage)
        return 0;
    char *next = w->memory;
    for (int t = 0; t < plan->n_temp; t++) {
        w->temp[t] = next;
        next += op_aligned(plan->temp_bytes[t]);
    }
    for (int s = 0; s < plan->n_stage; s++)
        if (!open_stage(&w->own, &w->stage[s], s))
            return 0;
    return 1;
}

static void close_worker(op_rows_worker *w)
{
    const op_allocator *allocator = &w->own.engine->allocator;
    for (int s = 0; w->stage && s < w->own.plan->n_stage; s++) {
        op_row_reduction_close(w->stage[s].reduction);
        if (!w->stage[s].args)
            continue;
        op_stream_fence(w->stage[s].args);
        op_args_free(&w->own, w->stage[s].args, &w->stage[s].room);
    }
    op_release(allocator, w->stage);
    op_release(allocator, w->memory);
}

static int run_map(const op_run_state *own, op_row_stage *s)
{
    const op_program *program = &s->stage->program;
    for (uint32_t k = 0; k < program->n_in + program->n_out; k++)
        s->args->operand[k].data = op_run_address(own, &s->stage->operand[k].place);
    return s->stage->shape[0] == 0 || op_code_run(s->code, s->args, 0, s->stage->shape[0]);
}

/* Returns 0 after a failure. */
static int run_row(op_rows_worker *w)
{
    int ok = 1;
    for (int i = 0; i < w->own.plan->n_stage && ok; i++) {
        op_row_stage *s = &w->stage[i];
        if (s->reduction)
            op_row_reduction_run(s->reduction);
        else if (s->args)
            ok = run_map(&w->own, s);
        else
            ok = op_run_stage(&w->own, i) == OP_OK;
        ok &= !atomic_load_explicit(w->own.failed, memory_order_relaxed);
    }
    return ok;
}

static void chunk_of_rows(void *ctx, int64_t i)
{
    const op_rows_run *r = ctx;
    op_rows_worker w;
    int64_t first = i * r->batch, rows = r->run->plan->rows;
    int64_t end = first + r->batch < rows ? first + r->batch : rows;
    int ok = open_worker(&w, r->run, first);
    for (; ok && w.own.row < end && !op_run_stopped(&w.own); w.own.row++)
        ok = run_row(&w);
    if (!ok)
        op_run_fail(r->run, OP_ERR_MEMORY);
    close_worker(&w);
}

op_status op_run_rows(op_run_state *run)
{
    const op_plan *plan = run->plan;
    double elements = 0;
    int threads = 1;
    for (int s = 0; s < plan->n_stage; s++) {
        const op_stage *stage = plan->stage[s];
        double size = (double)op_shape_size(stage->ndim, stage->shape);
        int wanted = op_threads_for(run, stage, run->code[s], size * (double)plan->rows);
        threads = wanted > threads ? wanted : threads;
        elements = size > elements ? size : elements;
        run->bytes += stage->bytes * plan->rows;
        run->interpreted += run->code[s]->fn == NULL;
    }
    op_rows_run r = {.run = run, .batch = elements < BATCH_ELEMENTS ? (int64_t)(BATCH_ELEMENTS / elements) : 1};
    int64_t fair = plan->rows / (threads * 4); /* rows of a chunk that leave something to balance */
    r.batch = r.batch > fair ? (fair > 0 ? fair : 1) : r.batch;
    op_parallel(run, threads, (plan->rows + r.batch - 1) / r.batch, chunk_of_rows, &r);
    if (atomic_load(run->failed))
        return op_fail((op_status)atomic_load(run->failed), "out of memory while a kernel ran");
    return op_run_stopped(run) ? op_fail(OP_ERR_CANCELLED, "the evaluation was cancelled") : OP_OK;
}
