/* The loop nests around a program. */
#ifndef ONEPASS_JIT_LOOP_H
#define ONEPASS_JIT_LOOP_H

#include "jit/emit.h"

#define KERNEL_NAME "kernel"

/* Lanes of a vector for this program on this level. */
unsigned loop_width(const op_program *program, const op_isa_row *isa);

/* Fill the module with the kernel: void kernel(const op_kernel_args *, int64_t begin, int64_t end). One
 * stores every value, the others are for programs that fold and that carry. Return 0 if memory ran out. */
int emit_loop_nest(emitter *em);
int emit_fold_nest(emitter *em);
int emit_columns_nest(emitter *em);

#endif
