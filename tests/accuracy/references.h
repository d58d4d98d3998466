/* References that MPFR does not have as one call, in MPFR's calling convention. Each may use more
 * precision inside; the result is wanted to about 40 bits beyond the type's own. */
#ifndef ONEPASS_TESTS_REFERENCES_H
#define ONEPASS_TESTS_REFERENCES_H

#include <mpfr.h>

#include "references_normal.h"
#include <stdbool.h>

/* 1/sqrt(x); of -0 it is -inf. */
static inline int exact_rsqrt(mpfr_t y, const mpfr_t x, mpfr_rnd_t rounding)
{
    if (mpfr_zero_p(x)) {
        mpfr_set_inf(y, mpfr_signbit(x) ? -1 : 1);
        return 0;
    }
    return mpfr_rec_sqrt(y, x, rounding);
}

static inline int exact_expit(mpfr_t y, const mpfr_t x, mpfr_rnd_t rounding)
{
    mpfr_neg(y, x, rounding);
    mpfr_exp(y, y, rounding);
    mpfr_add_ui(y, y, 1, rounding);
    return mpfr_ui_div(y, 1, y, rounding);
}

static inline int exact_softplus(mpfr_t y, const mpfr_t x, mpfr_rnd_t rounding)
{
    if (mpfr_cmp_ui(x, 2000) > 0)
        return mpfr_set(y, x, rounding);
    mpfr_exp(y, x, rounding);
    return mpfr_log1p(y, y, rounding);
}

/* max + log(1 + base^(min - max)), with the bits to survive a cancellation of the two */
static inline int exact_log_of_sum(mpfr_t z, const mpfr_t x, const mpfr_t y, mpfr_rnd_t rounding,
                                   int base)
{
    if (mpfr_nan_p(x) || mpfr_nan_p(y)) {
        mpfr_set_nan(z);
        return 0;
    }
    bool is_x_larger = mpfr_cmp(x, y) > 0;
    mpfr_srcptr max = is_x_larger ? x : y, min = is_x_larger ? y : x;
    if (mpfr_inf_p(max) || mpfr_inf_p(min))
        return mpfr_set(z, max, rounding);
    mpfr_t rest, scale;
    mpfr_init2(rest, 2300);
    mpfr_init2(scale, 400);
    mpfr_sub(rest, min, max, rounding);
    if (mpfr_cmp_si(rest, -5000) < 0)
        mpfr_set_si(rest, -5000, rounding);
    mpfr_prec_round(rest, 400, rounding);
    (base == 2 ? mpfr_exp2 : mpfr_exp)(rest, rest, rounding);
    mpfr_log1p(rest, rest, rounding);
    if (base == 2) {
        mpfr_const_log2(scale, rounding);
        mpfr_div(rest, rest, scale, rounding);
    }
    int inexact = mpfr_add(z, max, rest, rounding);
    if (!mpfr_zero_p(z) && mpfr_get_exp(z) < mpfr_get_exp(rest) - 250)
        mpfr_set_zero(z, 1); /* exactly 0: 2^-1 + 2^-1 */
    mpfr_clears(rest, scale, (mpfr_ptr)0);
    return inexact;
}

static inline int exact_logaddexp(mpfr_t z, const mpfr_t x, const mpfr_t y, mpfr_rnd_t rounding)
{
    return exact_log_of_sum(z, x, y, rounding, 0);
}

static inline int exact_logaddexp2(mpfr_t z, const mpfr_t x, const mpfr_t y, mpfr_rnd_t rounding)
{
    return exact_log_of_sum(z, x, y, rounding, 2);
}

#endif
