/* Scalar functions for the lanes that vector code leaves out; see rare.def. Pure: no state, no errno. */
#ifndef ONEPASS_MATH_RARE_H
#define ONEPASS_MATH_RARE_H

#define OP_RARE_ARGS_1(T) (T x)
#define OP_RARE_ARGS_2(T) (T x, T y)
#define OP_RARE_CTYPE_f64 double
#define OP_RARE_CTYPE_f32 float
#define RARE(type, name, arity)                                                                    \
    OP_RARE_CTYPE_##type op_rare_##type##_##name OP_RARE_ARGS_##arity(OP_RARE_CTYPE_##type);
#include "math/rare.def"
#undef RARE

#endif
