/* Leaves of OP_LEAF_ROWS rows of `width` lanes, combined in a binary tree over the number of the leaf. The
 * order depends on the number of elements alone. */
#ifndef ONEPASS_RUN_TREE_H
#define ONEPASS_RUN_TREE_H

#include "expr/loops.h"

/* Partial results that wait for their right-hand sides, like the digits of a binary counter: at most one
 * of each size. */
typedef struct op_tree {
    const op_reducer *reducer;
    int64_t width;     /* lanes */
    int64_t row_bytes; /* of one partial result: the states of its lanes */
    int64_t first;     /* number of the leaf that the tree begins with: 0, if it is not a part of another one */
    int64_t pushed;    /* number of the next leaf */
    int top;
    int takes;         /* the only partial result takes values as they come (see op_reducer) */
    char *stack;       /* levels * row_bytes */
} op_tree;

/* Partial results that a tree over so many leaves holds at once. */
int op_tree_levels(int64_t leaves);
/* Where the next leaf goes, or the root of a subtree; then op_tree_push, or op_tree_push_subtree. */
void *op_tree_next(op_tree *tree);
void op_tree_push(op_tree *tree);
/* A subtree of so many leaves, a power of two, begins at a multiple of that. */
void op_tree_push_subtree(op_tree *tree, int64_t leaves);
/* The same for a leaf that lies elsewhere, and for such a root. */
void op_tree_add(op_tree *tree, const void *leaf);
void op_tree_add_subtree(op_tree *tree, const void *root, int64_t leaves);
/* The root, in the tree's memory. Nothing must be pushed after it. */
void *op_tree_finish(op_tree *tree);

#endif
