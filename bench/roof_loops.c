/* The roof: what memory and the arithmetic units can do at best. */
#include "hand.h"

#include <math.h>
#include <stddef.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A cache line as integers: sums of any bits, and no slow numbers among them. */
typedef uint64_t line __attribute__((vector_size(64), may_alias));

static inline __attribute__((always_inline)) void store_past_caches(line *to, line value)
{
#if defined(__clang__)
    __builtin_nontemporal_store(value, to);
#elif defined(__AVX512F__)
    _mm512_stream_si512((void *)to, (__m512i)value);
#elif defined(__SSE2__)
    union {
        line whole;
        __m128i part[4];
    } u = {value};
    for (int i = 0; i < 4; i++)
        _mm_stream_si128((__m128i *)to + i, u.part[i]);
#else
    *to = value;
#endif
}

/* One line of each input; added to *sum if there is no output. */
static inline __attribute__((always_inline)) void move_line(int n_in, const line *const *in, line *y, int64_t k,
                                                            int stream, line *sum)
{
    line v = in[0][k];
    for (int i = 1; i < n_in; i++)
        v += in[i][k];
    if (!y)
        *sum += v;
    else if (stream)
        store_past_caches(&y[k], v);
    else
        y[k] = v;
}

static inline __attribute__((always_inline)) void move(int n_in, const void *const *inputs, void *out, int64_t lines,
                                                       int stream)
{
    enum { AT_ONCE = 8 };
    const line *in[4];
    line sum[AT_ONCE] = {{0}};
    int64_t i = 0;
    for (int k = 0; k < n_in; k++)
        in[k] = inputs[k];
    for (; i + AT_ONCE <= lines; i += AT_ONCE)
        for (int k = 0; k < AT_ONCE; k++)
            move_line(n_in, in, out, i + k, stream, &sum[k]);
    for (; i < lines; i++)
        move_line(n_in, in, out, i, stream, &sum[0]);
    if (!out) {
        static volatile uint64_t sink;
        line all = {0};
        for (int k = 0; k < AT_ONCE; k++)
            all += sum[k];
        sink = all[0] + all[1] + all[2] + all[3] + all[4] + all[5] + all[6] + all[7];
        (void)sink;
    }
#if defined(__x86_64__)
    if (stream)
        _mm_sfence();
#endif
}

void roof_move(int n_in, const void *const *in, void *out, int64_t bytes, int stream)
{
    int64_t lines = (bytes + 63) / 64;
    switch (n_in * 3 + (out ? stream != 0 : 2)) { // each case a loop of its own
#define CASE(n)                                                                                                        \
    case n * 3 + 0:                                                                                                    \
        move(n, in, out, lines, 0);                                                                                    \
        break;                                                                                                         \
    case n * 3 + 1:                                                                                                    \
        move(n, in, out, lines, 1);                                                                                    \
        break;                                                                                                         \
    case n * 3 + 2:                                                                                                    \
        move(n, in, NULL, lines, 0);                                                                                   \
        break;
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
    }
}

/* ---- Throughput of arithmetic ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { WORDS = 1024, TERMS = 32 };

/* Best time per element of `statement`, done for each i of WORDS elements that stay in the first cache. */
#define BEST(best, statement)                                                                                          \
    for (int repeat = 0; repeat < 3000; repeat++) {                                                                    \
        double start = now();                                                                                          \
        for (int again = 0; again < 20; again++) {                                                                     \
            for (int i = 0; i < WORDS; i++) {                                                                          \
                statement;                                                                                             \
            }                                                                                                          \
            __asm__ volatile("" : : "r"(x), "r"(y) : "memory"); /* or the next round would be left out */              \
        }                                                                                                              \
        double each = (now() - start) / (20.0 * WORDS);                                                                \
        best = each < best ? each : best;                                                                              \
    }

#define MEASURE(name, T, root)                                                                                         \
    static roof_speed name(void)                                                                                       \
    {                                                                                                                  \
        static T x[WORDS] __attribute__((aligned(64))), y[WORDS] __attribute__((aligned(64)));                         \
        static volatile T factor = (T)1.25;                                                                            \
        T k = factor;                                                                                                  \
        for (int i = 0; i < WORDS; i++)                                                                                \
            x[i] = (T)(1 + i) / WORDS;                                                                                 \
        roof_speed s = {1, 1, 1};                                                                                      \
        BEST(s.simple, T v = x[i]; for (int t = 0; t < TERMS; t++) v = v * x[i] + k; y[i] = v)                         \
        BEST(s.div, y[i] = k / x[i])                                                                                   \
        BEST(s.sqrt, y[i] = root(x[i]))                                                                                \
        s.simple /= TERMS;                                                                                             \
        return s;                                                                                                      \
    }
MEASURE(measure_f64, double, sqrt)
MEASURE(measure_f32, float, sqrtf)

roof_speed roof_measure(int f32)
{
    return f32 ? measure_f32() : measure_f64();
}
