/* A = sin(B) + C on ten million numbers: fused into one loop, and node by node.
 *
 *     sin_plus_c [N]
 *
 * Node by node, sin(B) becomes an array of its own that is written to memory and read again. Fused,
 * nothing but B, C and A moves. Both give the same bits; the table says what it costs. */
#include <onepass/onepass.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 7 };

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Evaluates exprs[0..n) one after another; the best time of several, and the bytes that were moved. */
static double best_seconds(op_graph *g, int n, op_expr *const *exprs, const op_view *outs, int threads, int64_t *bytes)
{
    double best = 1e30;
    op_run_options options = {.threads = threads};
    if (op_graph_set_run_options(g, &options) != OP_OK)
        return -1;
    for (int repeat = 0; repeat <= REPEATS; repeat++) { // the first one also compiles
        double start = now();
        *bytes = 0;
        for (int i = 0; i < n; i++) {
            op_launch launch;
            if (op_eval(exprs[i], outs[i]) != OP_OK || op_last_launch(g, &launch) != OP_OK)
                return -1;
            *bytes += launch.bytes;
        }
        double seconds = now() - start;
        if (repeat > 0 && seconds < best)
            best = seconds;
    }
    return best;
}

int main(int argc, char **argv)
{
    int64_t n = argc > 1 ? atoll(argv[1]) : 10000000;
    size_t size = (size_t)n * sizeof(double);
    double *b = malloc(size), *c = malloc(size), *t = malloc(size), *a = malloc(size), *a2 = malloc(size);
    if (!b || !c || !t || !a || !a2)
        return 1;
    for (int64_t i = 0; i < n; i++) {
        b[i] = 1e-3 * (double)(i % 12345) - 6;
        c[i] = (double)(i % 7);
    }

    op_engine *eng = op_engine_new(NULL);
    op_graph *g = op_graph_new(eng);
    op_expr *B = op_named(op_input(g, OP_VIEW_1D(OP_F64, b, n)), "B");
    op_expr *C = op_named(op_input(g, OP_VIEW_1D(OP_F64, c, n)), "C");
    op_expr *T = op_input(g, OP_VIEW_1D(OP_F64, t, n));

    op_expr *fused[] = {op_add(op_sin(B), C)}; // nothing is computed yet
    op_view fused_out[] = {OP_VIEW_1D(OP_F64, a, n)};
    op_expr *nodes[] = {op_sin(B), op_add(T, C)}; // the same tree, each node into an array
    op_view nodes_out[] = {OP_VIEW_1D(OP_F64, t, n), OP_VIEW_1D(OP_F64, a2, n)};

    int status = 0;
    printf("sin(B) + C on %lld doubles, best of %d\n\n", (long long)n, REPEATS);
    printf("  %-8s %-13s %9s %9s %9s\n", "threads", "evaluation", "ms", "GB/s", "speed-up");
    for (int all = 0; all <= 1 && status == 0; all++) {
        int64_t bytes[2] = {0};
        int threads = all ? 0 : 1; // 0: as many as there are
        double slow = best_seconds(g, 2, nodes, nodes_out, threads, &bytes[0]);
        double fast = best_seconds(g, 1, fused, fused_out, threads, &bytes[1]);
        if (slow < 0 || fast < 0) {
            fprintf(stderr, "%s\n", op_last_error()->message);
            status = 1;
        } else if (memcmp(a, a2, size) != 0) {
            fprintf(stderr, "fused and unfused results differ\n");
            status = 1;
        } else {
            const char *label = all ? "all" : "1";
            printf("  %-8s %-13s %9.2f %9.1f %9s\n", label, "node by node", 1e3 * slow, 1e-9 * (double)bytes[0] / slow,
                   "1.00");
            printf("  %-8s %-13s %9.2f %9.1f %9.2f\n", label, "fused", 1e3 * fast, 1e-9 * (double)bytes[1] / fast,
                   slow / fast);
        }
    }
    if (status == 0)
        printf("\n  Same bits in all of them.\n");

    op_graph_free(g); // and every expression in it
    op_engine_free(eng);
    free(b), free(c), free(t), free(a), free(a2);
    return status;
}
