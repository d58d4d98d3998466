/* Text that grows, for printers. */
#ifndef ONEPASS_BASE_TEXT_H
#define ONEPASS_BASE_TEXT_H

#include "base/memory.h"
#include "base/status.h"

typedef struct op_text {
    const op_allocator *allocator;
    char *bytes; /* NUL-terminated once something was added */
    size_t size, room;
    int failed; /* out of memory: the text is cut */
} op_text;

void op_text_init(op_text *text, const op_allocator *allocator);
void op_text_free(op_text *text);
void op_text_add(op_text *text, const char *format, ...) OP_PRINTF(2, 3);
/* Adds bytes as they are. */
void op_text_append(op_text *text, const char *bytes, size_t size);

#endif
