/* Where the functions are tried: random numbers and the generators of directed points. */
#ifndef ONEPASS_TESTS_POINTS_H
#define ONEPASS_TESTS_POINTS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014). The state is a counter, so point i needs no history. */
static inline uint64_t random_bits(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline double random_unit(uint64_t *state)
{
    return (double)(random_bits(state) >> 11) * 0x1p-53;
}

static inline double random_between(uint64_t *state, double lo, double hi)
{
    return lo + (hi - lo) * random_unit(state);
}

/* Any finite or non-finite value of the type, every exponent equally likely. */
static inline double random_pattern(uint64_t *state, bool is_f32)
{
    uint64_t bits = random_bits(state);
    if (is_f32) {
        float value;
        uint32_t half = (uint32_t)bits;
        memcpy(&value, &half, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A few neighbours up or down from `x` in the type's own spacing. */
static inline double neighbour(uint64_t *state, double x, int reach, bool is_f32)
{
    int steps = (int)(random_bits(state) % (2u * (unsigned)reach + 1)) - reach;
    for (; steps > 0; steps--)
        x = is_f32 ? (double)nextafterf((float)x, INFINITY) : nextafter(x, INFINITY);
    for (; steps < 0; steps++)
        x = is_f32 ? (double)nextafterf((float)x, -INFINITY) : nextafter(x, -INFINITY);
    return x;
}

/* A generator returns one argument; for functions of two arguments it may also change *y, which
 * arrives random. */
typedef double (*generator)(uint64_t *state, bool is_f32, double *y);

/* Multiples of pi/2 of every size, and their neighbours: where sin, cos and tan cancel. */
static inline double near_half_pi(uint64_t *state, bool is_f32, double *y)
{
    (void)y;
    int bits = (int)(random_bits(state) % 40);
    double k = (double)(random_bits(state) >> (63 - bits));
    double x = (double)((long double)k * 1.570796326794896619231321691639751442L);
    x = ldexp(x, (int)(random_bits(state) % 2) - 1);
    return neighbour(state, random_bits(state) & 1 ? x : -x, 3, is_f32);
}

/* The floats closest to a multiple of pi/2 in float64 (6381956970095103 * 2^797, found by Kahan's
 * search, see Muller, Elementary Functions, section 11) and random huge arguments. */
static inline double huge_angle(uint64_t *state, bool is_f32, double *y)
{
    (void)y;
    if (random_bits(state) % 16 == 0 && !is_f32)
        return neighbour(state, 0x1.6ac5b262ca1ffp+849, 1, is_f32);
    double x = random_between(state, 1, 2);
    return ldexp(x, (int)(random_bits(state) % (is_f32 ? 128 : 1024)));
}

static inline double angles(uint64_t *state, bool is_f32, double *y)
{
    return random_bits(state) & 1 ? near_half_pi(state, is_f32, y) : huge_angle(state, is_f32, y);
}

/* Halves and integers and their neighbours: sinpi, cospi, tanpi, exp2, exp10. */
static inline double near_halves(uint64_t *state, bool is_f32, double *y)
{
    (void)y;
    int bits = (int)(random_bits(state) % 54);
    double k = 0.25 * (double)(int64_t)(random_bits(state) >> (63 - bits));
    return neighbour(state, random_bits(state) & 1 ? k : -k, 3, is_f32);
}

/* Multiples of log(2)/2, where the argument reductions of exp and expm1 change over. */
static inline double near_log2_multiples(uint64_t *state, bool is_f32, double *y)
{
    (void)y;
    double k = (double)(random_bits(state) % 4400) - 2200;
    return neighbour(state, k * 0.34657359027997264, 4, is_f32);
}

/* Around one, at every distance from it. */
static inline double near_one(uint64_t *state, bool is_f32, double *y)
{
    (void)y;
    double d = ldexp(random_between(state, 1, 2), -(int)(random_bits(state) % 56));
    double x = random_bits(state) & 1 ? 1 + d : 1 - d / 2;
    return neighbour(state, x, 1, is_f32);
}

/* Around zero, at every distance from it: functions with f(x) ~ x. */
static inline double near_zero(uint64_t *state, bool is_f32, double *y)
{
    (void)y;
    double x = ldexp(random_between(state, 1, 2), -(int)(random_bits(state) % (is_f32 ? 60 : 120)));
    return random_bits(state) & 1 ? x : -x;
}

/* Subnormals and the first normals. */
static inline double tiny(uint64_t *state, bool is_f32, double *y)
{
    (void)y;
    double x = ldexp(random_unit(state), (is_f32 ? -120 : -1016) - (int)(random_bits(state) % 24));
    return random_bits(state) & 1 ? x : -x;
}

/* x^y over the whole range of results: y about uniform in the result's logarithm. */
static inline double near_powers(uint64_t *state, bool is_f32, double *y)
{
    bool is_near = random_bits(state) & 1;
    double x = is_near ? near_one(state, is_f32, y) : fabs(random_pattern(state, is_f32));
    *y = random_between(state, is_f32 ? -151 : -1076, is_f32 ? 129 : 1025) / log2(x);
    if (random_bits(state) % 8 == 0)
        *y = rint(*y);
    return x;
}

/* base^x + base^y close to 1, where the logarithm of the sum is small. */
static inline double summing_to_one(uint64_t *state, bool is_f32, double *y)
{
    double x = -ldexp(random_between(state, 1, 2), 3 - (int)(random_bits(state) % 16));
    double off = ldexp(random_between(state, -1, 1), -(int)(random_bits(state) % 60));
    *y = neighbour(state, log(-expm1(x) + off), 2, is_f32);
    return neighbour(state, x, 1, is_f32);
}

static inline double summing_to_one_base_2(uint64_t *state, bool is_f32, double *y)
{
    double x = summing_to_one(state, is_f32, y);
    *y = neighbour(state, *y / 0.6931471805599453, 1, is_f32);
    return neighbour(state, x / 0.6931471805599453, 1, is_f32);
}

/* Around the seams of ndtri and erfcinv: 1 - (1-q)^2 a power of two, and where the tails begin, on both sides. */
static inline double near_quantile_seams(uint64_t *state, bool is_f32)
{
    int k = (int)(random_bits(state) % 9);
    double u = ldexp(1, -k), q = k == 8 ? 0x1.008312p-9 : u / (1 + sqrt(1 - u));
    double whole = random_bits(state) & 1 ? 1 : 2, x = q * whole / 2;
    return neighbour(state, random_bits(state) & 1 ? x : whole - x, 10, is_f32);
}

/* Probabilities: of every magnitude, even, near one half and near one. */
static double probabilities(uint64_t *state, bool is_f32, double *y)
{
    (void)y;
    double d = ldexp(random_between(state, 1, 2), -(int)(random_bits(state) % 56));
    switch (random_bits(state) % 8) {
    case 0:
        return 0.5 + d / 4;
    case 1:
        return 0.5 - d / 4;
    case 2:
        return 1 - d / 2;
    case 3:
        return random_unit(state);
    case 4:
        return near_quantile_seams(state, is_f32);
    case 5:
        return ldexp(random_between(state, 1, 2), -(int)(random_bits(state) % 16));
    default:
        return ldexp(random_between(state, 1, 2), -(int)(random_bits(state) % (is_f32 ? 152 : 1078)));
    }
}
#endif
