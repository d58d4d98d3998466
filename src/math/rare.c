/* Functions for rare lanes, see rare.def. Integers and correctly rounded operations only, so the bits
 * are the same on every machine. Compile with -ffp-contract=off, like the vocabulary itself. */
#include "math/rare.h"

#include <stdbool.h>

#define OP_MATH_F64
#include "math/scalar.h"
#include "math/sin.inc"
#include "math/tan.inc"
#include "math/scalar_end.h"
#undef OP_MATH_F64

/* sin and cos of huge arguments: Payne and Hanek, Radian reduction for trigonometric functions, 1983.
 *
 * x = m * 2^e with an integer m of 53 bits. Of the product m * 2^e * 2/pi only the part below 4 (whole
 * turns) matters, so the bits of 2/pi of weight 2^(2-e) and more are skipped, and the 192 bits that
 * follow leave an error below 2^-136 quarter waves: no float64 comes closer than 2^-62 to a
 * multiple of pi/2 (Muller, Elementary Functions, section 11). */

/* 2/pi after the binary point; the leading word of zeros lets the window begin before it. Printed by
 * tools/coefficients/two_over_pi.sollya. */
static const uint64_t two_over_pi[] = {
    0x0000000000000000u, 0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u,
    0xb7246e3a424dd2e0u, 0x06492eea09d1921cu, 0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u, 0xe99c7026b45f7e41u,
    0x3991d639835339f4u, 0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu, 0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u,
    0x4f463f669e5fea2du, 0x7527bac7ebe5f17bu, 0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u, 0x56033046fc7b6babu,
};

__extension__ typedef unsigned __int128 uint128;

typedef struct {
    uint64_t high, middle, low; /* a fraction of 192 bits, of a turn or of a quarter wave */
} fraction;

static fraction negated(fraction f)
{
    fraction n = {~f.high, ~f.middle, ~f.low};
    n.low += 1;
    n.middle += n.low == 0;
    n.high += n.low == 0 && n.middle == 0;
    return n;
}

static fraction shifted_left(fraction f, int bits)
{
    for (; bits >= 64; bits -= 64)
        f = (fraction){f.middle, f.low, 0};
    if (bits == 0)
        return f;
    return (fraction){f.high << bits | f.middle >> (64 - bits), f.middle << bits | f.low >> (64 - bits), f.low << bits};
}

/* magnitude / (2 pi) without its integer part, for 2^23 <= magnitude < infinity. */
static fraction turns(double magnitude)
{
    uint64_t bits = (uint64_t)op_bits_f64(magnitude);
    uint64_t m = (bits & 0x000fffffffffffffu) | 0x0010000000000000u;
    int e = (int)(bits >> 52) - 1075;
    int skipped = e - 2 + 64; /* of the table; e is at least -29 */
    const uint64_t *word = two_over_pi + skipped / 64;
    int shift = skipped % 64;
    fraction window = shifted_left((fraction){word[0], word[1], word[2]}, shift);
    if (shift)
        window.low |= word[3] >> (64 - shift);
    uint128 low = (uint128)window.low * m;
    uint128 middle = (uint128)window.middle * m + (uint64_t)(low >> 64);
    return (fraction){window.high * m + (uint64_t)(middle >> 64), (uint64_t)middle, (uint64_t)low};
}

/* |x| = k*pi/2 + r - r_error; returns the lowest bits of k */
static unsigned huge_rest(double magnitude, op_pair_f64 *rest)
{
    fraction f = turns(magnitude);
    unsigned quarter = (unsigned)(f.high >> 62);
    f = shifted_left(f, 2);
    bool is_below = f.high >> 63; /* nearer to the next quarter wave: count from there, backwards */
    if (is_below) {
        quarter++;
        f = negated(f);
    }
    int zeros = 0;
    for (; !(f.high >> 63) && zeros < 64; zeros++)
        f = shifted_left(f, 1);

    /* f = (hi + lo) * 2^-zeros to 106 bits, times pi/2 in two words */
    double scale = op_from_bits_f64((int64_t)(1023 - zeros) << 52);
    double hi = (double)(f.high >> 11) * 0x1p-53 * scale;
    double lo = (double)((f.high << 42 | f.middle >> 22) & 0x001fffffffffffffu) * 0x1p-106 * scale;
    double product = hi * 0x1.921fb54442d18p0;
    double product_lo =
        fma(hi, 0x1.921fb54442d18p0, -product) + fma(hi, 0x1.1a62633145c07p-54, lo * 0x1.921fb54442d18p0);
    double r = product + product_lo;
    double r_error = (r - product) - product_lo;
    *rest = is_below ? (op_pair_f64){-r, -r_error} : (op_pair_f64){r, r_error};
    return quarter;
}

/* sin(magnitude + start * pi/2) */
static double huge_wave(double magnitude, unsigned start)
{
    op_pair_f64 rest;
    unsigned quarter = huge_rest(magnitude, &rest) + start;
    return op_part_f64_quarter_wave(rest, quarter);
}

double op_rare_f64_sin_huge(double x)
{
    double magnitude = fabs(x);
    if (!(magnitude < INFINITY))
        return NAN;
    double y = huge_wave(magnitude, 0);
    return signbit(x) ? -y : y;
}

double op_rare_f64_cos_huge(double x)
{
    double magnitude = fabs(x);
    return magnitude < INFINITY ? huge_wave(magnitude, 1) : (double)NAN;
}

double op_rare_f64_tan_huge(double x)
{
    double magnitude = fabs(x);
    if (!(magnitude < INFINITY))
        return NAN;
    op_pair_f64 rest;
    unsigned quarter = huge_rest(magnitude, &rest);
    double y = op_part_f64_tan_wave(rest, quarter & 1);
    return signbit(x) ? -y : y;
}

/* A float32 that is huge may be moderate in float64, which has the last word there too. */
float op_rare_f32_sin_huge(float x)
{
    return (float)op_math_f64_sin(x);
}

float op_rare_f32_cos_huge(float x)
{
    return (float)op_math_f64_cos(x);
}

float op_rare_f32_tan_huge(float x)
{
    return (float)op_math_f64_tan(x);
}
