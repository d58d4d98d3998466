/* Reductions across the pieces of a pass. A chunk of pieces is a part of one sequence. If every chunk is a subtree of
 * it, it leaves a root. If it begins and ends anywhere, it leaves the values before its first whole leaf, the roots of
 * the aligned subtrees that follow, and the values after its last whole leaf. In the end these go into one tree in
 * the order of the sequence, which is that of any other reduction of it. */
#include <string.h>

#include "run/reduction.h"

/* What a chunk leaves. Values before and after its leaves are counted; roots follow from their number. */
typedef struct op_part {
    int64_t head, tail;
    int roots;
} op_part;

struct op_across {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    int folds;
    int is_aligned;          /* every chunk is a subtree */
    int64_t elements, total; /* of a piece, of all pieces */
    int64_t pieces, chunks;  /* pieces of a chunk */
    int levels;              /* of a chunk's trees */
    int roots;               /* most roots of a chunk */
    int64_t bytes;           /* of what a chunk leaves */
    op_part *part;           /* by chunk */
    char *memory; /* by chunk: of every output of the kernel the head and the tail, if there are, then roots */
};

struct op_feed {
    op_across *across;
    op_reduce_run r;
    op_worker w;
    int64_t chunk;
    int64_t at;      /* position of the next value in the sequence */
    int64_t waiting; /* values in every block that are not in the tree yet */
    int64_t before;  /* values that are missing to the chunk's first whole leaf */
};

enum { HEAD, TAIL };

static char *values_of(const op_across *a, int64_t chunk, int which, int64_t block)
{
    return a->memory + chunk * a->bytes + (2 * block + which) * OP_LEAF * 8;
}

/* Roots of reduction k, of row_bytes each. */
static char *roots_of(const op_feed *f, int64_t chunk, int k)
{
    const op_across *a = f->across;
    char *to = values_of(a, chunk, HEAD, a->is_aligned ? 0 : a->stage->program.n_out);
    for (int i = 0; i < k; i++)
        to += a->roots * f->w.tree[i].row_bytes;
    return to;
}

op_across *op_across_open(op_run_state *run, const op_stage *stage, const op_code *code, int64_t chunks, int64_t pieces)
{
    const op_allocator *allocator = &run->engine->allocator;
    const op_pass *pass = &run->plan->pass[stage->pass];
    op_across *a = op_alloc_zero(allocator, sizeof *a);
    if (!a)
        return NULL;
    *a = (op_across){.run = run, .stage = stage, .code = code, .elements = 1, .pieces = pieces, .chunks = chunks};
    for (int d = 0; d < stage->ndim; d++)
        a->elements *= stage->shape[d];
    a->folds = op_program_folds(&stage->program);
    a->total = (pass->pieces - 1) * a->elements + (pass->last ? pass->last : a->elements);
    int64_t leaves = pieces * a->elements / OP_LEAF;
    a->is_aligned = chunks == 1 || (pieces * a->elements % OP_LEAF == 0 && !(leaves & (leaves - 1)));
    a->levels = (a->is_aligned ? 1 : 2) * op_tree_levels(leaves + 1);
    a->roots = a->is_aligned ? 1 : a->levels;
    a->bytes = a->is_aligned ? 0 : 2 * OP_LEAF * 8 * (int64_t)stage->program.n_out;
    for (int k = 0; k < stage->n_reduction; k++) {
        const op_stage_reduction *reduction = &stage->reduction[k];
        a->bytes += a->roots * op_state_row(&op_loops_best()->reducer[reduction->code][reduction->dtype], OP_LANES);
    }
    a->part = op_alloc_zero(allocator, sizeof *a->part * (size_t)chunks);
    a->memory = op_alloc(allocator, (size_t)(chunks * a->bytes));
    run->scratch_bytes += chunks * a->bytes;
    if (a->part && a->memory)
        return a;
    op_across_close(a);
    return NULL;
}

void op_across_close(op_across *a)
{
    if (!a)
        return;
    const op_allocator *allocator = &a->run->engine->allocator;
    op_release(allocator, a->memory);
    op_release(allocator, a->part);
    op_release(allocator, a);
}

/* ---- one chunk ---- */

static void free_feed(op_feed *f)
{
    const op_allocator *allocator = &f->across->run->engine->allocator;
    op_reduce_close(&f->r);
    op_release(allocator, f);
}

/* With trees of so many levels. */
static op_feed *open_feed(op_across *a, op_run_state *run, int64_t chunk, int levels)
{
    op_feed *f = op_alloc(&a->run->engine->allocator, sizeof *f);
    if (!f)
        return NULL;
    f->across = a;
    f->chunk = chunk;
    f->at = chunk * a->pieces * a->elements;
    f->waiting = 0;
    f->before = a->is_aligned ? 0 : -f->at & (OP_LEAF - 1);
    if (!op_reduce_open(&f->r, run, a->stage, a->code) || !op_worker_begin(&f->w, &f->r, OP_BLOCK, OP_LANES, levels)) {
        free_feed(f);
        return NULL;
    }
    for (int k = 0; k < f->r.n; k++)
        f->w.tree[k].first = f->w.tree[k].pushed = a->is_aligned ? 0 : (f->at + f->before) / OP_LEAF;
    return f;
}

op_feed *op_feed_open(op_across *a, op_run_state *run, int64_t chunk)
{
    return open_feed(a, run, chunk, a->levels);
}

/* Keeps n waiting values from number `from` on. */
static void keep_values(op_feed *f, int which, int64_t from, int64_t n)
{
    const op_program *program = &f->across->stage->program;
    for (uint32_t b = 0; b < program->n_out; b++) {
        int64_t size = op_dtypes[program->operand[program->n_in + b].dtype].size;
        memcpy(values_of(f->across, f->chunk, which, b), f->w.memory + b * f->w.block_bytes + from * size,
               (size_t)(n * size));
    }
}

/* Of the waiting values whole leaves go into the trees, and what is left to the front. */
static void take_leaves(op_feed *f)
{
    const op_program *program = &f->across->stage->program;
    int64_t from = f->before, first = f->at - f->waiting;
    if (f->waiting < from)
        return;
    if (from) {
        keep_values(f, HEAD, 0, from);
        f->across->part[f->chunk].head = from;
        f->before = 0;
    }
    int64_t whole = (f->waiting - from) & -(int64_t)OP_LEAF, left = f->waiting - from - whole;
    op_push_values(&f->w, from, whole, first + from);
    for (uint32_t b = 0; b < program->n_out && left < f->waiting; b++) {
        int64_t size = op_dtypes[program->operand[program->n_in + b].dtype].size;
        char *block = f->w.memory + b * f->w.block_bytes;
        memmove(block, block + (from + whole) * size, (size_t)(left * size));
    }
    f->waiting = left;
}

static void fold_piece(op_feed *f, int64_t n)
{
    op_fold_block(&f->w, 0, 0, n);
    for (int k = 0; k < f->r.n; k++)
        op_tree_add(&f->w.tree[k], f->w.memory + f->r.item[k].block * f->w.block_bytes);
    f->at += n;
}

void op_feed_piece(op_feed *f)
{
    const op_across *a = f->across;
    int64_t n = a->elements < a->total - f->at ? a->elements : a->total - f->at;
    op_evaluation evaluation = {a->stage, a->code, f->r.args, f->w.args, f->w.memory, f->w.block_bytes};
    op_reduce_move(&f->r);
    if (a->folds) {
        fold_piece(f, n);
        return;
    }
    for (int64_t i = 0, count; i < n; i += count) {
        count = n - i < OP_BLOCK - f->waiting ? n - i : OP_BLOCK - f->waiting;
        if (!op_evaluate_sequence(&evaluation, 0, i, i + count, f->waiting))
            op_run_fail(a->run, OP_ERR_MEMORY);
        f->waiting += count;
        f->at += count;
        take_leaves(f);
    }
}

static void keep_roots(op_feed *f)
{
    op_part *part = &f->across->part[f->chunk];
    part->roots = f->w.tree[0].top;
    for (int k = 0; k < f->r.n; k++)
        memcpy(roots_of(f, f->chunk, k), f->w.tree[k].stack, (size_t)(part->roots * f->w.tree[k].row_bytes));
}

void op_feed_close(op_feed *f)
{
    if (!f)
        return;
    op_part *part = &f->across->part[f->chunk];
    if (f->across->is_aligned) {
        op_push_values(&f->w, 0, f->waiting, f->at - f->waiting);
        for (int k = 0; k < f->r.n; k++)
            op_tree_finish(&f->w.tree[k]);
    } else { /* a chunk may end before its first whole leaf */
        keep_values(f, f->before ? HEAD : TAIL, 0, f->waiting);
        *(f->before ? &part->head : &part->tail) = f->waiting;
    }
    keep_roots(f);
    op_worker_end(&f->w);
    free_feed(f);
}

/* ---- all of them ---- */

/* Values that a chunk has left, which complete a leaf or follow those that wait for it. */
static void add_values(op_feed *f, int64_t chunk, int which, int64_t n)
{
    const op_program *program = &f->across->stage->program;
    for (uint32_t b = 0; b < program->n_out; b++) {
        int64_t size = op_dtypes[program->operand[program->n_in + b].dtype].size;
        memcpy(f->w.memory + b * f->w.block_bytes + f->waiting * size, values_of(f->across, chunk, which, b),
               (size_t)(n * size));
    }
    f->waiting += n;
    f->at += n;
    take_leaves(f);
}

/* The subtrees of a chunk: each is as large as its place in the sequence and the chunk's end allow. */
static void add_roots(op_feed *f, int64_t chunk)
{
    const op_across *a = f->across;
    int64_t end = (chunk + 1) * a->pieces * a->elements / OP_LEAF;
    end = end < a->total / OP_LEAF ? end : a->total / OP_LEAF;
    for (int i = 0; i < a->part[chunk].roots; i++) {
        int64_t at = f->w.tree[0].pushed, leaves = 1;
        while (!(at & leaves) && at + 2 * leaves <= end)
            leaves *= 2;
        for (int k = 0; k < f->r.n; k++) {
            op_tree *tree = &f->w.tree[k];
            op_tree_add_subtree(tree, roots_of(f, chunk, k) + i * tree->row_bytes, leaves);
        }
        f->at += leaves * OP_LEAF;
    }
}

/* Chunks that are subtrees are themselves the leaves of a tree. */
static void join_aligned(op_feed *f)
{
    for (int64_t chunk = 0; chunk < f->across->chunks; chunk++)
        for (int k = 0; k < f->r.n; k++)
            op_tree_add(&f->w.tree[k], roots_of(f, chunk, k));
}

static void join(op_feed *f)
{
    const op_across *a = f->across;
    for (int64_t chunk = 0; chunk < a->chunks; chunk++) {
        add_values(f, chunk, HEAD, a->part[chunk].head);
        add_roots(f, chunk);
        add_values(f, chunk, TAIL, a->part[chunk].tail);
    }
    op_push_values(&f->w, 0, f->waiting, a->total - f->waiting);
}

void op_across_finish(op_across *a)
{
    op_feed *f = open_feed(a, a->run, 0, op_tree_levels(a->is_aligned ? a->chunks : a->total / OP_LEAF + 1));
    if (!f) {
        op_run_fail(a->run, OP_ERR_MEMORY);
        return;
    }
    if (a->is_aligned)
        join_aligned(f);
    else
        join(f);
    op_finish_sequence(&f->w, 0, a->total);
    op_worker_end(&f->w);
    free_feed(f);
}
