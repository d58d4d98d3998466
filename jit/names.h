/* Names of values in the printed IR. */
#ifndef ONEPASS_JIT_NAMES_H
#define ONEPASS_JIT_NAMES_H

#include "jit/emit.h"

enum { NAME_MAX_BYTES = 48 };

/* The name of an operand: the user's, or in0, in1, ..., out0, ... */
void name_operand(const emitter *em, uint32_t i, char name[NAME_MAX_BYTES]);
/* base and suffix in one, cut to fit; returns name. */
const char *name_of(char name[NAME_MAX_BYTES], const char *base, const char *suffix);
/* Calls the value of an instruction after its operation or its operand. */
void name_value(emitter *em, LLVMValueRef value, const op_insn *insn);

#endif
