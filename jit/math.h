/* The functions of src/math as builders of IR: jit_math_f64_sin(em, arg) appends sine of the vector
 * arg[0] and returns it. Declared for every MATH(...) recipe of the op table. */
#ifndef ONEPASS_JIT_MATH_H
#define ONEPASS_JIT_MATH_H

#include "jit/emit.h"

typedef LLVMValueRef jit_math_fn(emitter *em, LLVMValueRef *arg);

/* Reached from recipes that treat integers otherwise. */
extern jit_math_fn jit_math_f64_floor_divide, jit_math_f32_floor_divide;
extern jit_math_fn jit_math_f64_remainder, jit_math_f32_remainder;
extern jit_math_fn jit_math_f64_fmod, jit_math_f32_fmod;
extern jit_math_fn jit_math_f64_power, jit_math_f32_power;

#define BIN(...)
#define CMP(...)
#define INTR(...)
#define ROUND(...)
#define FN(...)
#define MATH(name) extern jit_math_fn jit_math_f64_##name, jit_math_f32_##name;
#define J(recipe) recipe
#define OP(name, arity, accepts, result, flags, cost, cb, ci, cf, ulp, domain, doc, recipe) recipe
#include "expr/ops.def"
#undef OP
#undef J
#undef MATH
#undef FN
#undef ROUND
#undef INTR
#undef CMP
#undef BIN

#endif
