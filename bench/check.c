/* Whether a contestant's result is right, against references in long double that none of them shares. */
#include "bench.h"

#include <float.h>
#include <math.h>

typedef struct check {
    const work *w;
    double worst;
} check;

/* Every so many lines of a matrix whose reference takes long. */
enum { LINE_STEP = 7, LONG = 100000 };

static double element(op_dtype dtype, const void *array, int64_t i)
{
    return dtype == OP_F32 ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

/* Of input b. */
static double b_at(const work *w, int64_t i, int64_t j)
{
    return element(w->dtype, w->in[1], i * w->step[0] + j * w->step[1]);
}

static double c_at(const work *w, int64_t i, int64_t j)
{
    return element(w->dtype, w->in[2], i * w->step[0] + j * w->step[1]);
}

/* Result `at` should be y; an error of one ULP of max(|y|, size) counts as 1. */
static void expect(check *c, int64_t at, long double y, double size)
{
    double large = fmax(fabs((double)y), size);
    double ulp = ldexp(1, ilogb(large)) * (c->w->dtype == OP_F32 ? FLT_EPSILON : DBL_EPSILON);
    double error = (double)fabsl((long double)element(c->w->dtype, c->w->out, at) - y) / ulp;
    c->worst = error > c->worst || error != error ? error : c->worst;
}

/* ---- Vectors ---- */

static void check_map(check *c)
{
    const work *w = c->w;
    exact_function *exact = exact_of(w->row);
    for (int64_t i = 0; i<w->n; i += w->n> LONG ? 101 : 1) {
        long double x[LETTERS];
        for (int k = 0; k < LETTERS; k++)
            x[k] = element(w->dtype, w->in[k], i);
        expect(c, i, exact(x), 1);
    }
}

/* The error of a sum is measured by the sum of the magnitudes, whose rounding errors it adds up: the sum itself may
 * be as small as it likes. */
typedef struct exact_sum {
    long double value;
    double magnitude;
} exact_sum;

static void add(exact_sum *s, long double x)
{
    s->value += x;
    s->magnitude += fabs((double)x);
}

static void check_sum(check *c)
{
    exact_sum s = {0};
    for (int64_t i = 0; i < c->w->n; i++)
        add(&s, (long double)b_at(c->w, 0, i) * c_at(c->w, 0, i));
    expect(c, 0, s.value, s.magnitude);
}

static void check_cumsum(check *c)
{
    exact_sum s = {0};
    for (int64_t i = 0; i < c->w->n; i++) {
        add(&s, (long double)b_at(c->w, 0, i) * c_at(c->w, 0, i));
        expect(c, i, s.value, s.magnitude);
    }
}

static void check_meanvar(check *c)
{
    int64_t n = c->w->n;
    long double mean = 0, var = 0;
    for (int64_t i = 0; i < n; i++)
        mean += b_at(c->w, 0, i);
    mean /= (long double)n;
    for (int64_t i = 0; i < n; i++)
        var += (b_at(c->w, 0, i) - mean) * (b_at(c->w, 0, i) - mean);
    expect(c, 0, mean + var / (long double)n, 1);
}

/* With the roundings of the row's dtype, so that the place is the only right one. */
static void check_argmin(check *c)
{
    const work *w = c->w;
    int64_t at = 0;
    double least = INFINITY;
    for (int64_t i = 0; i < w->n; i++) {
        double x = b_at(w, 0, i) - 0.25, y = c_at(w, 0, i) - 0.5, value;
        if (w->dtype == OP_F32) {
            float x32 = (float)x, y32 = (float)y, xx = x32 * x32, yy = y32 * y32;
            value = (double)(xx + yy);
        } else {
            value = x * x + y * y;
        }
        at = value < least ? i : at;
        least = value < least ? value : least;
    }
    c->worst = *(const int64_t *)w->out == at ? 0 : INFINITY;
}

/* ---- Matrices ---- */

static void check_sum0(check *c)
{
    for (int64_t j = 0; j < c->w->cols; j++) {
        exact_sum s = {0};
        for (int64_t i = 0; i < c->w->rows; i++)
            add(&s, b_at(c->w, i, j));
        expect(c, j, s.value, s.magnitude);
    }
}

static void check_sum1(check *c)
{
    for (int64_t i = 0; i < c->w->rows; i++) {
        exact_sum s = {0};
        for (int64_t j = 0; j < c->w->cols; j++)
            add(&s, b_at(c->w, i, j));
        expect(c, i, s.value, s.magnitude);
    }
}

/* Relative to each result, however small. */
static void check_softmax(check *c)
{
    const work *w = c->w;
    for (int64_t i = 0; i<w->rows; i += w->n> LONG ? LINE_STEP : 1) {
        long double sum = 0;
        for (int64_t j = 0; j < w->cols; j++)
            sum += expl(b_at(w, i, j));
        for (int64_t j = 0; j < w->cols; j++)
            expect(c, i * w->cols + j, expl(b_at(w, i, j)) / sum, 0);
    }
}

static void check_standardise(check *c)
{
    const work *w = c->w;
    for (int64_t j = 0; j<w->cols; j += w->n> LONG ? LINE_STEP : 1) {
        long double mean = 0, var = 0;
        for (int64_t i = 0; i < w->rows; i++)
            mean += b_at(w, i, j);
        mean /= (long double)w->rows;
        for (int64_t i = 0; i < w->rows; i++)
            var += (b_at(w, i, j) - mean) * (b_at(w, i, j) - mean);
        long double std = sqrtl(var / (long double)w->rows);
        for (int64_t i = 0; i < w->rows; i++)
            expect(c, i * w->cols + j, (b_at(w, i, j) - mean) / std, 1);
    }
}

static void check_transpose(check *c)
{
    for (int64_t i = 0; i < c->w->rows; i++)
        for (int64_t j = 0; j < c->w->cols; j++)
            expect(c, i * c->w->cols + j, (long double)b_at(c->w, j, i) + c_at(c->w, i, j), 1);
}

static void check_jacobi(check *c)
{
    const work *w = c->w;
    for (int64_t i = 1; i < w->rows - 1; i++)
        for (int64_t j = 1; j < w->cols - 1; j++)
            expect(c, (i - 1) * (w->cols - 2) + j - 1,
                   0.25L * ((long double)b_at(w, i - 1, j) + b_at(w, i + 1, j) + b_at(w, i, j - 1) + b_at(w, i, j + 1)),
                   1);
}

static void (*const checks[])(check *c) = {
    [MAP] = check_map,
    [SUM] = check_sum,
    [MEANVAR] = check_meanvar,
    [CUMSUM] = check_cumsum,
    [ARGMIN] = check_argmin,
    [SUM0] = check_sum0,
    [SUM1] = check_sum1,
    [SOFTMAX] = check_softmax,
    [STANDARDISE] = check_standardise,
    [TRANSPOSE] = check_transpose,
    [JACOBI] = check_jacobi,
};

/* The largest error of what is in the output now. */
static double error_of(const work *w)
{
    check c = {.w = w};
    checks[w->row->kind](&c);
    return c.worst;
}

/* ---- Everyone ---- */

int work_check(work *w, double *error)
{
    /* The hand-written loops add in few chains, and their functions are good to 4 ULP. */
    const struct {
        const char *name;
        void (*call)(void *ctx);
        double accepted;
    } all[] = {{"hand", run_hand, w->row->ulp + 16 + sqrt((double)w->n) / 16},
               {"op_run", run_kernel, w->row->ulp},
               {"op_eval", run_eval, w->row->ulp}};
    double errors[3] = {0};
    int good = 1, rows_apart = w->step[1] != 1; /* which the hand-written loops do not expect */
    for (int i = rows_apart; i < 3; i++) {
        all[i].call(w);
        errors[i] = error_of(w);
        good &= errors[i] <= all[i].accepted;
    }
    *error = errors[1];
    if (!good || errors[1] != errors[2])
        printf(
            "%-11s %-4s %7.3g %2d  WRONG: hand is off by %.3g ULP, op_run by %.3g, op_eval by %.3g; %g are accepted\n",
            w->row->name, op_dtype_name(w->dtype), (double)w->n, w->threads, errors[0], errors[1], errors[2],
            w->row->ulp);
    return good && errors[1] == errors[2];
}
