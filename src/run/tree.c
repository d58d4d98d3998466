/* A pairwise tree in logarithmic memory. */
#include "run/tree.h"

#include <string.h>

int op_tree_levels(int64_t leaves)
{
    int levels = 2;
    while (leaves > 1) {
        leaves = (leaves + 1) / 2;
        levels++;
    }
    return levels;
}

static char *level(const op_tree *tree, int i)
{
    return tree->stack + i * tree->row_bytes;
}

void *op_tree_next(op_tree *tree)
{
    return level(tree, tree->top);
}

/* left (below) = left and right (on top) */
static void combine_top(op_tree *tree)
{
    tree->top--;
    tree->reducer->merge(level(tree, tree->top - 1), 0, level(tree, tree->top), 0, tree->width, tree->width);
}

void op_tree_push(op_tree *tree)
{
    tree->top++;
    tree->pushed++;
    for (int64_t digit = tree->pushed; !(digit & 1); digit >>= 1)
        combine_top(tree);
}

void op_tree_add(op_tree *tree, const void *leaf)
{
    if (tree->pushed & 1) { /* combined at once with the one that waits */
        tree->reducer->merge(level(tree, tree->top - 1), 0, leaf, 0, tree->width, tree->width);
        tree->pushed++;
        for (int64_t digit = tree->pushed >> 1; !(digit & 1); digit >>= 1)
            combine_top(tree);
    } else {
        memcpy(op_tree_next(tree), leaf, (size_t)(tree->width * tree->reducer->state_bytes));
        tree->top++;
        tree->pushed++;
    }
}

void *op_tree_finish(op_tree *tree)
{
    while (tree->top > 1)
        combine_top(tree);
    return tree->stack;
}
