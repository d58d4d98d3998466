/* Prepared kernels. A kernel owns a copy of its part of the graph, and remembers the plans it has made:
 * when the arguments have the shapes and strides of an earlier run, only addresses are new. */
#include <string.h>

#include "base/fpstate.h"
#include "base/options.h"
#include "base/view.h"
#include "run/execute.h"

enum { MOST_BINDINGS = 16 };

/* A plan for one set of layouts. */
typedef struct op_binding {
    struct op_binding *next;
    op_arena arena;
    op_prepared prepared;
    op_view *views; /* n_in + n_out: dtypes, shapes and strides */
} op_binding;

struct op_kernel {
    op_engine *engine;
    op_graph *graph; /* its own */
    int n;
    op_expr **exprs;
    pthread_mutex_t lock; /* of the graph and of adding bindings */
    _Atomic(op_binding *) bindings; /* newest first; entries stay until the kernel is freed */
    int n_binding;
};

/* ---- op_compile ---- */

/* What dumps say of a count, in terms of the copy; a constant that was folded into the places is gone. */
static op_counting copy_counting(const op_counting *counting, op_expr *place, op_expr *const *copies)
{
    op_expr *x = copies[counting->x->id];
    return (op_counting){x ? x : place, counting->where ? copies[counting->where->id] : NULL, counting->lo,
                         counting->hi};
}

/* Copies a node whose arguments have been copied. */
static op_expr *copy_node(op_graph *graph, const op_expr *e, op_expr *const *copies)
{
    op_expr draft = *e;
    op_counting counting;
    for (int i = 0; i < e->n_args; i++)
        draft.arg[i] = copies[e->arg[i]->id];
    if (e->kind == OP_NODE_COUNT) {
        counting = copy_counting(e->reduce.counting, draft.arg[0], copies);
        draft.reduce.counting = &counting;
    }
    draft.name = e->name ? op_arena_text(&graph->names, e->name) : NULL;
    return op_graph_add(graph, &draft);
}

/* Copies what the expressions need, in the order of their numbers: arguments come first. */
static op_status copy_graph(op_kernel *kernel, op_graph *from, op_expr *const *exprs)
{
    const op_allocator *allocator = &kernel->engine->allocator;
    uint32_t n = from->n_node;
    uint8_t *needed = op_alloc_zero(allocator, n + 1);
    op_expr **copies = op_alloc_zero(allocator, sizeof *copies * (n + 1));
    op_status status = needed && copies ? OP_OK : op_fail(OP_ERR_MEMORY, "op_compile: out of memory");
    for (int i = 0; i < kernel->n && status == OP_OK; i++)
        needed[exprs[i]->id] = 1;
    for (uint32_t i = n; i-- > 0 && status == OP_OK;)
        for (int k = 0; needed[i] && k < from->node[i]->n_args; k++)
            needed[from->node[i]->arg[k]->id] = 1;
    for (uint32_t i = 0; i < n && status == OP_OK; i++)
        if (needed[i] && !(copies[i] = copy_node(kernel->graph, from->node[i], copies)))
            status = op_last_error()->code;
    for (int i = 0; i < kernel->n && status == OP_OK; i++)
        kernel->exprs[i] = copies[exprs[i]->id];
    kernel->graph->n_hole = from->n_hole;
    op_release(allocator, needed);
    op_release(allocator, copies);
    return status;
}

/* ---- bindings ---- */

static int same_layout(const op_view *a, const op_view *b)
{
    if (a->dtype != b->dtype || a->ndim != b->ndim)
        return 0;
    for (int i = 0; i < a->ndim; i++)
        if (a->shape[i] != b->shape[i] || a->strides[i] != b->strides[i])
            return 0;
    return 1;
}

static op_binding *find_binding(const op_kernel *kernel, int n_in, const op_view *ins, int n_out, const op_view *outs)
{
    op_binding *binding = atomic_load_explicit(&kernel->bindings, memory_order_acquire);
    for (; binding; binding = binding->next) {
        int same = 1;
        for (int i = 0; i < n_in && same; i++)
            same = same_layout(&binding->views[i], &ins[i]);
        for (int i = 0; i < n_out && same; i++)
            same = same_layout(&binding->views[n_in + i], &outs[i]);
        if (same)
            return binding;
    }
    return NULL;
}

static void free_binding(op_engine *engine, op_binding *binding)
{
    op_prepared_release(&binding->prepared);
    op_arena_free(&binding->arena);
    op_release(&engine->allocator, binding);
}

/* Plans for these layouts; called with the kernel's lock held, since planning marks the graph's nodes. */
static op_status new_binding(op_kernel *kernel, int n_in, const op_view *ins, const op_view *outs, op_binding **result)
{
    op_engine *engine = kernel->engine;
    op_binding *binding = op_alloc_zero(&engine->allocator, sizeof *binding);
    if (!binding)
        return op_fail(OP_ERR_MEMORY, "op_run: out of memory");
    op_arena_init(&binding->arena, &engine->allocator);
    op_plan_request request = {kernel->graph, kernel->n, kernel->exprs, outs, n_in, ins};
    op_status status = op_prepare(&request, &binding->arena, &binding->prepared);
    binding->views = status == OP_OK ? OP_NEW_ARRAY(&binding->arena, op_view, n_in + kernel->n) : NULL;
    if (status == OP_OK && !binding->views)
        status = op_fail(OP_ERR_MEMORY, "op_run: out of memory");
    if (status != OP_OK) {
        free_binding(engine, binding);
        return status;
    }
    if (n_in)
        memcpy(binding->views, ins, sizeof *ins * (size_t)n_in);
    memcpy(binding->views + n_in, outs, sizeof *outs * (size_t)kernel->n);
    *result = binding;
    return OP_OK;
}

/* A binding to run with; *own is set when it is not kept and the caller frees it. */
static op_status get_binding(op_kernel *kernel, int n_in, const op_view *ins, const op_view *outs, op_binding **result,
                             int *own, op_launch *launch)
{
    *own = 0;
    *result = find_binding(kernel, n_in, ins, kernel->n, outs);
    if (*result)
        return OP_OK;
    pthread_mutex_lock(&kernel->lock);
    op_status status = OP_OK;
    *result = find_binding(kernel, n_in, ins, kernel->n, outs); /* another thread may have been faster */
    if (!*result) {
        status = new_binding(kernel, n_in, ins, outs, result);
        *own = status == OP_OK && kernel->n_binding >= MOST_BINDINGS;
        if (status == OP_OK)
            *launch = (*result)->prepared.launch;
        if (status == OP_OK && !*own) {
            (*result)->next = atomic_load(&kernel->bindings);
            atomic_store_explicit(&kernel->bindings, *result, memory_order_release);
            kernel->n_binding++;
        }
    }
    pthread_mutex_unlock(&kernel->lock);
    return status;
}

/* ---- op_run ---- */

static op_status check_arguments(const op_kernel *kernel, int n_in, const op_view *ins, int n_out, const op_view *outs)
{
    if (!kernel)
        return op_fail(OP_ERR_INVALID, "op_run: the kernel is NULL");
    if (n_in < kernel->graph->n_hole || n_out != kernel->n || (n_in && !ins) || !outs)
        return op_fail(OP_ERR_INVALID, "op_run: %d inputs and %d outputs; the kernel has %d holes and %d results", n_in,
                       n_out, kernel->graph->n_hole, kernel->n);
    op_status status = OP_OK;
    for (int i = 0; i < n_in && status == OP_OK; i++)
        status = op_view_check(&ins[i], "op_run: an input");
    for (int i = 0; i < n_out && status == OP_OK; i++)
        status = op_view_check(&outs[i], "op_run: an output");
    return status;
}

op_status op_run(const op_kernel *kernel_, int n_in, const op_view *ins, int n_out, const op_view *outs,
                 const op_run_options *options)
{
    op_status status = check_arguments(kernel_, n_in, ins, n_out, outs);
    if (status == OP_OK)
        status = op_run_options_known(options);
    if (status != OP_OK)
        return status;
    op_kernel *kernel = (op_kernel *)(uintptr_t)kernel_; /* its memory of bindings grows under a lock */
    op_binding *binding;
    op_launch launch = {.miss = "", .isa = op_engine_isa(kernel->engine)};
    int own;
    uint64_t state = op_fp_enter();
    status = get_binding(kernel, n_in, ins, outs, &binding, &own, &launch);
    if (status == OP_OK) {
        status = op_execute(kernel->engine, &binding->prepared, n_in, ins, n_out, outs, options, &launch);
        if (own)
            free_binding(kernel->engine, binding);
        op_engine_count(kernel->engine, &launch);
    }
    op_fp_leave(state);
    return status;
}

void op_kernel_free(op_kernel *kernel)
{
    if (!kernel)
        return;
    op_engine *engine = kernel->engine;
    op_binding *binding = atomic_load(&kernel->bindings);
    while (binding) {
        op_binding *next = binding->next;
        free_binding(engine, binding);
        binding = next;
    }
    op_graph_free(kernel->graph);
    op_release(&engine->allocator, kernel->exprs);
    pthread_mutex_destroy(&kernel->lock);
    op_release(&engine->allocator, kernel);
    op_engine_free(engine);
}

/* ---- compiling before the first run ---- */

/* Holes take made-up arguments: contiguous, every open extent the same. */
enum { MADE_UP_EXTENT = 1024 };

static op_view made_up_view(op_dtype dtype, int ndim)
{
    int64_t shape[OP_MAX_NDIM], strides[OP_MAX_NDIM];
    int64_t stride = op_dtype_size(dtype);
    for (int i = ndim - 1; i >= 0; i--) {
        shape[i] = ndim <= 5 ? MADE_UP_EXTENT : 2; /* the product must fit */
        strides[i] = stride;
        stride *= shape[i];
    }
    static char nowhere;
    return op_view_nd(dtype, &nowhere, ndim, shape, strides);
}

op_status op_made_up_request(op_plan_request *request, op_arena *arena)
{
    op_graph *graph = request->graph;
    op_view *holes = OP_NEW_ARRAY(arena, op_view, graph->n_hole + 1), *outs = OP_NEW_ARRAY(arena, op_view, request->n);
    if (!holes || !outs)
        return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
    for (uint32_t i = 0; i < graph->n_node; i++)
        if (graph->node[i]->kind == OP_NODE_HOLE)
            holes[graph->node[i]->hole] = made_up_view((op_dtype)graph->node[i]->dtype, graph->node[i]->ndim);
    for (int i = 0; i < request->n; i++) {
        const op_expr *e = request->exprs[i];
        int64_t shape[OP_MAX_NDIM];
        for (int d = 0; d < e->ndim; d++)
            shape[d] = e->shape[d] >= 0 ? e->shape[d] : e->ndim <= 5 ? MADE_UP_EXTENT : 2;
        outs[i] = op_view_nd((op_dtype)e->dtype, holes, e->ndim, shape, NULL);
    }
    request->holes = holes;
    request->n_hole = graph->n_hole;
    request->outs = outs;
    return OP_OK;
}

/* Compiles for contiguous arguments, so that the first run need not. What cannot be planned without the
 * real shapes (a slice of an open extent, say) is left to the first run. */
static void compile_ahead(op_kernel *kernel)
{
    op_arena arena;
    op_prepared prepared;
    op_plan_request request = {.graph = kernel->graph, .n = kernel->n, .exprs = kernel->exprs};
    op_error before = *op_last_error();
    uint64_t state = op_fp_enter();
    op_arena_init(&arena, &kernel->engine->allocator);
    if (op_made_up_request(&request, &arena) == OP_OK && op_prepare(&request, &arena, &prepared) == OP_OK) {
        op_engine_count(kernel->engine, &prepared.launch);
        op_prepared_release(&prepared);
    } else {
        op_fail_with(&before);
    }
    op_arena_free(&arena);
    op_fp_leave(state);
}

op_status op_compile(op_graph *graph, int n, op_expr *const *exprs, op_kernel **result)
{
    if (!graph || n < 1 || !exprs || !result)
        return op_fail(OP_ERR_INVALID, "op_compile: %s", n < 1 ? "there must be at least one expression" : "an argument is NULL");
    *result = NULL;
    if (!op_exprs_graph(graph, n, exprs, "op_compile"))
        return op_last_error()->code;
    op_engine *engine = graph->engine;
    op_kernel *kernel = op_alloc_zero(&engine->allocator, sizeof *kernel);
    if (!kernel || pthread_mutex_init(&kernel->lock, NULL)) {
        op_release(&engine->allocator, kernel);
        return op_fail(OP_ERR_MEMORY, "op_compile: out of memory");
    }
    kernel->engine = engine;
    kernel->n = n;
    op_engine_retain(engine);
    kernel->graph = op_graph_new(engine);
    kernel->exprs = op_alloc(&engine->allocator, sizeof *exprs * (size_t)n);
    op_status status = kernel->graph && kernel->exprs ? copy_graph(kernel, graph, exprs)
                                                      : op_fail(OP_ERR_MEMORY, "op_compile: out of memory");
    if (status != OP_OK) {
        op_kernel_free(kernel);
        return status;
    }
    compile_ahead(kernel);
    *result = kernel;
    return OP_OK;
}
