/* What an evaluation costs beside the loop itself. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

enum { SMALL = 16, N = 1000, ROUNDS = 15 };

static double a[N], b[N], c[N];

static void must(op_status status)
{
    if (status != OP_OK) {
        fprintf(stderr, "bench: %s\n", op_last_error()->message);
        exit(1);
    }
}

static void line(FILE *file, const char *what, double seconds, const char *goal)
{
    char text[16];
    fprintf(file, "  %-72s %10s   goal %s\n", what, seconds_text(seconds, text), goal);
    fflush(file);
}

/* ---- A prepared kernel, and the bare loop ---- */

static void over_the_loop(FILE *file)
{
    static arrays data;
    work w;
    const row *r = rows; // b+c
    if (!arrays_make(&data, LETTERS, N * 8) || !work_make(&w, r, OP_F64, extents_of(r, N), 1, &data)) {
        fprintf(file, "  no prepared kernel: %s\n", op_last_error()->message);
        return;
    }
    contestant all[] = {{.name = "hand", .call = run_hand}, {.name = "op_run", .call = run_kernel}};
    take_turns(2, all, &w, ROUNDS, 2e-3);
    line(file, "op_run on a prepared kernel, b+c, n = 1000, above the bare loop", all[1].best - all[0].best, "200 ns");
    work_free(&w);
    arrays_free(&data);
}

/* ---- Building an expression that is known ---- */

typedef struct known {
    op_graph *graph;
    op_view b, c, out;
} known;

static op_expr *ten_nodes(known *k)
{
    op_expr *B = op_input(k->graph, k->b), *C = op_input(k->graph, k->c);
    op_expr *s = op_add(op_mul(B, C), op_sub(B, C));
    return op_sqrt(op_abs(op_add(op_mul(s, s), op_minimum(B, op_neg(C)))));
}

static void build(void *ctx)
{
    known *k = ctx;
    int64_t mark = op_graph_mark(k->graph);
    if (!ten_nodes(k))
        must(op_graph_error(k->graph)->code);
    op_graph_release(k->graph, mark);
}

static void build_and_evaluate(void *ctx)
{
    known *k = ctx;
    int64_t mark = op_graph_mark(k->graph);
    must(op_eval(ten_nodes(k), k->out));
    op_graph_release(k->graph, mark);
}

static void bare_loop(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < SMALL; i++) {
        double s = b[i] * c[i] + (b[i] - c[i]);
        a[i] = sqrt(fabs(s * s + (b[i] < -c[i] ? b[i] : -c[i])));
    }
    __asm__ volatile("" ::: "memory");
}

static void known_expression(FILE *file)
{
    op_engine *engine = op_engine_new(NULL);
    known k = {.graph = op_graph_new(engine),
               .b = OP_VIEW_1D(OP_F64, b, SMALL),
               .c = OP_VIEW_1D(OP_F64, c, SMALL),
               .out = OP_VIEW_1D(OP_F64, a, SMALL)};
    contestant all[] = {{.name = "build", .call = build},
                        {.name = "evaluate", .call = build_and_evaluate},
                        {.name = "loop", .call = bare_loop}};
    take_turns(3, all, &k, ROUNDS, 2e-3);
    line(file, "building a 10-node expression and releasing it", all[0].best, "-");
    line(file, "the same, and op_eval of it (n = 16, kernel in memory), above the bare loop", all[1].best - all[2].best,
         "2 us");
    op_graph_free(k.graph);
    op_engine_free(engine);
}

/* ---- A formula that was never seen ---- */

static int by_size(const void *x, const void *y)
{
    double a_ = *(const double *)x, b_ = *(const double *)y;
    return (a_ > b_) - (a_ < b_);
}

static void first_result(FILE *file)
{
    enum { TIMES = 15 };
    static const char signs[] = "+-*";
    double seconds[TIMES], compile[TIMES], very_first = 0;
    op_engine *engine = op_engine_new(NULL);
    for (int t = -1; t < TIMES; t++) {
        char formula[256] = "b";
        int used = 1, number = t + 100;
        for (int i = 0; i < 10; i++, number /= 3)
            used += snprintf(formula + used, sizeof formula - (size_t)used, "%c%s", signs[(number + i) % 3],
                             i % 2 ? "c" : "b");
        double start = now();
        op_graph *g = op_graph_new(engine);
        op_expr *in[] = {op_input(g, OP_VIEW_1D(OP_F64, b, N)), op_input(g, OP_VIEW_1D(OP_F64, c, N))}, *expr;
        const char *names[] = {"b", "c"};
        op_launch launch;
        must(op_parse(g, formula, 2, names, in, &expr));
        must(op_eval(expr, OP_VIEW_1D(OP_F64, a, N)));
        double took = now() - start;
        must(op_last_launch(g, &launch));
        if (t < 0)
            very_first = took;
        else
            seconds[t] = took, compile[t] = launch.compile_seconds;
        op_graph_free(g);
    }
    qsort(seconds, TIMES, sizeof seconds[0], by_size);
    qsort(compile, TIMES, sizeof compile[0], by_size);
    line(file, "first result of a never-seen 10-op formula, n = 1000 (median)", seconds[TIMES / 2], "100 us");
    line(file, "  of that, compiling (median)", compile[TIMES / 2], "6 ms");
    line(file, "  the first one of a process, which may load the compiler", very_first, "19 ms");
    op_engine_free(engine);
}

/* ---- Long formulas ---- */

static void growth(FILE *file)
{
    static const int sizes[] = {10, 100, 1000, 10000};
    double first = 0, last = 0;
    op_engine *engine = op_engine_new(NULL);
    for (int i = 0; i < 4; i++) {
        double best = 1e30;
        op_launch launch = {0};
        for (int again = 0; again < 3; again++) {
            op_graph *g = op_graph_new(engine);
            op_expr *B = op_input(g, OP_VIEW_1D(OP_F64, b, N)), *C = op_input(g, OP_VIEW_1D(OP_F64, c, N)), *x = B;
            for (int node = again + 1; node < sizes[i]; node += 2) // another signature each time
                x = op_add(op_mul(x, C), node % 4 == 1 ? B : C);
            double start = now();
            must(op_eval(op_maximum(x, again ? B : C), OP_VIEW_1D(OP_F64, a, N)));
            double took = now() - start;
            must(op_last_launch(g, &launch));
            best = took < best ? took : best;
            op_graph_free(g);
        }
        char what[80];
        snprintf(what, sizeof what, "first result of a chain of %d nodes (%d kernels)", sizes[i], launch.kernels);
        line(file, what, best, "-");
        first = i == 1 ? best : first;
        last = best;
    }
    fprintf(file, "  %-72s %10.2f   goal 1.2\n", "growth exponent from 100 to 10000 nodes", log10(last / first) / 2);
    op_engine_free(engine);
}

void overhead(FILE *file)
{
    for (int i = 0; i < N; i++) {
        b[i] = 0.001 * i;
        c[i] = 1 - 0.001 * i;
    }
    over_the_loop(file);
    known_expression(file);
    first_result(file);
    growth(file);
}
