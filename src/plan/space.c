/* The iteration space of a stage made simple: dimensions of extent 1 go, the others are ordered by
 * strides and merged where every operand allows it. A reduction keeps the logical order of its
 * dimensions, because the order of its sums is defined on it; counts without weights have no order. */
#include <string.h>

#include "expr/lanes.h"
#include "plan/lower.h"

static int n_operand(const op_stage *stage)
{
    return (int)(stage->program.n_in + stage->program.n_out);
}

/* The strides of every operand, then of every reduction's result. */
static int64_t *strides_of(const op_stage *stage, int k)
{
    int n = n_operand(stage);
    return k < n ? stage->operand[k].strides : stage->reduction[k - n].strides;
}

static int n_strides(const op_stage *stage)
{
    return n_operand(stage) + stage->n_reduction;
}

static void move_dim(op_stage *stage, int to, int from)
{
    stage->shape[to] = stage->shape[from];
    for (int k = 0; k < n_strides(stage); k++)
        strides_of(stage, k)[to] = strides_of(stage, k)[from];
    uint64_t bit = stage->reduced >> from & 1;
    stage->reduced = (stage->reduced & ~((uint64_t)1 << to)) | bit << to;
}

static void swap_dims(op_stage *stage, int a, int b)
{
    int64_t extent = stage->shape[a];
    stage->shape[a] = stage->shape[b];
    stage->shape[b] = extent;
    for (int k = 0; k < n_strides(stage); k++) {
        int64_t *strides = strides_of(stage, k), stride = strides[a];
        strides[a] = strides[b];
        strides[b] = stride;
    }
    uint64_t differ = (stage->reduced >> a ^ stage->reduced >> b) & 1;
    stage->reduced ^= differ << a | differ << b;
}

static void drop_dims_of_one(op_stage *stage)
{
    int ndim = 0, last = stage->ndim - 1;
    for (int i = 0; i < stage->ndim; i++)
        if (stage->shape[i] != 1)
            move_dim(stage, ndim++, i);
    if (ndim == 0 && last >= 0) { /* one element: the last dimension stays, with its access class */
        if (last != 0)
            move_dim(stage, 0, last);
        ndim = 1;
    }
    stage->ndim = ndim;
}

/* A scalar result: one dimension of one element. */
static void make_one_dim(op_stage *stage)
{
    if (stage->ndim > 0)
        return;
    stage->ndim = 1;
    stage->shape[0] = 1;
    for (int k = 0; k < n_strides(stage); k++)
        strides_of(stage, k)[0] = 0;
}

static int64_t magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* True if dimension a should be outside of b: decided by the first operand, outputs first, that moves
 * along both with different strides. */
static int belongs_outside(const op_stage *stage, int a, int b)
{
    int n_in = (int)stage->program.n_in, n = n_operand(stage);
    for (int k = 0; k < n; k++) {
        const int64_t *strides = stage->operand[(k + n_in) % n].strides;
        int64_t stride_a = magnitude(strides[a]), stride_b = magnitude(strides[b]);
        if (stride_a && stride_b && stride_a != stride_b)
            return stride_a > stride_b;
    }
    return 1;
}

static void sort_dims(op_stage *stage)
{
    for (int i = 1; i < stage->ndim; i++)
        for (int j = i; j > 0 && !belongs_outside(stage, j - 1, j); j--)
            swap_dims(stage, j - 1, j);
}

/* Walks a dimension the other way if every operand walks it backwards. */
static void flip_dims(op_stage *stage)
{
    for (int i = 0; i < stage->ndim; i++) {
        int backwards = 0, forwards = 0;
        for (int k = 0; k < n_operand(stage); k++) {
            backwards |= stage->operand[k].strides[i] < 0;
            forwards |= stage->operand[k].strides[i] > 0;
        }
        if (!backwards || forwards)
            continue;
        for (int k = 0; k < n_operand(stage); k++) {
            op_stage_operand *operand = &stage->operand[k];
            operand->place.offset += (stage->shape[i] - 1) * operand->strides[i];
            operand->strides[i] = -operand->strides[i];
        }
    }
}

static int can_merge(const op_stage *stage, int outer, int inner)
{
    if ((stage->reduced >> outer & 1) != (stage->reduced >> inner & 1))
        return 0;
    for (int k = 0; k < n_strides(stage); k++) {
        const int64_t *strides = strides_of(stage, k);
        int scratch = k < n_operand(stage) && stage->operand[k].place.kind == OP_PLACE_SCRATCH;
        if (!scratch && strides[outer] != strides[inner] * stage->shape[inner])
            return 0;
    }
    return 1;
}

static void merge_dims(op_stage *stage)
{
    int last = 0;
    for (int i = 1; i < stage->ndim; i++) {
        if (can_merge(stage, last, i)) {
            int64_t extent = stage->shape[last] * stage->shape[i];
            move_dim(stage, last, i);
            stage->shape[last] = extent;
        } else {
            move_dim(stage, ++last, i);
        }
    }
    stage->ndim = stage->ndim ? last + 1 : 0;
}

static op_access access_of(const op_stage *stage, int k)
{
    const op_stage_operand *operand = &stage->operand[k];
    int64_t stride = operand->strides[stage->ndim - 1];
    if (operand->place.kind == OP_PLACE_SCRATCH || stride == op_dtype_size(operand->dtype))
        return OP_CONTIGUOUS;
    if (k >= (int)stage->program.n_in)
        return stage->shape[stage->ndim - 1] == 1 ? OP_CONTIGUOUS : OP_STRIDED;
    return stride == 0 ? OP_BROADCAST : OP_STRIDED;
}

void op_stage_count_bytes(op_stage *stage)
{
    int64_t results = 1;
    for (int k = 0; k < n_operand(stage); k++) {
        op_stage_operand *operand = &stage->operand[k];
        operand->bytes = operand->place.kind == OP_PLACE_SCRATCH ? 0 : op_dtype_size(operand->dtype);
        for (int i = 0; i < stage->ndim; i++)
            if (operand->strides[i])
                operand->bytes *= stage->shape[i];
        stage->bytes += operand->bytes;
    }
    for (int i = 0; i < stage->ndim; i++)
        results *= stage->kind != OP_STAGE_SCAN && stage->reduced >> i & 1 ? 1 : stage->shape[i];
    for (int k = 0; k < stage->n_reduction; k++) {
        op_stage_reduction *reduction = &stage->reduction[k];
        reduction->bytes = results * reduction->extent * op_dtype_size(reduction->result_dtype);
        stage->bytes += reduction->bytes;
    }
}

static int is_of_piece(const op_place *place)
{
    return place->kind == OP_PLACE_PIECE || place->kind == OP_PLACE_SCRATCH;
}

void op_stage_take_rows(op_stage *stage)
{
    int n = n_operand(stage), inner = stage->ndim - 1;
    for (int k = 0; k < n_strides(stage); k++) {
        op_place *place = k < n ? &stage->operand[k].place : &stage->reduction[k - n].result;
        int64_t *strides = strides_of(stage, k);
        place->piece_stride = is_of_piece(place) ? 0 : strides[0];
        memmove(strides, strides + 1, sizeof *strides * (size_t)inner);
    }
    memmove(stage->shape, stage->shape + 1, sizeof *stage->shape * (size_t)inner);
    stage->reduced >>= 1;
    stage->ndim = inner;
}

void op_stage_cut(op_stage *stage, int64_t elements)
{
    for (int k = 0; k < n_operand(stage); k++) {
        op_stage_operand *operand = &stage->operand[k];
        operand->place.piece_stride = is_of_piece(&operand->place) ? 0 : elements * operand->strides[0];
    }
    for (int k = 0; k < stage->n_reduction; k++) {
        op_stage_reduction *reduction = &stage->reduction[k];
        reduction->result.piece_stride = is_of_piece(&reduction->result) ? 0 : elements * reduction->strides[0];
    }
    stage->shape[0] = elements;
}

/* If memory runs along a kept dimension and not along the innermost, reduced one, that kept dimension goes
 * innermost: its sequences are reduced side by side. The order of the reduced dimensions stays. */
static void turn_to_columns(op_stage *stage)
{
    int last = stage->ndim - 1, best = -1;
    for (int d = 0; d < last; d++)
        if (!(stage->reduced >> d & 1) && stage->shape[d] >= OP_FEWEST_COLUMNS && !belongs_outside(stage, d, last) &&
            (best < 0 || !belongs_outside(stage, d, best)))
            best = d;
    for (int d = best; best >= 0 && d < last; d++)
        swap_dims(stage, d, d + 1);
}

void op_stage_collapse(op_stage *stage, int keep_order)
{
    drop_dims_of_one(stage);
    stage->lanes = stage->ndim && stage->reduced >> (stage->ndim - 1) & 1 ? OP_LANES : 1;
    if (stage->lanes > 1 && op_stage_states_are_values(stage))
        turn_to_columns(stage);
    if (!keep_order && (stage->kind == OP_STAGE_MAP || stage->kind == OP_STAGE_COUNT)) {
        sort_dims(stage);
        flip_dims(stage);
    }
    merge_dims(stage);
    stage->reduced &= stage->ndim < 64 ? ((uint64_t)1 << stage->ndim) - 1 : ~(uint64_t)0;
    make_one_dim(stage);
    stage->program.rank = stage->ndim > 1 ? 2 : 1;
    for (int k = 0; k < n_operand(stage); k++) {
        const op_stage_operand *operand = &stage->operand[k];
        stage->program.operand[k] =
            (op_operand_type){(uint8_t)operand->dtype, (uint8_t)access_of(stage, k), OP_CODE_NONE};
    }
}
