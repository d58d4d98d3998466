/* The end of a row that folds: its lanes stay in memory, or are combined to its result (OP_KERNEL_RESULTS), halves with
 * halves. Of two leaves the second one's end gives the result of both; the blocks are explained in fold.c. */
#include "jit/fold.h"

#include <stdlib.h>

/* The lanes of output k, in vectors, to one value. */
static LLVMValueRef emit_halves(fold *f, uint32_t k, LLVMValueRef *lanes)
{
    emitter *em = f->nest.em;
    for (unsigned half = OP_LANES / em->width / 2; half > 0; half /= 2)
        for (unsigned v = 0; v < half; v++)
            lanes[v] = emit_both(f, k, lanes[v], lanes[v + half]);
    for (unsigned half = em->width / 2; half > 0; half /= 2)
        lanes[0] = emit_both(f, k, lanes[0], emit_rotated(em, lanes[0], half));
    op_dtype dtype = output(f, k)->dtype;
    if (combination(f, k) == OP_CODE_add && is_float(dtype)) /* of nothing but -0, as NumPy's sums begin with 0 */
        lanes[0] = LLVMBuildFAdd(em->builder, lanes[0], const_of(em, dtype, 0), "");
    return emit_lane(em, emit_to_memory(em, dtype, lanes[0]), 0);
}

static void emit_load_lanes(fold *f, LLVMValueRef *lanes, int first_row)
{
    nest *x = &f->nest;
    unsigned vectors = OP_LANES / x->em->width;
    f->first = i64(x, 0);
    for (uint32_t k = 0; k < f->folded; k++)
        for (unsigned v = 0; v < vectors; v++) {
            operand o = *output(f, k);
            o.row = first_row ? o.lanes : o.row;
            lanes[k * vectors + v] = emit_load(x->em, o.dtype, emit_lane_address(f, &o, v));
        }
}

/* From the row's lanes, and those of the first row if this is the second of two leaves. */
static void emit_result(fold *f, LLVMValueRef *lanes)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    unsigned vectors = OP_LANES / x->em->width, n = f->folded * vectors;
    LLVMValueRef *joined = lanes + n;
    start(x, f->result);
    emit_load_lanes(f, lanes, 0);
    LLVMValueRef is_second = LLVMBuildICmp(b, LLVMIntSGT, x->row_index, x->begin, "");
    LLVMBuildCondBr(b, LLVMBuildAnd(b, f->is_leaves, is_second, "is.second"), f->join, f->store);

    start(x, f->join);
    emit_load_lanes(f, joined, 1);
    for (unsigned i = 0; i < n; i++)
        joined[i] = emit_both(f, i / vectors, joined[i], lanes[i]);
    LLVMBasicBlockRef from[2] = {f->result, here(x)};
    LLVMBuildBr(b, f->store);

    start(x, f->store);
    for (unsigned i = 0; i < n; i++)
        lanes[i] = phi(x, 2, (LLVMValueRef[]){lanes[i], joined[i]}, from, "");
    for (uint32_t k = 0; k < f->folded; k++)
        LLVMSetAlignment(LLVMBuildStore(b, emit_halves(f, k, lanes + k * vectors), output(f, k)->result), 1);
    LLVMBuildBr(b, f->next_row);
}

int emit_row_end(fold *f)
{
    nest *x = &f->nest;
    LLVMBuilderRef b = x->em->builder;
    LLVMValueRef *lanes = calloc(2 * (size_t)f->folded * (OP_LANES / x->em->width), sizeof *lanes);
    if (!lanes)
        return 0;
    start(x, x->row_done);
    LLVMValueRef next = LLVMBuildAdd(b, x->row_index, i64(x, 1), "");
    LLVMValueRef is_last = LLVMBuildICmp(b, LLVMIntEQ, next, x->end, "is.last");
    LLVMValueRef is_end = LLVMBuildOr(b, is_last, LLVMBuildNot(b, f->is_leaves, ""), "");
    LLVMBuildCondBr(b, LLVMBuildAnd(b, f->has_results, is_end, "has.result"), f->result, f->next_row);
    emit_result(f, lanes);
    start(x, f->next_row);
    close_counter(x, x->row_index, 1, x->end, x->row, x->exit);
    free(lanes);
    return 1;
}
