/* The parts of a reduce stage: one for sequences along the innermost axis (reduce_lanes.c), one for columns
 * (reduce_columns.c), and what they share. */
#ifndef ONEPASS_RUN_REDUCTION_H
#define ONEPASS_RUN_REDUCTION_H

#include "run/blocks.h"
#include "run/tree.h"

enum {
    OP_BLOCK = 2 * OP_LEAF, /* values evaluated at a time: 8 kB of doubles, which stay in the first-level cache */
    OP_FOLDED = OP_BLOCK / OP_LANES * OP_LEAF, /* elements that a kernel folds at a time: the lanes of their leaves are a block */
};

typedef struct op_reduce_item {
    const op_reducer *reducer;
    int block;          /* output of the kernel */
    int size;           /* bytes of a value there */
    int result_size;    /* bytes of a result */
    int rider;          /* a sum of the same values, whose leaves come with this one's; -1: none */
    int is_rider;
    const int64_t *strides; /* of the results */
    char *result;
    char *partial;      /* roots of subtrees, when there is more than one */
} op_reduce_item;

typedef struct op_reduce_run {
    op_run_state *run;
    const op_stage *stage;
    const op_code *code;
    op_kernel_args *args;
    int n;
    op_reduce_item *item, few[4];
    op_args_room room;
    int64_t kept, reduced; /* elements of a result; elements behind each */
    int in_place;          /* the values of a sequence lie in memory as they would in a block */
    int64_t columns;       /* innermost kept extent, when the innermost axis is kept; else 1 */
    int64_t subtree;       /* elements of a sequence (rows, when the innermost axis is kept) of one chunk */
    int64_t subtrees;      /* chunks of each sequence */
    int64_t batch;         /* results of one chunk, when sequences are not split */
    int64_t column_width, column_blocks; /* columns at a time; blocks of so many */
} op_reduce_run;

/* A thread's own copy of the arguments and its memory. */
typedef struct op_worker {
    op_reduce_run *r;
    op_args_room room;
    op_kernel_args *args;
    char *memory;
    int64_t block_bytes; /* of one output's values; they lie one after another at `memory` */
    op_tree *tree;       /* by reduction */
    int64_t outer, first, width; /* columns: index of the dimensions before, first column, how many */
    int64_t run, run_end;        /* of a kernel that accumulates: positions that its inputs are placed for */
    int levels;                  /* of columns' trees */
    _Alignas(OP_ALIGNMENT) char few[16 << 10]; /* memory for one reduction, as a rule */
} op_worker;

/* Memory for `values` values of each output of the kernel, and for a tree of so many levels for each reduction.
 * Returns 0 if there is none. */
int op_worker_begin(op_worker *w, op_reduce_run *r, int64_t values, int64_t lanes, int levels);
void op_worker_end(op_worker *w);
void op_clear_trees(op_worker *w);
/* Evaluates rows into the blocks of a worker: see op_evaluate. */
void op_worker_evaluate(op_worker *w, int last, int64_t kept, int64_t reduced, int64_t column, int64_t rows, int64_t n,
                        int64_t at);
/* Bytes of the states of so many lanes, in a tree and among partial results. */
int64_t op_state_row(const op_reducer *reducer, int64_t lanes);
/* Room for the roots of `n` subtrees of so many lanes, for every reduction. Returns 0 if there is none. */
int op_make_partials(op_reduce_run *r, int64_t n, int64_t lanes);

void op_reduce_lanes(op_reduce_run *r, int threads);
void op_reduce_columns(op_reduce_run *r, int threads);

/* The whole of sequence `kept`, and its results. */
void op_reduce_sequence(op_worker *w, int64_t kept);

/* Parts of it. Elements of a sequence that begin at an aligned subtree of at most OP_FOLDED elements: their root goes
 * to the start of every block, if the kernel folds; */
void op_fold_block(op_worker *w, int64_t kept, int64_t begin, int64_t n);
/* or n values from number `at` on of every block, which begin a leaf and have position `first`, go to every tree. */
void op_push_values(op_worker *w, int64_t at, int64_t n, int64_t first);
/* The trees are complete: the results of sequence `kept` of so many elements. */
void op_finish_sequence(op_worker *w, int64_t kept, int64_t n);

/* A reduction's own room, with nothing run yet. Returns 0 if out of memory; close in any case. */
int op_reduce_open(op_reduce_run *r, op_run_state *run, const op_stage *stage, const op_code *code);
void op_reduce_close(op_reduce_run *r);
/* Does the kernel itself combine all that a result is made of, so that no values or lanes come out of it? */
int op_kernel_gives_results(const op_reduce_run *r);
/* A row of a pass that is one block, and folds: begin once, then run for each row, from addresses on that are set. */
void op_begin_row(op_worker *w);
void op_run_row(op_worker *w);

/* Moves operands and results to the piece that the run is at. */
void op_reduce_move(op_reduce_run *r);

#endif
