/* The compiler backend: found and loaded at the first use, driven on one thread of its own. */
#ifndef ONEPASS_RUN_COMPILER_H
#define ONEPASS_RUN_COMPILER_H

#include "plan/backend.h"
#include "run/engine.h"

/* Compiles a signature for the engine's level. OP_OK, or OP_ERR_BACKEND with the reason in message. */
op_status op_compiler_compile(op_engine *engine, const uint8_t *signature, size_t size, op_image *image, char *message,
                              size_t message_size);
/* Prints IR or assembly; *text is freed with free(). */
op_status op_compiler_print(op_engine *engine, const uint8_t *signature, size_t size, op_dump_what what,
                            const op_names *names, char **text, char *message, size_t message_size);
/* "LLVM 22.1.8", or NULL while none is loaded. */
const char *op_compiler_name(void);

#endif
