/* Everything between a formula and the machine code is text that can be read: the expression graph,
 * the plan, the signature that the kernel cache looks up, the LLVM IR, the assembly. */
#include <onepass/onepass.h>
#include <onepass/sugar.h>

#include <string.h>

struct text {
    char data[1 << 18];
    size_t length;
};

static void append(void *ctx, const char *piece, size_t n)
{
    struct text *text = ctx;
    if (n > sizeof text->data - 1 - text->length)
        n = sizeof text->data - 1 - text->length;
    memcpy(text->data + text->length, piece, n);
    text->length += n;
}

int main(void)
{
    static double b[1000], c[1000];
    op_engine *eng = op_engine_new(NULL);
    op_graph *g = op_graph_new(eng);
    op_expr *B = op_named(op_input(g, OP_VIEW_1D(OP_F64, b, 1000)), "B");
    op_expr *C = op_named(op_input(g, OP_VIEW_1D(OP_F64, c, 1000)), "C");
    op_expr *A = op_add(op_mul(B, 0.5), C); // nothing is computed, here or below

    const struct {
        op_dump_what what;
        const char *title;
    } steps[] = {
        {OP_DUMP_GRAPH, "The expression"},
        {OP_DUMP_PLAN, "The plan: loops and how they read memory"},
        {OP_DUMP_SIGNATURE, "The signature: what the kernel cache looks up"},
        {OP_DUMP_IR, "The loop as LLVM IR"},
        {OP_DUMP_ASM, "The loop as it runs"},
    };
    static struct text text; // of the last step
    int status = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == 0; i++) {
        text.length = 0;
        op_status dumped = op_dump_to(A, steps[i].what, append, &text);
        text.data[text.length] = 0;
        if (dumped == OP_ERR_UNSUPPORTED || dumped == OP_ERR_BACKEND) {
            printf("No compiler in this build: %s\n", op_last_error()->message);
            status = 77;
        } else if (dumped != OP_OK) {
            fprintf(stderr, "%s\n", op_last_error()->message);
            status = 1;
        } else if (steps[i].what == OP_DUMP_IR && (!strstr(text.data, "%B") || !strstr(text.data, "x double>"))) {
            fprintf(stderr, "the IR has no operand %%B, or no vectors of double\n");
            status = 1;
        } else {
            printf("---- %s ----\n%s\n", steps[i].title, text.data);
        }
    }
    op_graph_free(g);
    op_engine_free(eng);
    return status;
}
