/* logaddexp and logaddexp2 where the maximum and the rest of the sum cancel; see rare.def.
 *
 * The result is log(1 + S), S = (e^max - 1) + e^min, where max is negative and S close to 0. Both
 * terms are Taylor series in fixed point, with 128 bits after the point and, should too many of
 * them cancel, with 256, where S keeps more than 53 bits whatever two float64 can bring about.
 * Everything is scaled by 2^s to keep tiny sums in range. Integers and correctly rounded operations
 * only: the same bits on every machine. Compile with -ffp-contract=off. */
#include "math/rare.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

enum { WORDS = 5 }; /* at most: one before the point, four after */

typedef struct {
    uint64_t word[WORDS]; /* the most significant first; those not in use are 0 */
} fixed;

static const fixed ln2 = {{0, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af,
                           0x40f343267298b62d, 0x8a0d175b8baafa2b}};

static fixed sum_of(fixed a, fixed b, int words)
{
    uint128 carry = 0;
    for (int i = words - 1; i >= 0; i--) {
        carry += (uint128)a.word[i] + b.word[i];
        a.word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

static fixed difference_of(fixed a, fixed b, int words)
{
    uint64_t borrow = 0;
    for (int i = words - 1; i >= 0; i--) {
        uint128 d = (uint128)a.word[i] - b.word[i] - borrow;
        a.word[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return a;
}

static fixed product_of(fixed a, fixed b, int words)
{
    uint64_t full[2 * WORDS] = {0};
    for (int i = words - 1; i >= 0; i--) {
        uint64_t carry = 0;
        for (int j = words - 1; j >= 0; j--) {
            uint128 t = (uint128)a.word[i] * b.word[j] + full[i + j + 1] + carry;
            full[i + j + 1] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        full[i] = carry;
    }
    fixed p = {{0}};
    memcpy(p.word, full + 1, (size_t)words * sizeof *p.word);
    return p;
}

static fixed quotient_of(fixed a, uint64_t small, int words) /* small < 2^32 */
{
    uint64_t rest = 0;
    for (int i = 0; i < words; i++) {
        uint64_t high = rest << 32 | a.word[i] >> 32;
        uint64_t low = high % small << 32 | (a.word[i] & 0xffffffff);
        a.word[i] = high / small << 32 | low / small;
        rest = low % small;
    }
    return a;
}

static bool is_zero(fixed a)
{
    uint64_t any = 0;
    for (int i = 0; i < WORDS; i++)
        any |= a.word[i];
    return any == 0;
}

/* x * 2^shift, for 0 <= x and a product below 2^63; bits beyond the last word are dropped. */
static fixed fixed_from(double x, int shift, int words)
{
    fixed a = {{0}};
    int exponent;
    double mantissa = frexp(x, &exponent); /* in [1/2, 1), or 0 */
    uint64_t bits = (uint64_t)(mantissa * 0x1p53);
    /* of bit 0, counted from the last bit of the last word */
    int lowest = exponent + shift - 53 + 64 * (WORDS - 1);
    for (int i = 0; i < 53; i++) {
        int position = lowest + i, word = WORDS - 1 - position / 64;
        if ((bits >> i & 1) && position >= 0 && word < words)
            a.word[word] |= (uint64_t)1 << position % 64;
    }
    return a;
}

/* The leading 53 bits from position `from` (inclusive, counted from the last bit) down. */
static double leading_bits(fixed a, int from)
{
    double value = 0;
    for (int position = from; position > from - 53 && position >= 0; position--)
        value = 2 * value + (double)(a.word[WORDS - 1 - position / 64] >> position % 64 & 1);
    int last = from >= 52 ? from - 52 : 0;
    return ldexp(value, last - 64 * (WORDS - 1));
}

/* NAN where so many words do not suffice */
static double log_of_sum(double x, double y, bool base_2, int words)
{
    double max = -(x > y ? x : y), min = -(x > y ? y : x); /* magnitudes: 0 <= max <= min */
    if (!(max >= 0 && max <= min && min < 2000))
        return NAN; /* never asked for */

    /* e^-min = 2^-s e^q with q in (0, ln2] */
    fixed exponent = fixed_from(min, 0, words);
    int s;
    fixed q;
    if (base_2) {
        s = (int)exponent.word[0] + 1;
        fixed whole = {{(uint64_t)s}};
        q = product_of(difference_of(whole, exponent, words), ln2, words);
    } else {
        s = (int)(min / 0x1.62e42fefa39efp-1) + 1;
        fixed whole = {{(uint64_t)s}};
        q = difference_of(product_of(whole, ln2, words), exponent, words);
    }

    fixed plus = {{1}}, minus = {{0}};
    fixed term = plus;
    for (uint64_t n = 1; !is_zero(term); n++) {
        term = quotient_of(product_of(term, q, words), n, words);
        plus = sum_of(plus, term, words);
    }
    /* 2^s (1 - e^-max) = 2^s max (1 - max/2 + max^2/6 ...) */
    fixed factor = fixed_from(max, 0, words);
    term = fixed_from(max, s, words);
    if (base_2) {
        factor = product_of(factor, ln2, words);
        term = product_of(term, ln2, words);
    }
    for (uint64_t n = 2; !is_zero(term); n++) {
        fixed *side = n % 2 == 0 ? &minus : &plus;
        *side = sum_of(*side, term, words);
        term = quotient_of(product_of(term, factor, words), n, words);
    }

    fixed sum = difference_of(plus, minus, words);
    bool negative = sum.word[0] >> 63;
    if (negative)
        sum = difference_of(minus, plus, words);
    int top = 64 * WORDS - 1;
    while (top >= 0 && !(sum.word[WORDS - 1 - top / 64] >> top % 64 & 1))
        top--;
    int noise = 64 * (WORDS - words) + 16; /* the errors of constants and series stay below */
    if (words == WORDS && top < noise)
        return 0; /* the sum is 1, as in 2^-1 + 2^-1 */
    if (words < WORDS && top < noise + 53 + 8)
        return NAN;
    double high = leading_bits(sum, top), low = leading_bits(sum, top - 53);
    if (negative)
        high = -high, low = -low;

    /* log(1 + S) = S (1 - S/2 + S^2/3 ...), |S| < 0.2 */
    double scaled = ldexp(high, -s), tail = 0;
    for (int n = 30; n >= 2; n--)
        tail = scaled * ((n % 2 ? 1.0 : -1.0) / n + tail);
    low += high * tail;
    if (base_2) {
        double p = high * 0x1.71547652b82fep0;
        low = fma(high, 0x1.71547652b82fep0, -p) +
              (low * 0x1.71547652b82fep0 + high * 0x1.777d0ffda0d24p-56);
        high = p;
    }
    return ldexp(high + low, -s);
}

static double careful_log_of_sum(double x, double y, bool base_2)
{
    double fast = log_of_sum(x, y, base_2, 3);
    return isnan(fast) ? log_of_sum(x, y, base_2, WORDS) : fast;
}

double op_rare_f64_logaddexp(double x, double y)
{
    return careful_log_of_sum(x, y, false);
}

double op_rare_f64_logaddexp2(double x, double y)
{
    return careful_log_of_sum(x, y, true);
}
