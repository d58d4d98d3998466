/* What an error of one ULP means, in this one place.
 *
 * The error is |got - exact| divided by the distance between neighbours in the binade of the
 * correctly rounded result: 2^(e-52) or 2^(e-23), never less than the spacing of the subnormals.
 * An infinite result stands for the first power of two beyond the largest finite value, so that a
 * function may overflow a rounding error too early, or too late, by its bound and no more.
 * A missing or a wrong NaN, a wrong infinity and a zero of the wrong sign count as infinitely wrong. */
#ifndef ONEPASS_TESTS_ULP_H
#define ONEPASS_TESTS_ULP_H

#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    int digits;       /* bits of the significand, the hidden one included */
    int min_exponent; /* of the smallest normal number, 2^min_exponent */
    int max_exponent; /* of the largest finite number's binade */
} float_format;

static const float_format format_f64 = {53, -1022, 1023};
static const float_format format_f32 = {24, -126, 127};

/* log2 of the distance between neighbours around a (correctly rounded) value. */
static inline int ulp_exponent(double rounded, const float_format *f)
{
    int e = f->min_exponent;
    if (isinf(rounded))
        e = f->max_exponent;
    else if (rounded != 0 && ilogb(rounded) > e)
        e = ilogb(rounded);
    return e - (f->digits - 1);
}

/* `scratch` is any initialised number of at least the precision of `exact`. */
static inline double ulp_error(double got, mpfr_t exact, const float_format *f, mpfr_t scratch)
{
    if (mpfr_nan_p(exact) || isnan(got))
        return mpfr_nan_p(exact) && isnan(got) ? 0 : INFINITY;
    if ((got == 0 || mpfr_zero_p(exact)) && !signbit(got) != !mpfr_signbit(exact))
        return INFINITY;
    double rounded = f == &format_f32 ? mpfr_get_flt(exact, MPFR_RNDN) : mpfr_get_d(exact, MPFR_RNDN);
    if (isinf(got) && got == rounded)
        return 0;
    if (mpfr_inf_p(exact))
        return INFINITY;
    if (isinf(got)) {
        mpfr_set_ui_2exp(scratch, 1, f->max_exponent + 1, MPFR_RNDN);
        mpfr_setsign(scratch, scratch, signbit(got), MPFR_RNDN);
    } else {
        mpfr_set_d(scratch, got, MPFR_RNDN);
    }
    mpfr_sub(scratch, exact, scratch, MPFR_RNDN);
    mpfr_mul_2si(scratch, scratch, -ulp_exponent(rounded, f), MPFR_RNDN);
    return fabs(mpfr_get_d(scratch, MPFR_RNDA));
}

/* The same for a float32 result when `exact` is a float64 that is right to 2^-28 ULP of float32. */
static inline double ulp_error_f32(float got, double exact)
{
    if (isnan(exact) || isnan(got))
        return isnan(exact) && isnan(got) ? 0 : INFINITY;
    if ((got == 0 || exact == 0) && !signbit(got) != !signbit(exact))
        return INFINITY;
    float rounded = (float)exact;
    if (isinf(got) && got == rounded)
        return 0;
    if (isinf(exact))
        return INFINITY;
    double value = isinf(got) ? copysign(0x1p128, got) : (double)got;
    return fabs(exact - value) * ldexp(1, -ulp_exponent(rounded, &format_f32));
}

/* The same without branches and calls; NaN where the result is special and ulp_error_f32 has to tell. */
static inline double quick_error_f32(float got, double exact)
{
    float rounded = (float)exact;
    uint32_t got_bits, bits;
    memcpy(&got_bits, &got, sizeof bits);
    memcpy(&bits, &rounded, sizeof bits);
    uint32_t exponent = bits >> 23 & 0xff;
    exponent = exponent ? exponent : 1;
    uint64_t scale_bits = (uint64_t)(1023 + 127 + 23 - exponent) << 52;
    double scale;
    memcpy(&scale, &scale_bits, sizeof scale);
    double error = fabs(exact - (double)got) * scale;
    return (got_bits ^ bits) >> 31 ? (double)NAN : error;
}
#endif
