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

/* A subtree of so many leaves is on top: combines it with the one before, while both are halves of one subtree. */
static void combine_halves(op_tree *tree, int64_t leaves)
{
    for (; !(tree->pushed & leaves) && tree->pushed - 2 * leaves >= tree->first; leaves *= 2)
        combine_top(tree);
}

void op_tree_push(op_tree *tree)
{
    op_tree_push_subtree(tree, 1);
}

void op_tree_push_subtree(op_tree *tree, int64_t leaves)
{
    tree->top++;
    tree->pushed += leaves;
    combine_halves(tree, leaves);
}

void op_tree_add(op_tree *tree, const void *leaf)
{
    if (tree->pushed & 1 && tree->pushed > tree->first) { /* combined at once with the one that waits */
        tree->reducer->merge(level(tree, tree->top - 1), 0, leaf, 0, tree->width, tree->width);
        tree->pushed++;
        combine_halves(tree, 2);
    } else {
        op_tree_add_subtree(tree, leaf, 1);
    }
}

void op_tree_add_subtree(op_tree *tree, const void *root, int64_t leaves)
{
    memcpy(op_tree_next(tree), root, (size_t)(tree->width * tree->reducer->state_bytes));
    op_tree_push_subtree(tree, leaves);
}

void *op_tree_finish(op_tree *tree)
{
    while (tree->top > 1)
        combine_top(tree);
    return tree->stack;
}
