/* accuracy: how wrong the elementary functions are, in ULP, against MPFR.
 *
 *   cc -std=c11 -O2 -march=native -ffp-contract=off -fopenmp -Isrc tests/accuracy/accuracy.c \
 *      src/math/rare*.c -lmpfr -lm -o accuracy
 *
 *   accuracy                          every row of functions.def: largest error and where
 *   accuracy --check                  the same and special values; exit code 1 if a bound is broken
 *   --function NAME  --type f32|f64   only these rows
 *   --count N        --seed S         points per row (default 50000), and which
 *   --exhaustive                      float32 functions of one argument on all 2^32 inputs, judged
 *                                     by the float64 function, every 65521st also by MPFR
 *
 * A point is a pure function of seed, row and index: the number of threads changes nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "math/functions.h"
#include "points.h"
#include "references.h"
#include "ulp.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { PRECISION = 120 }; /* of the references: 67 bits beyond float64 */

typedef struct {
    const char *name;
    bool is_f32;
    int arity;
    double bound;
    union {
        double (*f64_1)(double);
        double (*f64_2)(double, double);
        float (*f32_1)(float);
        float (*f32_2)(float, float);
    } f;
    void (*many)(int n, const void *x, void *y); /* of one argument */
    union {
        int (*with1)(mpfr_t, const mpfr_t, mpfr_rnd_t);
        int (*with2)(mpfr_t, const mpfr_t, const mpfr_t, mpfr_rnd_t);
    } reference;
    double lo, hi;
    generator directed;
} row;

/* Functions of one argument over arrays, as loops that the compiler can vectorise. */
#define REAL_f64 double
#define REAL_f32 float
#define ROW1(type, name, ...)                                                                                          \
    static void many_##type##_##name(int n, const void *x, void *y)                                                    \
    {                                                                                                                  \
        const REAL_##type *from = x;                                                                                   \
        REAL_##type *restrict to = y;                                                                                  \
        for (int i = 0; i < n; i++)                                                                                    \
            to[i] = op_math_##type##_##name(from[i]);                                                                  \
    }
#define ROW2(...)
#include "functions.def"
#undef ROW1
#undef ROW2

#define IS_F32_f64 false
#define IS_F32_f32 true
#define ROW(type, name, bound, arity, many, reference, lo, hi, directed)                                               \
    {#name,                                                                                                            \
     IS_F32_##type,                                                                                                    \
     arity,                                                                                                            \
     bound,                                                                                                            \
     {.type##_##arity = op_math_##type##_##name},                                                                      \
     many,                                                                                                             \
     {.with##arity = reference},                                                                                       \
     lo,                                                                                                               \
     hi,                                                                                                               \
     directed},
#define ROW1(type, name, bound, ...) ROW(type, name, bound, 1, many_##type##_##name, __VA_ARGS__)
#define ROW2(type, name, bound, ...) ROW(type, name, bound, 2, NULL, __VA_ARGS__)
static const row rows[] = {
#include "functions.def"
};

static double call(const row *r, double x, double y)
{
    if (r->is_f32)
        return r->arity == 1 ? r->f.f32_1((float)x) : r->f.f32_2((float)x, (float)y);
    return r->arity == 1 ? r->f.f64_1(x) : r->f.f64_2(x, y);
}

typedef struct {
    double error, x, y, got;
} worst_case;

static void keep_worse(worst_case *worst, worst_case one)
{
    /* Ties go to the smaller argument, so that the order of the threads cannot be seen. */
    if (one.error > worst->error ||
        (one.error == worst->error && (one.x < worst->x || (one.x == worst->x && one.y < worst->y))))
        *worst = one;
}

/* One argument: patterns over all exponents, the interval evenly and by magnitude, its ends, and
 * the directed points. */
static double any_point(const row *r, uint64_t *state)
{
    double unused = 0;
    switch (random_bits(state) % 8) {
    case 0:
    case 1:
        return random_pattern(state, r->is_f32);
    case 2:
    case 3:
        return random_between(state, r->lo, r->hi);
    case 4: {
        double scale = ldexp(1, -(int)(random_bits(state) % (r->is_f32 ? 30 : 60)));
        return random_between(state, r->lo, r->hi) * scale;
    }
    case 5:
        if (random_bits(state) % 16)
            return random_between(state, r->lo, r->hi);
        return neighbour(state, random_bits(state) & 1 ? r->lo : r->hi, 40, r->is_f32);
    default:
        return r->directed ? r->directed(state, r->is_f32, &unused) : random_pattern(state, r->is_f32);
    }
}

static void choose_point(const row *r, uint64_t seed, uint64_t index, double *x, double *y)
{
    uint64_t state = seed ^ (index * 0xd1342543de82ef95u);
    *y = r->arity == 2 ? any_point(r, &state) : 0;
    *x = any_point(r, &state);
    if (r->arity == 2 && r->directed && random_bits(&state) % 4 == 0)
        *x = r->directed(&state, r->is_f32, y);
    if (r->is_f32) {
        *x = (float)*x;
        *y = (float)*y;
    }
}

typedef struct {
    mpfr_t x, y, exact, scratch;
} numbers;

static void numbers_init(numbers *n)
{
    mpfr_inits2(53, n->x, n->y, (mpfr_ptr)0);
    mpfr_inits2(PRECISION, n->exact, n->scratch, (mpfr_ptr)0);
}

static void numbers_clear(numbers *n)
{
    mpfr_clears(n->x, n->y, n->exact, n->scratch, (mpfr_ptr)0);
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}

static worst_case judge(const row *r, double x, double y, numbers *n)
{
    worst_case one = {0, x, y, call(r, x, y)};
    mpfr_set_d(n->x, x, MPFR_RNDN);
    mpfr_set_d(n->y, y, MPFR_RNDN);
    if (r->arity == 1)
        r->reference.with1(n->exact, n->x, MPFR_RNDN);
    else
        r->reference.with2(n->exact, n->x, n->y, MPFR_RNDN);
    one.error = ulp_error(one.got, n->exact, r->is_f32 ? &format_f32 : &format_f64, n->scratch);
    return one;
}

static worst_case sample(const row *r, uint64_t seed, int64_t count)
{
    worst_case worst = {-1, 0, 0, 0};
#pragma omp parallel
    {
        numbers n;
        worst_case mine = {-1, 0, 0, 0};
        numbers_init(&n);
#pragma omp for schedule(dynamic, 512) nowait
        for (int64_t i = 0; i < count; i++) {
            double x, y;
            choose_point(r, seed, (uint64_t)i, &x, &y);
            keep_worse(&mine, judge(r, x, y, &n));
        }
#pragma omp critical
        keep_worse(&worst, mine);
        numbers_clear(&n);
    }
    return worst;
}

static const row *find_row(const char *name, bool is_f32)
{
    for (size_t i = 0; i < LENGTH(rows); i++)
        if (rows[i].is_f32 == is_f32 && !strcmp(rows[i].name, name))
            return &rows[i];
    return NULL;
}

enum { BLOCK = 4096, JUDGED = 65521 }; /* every JUDGED-th argument by MPFR, which takes up to a millisecond */

/* The arguments with bits from `first` on, BLOCK of them. */
static void exhaust_block(const row *r, const row *wide, uint32_t first, worst_case *worst)
{
    float x[BLOCK], got[BLOCK];
    double wide_x[BLOCK], exact[BLOCK], quick[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++) {
        uint32_t bits = first + i;
        memcpy(&x[i], &bits, sizeof x[i]);
        wide_x[i] = x[i];
    }
    r->many(BLOCK, x, got);
    wide->many(BLOCK, wide_x, exact);
    for (int i = 0; i < BLOCK; i++)
        quick[i] = quick_error_f32(got[i], exact[i]);
    for (int i = 0; i < BLOCK; i++)
        if (!(quick[i] < worst->error))
            keep_worse(worst, (worst_case){ulp_error_f32(got[i], exact[i]), x[i], 0, got[i]});
}

static worst_case exhaust(const row *r, const row *wide)
{
    worst_case worst = {-1, 0, 0, 0};
#pragma omp parallel
    {
        numbers n;
        worst_case mine = {-1, 0, 0, 0};
        numbers_init(&n);
#pragma omp for schedule(dynamic, 16) nowait
        for (int64_t first = 0; first < INT64_C(1) << 32; first += BLOCK) {
            exhaust_block(r, wide, (uint32_t)first, &mine);
            for (int64_t i = (first + JUDGED - 1) / JUDGED * JUDGED; i < first + BLOCK; i += JUDGED) {
                uint32_t bits = (uint32_t)i;
                float x;
                memcpy(&x, &bits, sizeof x);
                keep_worse(&mine, judge(r, x, 0, &n));
            }
        }
        if (mine.error >= 0)
            mine = judge(r, mine.x, 0, &n);
#pragma omp critical
        keep_worse(&worst, mine);
        numbers_clear(&n);
    }
    return worst;
}

/* Special values, exact points and symmetry: special.def, for both types unless it names one. */

static int checks_passed, checks_failed;

static void count_check(bool passed)
{
    *(passed ? &checks_passed : &checks_failed) += 1;
}

static void check_value(const char *type, const char *name, double x, double y, double got, double want)
{
    bool same = isnan(want) ? isnan(got) : got == want && !signbit(got) == !signbit(want);
    count_check(same);
    if (!same)
        printf("%s %s(%a, %a) is %a, not %a\n", type, name, x, y, got, want);
}

static void check_symmetry(const char *type, const char *name, bool is_f32, bool is_odd, double (*f64)(double),
                           float (*f32)(float))
{
    uint64_t state = 1;
    int broken = 0;
    for (int i = 0; i < 20000; i++) {
        double x = i & 1 ? random_pattern(&state, is_f32) : random_between(&state, -10, 10);
        double plus = is_f32 ? f32((float)x) : f64(x);
        double minus = is_f32 ? f32((float)-x) : f64(-x);
        double mirrored = is_odd ? -plus : plus;
        if (isnan(plus) ? !isnan(minus) : memcmp(&mirrored, &minus, sizeof minus) != 0) {
            if (!broken++)
                printf("%s %s is not %s at %a\n", type, name, is_odd ? "odd" : "even", x);
        }
    }
    count_check(!broken);
}

static double power_of_ten(int n)
{
    double p = 1; /* exact up to 10^22 */
    while (n-- > 0)
        p *= 10;
    return p;
}

static void check_special(const char *only_function, const char *only_type)
{
#define WANTED(type, name)                                                                                             \
    ((!only_function || !strcmp(only_function, #name)) && (!only_type || !strcmp(only_type, #type)))
#define FLOAT_f64 double
#define FLOAT_f32 float
#define VALUE1_OF(type, name, x, want)                                                                                 \
    if (WANTED(type, name))                                                                                            \
        check_value(#type, #name, (FLOAT_##type)(x), 0, op_math_##type##_##name((FLOAT_##type)(x)),                    \
                    (FLOAT_##type)(want));
#define VALUE2_OF(type, name, x, y, want)                                                                              \
    if (WANTED(type, name))                                                                                            \
        check_value(#type, #name, (FLOAT_##type)(x), (FLOAT_##type)(y),                                                \
                    op_math_##type##_##name((FLOAT_##type)(x), (FLOAT_##type)(y)), (FLOAT_##type)(want));
#define VALUE1(name, x, want) VALUE1_OF(f64, name, x, want) VALUE1_OF(f32, name, x, want)
#define VALUE2(name, x, y, want) VALUE2_OF(f64, name, x, y, want) VALUE2_OF(f32, name, x, y, want)
#define FOR1_OF(type, name, first, last, x, want)                                                                      \
    for (int n = (first); n <= (last); n++) {                                                                          \
        VALUE1_OF(type, name, x, want)                                                                                 \
    }
#define FOR1(name, first, last, x, want)                                                                               \
    FOR1_OF(f64, name, first, last, x, want)                                                                           \
    FOR1_OF(f32, name, first, last, x, want)
#define SYMMETRIC(name, is_odd)                                                                                        \
    if (WANTED(f64, name))                                                                                             \
        check_symmetry("f64", #name, false, is_odd, op_math_f64_##name, NULL);                                         \
    if (WANTED(f32, name))                                                                                             \
        check_symmetry("f32", #name, true, is_odd, NULL, op_math_f32_##name);
#define ODD(name) SYMMETRIC(name, true)
#define EVEN(name) SYMMETRIC(name, false)
#include "special.def"
}

int main(int argc, char **argv)
{
    const char *only_function = NULL, *only_type = NULL;
    bool is_check = false, is_exhaustive = false, is_usage_wrong = false;
    int64_t count = 50000;
    uint64_t seed = 1;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--check"))
            is_check = true;
        else if (!strcmp(argv[i], "--exhaustive"))
            is_exhaustive = true;
        else if (!value)
            is_usage_wrong = true;
        else if (!strcmp(argv[i], "--function"))
            only_function = argv[++i];
        else if (!strcmp(argv[i], "--type"))
            only_type = argv[++i];
        else if (!strcmp(argv[i], "--count"))
            count = strtoll(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[++i], NULL, 10);
        else
            is_usage_wrong = true;
    }
    if (is_usage_wrong) {
        fprintf(stderr, "usage: accuracy [--check] [--exhaustive] [--function NAME] [--type f32|f64] "
                        "[--count N] [--seed S]\n");
        return 2;
    }

    printf("%-12s %-4s %8s %6s  %s\n", "function", "type", "max ULP", "bound", "at");
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const row *r = &rows[i];
        const char *type = r->is_f32 ? "f32" : "f64";
        if ((only_function && strcmp(only_function, r->name)) || (only_type && strcmp(only_type, type)))
            continue;
        const row *wide = find_row(r->name, false);
        if (is_exhaustive && !(r->is_f32 && r->arity == 1 && wide))
            continue;
        worst_case worst = is_exhaustive ? exhaust(r, wide) : sample(r, seed * 1000003 + i, count);
        bool passed = worst.error <= r->bound;
        count_check(passed);
        printf("%-12s %-4s %8.4f %6.2f  %a", r->name, type, worst.error, r->bound, worst.x);
        if (r->arity == 2)
            printf(", %a", worst.y);
        printf(" -> %a%s\n", worst.got, passed ? "" : "   BROKEN");
        fflush(stdout);
    }
    if (is_check)
        check_special(only_function, only_type);
    if (is_check || is_exhaustive)
        printf("%d passed, %d failed\n", checks_passed, checks_failed);
    return is_check && (checks_failed || !checks_passed);
}
