/* A program outside of the project, built against an installed onepass. With the argument `compiled`
 * it insists that the compiler backend was found and used. */
#include <onepass/onepass.h>
#include <string.h>

int main(int argc, char **argv)
{
    enum { N = 100000 };
    static double b[N], c[N], a[N];
    for (int i = 0; i < N; i++) {
        b[i] = 0.001 * i;
        c[i] = i;
    }
    op_engine *engine = op_engine_new(NULL);
    op_graph *g = op_graph_new(engine);
    op_expr *A = op_add(op_sin(op_input(g, OP_VIEW_1D(OP_F64, b, N))), op_input(g, OP_VIEW_1D(OP_F64, c, N)));
    for (int repeat = 0; repeat < 2; repeat++)
        if (op_eval(A, OP_VIEW_1D(OP_F64, a, N)) != OP_OK) {
            fprintf(stderr, "%s\n", op_last_error()->message);
            return 1;
        }
    op_stats stats;
    if (op_engine_stats(engine, &stats) != OP_OK)
        return 1;
    printf("onepass %s on %s: %lld compiled, %lld interpreted, a[1000] = %.6f\n", op_version_text(),
           op_engine_isa(engine), (long long)stats.compiles, (long long)stats.interpreted, a[1000]);
    int wrong = !(a[1000] > 1000.84147 && a[1000] < 1000.84148);
    if (argc > 1 && strcmp(argv[1], "compiled") == 0 && stats.compiles != 1)
        wrong = 1;
    op_graph_free(g);
    op_engine_free(engine);
    return wrong;
}
