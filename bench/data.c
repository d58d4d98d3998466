/* A row's arrays, and its evaluation by each contestant. */
#define _GNU_SOURCE
#include "bench.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 1 << 21, SLACK = 4096 };

/* ---- Arrays: aligned, on huge pages, the same for everyone ---- */

static void *array_make(int64_t bytes)
{
    size_t size = ((size_t)bytes + SLACK + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
    void *memory = aligned_alloc(HUGE_PAGE, size);
    if (memory) {
        madvise(memory, size, MADV_HUGEPAGE);
        memset(memory, 0, size);
    }
    return memory;
}

int arrays_make(arrays *a, int letters, int64_t bytes)
{
    *a = (arrays){0};
    int good = (a->out = array_make(bytes)) != NULL;
    for (int i = 0; i < letters && good; i++)
        good = (a->in[i] = array_make(bytes)) != NULL;
    return good;
}

void arrays_free(arrays *a)
{
    for (int i = 0; i < LETTERS; i++)
        free(a->in[i]);
    free(a->out);
}

/* Values in no order that a processor could learn: the fractions of multiples of the golden ratio. */
static void fill(const work *w, int letter, void *to)
{
    const row *r = w->row;
    for (int64_t i = 0; i < w->n; i++) {
        double fraction =
            (double)(((uint64_t)i + 1) * (0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du * (uint64_t)letter) >> 11) *
            0x1p-53;
        double value = r->low + (r->high - r->low) * fraction;
        if (w->dtype == OP_F32)
            ((float *)to)[i] = (float)value;
        else
            ((double *)to)[i] = value;
    }
}

/* ---- Making ---- */

extents extents_of(const row *r, int64_t n)
{
    const kind_facts *k = &kinds[r->kind];
    if (k->dims == 1)
        return (extents){.rows = 1, .cols = n};
    if (k->columns)
        return (extents){.rows = n < k->columns ? 1 : n / k->columns, .cols = k->columns};
    int64_t side = (int64_t)(sqrt((double)n) / 16 + 0.5) * 16;
    side = side < 16 ? 16 : side;
    return (extents){.rows = side, .cols = side};
}

/* Where an input, or the first of what it is made of, lies. */
static op_view input_view(const work *w, const void *data)
{
    int64_t shape[2] = {w->rows, w->cols}, item = op_dtype_size(w->dtype);
    int64_t strides[2] = {w->step[0] * item, w->step[1] * item};
    int first = kinds[w->row->kind].dims == 1;
    return op_view_nd(w->dtype, data, 2 - first, shape + first, strides + first);
}

static op_view result_view(const work *w)
{
    switch (kinds[w->row->kind].result) {
    case SINGLE:
        return OP_VIEW_0D(w->row->kind == ARGMIN ? OP_I64 : w->dtype, w->out);
    case PER_ROW:
        return OP_VIEW_1D(w->dtype, w->out, w->rows);
    case PER_COLUMN:
        return OP_VIEW_1D(w->dtype, w->out, w->cols);
    case INNER:
        return OP_VIEW_2D(w->dtype, w->out, w->rows - 2, w->cols - 2);
    default:
        return kinds[w->row->kind].dims == 1 ? OP_VIEW_1D(w->dtype, w->out, w->n)
                                             : OP_VIEW_2D(w->dtype, w->out, w->rows, w->cols);
    }
}

/* The formula over arrays, for op_eval, and over holes, for op_run. */
static op_status prepare(work *w)
{
    op_expr *arrays_of[LETTERS], *holes[LETTERS], *prepared;
    const char *names[LETTERS];
    static const char letters[LETTERS][2] = {"a", "b", "c", "d"};
    for (int i = 0; i < w->n_in; i++) {
        names[i] = letters[w->row->inputs[i] - 'a'];
        arrays_of[i] = op_input(w->graph, w->ins[i]);
        holes[i] = op_param(w->graph, i, w->dtype, w->ins[i].ndim);
    }
    op_status status = op_parse(w->graph, w->row->formula, w->n_in, names, arrays_of, &w->expr);
    if (status == OP_OK)
        status = op_parse(w->graph, w->row->formula, w->n_in, names, holes, &prepared);
    if (status == OP_OK)
        status = op_compile(w->graph, 1, &prepared, &w->kernel);
    if (status == OP_OK)
        status = op_run(w->kernel, w->n_in, w->ins, 1, &w->out_view, &w->options);
    return status == OP_OK ? op_graph_set_run_options(w->graph, &w->options) : status;
}

/* What follows from the row and its extents. */
static void measure_work(work *w, extents e)
{
    const kind_facts *k = &kinds[w->row->kind];
    w->rows = e.rows;
    w->cols = e.cols;
    w->n = e.rows * e.cols;
    w->step[0] = e.transposed ? 1 : e.cols;
    w->step[1] = e.transposed ? e.rows : 1;
    w->out_view = result_view(w);
    w->results = 1;
    for (int i = 0; i < w->out_view.ndim; i++)
        w->results *= w->out_view.shape[i];
    w->units = k->split == ELEMENTS ? w->n : k->split == COLUMNS ? w->cols : k->result == INNER ? w->rows - 2 : w->rows;
    w->n_in = (int)strlen(w->row->inputs);
    w->bytes = op_dtype_size(w->dtype) * (w->n * w->n_in * k->passes + w->results);
}

int work_make(work *w, const row *r, op_dtype dtype, extents e, int threads, const arrays *a)
{
    *w = (work){.row = r, .dtype = dtype, .threads = threads, .out = a->out};
    measure_work(w, e);
    for (int i = 0; i < LETTERS; i++)
        w->in[i] = a->in[r->inputs[0] - 'a'];
    for (int i = 0; i < w->n_in; i++) {
        int letter = r->inputs[i] - 'a';
        fill(w, letter, a->in[letter]);
        w->in[letter] = a->in[letter];
        w->ins[i] = input_view(w, a->in[letter]);
    }
    w->options.threads = threads;
    w->parts = calloc((size_t)threads, sizeof *w->parts);
    w->engine = op_engine_new(NULL);
    w->graph = w->engine ? op_graph_new(w->engine) : NULL;
    if (!w->parts)
        w->failure = "out of memory";
    else if (!w->graph || prepare(w) != OP_OK)
        w->failure = op_last_error()->message;
    return w->failure == NULL;
}

void work_free(work *w)
{
    free(w->parts);
    op_kernel_free(w->kernel);
    op_graph_free(w->graph);
    op_engine_free(w->engine);
}

/* ---- The contestants ---- */

/* As a person would: threads only where they pay. */
static int threads_of(const work *w)
{
    return w->n < 32768 ? 1 : w->threads;
}

/* Where the part of thread `me` of `threads` begins. */
static int64_t part_begin(int64_t units, int64_t me, int64_t threads, int64_t multiple)
{
    return me == threads ? units : units * me / threads / multiple * multiple;
}

static void wait_for_all(void)
{
#pragma omp barrier
}

void run_hand(void *ctx)
{
    work *w = ctx;
    const hand_row *hand = &hand_rows[w->row - rows];
    hand_loop *loop = w->dtype == OP_F32 ? hand->f32 : hand->f64;
    hand_part whole = {.in = w->in,
                       .out = w->out,
                       .end = w->units,
                       .rows = w->rows,
                       .cols = w->cols,
                       .threads = 1,
                       .parts = w->parts,
                       .wait = wait_for_all};
    if (threads_of(w) == 1) {
        loop(&whole);
        return;
    }
#pragma omp parallel num_threads(w->threads)
    {
        hand_part p = whole;
        p.me = omp_get_thread_num();
        p.threads = omp_get_num_threads();
        p.begin = part_begin(w->units, p.me, p.threads, 16);
        p.end = part_begin(w->units, p.me + 1, p.threads, 16);
        loop(&p);
    }
}

static void must(op_status status)
{
    if (status != OP_OK) {
        fprintf(stderr, "bench: %s\n", op_last_error()->message);
        exit(1);
    }
}

void run_kernel(void *ctx)
{
    work *w = ctx;
    must(op_run(w->kernel, w->n_in, w->ins, 1, &w->out_view, &w->options));
}

void run_eval(void *ctx)
{
    work *w = ctx;
    must(op_eval(w->expr, w->out_view));
}

/* A thread's part of bytes [begin, end) of the inputs, written to the same place of out or only read. */
static void roof_part(const work *w, int64_t begin, int64_t end, void *out, int stream, int threads)
{
    int64_t me = threads > 1 ? omp_get_thread_num() : 0;
    int64_t from = begin + part_begin(end - begin, me, threads, 64);
    int64_t bytes = begin + part_begin(end - begin, me + 1, threads, 64) - from;
    const void *in[LETTERS];
    for (int i = 0; i < w->n_in; i++)
        in[i] = (const char *)w->ins[i].cdata + from;
    if (bytes > 0)
        roof_move(w->n_in, in, out ? (char *)out + from : NULL, bytes, stream);
}

/* Passes that only read, and a last one that writes the results beside. */
static void roof_passes(const work *w, int stream, int threads)
{
    int64_t item = op_dtype_size(w->dtype), all = w->n * item, written = w->results * item / 64 * 64;
    if (w->results == w->n)
        written = all;
    for (int pass = 1; pass < kinds[w->row->kind].passes; pass++)
        roof_part(w, 0, all, NULL, stream, threads);
    roof_part(w, 0, written, w->out, stream, threads);
    roof_part(w, written, all, NULL, stream, threads);
}

static void roof(const work *w, int stream)
{
    if (threads_of(w) == 1) {
        roof_passes(w, stream, 1);
        return;
    }
#pragma omp parallel num_threads(w->threads)
    roof_passes(w, stream, omp_get_num_threads());
}

void run_roof_plain(void *ctx)
{
    roof(ctx, 0);
}

void run_roof_stream(void *ctx)
{
    roof(ctx, 1);
}
