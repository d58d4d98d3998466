/* A prepared kernel: heat spreads over a plate, 10,000 Jacobi steps with two buffers that swap.
 *
 * The formula has a hole instead of an array. It is compiled once; each step fills the hole with one
 * buffer and writes into the other. A step costs little more than the loop itself. */
#include <onepass/onepass.h>
#include <onepass/sugar.h>

#include <string.h>
#include <time.h>

enum { N = 66, STEPS = 10000 };

static double plate[2][N][N], check[2][N][N];

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The inner points of a plate whose edge is held: x[1 + down : N - 1 + down, 1 + right : N - 1 + right]. */
static op_expr *shifted(op_expr *x, int64_t down, int64_t right)
{
    return op_slice(op_slice(x, 0, 1 + down, N - 1 + down, 1), 1, 1 + right, N - 1 + right, 1);
}

static op_view inner(double (*x)[N])
{
    int64_t shape[] = {N - 2, N - 2}, strides[] = {sizeof x[0], sizeof x[0][0]};
    return op_view_nd(OP_F64, &x[1][1], 2, shape, strides);
}

static void step_in_c(double (*from)[N], double (*to)[N])
{
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < N - 1; j++)
            to[i][j] = ((from[i - 1][j] + from[i + 1][j]) + (from[i][j - 1] + from[i][j + 1])) * 0.25;
}

int main(void)
{
    for (int k = 0; k < 2; k++) // the upper edge is hot
        for (int j = 0; j < N; j++)
            plate[k][0][j] = check[k][0][j] = 100;

    op_engine *eng = op_engine_new(NULL);
    op_graph *g = op_graph_new(eng);
    op_expr *u = op_param(g, 0, OP_F64, 2); // hole 0
    op_expr *next =
        op_mul(op_add(op_add(shifted(u, -1, 0), shifted(u, 1, 0)), op_add(shifted(u, 0, -1), shifted(u, 0, 1))), 0.25);
    op_kernel *kernel = NULL;
    op_status status = op_compile(g, 1, &next, &kernel);
    op_graph_free(g); // the kernel has all that it needs

    double start = now();
    for (int step = 0; step < STEPS && status == OP_OK; step++) {
        if (step == 1) // the first one may compile
            start = now();
        op_view from = OP_VIEW_2D(OP_F64, plate[step % 2], N, N), to = inner(plate[(step + 1) % 2]);
        status = op_run(kernel, 1, &from, 1, &to, NULL);
    }
    double middle = now();
    for (int step = 0; step < STEPS; step++)
        step_in_c(check[step % 2], check[(step + 1) % 2]);
    double end = now();

    int wrong = status != OP_OK || memcmp(plate, check, sizeof plate) != 0;
    if (status != OP_OK)
        fprintf(stderr, "%s\n", op_last_error()->message);
    else if (wrong)
        fprintf(stderr, "the plate differs from what a plain C loop gives\n");
    else
        printf("%d steps on a %d x %d plate: %.2f us per step (a plain C loop: %.2f us), same bits; %.4f degrees in "
               "the middle\n",
               STEPS, N, N, 1e6 * (middle - start) / STEPS, 1e6 * (end - middle) / STEPS, plate[0][N / 2][N / 2]);
    op_kernel_free(kernel);
    op_engine_free(eng);
    return wrong;
}
