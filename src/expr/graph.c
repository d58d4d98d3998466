/* Graphs: node storage, hash-consing, marks, the graph's error. */
#include "expr/graph.h"

#include <string.h>

#include "base/hash.h"
#include "base/options.h"

enum { FIRST_BUCKETS = 64 };

op_graph *op_graph_new(op_engine *engine)
{
    if (!engine) {
        op_fail(OP_ERR_INVALID, "op_graph_new: the engine is NULL");
        return NULL;
    }
    const op_allocator *allocator = op_engine_allocator(engine);
    op_graph *graph = op_alloc_zero(allocator, sizeof *graph);
    if (!graph) {
        op_fail(OP_ERR_MEMORY, "op_graph_new: out of memory");
        return NULL;
    }
    graph->magic = OP_GRAPH_MAGIC;
    graph->engine = engine;
    graph->error.operand = -1;
    graph->launch.miss = graph->launch.isa = "";
    op_arena_init(&graph->arena, allocator);
    op_arena_init(&graph->scratch, allocator);
    op_arena_init(&graph->names, allocator);
    op_engine_retain(engine);
    return graph;
}

void op_graph_free(op_graph *graph)
{
    if (!graph)
        return;
    op_engine *engine = graph->engine;
    const op_allocator *allocator = op_engine_allocator(engine);
    op_arena_free(&graph->arena);
    op_arena_free(&graph->scratch);
    op_arena_free(&graph->names);
    op_release(allocator, graph->bucket);
    op_release(allocator, graph->node);
    graph->magic = 0;
    op_release(allocator, graph);
    op_engine_free(engine);
}

const op_error *op_graph_error(const op_graph *graph)
{
    static const op_error none = {.code = OP_ERR_INVALID, .message = "the graph is NULL", .operand = -1};
    return graph ? &graph->error : &none;
}

void op_graph_clear_error(op_graph *graph)
{
    if (graph)
        op_error_set(&graph->error, OP_OK, NULL, -1, "%s", "");
}

op_expr *op_graph_fail(op_graph *graph, op_status code, const char *op, int operand, const char *format, ...)
{
    op_error error;
    va_list args;
    va_start(args, format);
    op_error_vset(&error, code, op, operand, format, args);
    va_end(args);
    if (graph && graph->error.code == OP_OK)
        graph->error = error;
    op_fail_with(&error);
    return NULL;
}

op_graph *op_expr_graph(const op_expr *expr, const char *who, int operand)
{
    if (!expr) {
        if (op_last_error()->code == OP_OK)
            op_graph_fail(NULL, OP_ERR_INVALID, who, operand,
                          "%s: operand %d is NULL (an expression that failed, or a number without sugar.h)", who,
                          operand);
        return NULL;
    }
    if (!expr->graph || expr->graph->magic != OP_GRAPH_MAGIC) {
        op_graph_fail(NULL, OP_ERR_INVALID, who, operand, "%s: operand %d is OP_NONE, or was released with its mark", who, operand);
        return NULL;
    }
    return expr->graph;
}

op_graph *op_exprs_graph(op_graph *graph, int n, op_expr *const *exprs, const char *who)
{
    for (int i = 0; i < n; i++) {
        if (!exprs[i]) {
            if (graph && graph->error.code != OP_OK)
                op_fail_with(&graph->error);
            else if (op_last_error()->code == OP_OK)
                op_fail(OP_ERR_INVALID, "%s: expression %d is NULL", who, i);
            return NULL;
        }
        op_graph *own = op_expr_graph(exprs[i], who, i);
        if (!own)
            return NULL;
        if (graph && own != graph) {
            op_fail(OP_ERR_INVALID, "%s: expression %d belongs to another graph", who, i);
            return NULL;
        }
        graph = own;
    }
    return graph;
}

/* Makes room for one more element of *array. */
static int grow(const op_allocator *allocator, void **array, uint32_t used, uint32_t *room, size_t element)
{
    if (used < *room)
        return 1;
    uint32_t larger = *room ? *room * 2 : 64;
    void *copy = op_alloc(allocator, element * larger);
    if (!copy)
        return 0;
    if (used)
        memcpy(copy, *array, element * used);
    op_release(allocator, *array);
    *array = copy;
    *room = larger;
    return 1;
}

/* The lists of a node's payload, copied behind it. */
static int copy_payload(op_graph *graph, op_expr *node)
{
    size_t bytes = sizeof(int64_t) * node->ndim;
    int has_list = node->kind == OP_NODE_VIEW && node->view.list;
    int has_strides = node->kind == OP_NODE_INPUT;
    int64_t *copy = op_arena_alloc(&graph->arena, bytes * (1 + has_list + has_strides));
    if (!copy)
        return 0;
    if (bytes)
        memcpy(copy, node->shape, bytes);
    node->shape = copy;
    copy += node->ndim;
    if (has_list) {
        memcpy(copy, node->view.list, bytes);
        node->view.list = copy;
    }
    if (node->kind == OP_NODE_COUNT) {
        op_counting *counting = op_arena_alloc(&graph->arena, sizeof *counting);
        if (!counting)
            return 0;
        *counting = *node->reduce.counting;
        node->reduce.counting = counting;
    }
    if (has_strides && bytes)
        memcpy(copy, node->input.strides, bytes);
    if (has_strides)
        node->input.strides = copy;
    return 1;
}

op_expr *op_graph_add(op_graph *graph, const op_expr *draft)
{
    const op_allocator *allocator = op_engine_allocator(graph->engine);
    op_expr *node = op_arena_alloc(&graph->arena, sizeof *node);
    if (node)
        *node = *draft;
    if (!node || !copy_payload(graph, node) ||
        !grow(allocator, (void **)&graph->node, graph->n_node, &graph->node_room, sizeof *graph->node))
        return op_graph_fail(graph, OP_ERR_MEMORY, NULL, -1, "out of memory for expression number %u", graph->n_node);
    node->graph = graph;
    node->next = NULL;
    node->staged = op_ends_stage(node);
    for (int i = 0; i < node->n_args; i++) {
        node->staged |= node->arg[i]->staged;
        node->open |= node->arg[i]->open;
    }
    node->epoch = 0;
    node->id = graph->n_node;
    graph->node[graph->n_node++] = node;
    return node;
}

static uint64_t hash_node(const op_expr *e)
{
    uint64_t h = op_mix((uint64_t)e->kind | (uint64_t)e->code << 8 | (uint64_t)e->dtype << 24 | (uint64_t)e->weak << 32,
                        e->ndim);
    for (int i = 0; i < e->n_args; i++)
        h = op_mix(h, (uint64_t)(uintptr_t)e->arg[i]);
    switch (e->kind) {
    case OP_NODE_CONST:
        return op_mix(h, e->bits);
    case OP_NODE_REDUCE:
    case OP_NODE_SCAN:
        return op_mix(h, e->reduce.axes << 18 | (uint64_t)e->reduce.may_be_empty << 17 | (uint64_t)e->reduce.keepdims << 16 | e->reduce.code);
    case OP_NODE_COUNT:
        return op_mix(h, (uint64_t)e->shape[0]);
    case OP_NODE_VIEW:
        h = op_mix(h, (uint64_t)e->view.kind | (uint64_t)(uint32_t)e->view.axis << 32);
        h = op_mix(h, (uint64_t)e->view.start);
        h = op_mix(h, (uint64_t)e->view.stop);
        h = op_mix(h, (uint64_t)e->view.step);
        for (int i = 0; e->view.list && i < e->ndim; i++)
            h = op_mix(h, (uint64_t)e->view.list[i]);
        return h;
    default:
        return h;
    }
}

static int same_view(const op_expr *a, const op_expr *b)
{
    const op_view_step *x = &a->view, *y = &b->view;
    if (x->kind != y->kind || x->axis != y->axis || x->start != y->start || x->stop != y->stop || x->step != y->step ||
        !x->list != !y->list)
        return 0;
    return !x->list || !memcmp(x->list, y->list, sizeof(int64_t) * a->ndim);
}

static int same_node(const op_expr *a, const op_expr *b)
{
    if (a->hash != b->hash || a->kind != b->kind || a->code != b->code || a->dtype != b->dtype || a->ndim != b->ndim ||
        a->weak != b->weak || a->n_args != b->n_args || memcmp(a->arg, b->arg, sizeof(op_expr *) * a->n_args))
        return 0;
    switch (a->kind) {
    case OP_NODE_CONST:
        return a->bits == b->bits;
    case OP_NODE_VIEW:
        return same_view(a, b);
    case OP_NODE_REDUCE:
    case OP_NODE_SCAN:
        return a->reduce.code == b->reduce.code && a->reduce.axes == b->reduce.axes &&
               a->reduce.keepdims == b->reduce.keepdims && a->reduce.may_be_empty == b->reduce.may_be_empty;
    case OP_NODE_COUNT:
        return a->shape[0] == b->shape[0];
    default:
        return 1;
    }
}

static void link_node(op_graph *graph, op_expr *node)
{
    op_expr **bucket = &graph->bucket[node->hash & (graph->n_bucket - 1)];
    node->next = *bucket;
    *bucket = node;
}

/* Keeps the table at most as full as it has buckets. */
static int grow_buckets(op_graph *graph)
{
    if (graph->n_node < graph->n_bucket)
        return 1;
    const op_allocator *allocator = op_engine_allocator(graph->engine);
    uint32_t larger = graph->n_bucket ? graph->n_bucket * 4 : FIRST_BUCKETS;
    op_expr **bucket = op_alloc_zero(allocator, sizeof *bucket * larger);
    if (!bucket)
        return 0;
    op_release(allocator, graph->bucket);
    graph->bucket = bucket;
    graph->n_bucket = larger;
    for (uint32_t i = 0; i < graph->n_node; i++)
        if (graph->node[i]->hash)
            link_node(graph, graph->node[i]);
    return 1;
}

op_expr *op_graph_intern(op_graph *graph, const op_expr *draft)
{
    uint64_t hash = hash_node(draft) | 1; /* zero marks nodes that are not in the table */
    if (!grow_buckets(graph))
        return op_graph_fail(graph, OP_ERR_MEMORY, NULL, -1, "out of memory for %u expressions", graph->n_node);
    op_expr wanted = *draft;
    wanted.hash = hash;
    for (op_expr *node = graph->bucket[hash & (graph->n_bucket - 1)]; node; node = node->next)
        if (same_node(node, &wanted))
            return node;
    op_expr *node = op_graph_add(graph, &wanted);
    if (node)
        link_node(graph, node);
    return node;
}

int64_t op_graph_mark(op_graph *graph)
{
    return graph ? (int64_t)graph->n_node : -1;
}

/* Unlinks a node, which is the newest one, from its bucket. */
static void unlink_node(op_graph *graph, op_expr *node)
{
    if (!node->hash)
        return;
    op_expr **link = &graph->bucket[node->hash & (graph->n_bucket - 1)];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
}

void op_graph_release(op_graph *graph, int64_t mark)
{
    if (!graph || mark < 0 || mark >= graph->n_node)
        return;
    while (graph->n_node > mark) {
        op_expr *node = graph->node[--graph->n_node];
        unlink_node(graph, node);
        node->graph = NULL; /* so that a dead handle is recognised while its memory is not reused */
    }
    op_arena_release_to(&graph->arena, graph->node[mark]);
}

op_expr *op_named(op_expr *expr, const char *name)
{
    op_graph *graph = op_expr_graph(expr, "op_named", 0);
    if (!graph)
        return NULL;
    char *copy = name ? op_arena_text(&graph->names, name) : NULL;
    if (name && !copy)
        return op_graph_fail(graph, OP_ERR_MEMORY, "op_named", 0, "op_named: out of memory");
    expr->name = copy;
    return expr;
}

op_status op_graph_set_run_options(op_graph *graph, const op_run_options *options)
{
    if (!graph)
        return op_fail(OP_ERR_INVALID, "op_graph_set_run_options: the graph is NULL");
    op_status status = op_run_options_known(options);
    if (status != OP_OK)
        return status;
    graph->run_options = options ? *options : (op_run_options){0};
    return OP_OK;
}

op_status op_last_launch(const op_graph *graph, op_launch *launch)
{
    if (!graph || !launch)
        return op_fail(OP_ERR_INVALID, "op_last_launch: %s is NULL", graph ? "launch" : "the graph");
    *launch = graph->launch;
    return OP_OK;
}
