/* Growing text. */
#include "base/text.h"

#include <string.h>

void op_text_init(op_text *text, const op_allocator *allocator)
{
    *text = (op_text){.allocator = allocator};
}

void op_text_free(op_text *text)
{
    op_release(text->allocator, text->bytes);
    op_text_init(text, text->allocator);
}

void op_text_append(op_text *text, const char *bytes, size_t size)
{
    if (text->size + size + 1 > text->room) {
        size_t room = (text->size + size + 1) * 2;
        char *larger = op_alloc(text->allocator, room);
        if (!larger) {
            text->failed = 1;
            return;
        }
        if (text->size)
            memcpy(larger, text->bytes, text->size);
        op_release(text->allocator, text->bytes);
        text->bytes = larger;
        text->room = room;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

void op_text_add(op_text *text, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length > 0)
        op_text_append(text, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}
