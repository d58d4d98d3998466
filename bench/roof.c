/* How fast the arithmetic of a row could be: the operations that its formula needs, at the throughput that is
 * measured on this machine. Elementary functions count as the operations of a lean 1-ULP algorithm: reduction,
 * polynomial, reconstruction. The roof of a row is this or the memory traffic, whichever takes longer. */
#include "bench.h"

static const struct {
    double sin, exp, log;
} simple_ops[2] = {{17, 16, 20}, {12, 11, 13}}; /* f64, f32 */

static const roof_speed *speed(int f32)
{
    static roof_speed known[2];
    if (known[f32].simple == 0)
        known[f32] = roof_measure(f32);
    return &known[f32];
}

double roof_arithmetic(const row *r, op_dtype dtype)
{
    int f32 = dtype == OP_F32;
    const row_costs *c = &r->costs;
    const roof_speed *s = speed(f32);
    double simple =
        c->simple + c->sin * simple_ops[f32].sin + c->exp * simple_ops[f32].exp + c->log * simple_ops[f32].log;
    return simple * s->simple + c->div * s->div + c->sqrt * s->sqrt;
}

void roof_describe(FILE *file)
{
    for (int f32 = 0; f32 <= 1; f32++) {
        const roof_speed *s = speed(f32);
        fprintf(file,
                "one core, in cache, ns per %s element: multiply-add %.4f, division %.3f, square root %.3f; counted as "
                "multiply-adds: sin %g, exp %g, log %g\n",
                f32 ? "f32" : "f64", 1e9 * s->simple, 1e9 * s->div, 1e9 * s->sqrt, simple_ops[f32].sin,
                simple_ops[f32].exp, simple_ops[f32].log);
    }
}
