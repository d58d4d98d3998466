/* The table. */
#include "bench.h"

#include <math.h>
#include <string.h>

const char *seconds_text(double seconds, char *text)
{
    if (seconds <= 0)
        snprintf(text, 16, "-");
    else if (seconds < 1e-6)
        snprintf(text, 16, "%.0f ns", 1e9 * seconds);
    else if (seconds < 1e-3)
        snprintf(text, 16, "%.2f us", 1e6 * seconds);
    else
        snprintf(text, 16, "%.2f ms", 1e3 * seconds);
    return text;
}

/* The goal for whole arrays: 0.90 of the roof or so many times the hand-written loop, whichever is less, and
 * never slower than that loop. */
static const char *goal(const result *r)
{
    if (r->n < 100000)
        return "";
    double wanted = fmax(r->roof / 0.90, r->hand / r->row->wins);
    if (r->run > r->hand && r->hand * 1.02 < r->run)
        return "slower";
    return r->run <= wanted ? "met" : "not yet";
}

void report_heading(FILE *file)
{
    fprintf(file, "%-11s %-4s %7s %2s  %10s %10s %10s %10s  %6s  %7s %7s  %-8s %s\n", "row", "type", "n", "t", "roof",
            "hand", "op_run", "op_eval", "GB/s", "of roof", "x hand", "goal", "ULP");
}

void report_result(FILE *file, const result *r)
{
    char text[4][16];
    fprintf(file, "%-11s %-4s %7.3g %2d  %9s%c %10s %10s %10s  %6.1f  %6.0f%% %7.2f  %-8s %.2f\n", r->row->name,
            op_dtype_name(r->dtype), (double)r->n, r->threads, seconds_text(r->roof, text[0]),
            r->arithmetic ? '*' : ' ', seconds_text(r->hand, text[1]), seconds_text(r->run, text[2]),
            seconds_text(r->eval, text[3]), 1e-9 * (double)r->bytes / r->run, 100 * r->roof / r->run, r->hand / r->run,
            goal(r), r->error);
    fflush(file);
}

void report_tsv(FILE *file, const result *r)
{
    fprintf(file, "%s\t%s\t%lld\t%d\t%lld\troof=%.4g\thand=%.4g\tonepass=%.4g\n", r->row->name, op_dtype_name(r->dtype),
            (long long)r->n, r->threads, (long long)r->bytes, r->roof, r->hand, r->run);
    fflush(file);
}
