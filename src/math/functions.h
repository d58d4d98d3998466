/* All elementary functions as plain C: op_math_f64_NAME and op_math_f32_NAME, static inline.
 * For the interpreter, the constant folder and the accuracy tests. Whoever includes this must be
 * compiled with -ffp-contract=off, or the bits will not be those of the compiled kernels. */
#ifndef ONEPASS_MATH_FUNCTIONS_H
#define ONEPASS_MATH_FUNCTIONS_H

#define OP_MATH_F64
#include "math/scalar.h"
#include "math/all.inc"
#include "math/scalar_end.h"
#undef OP_MATH_F64

#define OP_MATH_F32
#include "math/scalar.h"
#include "math/all.inc"
#include "math/scalar_end.h"
#undef OP_MATH_F32

#endif
