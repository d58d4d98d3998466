// The public headers as C++17: the same program as headers.c.
#include <onepass/onepass.h>
#include <onepass/sugar.h>

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, op_last_error()->message);
    return 1;
}

int main()
{
    double b[3] = {0.0, 1.0, -1.0}, c[3] = {1.0, 2.0, 3.0}, a[3];
    if (op_version() != OP_VERSION)
        return failed("version");
    op_options options{};
    options.threads = 1;
    op_engine *engine = op_engine_new(&options);
    op_graph *g = op_graph_new(engine);
    op_expr *B = op_input(g, OP_VIEW_1D(OP_F64, b, 3));
    op_expr *C = op_input(g, OP_VIEW_1D(OP_F64, c, 3));
    if (op_eval(op_add(op_sin(B), C), OP_VIEW_1D(OP_F64, a, 3)) != OP_OK)
        return failed("op_eval");
    if (a[0] != 1.0 || !(a[1] > 2.84 && a[1] < 2.85) || !(a[2] > 2.15 && a[2] < 2.16))
        return failed("sin(B) + C");
    double total = 0;
    if (op_eval(op_sum(C, OP_AXES(0), 0), OP_VIEW_0D(OP_F64, &total)) != OP_OK || total != 6.0)
        return failed("sum with OP_AXES");
    if (op_eval(op_sum(C, OP_ALL, OP_KEEPDIMS), OP_VIEW_1D(OP_F64, &total, 1)) != OP_OK || total != 6.0)
        return failed("sum with OP_ALL");
    if (op_eval(op_mul(2, op_add(B, 0.5f)), OP_VIEW_1D(OP_F64, a, 3)) != OP_OK || a[1] != 3.0)
        return failed("sugar");
    op_graph_free(g);
    op_engine_free(engine);
    return 0;
}
