/* The bench: what its files share. */
#ifndef BENCH_H
#define BENCH_H

#include "hand.h"

#include <onepass/onepass.h>

/* ---- rows.c: the formulas ---- */

enum { LETTERS = 4 }; /* a b c d */

/* What the loops of a row run over. */
enum row_kind { MAP, SUM, MEANVAR, CUMSUM, ARGMIN, SUM0, SUM1, SOFTMAX, STANDARDISE, TRANSPOSE, JACOBI };
typedef struct kind_facts {
    const char *name;
    int dims;        /* of the inputs */
    int64_t columns; /* of a matrix; 0: as many as it has rows */
    int passes;      /* over the inputs */
    enum { SAME, INNER, PER_ROW, PER_COLUMN, SINGLE } result;
    enum { ELEMENTS, ROWS, COLUMNS } split; /* over the threads of the hand-written loop */
} kind_facts;
extern const kind_facts kinds[];

/* How many operations of each kind an element needs. */
typedef struct row_costs {
    double simple, div, sqrt, sin, exp, log;
} row_costs;

typedef struct row {
    const char *name, *formula, *inputs;
    double low, high;
    enum row_kind kind;
    row_costs costs;
    double ulp;
    double wins;
} row;

extern const row rows[];
int row_count(void);
/* The first row of that kind. */
const row *row_of_kind(enum row_kind kind);
/* The table as text for other programs: name, kind, inputs, low, high, dims and columns of the inputs, formula, with
 * tabs between. */
void rows_list(FILE *file);

/* ---- exact.c ---- */

/* The result of one element of a, b, c, d. NULL for a row of another kind than MAP. */
typedef long double exact_function(const long double *x);
exact_function *exact_of(const row *r);

/* ---- data.c: one row's arrays, one size, one dtype, and who computes it ---- */

/* Of the inputs. What has one dimension is one row. */
typedef struct extents {
    int64_t rows, cols;
    int transposed; /* the rows lie beside each other */
} extents;
/* About n elements. */
extents extents_of(const row *r, int64_t n);

typedef struct work {
    const row *row;
    op_dtype dtype;
    int64_t n, rows, cols, step[2]; /* elements; of a matrix; from row to row and from column to column */
    int64_t units;                  /* what is split over threads: elements, rows or columns */
    int64_t results;
    int threads;
    int64_t bytes;           /* moved by one evaluation at least */
    const void *in[LETTERS]; /* arrays that are not read repeat one that is */
    void *out;
    double (*parts)[PART_LENGTH];
    op_engine *engine;
    op_graph *graph;
    op_expr *expr;
    op_kernel *kernel;
    op_view ins[LETTERS], out_view;
    int n_in;
    op_run_options options;
    const char *failure; /* why onepass cannot do it; NULL if it can */
} work;

typedef struct arrays {
    void *in[LETTERS], *out;
} arrays;
/* Arrays of so many bytes for the first `letters` letters, and for the result. */
int arrays_make(arrays *a, int letters, int64_t bytes);
void arrays_free(arrays *a);

/* Fills the inputs. The engine is made anew. Returns 0 if onepass cannot; w->failure says why. */
int work_make(work *w, const row *r, op_dtype dtype, extents e, int threads, const arrays *a);
void work_free(work *w);
/* One evaluation each; ctx is a work. */
void run_hand(void *ctx);
void run_kernel(void *ctx);
void run_eval(void *ctx);
void run_roof_plain(void *ctx);
void run_roof_stream(void *ctx);

/* ---- check.c ---- */

/* Runs each contestant but the roof, and the hand-written loop on a transposed matrix, and compares. Returns 0, and
 * prints why, if one was wrong. *error: of op_run, in the ULPs that docs/benchmarks.md explains. */
int work_check(work *w, double *error);

/* ---- roof.c ---- */

/* Seconds that the arithmetic of one element needs on one core. */
double roof_arithmetic(const row *r, op_dtype dtype);
/* What that is made of, for the report. */
void roof_describe(FILE *file);

/* ---- timing.c ---- */

double now(void);
typedef struct contestant {
    const char *name;
    void (*call)(void *ctx);
    double best; /* seconds of one call */
    long calls;  /* in one sample */
} contestant;
/* Samples them in turn, `rounds` times; each sample takes at least `least` seconds. */
void take_turns(int n, contestant *all, void *ctx, int rounds, double least);

/* ---- report.c ---- */

typedef struct result {
    const row *row;
    op_dtype dtype;
    int64_t n, bytes;
    int threads;
    double roof, hand, run, eval; /* seconds; eval 0: not measured */
    int arithmetic;               /* the roof is the arithmetic, not memory */
    double error;
} result;
void report_heading(FILE *file);
void report_result(FILE *file, const result *r);
/* The same for other programs. */
void report_tsv(FILE *file, const result *r);
/* "1.23 ms"; text has room for 16. */
const char *seconds_text(double seconds, char *text);

/* ---- shapes.c ---- */

/* Sums over matrices of few rows or of few columns. Returns 0 if one was wrong. */
int shapes(FILE *file, int threads);

/* ---- overhead.c ---- */

void overhead(FILE *file);

#endif
