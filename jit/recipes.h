/* Recipes: what a row of the op table means in LLVM IR. They stand in the J(...) column of ops.def:
 *
 *   BIN(f, s, u, b)      one binary instruction: of floats, signed and unsigned integers, bools
 *   CMP(f, s, u)         a comparison: of floats, signed and unsigned integers (bools count as unsigned)
 *   INTR("llvm.sqrt")    an intrinsic that is an instruction on every level (floats)
 *   ROUND(FLOOR)         floor, ceil, trunc or rint; integers stay as they are
 *   MATH(sin)            the function of that name in src/math, float64 and float32
 *   FN(emit_sign)        a function in recipes.c */
#ifndef ONEPASS_JIT_RECIPES_H
#define ONEPASS_JIT_RECIPES_H

#include "jit/emit.h"

/* Appends what computes one instruction of the program that is neither a load nor a scalar. */
LLVMValueRef emit_recipe(emitter *em, op_opcode code, op_dtype dtype, LLVMValueRef *arg);

#endif
