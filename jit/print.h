/* The text of a kernel for its readers. */
#ifndef ONEPASS_JIT_PRINT_H
#define ONEPASS_JIT_PRINT_H

#include "jit/emit.h"

/* The module's IR under the expression's comment; malloc'ed, NULL if memory ran out. */
char *print_ir(const emitter *em);
/* The same around assembly text. */
char *print_assembly(const emitter *em, const char *assembly, size_t size);

#endif
