/* Expressions: immutable nodes in their graph's arena, hash-consed, so that equal subtrees are one
 * node. A node's id grows with creation, and its arguments are older than itself. */
#ifndef ONEPASS_EXPR_GRAPH_H
#define ONEPASS_EXPR_GRAPH_H

#include "base/dtype.h"
#include "base/memory.h"
#include "base/status.h"
#include "expr/opcode.h"
#include "onepass/onepass.h"

typedef enum op_node_kind {
    OP_NODE_INPUT,  /* a borrowed array */
    OP_NODE_HOLE,   /* an array that op_run brings */
    OP_NODE_CONST,  /* one value */
    OP_NODE_OP,     /* a row of the op table, or a cast */
    OP_NODE_VIEW,   /* the same elements under other indices */
    OP_NODE_REDUCE, /* a row of the reduction table */
    OP_NODE_SCAN,   /* the same row, keeping every partial result along one axis */
    OP_NODE_COUNT,  /* how many elements of an i64 operand are 0, 1, ..., shape[0] - 1; or, of a second operand that
                     * broadcasts to the first, the sum of its elements there */
} op_node_kind;

typedef enum op_view_kind {
    OP_VIEW_SLICE,     /* axis, start, stop, step */
    OP_VIEW_INDEX,     /* axis, start */
    OP_VIEW_PERMUTE,   /* list: axes */
    OP_VIEW_NEWAXIS,   /* axis */
    OP_VIEW_SQUEEZE,   /* axis */
    OP_VIEW_BROADCAST, /* list: shape */
    OP_VIEW_RESHAPE,   /* list: shape */
} op_view_kind;

typedef struct op_view_step {
    op_view_kind kind;
    int axis;
    int64_t start, stop, step;
    const int64_t *list; /* as many as the result has dimensions */
} op_view_step;

/* What dumps say of a count: of what, its mask or NULL, and a histogram's range. */
typedef struct op_counting {
    op_expr *x, *where;
    double lo, hi;
} op_counting;

typedef struct op_reduction {
    uint16_t code;     /* op_reduce_code */
    uint8_t keepdims;
    uint8_t may_be_empty; /* there is an initial value */
    uint64_t axes;     /* bit i: dimension i of the operand is reduced */
    const op_counting *counting; /* of a count */
} op_reduction;

struct op_expr {
    op_graph *graph; /* NULL once released */
    op_expr *next;   /* in the hash table's bucket */
    uint64_t hash;
    uint32_t id;
    uint16_t code; /* OP_NODE_OP: op_opcode */
    uint8_t kind;  /* op_node_kind */
    uint8_t dtype;
    uint8_t ndim;
    uint8_t n_args;
    uint8_t weak; /* takes the dtype of what it meets */
    uint8_t open;   /* its shape depends on a hole */
    uint8_t staged; /* a reduction or a reshape is in it: it may need more than one pass */
    const int64_t *shape;
    op_expr *arg[3];
    const char *name; /* for dumps, or NULL */
    union {
        struct {
            const void *data;
            const int64_t *strides;
        } input;
        uint64_t bits; /* a constant in the low bytes, in its own dtype */
        int hole;      /* index of the argument of op_run */
        op_view_step view;
        op_reduction reduce;
    };
    /* Scratch of the planner: value `value` if `epoch` is the graph's. */
    uint32_t epoch;
    uint32_t value;
};

struct op_graph {
    uint32_t magic;
    op_engine *engine;
    op_arena arena;   /* nodes */
    op_arena names;   /* of op_named: a name may be younger than its node's mark */
    op_arena scratch; /* one evaluation's plan, dropped after it */
    op_expr **bucket;
    uint32_t n_bucket; /* a power of two */
    uint32_t n_node;
    uint32_t epoch;
    int n_hole; /* 1 + the largest hole index */
    op_expr **node; /* by id */
    uint32_t node_room;
    op_error error;
    op_run_options run_options;
    op_launch launch;
};

enum { OP_GRAPH_MAGIC = 0x6f705f67 };

/* The engine behind a graph, as much as this layer knows of it (src/run owns the rest). */
const op_allocator *op_engine_allocator(const op_engine *engine);
void op_engine_retain(op_engine *engine);

/* The error is kept in the graph if it is its first one, and is the thread's last one. Returns NULL.
 * graph may be NULL. */
op_expr *op_graph_fail(op_graph *graph, op_status code, const char *op, int operand, const char *format, ...)
    OP_PRINTF(5, 6);

/* The graph of an expression that can be used; NULL, with an error recorded, for NULL or a released
 * one. `who` is the caller's name for the message. */
op_graph *op_expr_graph(const op_expr *expr, const char *who, int operand);
/* The graph of several expressions, which is `graph` unless that is NULL; or NULL, after making the first recorded
 * error the thread's last one. */
op_graph *op_exprs_graph(op_graph *graph, int n, op_expr *const *exprs, const char *who);

/* The node equal to *draft, new or old; draft's shape and payload arrays are copied into the arena
 * when it is new. NULL if out of memory. */
op_expr *op_graph_intern(op_graph *graph, const op_expr *draft);

/* An input or a hole: never merged with an equal one. */
op_expr *op_graph_add(op_graph *graph, const op_expr *draft);

/* What cannot be computed in the pass that its operand is computed in: reductions, scans, counts, reshapes. */
static inline int op_ends_stage(const op_expr *e)
{
    return e->kind == OP_NODE_REDUCE || e->kind == OP_NODE_SCAN || e->kind == OP_NODE_COUNT ||
           (e->kind == OP_NODE_VIEW && e->view.kind == OP_VIEW_RESHAPE);
}

#endif
