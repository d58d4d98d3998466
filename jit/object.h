/* From an object file in memory to an image. */
#ifndef ONEPASS_JIT_OBJECT_H
#define ONEPASS_JIT_OBJECT_H

#include "plan/backend.h"

/* Lays out code and constants of a relocatable ELF object and resolves its relocations. The entry is
 * the function `symbol`. Refuses whatever an image cannot hold, with a sentence in message. */
op_status object_to_image(const void *object, size_t size, const char *symbol, op_image *image, char *message,
                          size_t message_size);

#endif
