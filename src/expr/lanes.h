/* The order in which a reduction along the innermost axis combines its elements: leaves of OP_LEAF elements,
 * where lane j takes every OP_LANES-th one from number j on; the lanes of the leaves in a binary tree
 * (run/tree.h); at last the lanes, halves with halves. */
#ifndef ONEPASS_EXPR_LANES_H
#define ONEPASS_EXPR_LANES_H

enum { OP_LANES = 32, OP_LEAF_ROWS = 16, OP_LEAF = OP_LEAF_ROWS * OP_LANES };

#endif
