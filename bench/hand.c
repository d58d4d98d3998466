/* One fused loop per row, as a person would write it, in double and in float. */
#include "hand.h"

#include <float.h>
#include <math.h>

#ifndef HAND_FLAGS
#define HAND_FLAGS "unknown"
#endif
const char hand_compiler[] = HAND_FLAGS;

/* Zero, but no compiler knows: under -ffast-math pow(x, 2.5) would become x*x*sqrt(x), which is no power. */
double hand_zero = 0;

/* What the first `threads` threads have in that place, added. */
static double total(const hand_part *p, int threads, int place)
{
    double sum = 0;
    for (int t = 0; t < threads; t++)
        sum += p->parts[t][place];
    return sum;
}

/* Of values in place 0 with their indices in place 1. */
static int64_t place_of_least(const hand_part *p)
{
    int best = 0;
    for (int t = 1; t < p->threads; t++)
        if (p->parts[t][0] < p->parts[best][0])
            best = t;
    return (int64_t)p->parts[best][1];
}

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)

/* ---- double ---- */

#define T double
#define K(x) (x)
#define SIN sin
#define COS cos
#define EXP exp
#define LOG log
#define LOG1P log1p
#define SQRT sqrt
#define TANH tanh
#define POW(x, y) pow(x, (y) + hand_zero)
#define ATAN2 atan2
#define NAME(name) PASTE(name, f64)
#include "hand_loops.h"

/* ---- float ---- */

#define T float
#define K(x) (x##f)
#define SIN sinf
#define COS cosf
#define EXP expf
#define LOG logf
#define LOG1P log1pf
#define SQRT sqrtf
#define TANH tanhf
#define POW(x, y) powf(x, (y) + (float)hand_zero)
#define ATAN2 atan2f
#define NAME(name) PASTE(name, f32)
#include "hand_loops.h"

/* ---- the table ---- */

#define COST(...)
const hand_row hand_rows[] = {
#define ROW(name, formula, inputs, low, high, expression, costs, ulp, wins) {#name, name##_f64, name##_f32},
#define SPECIAL(name, formula, inputs, low, high, kind, costs, ulp, wins) {#name, name##_f64, name##_f32},
#include "rows.def"
    {0},
};
