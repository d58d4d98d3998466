/* bench: onepass against the machine's limit and against loops written by hand.
 *
 *     bench [ROW]... [--type f64|f32] [-n N]... [--threads T] [--rounds R] [--tsv FILE]
 *     bench shapes          sums over matrices of few rows or columns
 *     bench overhead        what a call costs beside its loop
 *     bench list            the rows, for other programs
 *
 * Each row is verified, then timed: all contestants in turns, best of at least 7. docs/benchmarks.md says what
 * the columns mean. */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

typedef struct plan {
    const char *rows[64];
    int n_rows;
    op_dtype dtypes[2];
    int n_dtypes;
    int64_t sizes[16];
    int n_sizes;
    int threads[2];
    int n_threads;
    int rounds;
    const char *tsv;
} plan;

static int usage(void)
{
    fprintf(stderr, "usage: bench [ROW]... [--type f64|f32] [-n N]... [--threads T] [--rounds R] [--tsv FILE]\n"
                    "       bench shapes | overhead | list\n");
    return 2;
}

static int known_row(const char *name)
{
    for (int i = 0; i < row_count(); i++)
        if (strcmp(rows[i].name, name) == 0)
            return 1;
    return 0;
}

static int wanted(const plan *p, const row *r)
{
    for (int i = 0; i < p->n_rows; i++)
        if (strcmp(p->rows[i], r->name) == 0)
            return 1;
    return p->n_rows == 0;
}

/* A count such as 1000 or 1.6e7; 0 if it is none. */
static int64_t count(const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    return end == text || *end || errno || !(value >= 1 && value <= 1e10) ? 0 : (int64_t)value;
}

static int read_options(int argc, char **argv, plan *p)
{
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        if (option[0] != '-') {
            if (!known_row(option) || p->n_rows == 64)
                return fprintf(stderr, "bench: no row %s; `bench list` names them\n", option), 0;
            p->rows[p->n_rows++] = option;
            continue;
        }
        const char *value = i + 1 < argc ? argv[++i] : "";
        if (strcmp(option, "--type") == 0 && (strcmp(value, "f64") == 0 || strcmp(value, "f32") == 0)) {
            p->dtypes[0] = op_dtype_from_name(value);
            p->n_dtypes = 1;
        } else if (strcmp(option, "-n") == 0 && count(value) && p->n_sizes < 16) {
            p->sizes[p->n_sizes++] = count(value);
        } else if (strcmp(option, "--threads") == 0 && count(value) && count(value) <= 4096) {
            p->threads[0] = (int)count(value);
            p->n_threads = 1;
        } else if (strcmp(option, "--rounds") == 0 && count(value) >= 7) {
            p->rounds = (int)count(value);
        } else if (strcmp(option, "--tsv") == 0 && *value) {
            p->tsv = value;
        } else {
            return 0;
        }
    }
    return 1;
}

/* Verifies and times one row. Returns 0 if the result was wrong. */
static int measure(const plan *p, const row *r, op_dtype dtype, int64_t n, int threads, const arrays *data, FILE *tsv)
{
    work w;
    if (!work_make(&w, r, dtype, extents_of(r, n), threads, data)) {
        printf("%-11s %-4s %7.3g %2d  left out: %s\n", r->name, op_dtype_name(dtype), (double)n, threads, w.failure);
        work_free(&w);
        return 1;
    }
    double error;
    if (!work_check(&w, &error)) {
        work_free(&w);
        return 0;
    }
    contestant all[] = {{.name = "plain", .call = run_roof_plain},
                        {.name = "stream", .call = run_roof_stream},
                        {.name = "hand", .call = run_hand},
                        {.name = "run", .call = run_kernel},
                        {.name = "eval", .call = run_eval}};
    take_turns(5, all, &w, p->rounds, 5e-4);
    result got = {.row = r, .dtype = dtype, .n = w.n, .threads = threads, .bytes = w.bytes, .error = error};
    int busy = threads > 1 && w.n >= 32768 ? threads : 1;
    double arithmetic = roof_arithmetic(r, dtype) * (double)w.n / busy;
    got.roof = all[0].best < all[1].best ? all[0].best : all[1].best;
    got.arithmetic = arithmetic > got.roof;
    if (got.arithmetic)
        got.roof = arithmetic;
    got.hand = all[2].best;
    got.run = all[3].best;
    got.eval = all[4].best;
    report_result(stdout, &got);
    if (tsv)
        report_tsv(tsv, &got);
    work_free(&w);
    return 1;
}

static int measure_all(const plan *p)
{
    int64_t longest = 0;
    for (int i = 0; i < p->n_sizes; i++)
        longest = p->sizes[i] > longest ? p->sizes[i] : longest;
    arrays data;
    FILE *tsv = p->tsv ? fopen(p->tsv, "w") : NULL;
    if (!arrays_make(&data, LETTERS, (longest + longest / 16 + 4096) * 8) || (p->tsv && !tsv)) {
        fprintf(stderr, "bench: %s\n", p->tsv && !tsv ? "the TSV file cannot be written" : "out of memory");
        return 1;
    }
    int good = 1;
    report_heading(stdout);
    for (int r = 0; r < row_count(); r++)
        for (int d = 0; d < p->n_dtypes; d++)
            for (int s = 0; s < p->n_sizes; s++)
                for (int t = 0; t < p->n_threads; t++)
                    if (wanted(p, &rows[r]))
                        good &= measure(p, &rows[r], p->dtypes[d], p->sizes[s], p->threads[t], &data, tsv);
    printf("\n* this roof is the arithmetic, the others are the memory traffic.\n");
    arrays_free(&data);
    if (tsv)
        good &= fclose(tsv) == 0;
    return !good;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return rows_list(stdout), 0;
    if (argc == 2 && strcmp(argv[1], "shapes") == 0)
        return !shapes(stdout, omp_get_max_threads());
    if (argc == 2 && strcmp(argv[1], "overhead") == 0)
        return overhead(stdout), 0;

    plan p = {.dtypes = {OP_F64, OP_F32}, .n_dtypes = 2, .rounds = 9};
    p.threads[0] = 1;
    p.threads[1] = omp_get_max_threads();
    p.n_threads = p.threads[1] > 1 ? 2 : 1;
    if (!read_options(argc, argv, &p))
        return usage();
    if (p.n_sizes == 0) {
        p.sizes[0] = 1000;
        p.sizes[1] = 100000;
        p.sizes[2] = 16000000;
        p.n_sizes = 3;
    }
    op_engine *engine = op_engine_new(NULL);
    printf("onepass %s, %s; hand-written loops: %s\n", op_version_text(), op_engine_isa(engine), hand_compiler);
    op_engine_free(engine);
    roof_describe(stdout);
    double load;
    if (getloadavg(&load, 1) == 1 && load > 0.5)
        printf("the load is %.1f on %d cores: others compute here too, and rows with several threads tell little\n",
               load, omp_get_num_procs());
    printf("\n");
    return measure_all(&p);
}
