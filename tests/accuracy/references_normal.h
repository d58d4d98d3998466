/* The functions of the normal distribution from MPFR's erfc. */
#ifndef ONEPASS_TESTS_REFERENCES_NORMAL_H
#define ONEPASS_TESTS_REFERENCES_NORMAL_H

#include <math.h>
#include <mpfr.h>
#include <stdbool.h>

enum { NORMAL_PRECISION = 200 };

static void normal_sqrt2(mpfr_t out)
{
    mpfr_set_ui(out, 2, MPFR_RNDN);
    mpfr_sqrt(out, out, MPFR_RNDN);
}

/* erfcx: exp(x^2) erfc(x); beyond 40 its asymptotic series, quicker. */
static int reference_erfcx(mpfr_t out, const mpfr_t x, mpfr_rnd_t round)
{
    if (mpfr_inf_p(x) && mpfr_sgn(x) > 0) {
        mpfr_set_zero(out, 1);
        return 0;
    }
    mpfr_t a, b;
    mpfr_inits2(NORMAL_PRECISION, a, b, (mpfr_ptr)0);
    if (mpfr_cmp_ui(x, 40) > 0) {
        /* 1 / (x sqrt(pi)) (1 - t + 3 t^2 - 15 t^3 ...), t = 1 / (2 x^2) */
        mpfr_sqr(a, x, MPFR_RNDN);
        mpfr_mul_ui(a, a, 2, MPFR_RNDN);
        mpfr_ui_div(a, 1, a, MPFR_RNDN);
        mpfr_set_ui(b, 1, MPFR_RNDN);
        for (unsigned long k = 61; k <= 61; k -= 2) {
            mpfr_mul(b, b, a, MPFR_RNDN);
            mpfr_mul_ui(b, b, k, MPFR_RNDN);
            mpfr_ui_sub(b, 1, b, MPFR_RNDN);
        }
        mpfr_div(b, b, x, MPFR_RNDN);
        mpfr_const_pi(a, MPFR_RNDN);
        mpfr_rec_sqrt(a, a, MPFR_RNDN);
    } else {
        mpfr_sqr(a, x, MPFR_RNDN);
        mpfr_exp(a, a, MPFR_RNDN);
        mpfr_erfc(b, x, MPFR_RNDN);
    }
    int inexact = mpfr_mul(out, a, b, round);
    mpfr_clears(a, b, (mpfr_ptr)0);
    return inexact;
}

static int reference_norm_sf(mpfr_t out, const mpfr_t x, mpfr_rnd_t round)
{
    mpfr_t a;
    mpfr_init2(a, NORMAL_PRECISION);
    normal_sqrt2(a);
    mpfr_div(a, x, a, MPFR_RNDN);
    mpfr_erfc(a, a, MPFR_RNDN);
    int inexact = mpfr_div_ui(out, a, 2, round);
    mpfr_clear(a);
    return inexact;
}

static int reference_ndtr(mpfr_t out, const mpfr_t x, mpfr_rnd_t round)
{
    mpfr_t a;
    mpfr_init2(a, NORMAL_PRECISION);
    mpfr_neg(a, x, MPFR_RNDN);
    int inexact = reference_norm_sf(out, a, round);
    mpfr_clear(a);
    return inexact;
}

/* -x^2/2 - log(sqrt(2 pi)) */
static int reference_norm_logpdf(mpfr_t out, const mpfr_t x, mpfr_rnd_t round)
{
    mpfr_t a, b;
    mpfr_inits2(NORMAL_PRECISION, a, b, (mpfr_ptr)0);
    mpfr_const_pi(b, MPFR_RNDN);
    mpfr_mul_ui(b, b, 2, MPFR_RNDN);
    mpfr_log(b, b, MPFR_RNDN);
    mpfr_sqr(a, x, MPFR_RNDN);
    mpfr_add(a, a, b, MPFR_RNDN);
    int inexact = mpfr_div_si(out, a, -2, round);
    mpfr_clears(a, b, (mpfr_ptr)0);
    return inexact;
}

static int reference_norm_pdf(mpfr_t out, const mpfr_t x, mpfr_rnd_t round)
{
    mpfr_t a;
    mpfr_init2(a, mpfr_number_p(x) ? NORMAL_PRECISION + 20 : NORMAL_PRECISION);
    reference_norm_logpdf(a, x, MPFR_RNDN);
    int inexact = mpfr_exp(out, a, round);
    mpfr_clear(a);
    return inexact;
}

static int reference_log_ndtr(mpfr_t out, const mpfr_t x, mpfr_rnd_t round)
{
    mpfr_t a;
    mpfr_init2(a, NORMAL_PRECISION);
    int inexact;
    if (mpfr_cmp_si(x, -60) < 0) {
        /* log(erfcx(-x / sqrt 2) / 2) - x^2/2, without erfc, which is slow there */
        mpfr_t b;
        mpfr_init2(b, NORMAL_PRECISION);
        normal_sqrt2(a);
        mpfr_div(a, x, a, MPFR_RNDN);
        mpfr_neg(a, a, MPFR_RNDN);
        reference_erfcx(b, a, MPFR_RNDN);
        mpfr_div_ui(b, b, 2, MPFR_RNDN);
        mpfr_log(b, b, MPFR_RNDN);
        mpfr_sqr(a, a, MPFR_RNDN);
        inexact = mpfr_sub(out, b, a, round);
        if (mpfr_inf_p(x))
            mpfr_set_inf(out, -1);
        mpfr_clear(b);
    } else if (mpfr_sgn(x) > 0) {
        reference_norm_sf(a, x, MPFR_RNDN);
        mpfr_neg(a, a, MPFR_RNDN);
        inexact = mpfr_log1p(out, a, round);
    } else {
        reference_ndtr(a, x, MPFR_RNDN);
        inexact = mpfr_log(out, a, round);
    }
    mpfr_clear(a);
    return inexact;
}

/* y > 0 with erfc(y) = q, 0 < q < 1, or, if it is given, erf(y) = z: Newton's iteration. */
static void reference_inverse(mpfr_t y, const mpfr_t q, const mpfr_t z)
{
    mpfr_t f, d;
    mpfr_inits2(NORMAL_PRECISION, f, d, (mpfr_ptr)0);
    if (z && mpfr_cmp_d(z, 0.9) < 0) {
        mpfr_mul_d(y, z, 0.8862269254527580, MPFR_RNDN);
        for (int i = 0; i < 30; i++) {
            mpfr_erf(f, y, MPFR_RNDN);
            mpfr_sub(f, f, z, MPFR_RNDN);
            mpfr_sqr(d, y, MPFR_RNDN);
            mpfr_exp(d, d, MPFR_RNDN);
            mpfr_mul(f, f, d, MPFR_RNDN);
            mpfr_mul_d(f, f, 0.8862269254527580, MPFR_RNDN);
            mpfr_sub(y, y, f, MPFR_RNDN);
            if (mpfr_zero_p(f) || mpfr_get_exp(f) < mpfr_get_exp(y) - 125)
                break;
        }
    } else {
        /* on log(erfc y), from sqrt(-log q) */
        mpfr_log(y, q, MPFR_RNDN);
        mpfr_neg(y, y, MPFR_RNDN);
        mpfr_sqrt(y, y, MPFR_RNDN);
        for (int i = 0; i < 60; i++) {
            mpfr_erfc(f, y, MPFR_RNDN);
            mpfr_sqr(d, y, MPFR_RNDN);
            mpfr_exp(d, d, MPFR_RNDN);
            mpfr_mul(d, d, f, MPFR_RNDN);
            mpfr_div(f, f, q, MPFR_RNDN);
            mpfr_log(f, f, MPFR_RNDN);
            mpfr_mul(f, f, d, MPFR_RNDN);
            mpfr_mul_d(f, f, 0.8862269254527580, MPFR_RNDN);
            mpfr_add(y, y, f, MPFR_RNDN);
            if (mpfr_zero_p(f) || mpfr_get_exp(f) < mpfr_get_exp(y) - 125)
                break;
        }
    }
    mpfr_clears(f, d, (mpfr_ptr)0);
}

/* The inverse of erfc on [0, 2] as given by the exact numbers q and z = 1 - q, signs included. */
static void reference_erfcinv_exact(mpfr_t out, const mpfr_t q, const mpfr_t z)
{
    if (mpfr_nan_p(q) || mpfr_sgn(q) < 0 || mpfr_cmp_ui(q, 2) > 0) {
        mpfr_set_nan(out);
    } else if (mpfr_zero_p(q)) {
        mpfr_set_inf(out, 1);
    } else if (mpfr_cmp_ui(q, 2) == 0) {
        mpfr_set_inf(out, -1);
    } else if (mpfr_zero_p(z)) {
        mpfr_set_zero(out, mpfr_signbit(z) ? -1 : 1);
    } else if (mpfr_sgn(z) > 0) {
        reference_inverse(out, q, z);
    } else {
        mpfr_t mirrored, minus_z;
        mpfr_init2(mirrored, 1200);
        mpfr_init2(minus_z, 1200);
        mpfr_ui_sub(mirrored, 2, q, MPFR_RNDN);
        mpfr_neg(minus_z, z, MPFR_RNDN);
        reference_inverse(out, mirrored, minus_z);
        mpfr_neg(out, out, MPFR_RNDN);
        mpfr_clears(mirrored, minus_z, (mpfr_ptr)0);
    }
}

static int reference_erfcinv(mpfr_t out, const mpfr_t q, mpfr_rnd_t round)
{
    mpfr_t y, z;
    mpfr_init2(y, NORMAL_PRECISION);
    mpfr_init2(z, 1200);
    mpfr_ui_sub(z, 1, q, MPFR_RNDN);
    reference_erfcinv_exact(y, q, z);
    int inexact = mpfr_set(out, y, round);
    mpfr_clears(y, z, (mpfr_ptr)0);
    return inexact;
}

static int reference_erfinv(mpfr_t out, const mpfr_t z, mpfr_rnd_t round)
{
    mpfr_t y, q;
    mpfr_init2(y, NORMAL_PRECISION);
    mpfr_init2(q, 1200);
    mpfr_ui_sub(q, 1, z, MPFR_RNDN);
    reference_erfcinv_exact(y, q, z);
    int inexact = mpfr_set(out, y, round);
    mpfr_clears(y, q, (mpfr_ptr)0);
    return inexact;
}

/* norm_isf(p) = sqrt(2) erfcinv(2 p), with -0 at one half like the negative of ndtri */
static int reference_norm_isf(mpfr_t out, const mpfr_t p, mpfr_rnd_t round)
{
    mpfr_t y, q;
    mpfr_init2(y, NORMAL_PRECISION);
    mpfr_init2(q, NORMAL_PRECISION);
    mpfr_mul_ui(q, p, 2, MPFR_RNDN);
    reference_erfcinv(y, q, MPFR_RNDN);
    if (mpfr_zero_p(y))
        mpfr_set_zero(y, -1);
    normal_sqrt2(q);
    int inexact = mpfr_mul(out, y, q, round);
    mpfr_clears(y, q, (mpfr_ptr)0);
    return inexact;
}

static int reference_ndtri(mpfr_t out, const mpfr_t p, mpfr_rnd_t round)
{
    int inexact = reference_norm_isf(out, p, round);
    mpfr_neg(out, out, MPFR_RNDN);
    return -inexact;
}

#endif
