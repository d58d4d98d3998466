/* Sums over matrices that are hard to share or to load well: of few rows, of few columns, and transposed.
 * The roof reads the input once and writes the sums. */
#include "bench.h"

#include <unistd.h>

static const extents matrices[] = {
    {10000000, 1, 0}, {1, 10000000, 0}, {100000000, 1, 0}, {1, 100000000, 0}, {7, 1000000, 0},
    {1000000, 7, 0},  {7, 1000000, 1},  {1000000, 7, 1},   {4000, 4000, 1},
};
enum { MATRICES = sizeof matrices / sizeof matrices[0] };

/* Input and result, with half as much again for everything else. */
static int fits(extents e)
{
    int64_t bytes = 2 * 8 * e.rows * e.cols;
    return bytes / 2 * 3 < (int64_t)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static int one(FILE *file, enum row_kind kind, op_dtype dtype, extents e, int threads, const arrays *data)
{
    work w;
    char text[2][16];
    double error = 0;
    const row *r = row_of_kind(kind);
    int good = work_make(&w, r, dtype, e, threads, data);
    if (!good) {
        fprintf(file, "%s: %s\n", r->formula, w.failure);
    } else if ((good = work_check(&w, &error))) {
        contestant all[] = {{.name = "plain", .call = run_roof_plain},
                            {.name = "stream", .call = run_roof_stream},
                            {.name = "run", .call = run_kernel}};
        take_turns(3, all, &w, 7, 5e-4);
        double roof = all[0].best < all[1].best ? all[0].best : all[1].best, run = all[2].best;
        fprintf(file, "%-14s %9lld x %-9lld %-10s %-4s %2d  %10s %10s  %6.1f  %6.0f%%  %.2f\n", r->formula,
                (long long)e.rows, (long long)e.cols, e.transposed ? "transposed" : "", op_dtype_name(dtype), threads,
                seconds_text(roof, text[0]), seconds_text(run, text[1]), 1e-9 * (double)w.bytes / run, 100 * roof / run,
                error);
        fflush(file);
    }
    work_free(&w);
    return good;
}

int shapes(FILE *file, int threads)
{
    int good = 1;
    fprintf(file, "%-14s %9s   %-9s %-10s %-4s %2s  %10s %10s  %6s  %7s  %s\n", "formula", "rows", "columns", "",
            "type", "t", "roof", "op_run", "GB/s", "of roof", "ULP");
    for (int m = 0; m < MATRICES; m++) {
        extents e = matrices[m];
        arrays data;
        if (!fits(e) || !arrays_make(&data, 2, 8 * e.rows * e.cols)) {
            fprintf(file, "%lld x %lld: left out, not enough memory\n", (long long)e.rows, (long long)e.cols);
            continue;
        }
        for (int d = 0; d < 2; d++)
            for (int t = 1; t <= threads; t += threads > 1 ? threads - 1 : 1) {
                good &= one(file, SUM0, d ? OP_F32 : OP_F64, e, t, &data);
                good &= one(file, SUM1, d ? OP_F32 : OP_F64, e, t, &data);
            }
        arrays_free(&data);
    }
    return good;
}
