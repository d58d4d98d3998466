/* Best times of contestants that take turns, so that a noisy moment hits all of them. Many short samples find
 * a quiet moment sooner than a few long ones. */
#include "bench.h"

#include <time.h>

#define LEAST_TOTAL 0.02 /* seconds for each contestant, if that takes more rounds than are asked for */
enum { MOST_ROUNDS = 1000 };

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double sample(const contestant *c, void *ctx)
{
    double start = now();
    for (long i = 0; i < c->calls; i++)
        c->call(ctx);
    return (now() - start) / (double)c->calls;
}

void take_turns(int n, contestant *all, void *ctx, int rounds, double least)
{
    for (int i = 0; i < n; i++) {
        contestant *c = &all[i];
        c->calls = 1;
        c->best = sample(c, ctx); // and warm up
        for (int again = 0; again < 3; again++) {
            double seconds = sample(c, ctx);
            c->best = seconds < c->best ? seconds : c->best;
            if (c->best * (double)c->calls < least)
                c->calls = (long)(least / c->best) + 1;
        }
    }
    double until = now() + n * LEAST_TOTAL;
    for (int round = 0; round < rounds || (now() < until && round < MOST_ROUNDS); round++)
        for (int i = 0; i < n; i++) {
            double seconds = sample(&all[i], ctx);
            all[i].best = seconds < all[i].best ? seconds : all[i].best;
        }
}
