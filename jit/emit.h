/* What every part of the emission needs: the emitter, and the words for building vectors.
 *
 * A value of the program is one LLVM vector of `width` lanes; a bool is <width x i1>. In memory a bool
 * is a byte. Names starting with emit_ append instructions at the builder's place. */
#ifndef ONEPASS_JIT_EMIT_H
#define ONEPASS_JIT_EMIT_H

#include <llvm-c/Core.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/isa.h"
#include "plan/abi.h"
#include "plan/backend.h"
#include "plan/program.h"

/* Stack buffers through which vectors reach the functions of the call table. */
enum { EMIT_BUFFER_RESULT, EMIT_BUFFER_1, EMIT_BUFFER_2, EMIT_BUFFER_3, EMIT_BUFFER_MASK, EMIT_BUFFER_END };

typedef struct emitter {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMValueRef kernel;       /* the function */
    LLVMBasicBlockRef entry;   /* its first block, where the allocas are */
    LLVMValueRef args;         /* const op_kernel_args * */
    const op_isa_row *isa;
    const op_program *program;
    const op_names *names;     /* may be NULL */
    unsigned width;            /* lanes of a vector */
    LLVMValueRef buffer[EMIT_BUFFER_END];
} emitter;

/* ---- Types ---- */

static inline int is_float(op_dtype dtype)
{
    return op_dtype_kind(dtype) == OP_KIND_F;
}
static inline int is_signed(op_dtype dtype)
{
    return op_dtype_kind(dtype) == OP_KIND_I;
}
static inline unsigned bits_of(op_dtype dtype)
{
    return 8u * op_dtypes[dtype].size;
}

LLVMTypeRef type_int(emitter *em, unsigned bits);
LLVMTypeRef type_float(emitter *em, unsigned bits);
LLVMTypeRef type_pointer(emitter *em);
LLVMTypeRef type_memory(emitter *em, op_dtype dtype); /* one element in memory */
LLVMTypeRef type_lane(emitter *em, op_dtype dtype);   /* one lane of a value: differs for bool */
LLVMTypeRef type_vector(emitter *em, LLVMTypeRef lane);
LLVMTypeRef type_value(emitter *em, op_dtype dtype);  /* type_vector of type_lane */
/* The integer vector of the same shape as a float vector. */
LLVMTypeRef type_bits(emitter *em, LLVMValueRef value);

/* ---- Constants: every lane the same ---- */

LLVMValueRef const_int(emitter *em, unsigned bits, uint64_t value);
LLVMValueRef const_float(emitter *em, unsigned bits, double value);
LLVMValueRef const_of(emitter *em, op_dtype dtype, int value); /* a small number in any dtype */
LLVMValueRef const_bits(emitter *em, op_dtype dtype, uint64_t bits); /* as in memory, in the low ones */
LLVMValueRef const_lanes(emitter *em, unsigned bits);          /* 0, 1, 2, ... */
LLVMValueRef const_index(emitter *em, uint64_t value);         /* a scalar i64 */

/* ---- Instructions ---- */

LLVMValueRef emit_intrinsic(emitter *em, const char *name, unsigned n, LLVMValueRef *arg); /* on arg[0]'s type */
LLVMValueRef emit_select(emitter *em, LLVMValueRef mask, LLVMValueRef yes, LLVMValueRef no);
LLVMValueRef emit_splat(emitter *em, LLVMValueRef scalar);
LLVMValueRef emit_lane(emitter *em, LLVMValueRef vector, unsigned lane);
/* The first or (half = 1) the second half of a vector of twice this width, and such a vector from its halves. */
LLVMValueRef emit_half(emitter *em, LLVMValueRef x, unsigned half);
LLVMValueRef emit_joined(emitter *em, LLVMValueRef low, LLVMValueRef high);
/* Lane j + shift in lane j, around the end. */
LLVMValueRef emit_rotated(emitter *em, LLVMValueRef x, unsigned shift);
/* The mask of lanes 0..n-1, of an i64 n. */
LLVMValueRef emit_first_lanes(emitter *em, LLVMValueRef n);
LLVMValueRef emit_advance(emitter *em, LLVMValueRef pointer, LLVMValueRef bytes, const char *name);
/* A field at a fixed offset from a pointer. */
LLVMValueRef emit_field(emitter *em, LLVMTypeRef type, LLVMValueRef pointer, uint64_t offset, const char *name);
/* A buffer in the entry block, and a store to its start. 64-byte aligned. */
LLVMValueRef emit_alloca(emitter *em, LLVMTypeRef type, const char *name);
void emit_store_aligned(emitter *em, LLVMValueRef value, LLVMValueRef buffer);
/* A conditional branch of which one side is rare. */
void emit_branch_likely(emitter *em, LLVMValueRef condition, LLVMBasicBlockRef likely, LLVMBasicBlockRef unlikely);
LLVMBasicBlockRef emit_block(emitter *em, const char *name); /* a new block at the end; the builder stays */

/* ---- Values and memory ---- */

/* Vector as in memory <-> value: only bool differs. */
LLVMValueRef emit_from_memory(emitter *em, op_dtype dtype, LLVMValueRef vector);
LLVMValueRef emit_to_memory(emitter *em, op_dtype dtype, LLVMValueRef value);
/* W elements from pointer on, of any alignment; and with `stride` bytes between them. */
LLVMValueRef emit_load(emitter *em, op_dtype dtype, LLVMValueRef pointer);
LLVMValueRef emit_load_strided(emitter *em, op_dtype dtype, LLVMValueRef pointer, LLVMValueRef stride);
/* Lanes of the mask; the others of what is loaded get the element at `filler`. */
LLVMValueRef emit_load_masked(emitter *em, op_dtype dtype, LLVMValueRef pointer, LLVMValueRef mask, LLVMValueRef filler);
void emit_store_masked(emitter *em, op_dtype dtype, LLVMValueRef value, LLVMValueRef pointer, LLVMValueRef mask);
/* Brings W elements into the nearest or the second cache. */
enum { EMIT_NEAREST = 3, EMIT_SECOND = 2 }; /* LLVM's numbers */
void emit_prefetch(emitter *em, op_dtype dtype, LLVMValueRef pointer, int cache);
/* One element for all lanes. */
LLVMValueRef emit_load_splat(emitter *em, op_dtype dtype, LLVMValueRef pointer, const char *name);
LLVMValueRef emit_store(emitter *em, op_dtype dtype, LLVMValueRef value, LLVMValueRef pointer);
/* Past the caches; pointer is aligned to the vector or to 64 bytes, whichever is less. */
void emit_store_stream(emitter *em, op_dtype dtype, LLVMValueRef value, LLVMValueRef pointer);
void emit_store_strided(emitter *em, op_dtype dtype, LLVMValueRef value, LLVMValueRef pointer, LLVMValueRef stride);

LLVMValueRef emit_cast(emitter *em, op_dtype from, op_dtype to, int saturate, LLVMValueRef value);

/* ---- Arithmetic that is not one instruction on every level ---- */

typedef enum rounding { ROUND_FLOOR, ROUND_CEIL, ROUND_TRUNC, ROUND_RINT } rounding;

LLVMValueRef emit_round(emitter *em, rounding how, LLVMValueRef x);
/* Is no lane of the mask set? */
LLVMValueRef emit_none(emitter *em, LLVMValueRef mask);
LLVMValueRef emit_fma(emitter *em, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);
/* What is seldom needed, in a block of its own: between begin and end the builder is there. The result is `value` where
 * mask, elsewhere y; the block is entered while any lane of mask is set. */
typedef struct emit_cold {
    LLVMBasicBlockRef before, common;
    LLVMValueRef mask, y;
} emit_cold;
emit_cold emit_cold_begin(emitter *em, LLVMValueRef mask, LLVMValueRef y);
LLVMValueRef emit_cold_end(emitter *em, const emit_cold *cold, LLVMValueRef value);
/* Where mask: the call table's function of x1 and x2 (NULL if it takes one); elsewhere y. */
LLVMValueRef emit_rare(emitter *em, LLVMValueRef mask, LLVMValueRef y, op_call call, LLVMValueRef x1, LLVMValueRef x2);

#endif
