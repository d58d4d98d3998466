/* Preparing and running a plan. */
#include "run/execute.h"

#include <string.h>

#include "base/hash.h"
#include "base/view.h"

/* ---- prepare ---- */

static void use_temp(op_prepared *p, const op_place *place, int pass)
{
    if (place->kind != OP_PLACE_TEMP)
        return;
    if (p->temp_first[place->index] < 0)
        p->temp_first[place->index] = pass;
    p->temp_last[place->index] = pass;
}

static op_status find_temp_lifetimes(op_prepared *p, op_arena *arena)
{
    const op_plan *plan = p->plan;
    p->temp_first = OP_NEW_ARRAY(arena, int, plan->n_temp + 1);
    p->temp_last = OP_NEW_ARRAY(arena, int, plan->n_temp + 1);
    if (!p->temp_first || !p->temp_last)
        return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
    for (int t = 0; t < plan->n_temp; t++)
        p->temp_first[t] = p->temp_last[t] = -1;
    for (int s = 0; s < plan->n_stage; s++) {
        const op_stage *stage = plan->stage[s];
        for (uint32_t k = 0; k < stage->program.n_in + stage->program.n_out; k++)
            use_temp(p, &stage->operand[k].place, stage->pass);
        for (int k = 0; k < stage->n_reduction; k++)
            use_temp(p, &stage->reduction[k].result, stage->pass);
    }
    return OP_OK;
}

static op_status look_up(op_engine *engine, op_prepared *p, op_arena *arena)
{
    p->code = OP_NEW_ARRAY(arena, op_code *, p->plan->n_stage + 1);
    if (!p->code)
        return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
    for (int s = 0; s < p->plan->n_stage; s++)
        p->code[s] = NULL;
    for (int s = 0; s < p->plan->n_stage; s++) {
        const op_stage *stage = p->plan->stage[s];
        op_lookup found;
        op_status status = op_cache_get(engine, stage->signature, stage->signature_size, &found);
        if (status != OP_OK)
            return status;
        p->code[s] = found.code;
        p->launch.signature = found.code->hash;
        p->launch.kernels++;
        p->launch.compiles += found.compiled;
        p->launch.hits_memory += !*found.miss;
        p->launch.compile_seconds += found.compiled ? found.code->compile_seconds : 0;
        if (*found.miss)
            p->launch.miss = found.miss;
    }
    return OP_OK;
}

op_status op_prepare(const op_plan_request *request, op_arena *arena, op_prepared *p)
{
    op_engine *engine = request->graph->engine;
    *p = (op_prepared){.launch = {.miss = "", .isa = op_engine_isa(engine)}};
    op_status status = op_plan_build(request, arena, &p->plan);
    if (status == OP_OK && (engine->options.flags & OP_ENGINE_VERIFY || op_engine_debugs(engine, 'v'))) {
        const char *why = op_plan_verify(p->plan);
        if (why)
            status = op_fail(OP_ERR_INTERNAL, "the plan breaks a rule: %s", why);
    }
    if (status == OP_OK) {
        p->launch.passes = op_plan_passes(p->plan);
        status = find_temp_lifetimes(p, arena);
    }
    if (status == OP_OK)
        status = look_up(engine, p, arena);
    if (status != OP_OK)
        op_prepared_release(p);
    return status;
}

void op_prepared_release(op_prepared *p)
{
    for (int s = 0; p->code && s < p->plan->n_stage; s++)
        op_code_release(p->code[s]);
    p->code = NULL;
}

/* ---- addresses ---- */

char *op_run_address(const op_run_state *run, const op_place *place)
{
    const char *base = NULL;
    switch (place->kind) {
    case OP_PLACE_DATA:
        base = place->data;
        break;
    case OP_PLACE_HOLE:
        base = run->holes[place->index].cdata;
        break;
    case OP_PLACE_OUT:
        base = run->outs[place->index].cdata;
        break;
    case OP_PLACE_TEMP:
    case OP_PLACE_PIECE:
        base = run->temp[place->index];
        break;
    case OP_PLACE_SCRATCH:
        break;
    }
    /* kernels write outputs and temporaries only; inputs lose their const here and are never written */
    return (char *)(uintptr_t)(base + place->offset + run->piece * place->piece_stride);
}

/* ---- overlap ---- */

static const op_pass *pass_of(const op_run_state *run, const op_stage *stage)
{
    return &run->plan->pass[stage->pass];
}

/* The bytes of an operand that a stage touches: in the first piece, if the pass has pieces. */
static void piece_span(const op_run_state *run, const op_stage *stage, const op_stage_operand *operand,
                     const char **begin, const char **end)
{
    const char *low = op_run_address(run, &operand->place), *high = low;
    for (int d = 0; d < stage->ndim; d++) {
        int64_t bytes = (stage->shape[d] - 1) * operand->strides[d];
        if (bytes < 0)
            low += bytes;
        else
            high += bytes;
    }
    *begin = low;
    *end = high + op_dtype_size(operand->dtype);
}

/* The same, in all pieces. */
static void operand_span(const op_run_state *run, const op_stage *stage, const op_stage_operand *operand,
                         const char **begin, const char **end)
{
    const op_pass *pass = pass_of(run, stage);
    int64_t more = pass->pieces > 1 ? (pass->pieces - 1) * operand->place.piece_stride : 0;
    if (pass->last) /* the last piece is shorter */
        more -= (stage->shape[0] - pass->last) * operand->strides[0];
    piece_span(run, stage, operand, begin, end);
    *begin += more < 0 ? more : 0;
    *end += more > 0 ? more : 0;
}

/* In a pass by rows: does each row of the output have no byte of another row of the input? */
static int rows_are_apart(const op_run_state *run, const op_stage *stage, const op_stage_operand *in, const op_view *out)
{
    const char *in_begin, *in_end, *out_begin, *out_end;
    op_view first = *out;
    first.shape[0] = 1;
    piece_span(run, stage, in, &in_begin, &in_end);
    op_view_span(&first, &out_begin, &out_end);
    const char *begin = in_begin < out_begin ? in_begin : out_begin, *end = in_end > out_end ? in_end : out_end;
    int64_t stride = out->strides[0];
    return in->place.piece_stride == stride && end - begin <= (stride < 0 ? -stride : stride);
}

static int is_input_place(const op_place *place)
{
    return place->kind == OP_PLACE_DATA || place->kind == OP_PLACE_HOLE;
}

/* True if each element is read exactly where it is written: then a chunk reads before it writes. */
static int walks_alike(const op_run_state *run, const op_stage *stage, const op_stage_operand *a,
                       const op_stage_operand *b)
{
    if (op_run_address(run, &a->place) != op_run_address(run, &b->place) ||
        a->place.piece_stride != b->place.piece_stride || op_dtype_size(a->dtype) != op_dtype_size(b->dtype))
        return 0;
    for (int d = 0; d < stage->ndim; d++)
        if (stage->shape[d] > 1 && a->strides[d] != b->strides[d])
            return 0;
    return 1;
}

static const op_stage_operand *find_output(const op_stage *stage, int out)
{
    for (uint32_t k = stage->program.n_in; k < stage->program.n_in + stage->program.n_out; k++)
        if (stage->operand[k].place.kind == OP_PLACE_OUT && stage->operand[k].place.index == out)
            return &stage->operand[k];
    return NULL;
}

/* Has a stage read all that it needs before a later one writes the output? */
static int has_been_read(const op_run_state *run, const op_stage *reader, const op_stage_operand *in,
                         const op_stage *writer, const op_view *out, int out_index)
{
    const op_pass *pass = pass_of(run, reader);
    const op_stage_operand *written = find_output(writer, out_index);
    if (reader->pass != writer->pass || (writer->is_across && !written))
        return 1;
    if (!pass->last)
        return rows_are_apart(run, reader, in, out);
    return written && walks_alike(run, reader, in, written);
}

/* Does stage `reader` read, through operand `in`, bytes of output `out`, whose writer is stage `writer`?
 * 0: no, or harmlessly; 1: yes. *shares: they have bytes in common at all. */
static int reads_output(const op_run_state *run, int reader, const op_stage_operand *in, const op_view *out, int out_index,
                        int writer, int *shares)
{
    const op_stage *stage = run->plan->stage[reader];
    const char *in_begin, *in_end, *out_begin, *out_end;
    operand_span(run, stage, in, &in_begin, &in_end);
    op_view_span(out, &out_begin, &out_end);
    if (in_begin >= out_end || out_begin >= in_end)
        return 0;
    *shares = 1;
    if (reader < writer)
        return !has_been_read(run, stage, in, run->plan->stage[writer], out, out_index);
    const op_stage_operand *written = reader == writer ? find_output(stage, out_index) : NULL;
    return !written || !walks_alike(run, stage, in, written);
}

static int writer_of(const op_plan *plan, int out)
{
    for (int s = 0; s < plan->n_stage; s++) {
        const op_stage *stage = plan->stage[s];
        for (int k = 0; k < stage->n_reduction; k++)
            if (stage->reduction[k].result.kind == OP_PLACE_OUT && stage->reduction[k].result.index == out)
                return s;
        if (find_output(stage, out))
            return s;
    }
    return 0;
}

/* True if the output must be computed aside, because an input would be overwritten before it is read. */
static int needs_copy(op_run_state *run, const op_view *outs, int out)
{
    const op_plan *plan = run->plan;
    int writer = writer_of(plan, out);
    for (int s = 0; s < plan->n_stage; s++) {
        const op_stage *stage = plan->stage[s];
        int empty = op_shape_size(stage->ndim, stage->shape) == 0;
        for (uint32_t k = 0; k < stage->program.n_in && !empty; k++) {
            int shares = 0;
            if (is_input_place(&stage->operand[k].place) &&
                reads_output(run, s, &stage->operand[k], &outs[out], out, writer, &shares))
                return 1;
            run->in_place |= shares;
        }
    }
    return 0;
}

/* Copies an array of the same dtype and shape. */
static void copy_view(const op_view *to, const op_view *from)
{
    int64_t index[OP_MAX_NDIM] = {0};
    int64_t n = op_shape_size(to->ndim, to->shape), size = op_dtype_size(to->dtype);
    char *write = to->data;
    const char *read = from->cdata;
    for (int64_t i = 0; i < n; i++) {
        memcpy(write, read, (size_t)size);
        for (int d = to->ndim - 1; d >= 0; d--) {
            write += to->strides[d];
            read += from->strides[d];
            if (++index[d] < to->shape[d])
                break;
            write -= to->strides[d] * to->shape[d];
            read -= from->strides[d] * to->shape[d];
            index[d] = 0;
        }
    }
}

/* ---- run ---- */

static void free_temp(op_run_state *run, int t)
{
    op_release(&run->engine->allocator, run->temp[t]);
    run->temp[t] = NULL;
}

static op_status begin_temps(op_run_state *run, int pass)
{
    for (int t = 0; t < run->plan->n_temp; t++) {
        if (run->temp_first[t] != pass)
            continue;
        int64_t bytes = run->plan->temp[t].bytes;
        run->temp[t] = op_alloc(&run->engine->allocator, (size_t)bytes);
        run->scratch_bytes += bytes;
        if (!run->temp[t])
            return op_fail(OP_ERR_MEMORY, "out of memory for a temporary of %lld bytes", (long long)bytes);
    }
    return OP_OK;
}

static void end_temps(op_run_state *run, int pass)
{
    for (int t = 0; t < run->plan->n_temp; t++)
        if (run->temp_last[t] == pass)
            free_temp(run, t);
}

op_status op_run_stage(op_run_state *run, int s)
{
    const op_stage *stage = run->plan->stage[s];
    switch (stage->kind) {
    case OP_STAGE_REDUCE:
        return op_run_reduce(run, stage, run->code[s]);
    case OP_STAGE_SCAN:
        return op_run_scan(run, stage, run->code[s]);
    case OP_STAGE_COUNT:
        return op_run_count(run, stage, run->code[s]);
    case OP_STAGE_WEIGH:
        return op_run_weigh(run, stage, run->code[s]);
    default:
        return op_run_map(run, stage, run->code[s]);
    }
}

op_status op_run_stages(op_run_state *run)
{
    const op_plan *plan = run->plan;
    op_status status = OP_OK;
    for (int p = 0; p < plan->n_pass && status == OP_OK; p++) {
        status = begin_temps(run, p);
        if (status == OP_OK)
            status = plan->pass[p].pieces ? op_run_pieces(run, p) : op_run_stage(run, plan->pass[p].first);
        if (status == OP_OK && op_run_stopped(run))
            status = op_fail((op_status)atomic_load(run->failed), atomic_load(run->failed) == OP_ERR_CANCELLED
                                                                      ? "the evaluation was cancelled"
                                                                      : "out of memory while a kernel ran");
        end_temps(run, p);
        for (int s = plan->pass[p].first; s < plan->pass[p].first + plan->pass[p].n_stage; s++) {
            run->interpreted += run->code[s]->fn == NULL;
            run->bytes += plan->stage[s]->bytes;
        }
        if (run->progress && status == OP_OK)
            run->progress(run->progress_ctx, (p + 1.0) / plan->n_pass);
    }
    for (int t = 0; t < plan->n_temp; t++)
        free_temp(run, t);
    return status;
}

/* Gives every output that needs it a buffer of its own; copied back afterwards. */
static op_status run_aside(op_run_state *run, int n_out, const op_view *outs)
{
    const op_allocator *allocator = &run->engine->allocator;
    op_view *aside = op_alloc(allocator, sizeof *aside * (size_t)n_out);
    op_status status = aside ? OP_OK : op_fail(OP_ERR_MEMORY, "out of memory for overlapping outputs");
    int made = 0;
    for (; made < n_out && status == OP_OK; made++) {
        aside[made] = outs[made];
        if (!needs_copy(run, outs, made))
            continue;
        /* the strides of the plan are those of the output: the copy covers the same span */
        const char *begin, *end;
        op_view_span(&outs[made], &begin, &end);
        char *memory = op_alloc(allocator, (size_t)(end - begin));
        if (!memory) {
            status = op_fail(OP_ERR_MEMORY, "out of memory for an output that overlaps an input");
            break;
        }
        run->scratch_bytes += end - begin;
        aside[made].data = memory + (outs[made].cdata == NULL ? 0 : (const char *)outs[made].cdata - begin);
    }
    run->outs = aside;
    if (status == OP_OK)
        status = op_run_stages(run);
    for (int i = 0; i < made; i++) {
        const char *begin, *end, *begin_aside;
        if (aside[i].data == outs[i].data)
            continue;
        if (status == OP_OK)
            copy_view(&outs[i], &aside[i]);
        op_view_span(&outs[i], &begin, &end);
        begin_aside = (const char *)aside[i].cdata - ((const char *)outs[i].cdata - begin);
        op_release(allocator, (char *)(uintptr_t)begin_aside);
    }
    op_release(allocator, aside);
    run->outs = outs;
    return status;
}

static op_status check_outputs_apart(int n_out, const op_view *outs)
{
    for (int i = 0; i < n_out; i++)
        for (int k = i + 1; k < n_out; k++)
            if (op_views_overlap(&outs[i], &outs[k]))
                return op_fail(OP_ERR_OVERLAP, "outputs %d and %d share memory", i, k);
    return OP_OK;
}

op_status op_execute(op_engine *engine, const op_prepared *p, int n_in, const op_view *holes, int n_out,
                     const op_view *outs, const op_run_options *options, op_launch *launch)
{
    (void)n_in;
    char *few[16] = {0};
    const op_plan *plan = p->plan;
    _Atomic int failed = OP_OK;
    op_run_state run = {.engine = engine,
                        .failed = &failed,
                        .plan = plan,
                        .code = p->code,
                        .holes = holes,
                        .outs = outs,
                        .temp = few,
                        .temp_first = p->temp_first,
                        .temp_last = p->temp_last,
                        .threads = atomic_load_explicit(&engine->threads, memory_order_relaxed),
                        .cancels = atomic_load(&engine->cancels)};
    if (options) {
        run.threads = options->threads > 0 ? options->threads : run.threads;
        run.cancel = options->cancel;
        run.progress = options->progress;
        run.progress_ctx = options->ctx;
    }
    op_status status = n_out > 1 ? check_outputs_apart(n_out, outs) : OP_OK;
    if (status != OP_OK)
        return status;
    if (plan->n_temp > (int)(sizeof few / sizeof few[0])) {
        run.temp = op_alloc_zero(&engine->allocator, sizeof *run.temp * (size_t)plan->n_temp);
        if (!run.temp)
            return op_fail(OP_ERR_MEMORY, "out of memory for %d temporaries", plan->n_temp);
    }
    double start = op_seconds();
    int aside = 0;
    for (int i = 0; i < n_out; i++)
        aside |= needs_copy(&run, outs, i);
    status = aside ? run_aside(&run, n_out, outs) : op_run_stages(&run);
    if (run.temp != few)
        op_release(&engine->allocator, run.temp);
    launch->run_seconds += op_seconds() - start;
    launch->threads = run.threads_used;
    launch->interpreted = run.interpreted;
    launch->bytes = run.bytes;
    launch->scratch_bytes = run.scratch_bytes;
    return status;
}

void op_engine_count(op_engine *engine, const op_launch *launch)
{
    pthread_mutex_lock(&engine->stats_lock);
    op_stats *stats = &engine->stats;
    stats->compiles += launch->compiles;
    stats->hits_memory += launch->hits_memory;
    stats->interpreted += launch->interpreted;
    stats->launches += launch->kernels;
    stats->compile_seconds += launch->compile_seconds;
    stats->run_seconds += launch->run_seconds;
    stats->bytes += launch->bytes;
    pthread_mutex_unlock(&engine->stats_lock);
    if (op_engine_debugs(engine, 't'))
        op_engine_log(engine, "time: compile %.3f ms, run %.3f ms, %d threads", 1e3 * launch->compile_seconds,
                      1e3 * launch->run_seconds, launch->threads);
    if (op_engine_debugs(engine, 'c'))
        op_engine_log(engine, "cache: %d kernels, %d compiled, %d hits", launch->kernels, launch->compiles,
                      launch->hits_memory);
}
