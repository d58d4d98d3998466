/* A walk over the expression with a stack of its own: leaves become loads through an index map, view
 * steps change the map, operations become instructions, each (node, map) once. */
#include "plan/lower.h"

#include <string.h>

#include "base/hash.h"
#include "expr/shape.h"

/* How the dimensions of a node lie in the stage: index = start + step * (index in the stage's `dim`),
 * or just start where dim is -1. NULL stands for the last dimensions of the stage, as they are. */
typedef struct op_map {
    struct op_map *next;
    uint32_t id;
    int ndim;
    struct op_map_dim {
        int64_t start, step;
        int dim;
    } dim[];
} op_map;

typedef struct op_frame {
    op_expr *expr;
    const op_map *map;
    const op_map *view_map; /* of a view's source */
    int next;               /* argument to visit */
    uint32_t arg[3];
} op_frame;

typedef struct op_memo {
    uint64_t key; /* 0: free */
    uint32_t value;
} op_memo;

struct op_lowering {
    op_planner *planner;
    op_stage *stage;
    uint32_t epoch;
    int ndim;
    const int64_t *shape;
    op_map *maps;
    uint32_t n_map;
    op_frame *frame;
    uint32_t n_frame, frame_room;
    op_memo *memo; /* of values under a map */
    uint32_t n_memo, memo_room;
    op_insn *insn;
    uint32_t n_insn, insn_room;
    op_stage_operand *input;
    uint32_t n_input, input_room;
    uint64_t *scalar;
    uint32_t n_scalar, scalar_room;
    int failed;
};

enum { NO_VALUE = UINT32_MAX };

/* Room for one more in an array of the arena. The old copy is dropped with the arena. */
static void *grow(op_lowering *l, void *array, uint32_t used, uint32_t *room, size_t element)
{
    if (used < *room)
        return array;
    uint32_t larger = *room ? *room * 2 : 16;
    void *copy = op_arena_alloc(l->planner->arena, element * larger);
    if (!copy) {
        l->failed = 1;
        op_fail(OP_ERR_MEMORY, "out of memory for a plan of %u instructions", l->n_insn);
        return NULL;
    }
    if (used)
        memcpy(copy, array, element * used);
    *room = larger;
    return copy;
}

op_lowering *op_lower_begin(op_planner *planner, op_stage *stage, int ndim, const int64_t *shape)
{
    op_lowering *l = op_arena_alloc(planner->arena, sizeof *l);
    if (!l) {
        op_fail(OP_ERR_MEMORY, "out of memory for a plan");
        return NULL;
    }
    *l = (op_lowering){.planner = planner, .stage = stage, .epoch = ++planner->request->graph->epoch, .ndim = ndim,
                       .shape = shape};
    return l;
}

static uint32_t emit(op_lowering *l, op_insn insn)
{
    op_insn *array = grow(l, l->insn, l->n_insn, &l->insn_room, sizeof *array);
    if (!array)
        return NO_VALUE;
    if (l->n_insn >= OP_PROGRAM_MAX_INSN) {
        l->failed = 1;
        op_fail(OP_ERR_LIMIT, "more than %d operations in one pass", OP_PROGRAM_MAX_INSN);
        return NO_VALUE;
    }
    l->insn = array;
    array[l->n_insn] = insn;
    return l->n_insn++;
}

/* Every use of a constant has a slot of its own, so that equal values make no other signature. */
static uint32_t emit_scalar(op_lowering *l, const op_expr *e)
{
    uint64_t *array = grow(l, l->scalar, l->n_scalar, &l->scalar_room, sizeof *array);
    if (!array)
        return NO_VALUE;
    l->scalar = array;
    array[l->n_scalar] = e->bits;
    op_insn insn = {.code = OP_CODE_SCALAR, .dtype = e->dtype, .result = e->dtype, .arg = {l->n_scalar++}};
    return emit(l, insn);
}

/* ---- maps ---- */

/* The interned copy of a map, so that equal maps are one pointer. */
static const op_map *intern_map(op_lowering *l, int ndim, const struct op_map_dim *dim)
{
    for (op_map *map = l->maps; map; map = map->next) {
        int same = map->ndim == ndim;
        for (int i = 0; i < ndim && same; i++)
            same = map->dim[i].dim == dim[i].dim && map->dim[i].start == dim[i].start && map->dim[i].step == dim[i].step;
        if (same)
            return map;
    }
    op_map *map = op_arena_alloc(l->planner->arena, sizeof *map + sizeof *dim * (size_t)ndim);
    if (!map) {
        l->failed = 1;
        op_fail(OP_ERR_MEMORY, "out of memory for a plan");
        return NULL;
    }
    map->next = l->maps;
    map->id = ++l->n_map;
    map->ndim = ndim;
    memcpy(map->dim, dim, sizeof *dim * (size_t)ndim);
    return l->maps = map;
}

/* Where dimension i of a node of this shape lies. Without a map, an extent of 1 may be broadcast. */
static struct op_map_dim map_dim(const op_lowering *l, const op_map *map, int ndim, const int64_t *shape, int i)
{
    int dim = l->ndim - ndim + i;
    if (map)
        return map->dim[i];
    return shape[i] == 1 && l->shape[dim] != 1 ? (struct op_map_dim){0, 0, -1} : (struct op_map_dim){0, 1, dim};
}

/* The map of an operand that is broadcast to a node: trailing dimensions, extents of 1 stand still. */
static const op_map *broadcast_map(op_lowering *l, const op_map *map, int ndim, const int64_t *shape, int arg_ndim,
                                   const int64_t *arg_shape)
{
    struct op_map_dim dim[OP_MAX_NDIM];
    if (!map)
        return NULL;
    for (int i = 0; i < arg_ndim; i++) {
        int of_node = ndim - arg_ndim + i;
        int stands = arg_shape[i] == 1 && shape[of_node] != 1;
        dim[i] = stands ? (struct op_map_dim){0, 0, -1} : map->dim[of_node];
    }
    return intern_map(l, arg_ndim, dim);
}

/* The map of a view's source. */
static const op_map *view_map(op_lowering *l, const op_expr *e, const op_map *map)
{
    const op_view_step *step = &e->view;
    const op_expr *source = e->arg[0];
    const int64_t *own = op_planner_shape(l->planner, e), *shape = op_planner_shape(l->planner, source);
    struct op_map_dim dim[OP_MAX_NDIM];
    switch (step->kind) {
    case OP_VIEW_SLICE:
        for (int i = 0; i < e->ndim; i++)
            dim[i] = map_dim(l, map, e->ndim, own, i);
        int64_t start = step->start;
        op_slice_indices(shape[step->axis], &start, step->stop, step->step);
        int64_t stride = own[step->axis] > 1 ? step->step : 1; /* of one element it does not matter, and may be huge */
        dim[step->axis].start = start + stride * dim[step->axis].start;
        dim[step->axis].step *= stride;
        break;
    case OP_VIEW_INDEX:
        for (int i = 0; i < source->ndim; i++)
            dim[i] = i == step->axis ? (struct op_map_dim){step->start < 0 ? step->start + shape[i] : step->start, 0, -1}
                                     : map_dim(l, map, e->ndim, own, i - (i > step->axis));
        break;
    case OP_VIEW_PERMUTE:
        for (int i = 0; i < e->ndim; i++)
            dim[step->list[i]] = map_dim(l, map, e->ndim, own, i);
        break;
    case OP_VIEW_NEWAXIS:
        for (int i = 0; i < source->ndim; i++)
            dim[i] = map_dim(l, map, e->ndim, own, i + (i >= step->axis));
        break;
    case OP_VIEW_SQUEEZE:
        for (int i = 0; i < source->ndim; i++)
            dim[i] = i == step->axis ? (struct op_map_dim){0, 0, -1} : map_dim(l, map, e->ndim, own, i - (i > step->axis));
        break;
    case OP_VIEW_BROADCAST:
        for (int i = 0; i < source->ndim; i++) {
            int j = e->ndim - source->ndim + i;
            int stands = shape[i] == 1 && step->list[j] != 1;
            dim[i] = stands ? (struct op_map_dim){0, 0, -1} : map_dim(l, map, e->ndim, own, j);
        }
        break;
    case OP_VIEW_RESHAPE: /* the planner has made it a leaf */
        l->failed = 1;
        op_fail(OP_ERR_INTERNAL, "a reshape was not resolved");
        return NULL;
    }
    return intern_map(l, source->ndim, dim);
}

/* ---- leaves ---- */

/* Does every element of a result meet the element of the stage that computed it, or one of its row? */
static int is_in_own_piece(const op_lowering *l, const op_expr *e, const op_leaf *leaf, const int64_t *strides)
{
    if (l->planner->pieces->rows)
        return strides[0] == leaf->strides[0];
    return e->ndim == l->ndim && !memcmp(strides, leaf->strides, sizeof *strides * (size_t)l->ndim);
}

static uint32_t load(op_lowering *l, const op_expr *e, const op_map *map, const op_leaf *leaf)
{
    op_stage_operand *array = grow(l, l->input, l->n_input, &l->input_room, sizeof *array);
    int64_t *strides = OP_NEW_ARRAY(l->planner->arena, int64_t, l->ndim + 1);
    if (!array || !strides) {
        l->failed = 1;
        op_fail(OP_ERR_MEMORY, "out of memory for a plan");
        return NO_VALUE;
    }
    l->input = array;
    memset(strides, 0, sizeof *strides * (size_t)(l->ndim + 1));
    op_place place = leaf->place;
    for (int i = 0; i < e->ndim; i++) {
        struct op_map_dim dim = map_dim(l, map, e->ndim, leaf->shape, i);
        place.offset += dim.start * leaf->strides[i];
        if (dim.dim >= 0 && !(leaf->shape[i] == 1 && l->shape[dim.dim] != 1))
            strides[dim.dim] += dim.step * leaf->strides[i];
    }
    if (l->planner->pieces && leaf->pass == l->planner->plan->n_pass - 1)
        l->planner->pieces_fail |= place.offset != leaf->place.offset || !is_in_own_piece(l, e, leaf, strides);
    array[l->n_input] = (op_stage_operand){place, (op_dtype)e->dtype, strides, e->name, 0};
    op_insn insn = {.code = OP_CODE_LOAD, .dtype = e->dtype, .result = e->dtype, .arg = {l->n_input++}};
    return emit(l, insn);
}

static const op_leaf *leaf_of(const op_lowering *l, const op_expr *e, op_leaf *room)
{
    const op_plan_request *request = l->planner->request;
    if (l->planner->leaf && l->planner->leaf[e->id])
        return l->planner->leaf[e->id];
    if (e->kind == OP_NODE_INPUT) {
        *room = (op_leaf){{OP_PLACE_DATA, -1, e->input.data, 0, 0}, e->shape, e->input.strides, -1};
        return room;
    }
    if (e->kind == OP_NODE_HOLE) {
        const op_view *view = &request->holes[e->hole];
        *room = (op_leaf){{OP_PLACE_HOLE, e->hole, NULL, 0, 0}, view->shape, view->strides, -1};
        return room;
    }
    return NULL;
}

/* ---- the memo ---- */

/* The entry of a node under a map: the one that holds it, or a free one. */
static op_memo *find_memo(const op_lowering *l, uint64_t key)
{
    uint32_t mask = l->memo_room - 1, i = (uint32_t)op_mix(key, 0) & mask;
    while (l->memo[i].key && l->memo[i].key != key)
        i = (i + 1) & mask;
    return &l->memo[i];
}

static void grow_memo(op_lowering *l)
{
    op_memo *old = l->memo;
    uint32_t old_room = l->memo_room, room = old_room ? old_room * 2 : 64;
    op_memo *memo = op_arena_alloc(l->planner->arena, sizeof *memo * room);
    if (!memo) {
        l->failed = 1;
        op_fail(OP_ERR_MEMORY, "out of memory for a plan");
        return;
    }
    memset(memo, 0, sizeof *memo * room);
    l->memo = memo;
    l->memo_room = room;
    for (uint32_t i = 0; i < old_room; i++)
        if (old[i].key)
            *find_memo(l, old[i].key) = old[i];
}

static uint64_t memo_key(const op_expr *e, const op_map *map)
{
    return ((uint64_t)e->id + 1) << 32 | map->id;
}

static uint32_t recall(const op_lowering *l, const op_expr *e, const op_map *map)
{
    if (!map)
        return e->epoch == l->epoch ? e->value : (uint32_t)NO_VALUE;
    if (!l->memo_room)
        return NO_VALUE;
    op_memo *memo = find_memo(l, memo_key(e, map));
    return memo->key ? memo->value : (uint32_t)NO_VALUE;
}

static void remember(op_lowering *l, op_expr *e, const op_map *map, uint32_t value)
{
    if (!map) {
        e->epoch = l->epoch;
        e->value = value;
        return;
    }
    if (l->n_memo * 2 >= l->memo_room)
        grow_memo(l);
    if (l->failed)
        return;
    *find_memo(l, memo_key(e, map)) = (op_memo){memo_key(e, map), value};
    l->n_memo++;
}

/* ---- the walk ---- */

static void push(op_lowering *l, op_expr *e, const op_map *map)
{
    op_frame *array = grow(l, l->frame, l->n_frame, &l->frame_room, sizeof *array);
    if (!array)
        return;
    l->frame = array;
    array[l->n_frame] = (op_frame){.expr = e, .map = map};
    if (e->kind == OP_NODE_VIEW && !(l->planner->leaf && l->planner->leaf[e->id]))
        array[l->n_frame].view_map = view_map(l, e, map);
    l->n_frame++;
}

/* The value of a node whose arguments are known. */
static uint32_t finish(op_lowering *l, const op_frame *frame)
{
    const op_expr *e = frame->expr;
    op_leaf room;
    const op_leaf *leaf = leaf_of(l, e, &room);
    if (leaf)
        return load(l, e, frame->map, leaf);
    if (e->kind == OP_NODE_VIEW)
        return frame->arg[0];
    op_insn insn = {.code = e->code, .result = e->dtype};
    memcpy(insn.arg, frame->arg, sizeof insn.arg);
    /* the loop's dtype is that of the last operand: the first one of where is a bool */
    insn.dtype = l->insn[frame->arg[e->n_args - 1]].result;
    return emit(l, insn);
}

static int args_of(const op_lowering *l, const op_expr *e)
{
    return l->planner->leaf && l->planner->leaf[e->id] ? 0 : e->n_args;
}

/* One step: either visits the frame's next argument or finishes it. */
static void step(op_lowering *l, uint32_t *result)
{
    op_frame *frame = &l->frame[l->n_frame - 1];
    op_expr *e = frame->expr;
    if (frame->next < args_of(l, e)) {
        op_expr *arg = e->arg[frame->next];
        const op_map *map = e->kind == OP_NODE_VIEW
                                ? frame->view_map
                                : broadcast_map(l, frame->map, e->ndim, op_planner_shape(l->planner, e), arg->ndim,
                                                op_planner_shape(l->planner, arg));
        uint32_t value = arg->kind == OP_NODE_CONST ? emit_scalar(l, arg) : recall(l, arg, map);
        if (value != NO_VALUE)
            frame->arg[frame->next++] = value;
        else if (!l->failed)
            push(l, arg, map);
        return;
    }
    uint32_t value = finish(l, frame);
    remember(l, e, frame->map, value);
    if (--l->n_frame == 0)
        *result = value;
}

uint32_t op_lower_expr(op_lowering *l, op_expr *e)
{
    uint32_t result = e->kind == OP_NODE_CONST ? emit_scalar(l, e) : recall(l, e, NULL);
    if (result != NO_VALUE || l->failed)
        return result;
    push(l, e, NULL);
    while (l->n_frame && !l->failed)
        step(l, &result);
    return l->failed ? (uint32_t)NO_VALUE : result;
}

uint32_t op_lower_cast(op_lowering *l, uint32_t value, op_dtype dtype)
{
    if (value == NO_VALUE || l->insn[value].result == dtype)
        return value;
    op_insn insn = {.code = OP_CODE_CAST, .dtype = l->insn[value].result, .result = (uint8_t)dtype, .arg = {value}};
    return emit(l, insn);
}

op_status op_lower_end(op_lowering *l, int n_out)
{
    op_stage *stage = l->stage;
    op_arena *arena = l->planner->arena;
    if (l->failed)
        return op_last_error()->code;
    uint32_t n_operand = l->n_input + (uint32_t)n_out;
    stage->ndim = l->ndim;
    stage->shape = OP_NEW_ARRAY(arena, int64_t, l->ndim + 1);
    stage->operand = OP_NEW_ARRAY(arena, op_stage_operand, n_operand);
    stage->program.operand = OP_NEW_ARRAY(arena, op_operand_type, n_operand);
    stage->program.store = OP_NEW_ARRAY(arena, uint32_t, n_out);
    if (!stage->shape || !stage->operand || !stage->program.operand || !stage->program.store)
        return op_fail(OP_ERR_MEMORY, "out of memory for a plan");
    if (l->ndim)
        memcpy(stage->shape, l->shape, sizeof *l->shape * (size_t)l->ndim);
    if (l->n_input)
        memcpy(stage->operand, l->input, sizeof *l->input * l->n_input);
    stage->scalar = l->scalar;
    stage->program.insn = l->insn;
    stage->program.n_insn = l->n_insn;
    stage->program.n_in = l->n_input;
    stage->program.n_out = (uint32_t)n_out;
    stage->program.n_scalar = l->n_scalar;
    for (uint32_t i = 0; i < l->n_insn; i++)
        stage->cost += op_rows[l->insn[i].code].cost;
    return OP_OK;
}
