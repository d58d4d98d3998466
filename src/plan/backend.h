/* The compiler backend behind one call: signature bytes and a level in, an image out. It lives in a
 * shared object of its own, which is loaded at the first compile. */
#ifndef ONEPASS_PLAN_BACKEND_H
#define ONEPASS_PLAN_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/isa.h"
#include "onepass/onepass.h"
#include "plan/abi.h"

enum { OP_BACKEND_VERSION = 100 * OP_ABI_VERSION + 1 /* of what is declared here */ };

/* Position-independent code and constants; free(bytes) when done. */
typedef struct op_image {
    uint8_t *bytes;
    size_t size;
    size_t entry; /* offset of the op_kernel_fn */
} op_image;

/* What a printer may call things; NULL, or NULL entries, for names of its own. */
typedef struct op_names {
    const char *const *operand; /* inputs, then outputs */
    const char *comment;        /* the expression, in words; may have several lines */
} op_names;

enum { OP_BACKEND_VERIFY = 1 /* run LLVM's verifier after emission and after the passes */ };

typedef struct op_backend {
    int version;              /* OP_BACKEND_VERSION */
    const char *compiler;     /* "LLVM 22.1.8" */
    /* Once, before anything else. fatal() is called when the compiler would end the process: it does
     * not return (it parks the thread). Returns 0 on success. */
    int (*init)(void (*fatal)(const char *reason));
    /* Both return OP_OK, or a status with a sentence in message. */
    op_status (*compile)(const uint8_t *signature, size_t size, op_isa isa, unsigned flags, op_image *image,
                         char *message, size_t message_size);
    /* what: OP_DUMP_IR, OP_DUMP_IR_OPT or OP_DUMP_ASM. *text is malloc'ed, NUL-terminated. */
    op_status (*print)(const uint8_t *signature, size_t size, op_isa isa, unsigned flags, op_dump_what what,
                       const op_names *names, char **text, char *message, size_t message_size);
} op_backend;

/* The one symbol that the shared object exports. */
typedef const op_backend *(*op_backend_get_fn)(void);
#define OP_BACKEND_SYMBOL "op_backend_get"

#endif
