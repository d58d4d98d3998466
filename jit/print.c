/* The text of a kernel: what LLVM prints, under a comment that says which expression this is, and with a
 * note at each block of the loop nest. */
#include "jit/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text that grows. After a failed allocation it stays NULL. */
typedef struct text {
    char *bytes;
    size_t size, room;
    int failed;
} text;

static void put(text *t, const char *bytes, size_t size)
{
    if (!t->failed && t->size + size + 1 > t->room) {
        size_t room = (t->size + size + 1) * 2;
        char *grown = realloc(t->bytes, room);
        t->failed = !grown;
        if (grown) {
            t->bytes = grown;
            t->room = room;
        }
    }
    if (t->failed)
        return;
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = 0;
}

static void put_text(text *t, const char *s)
{
    put(t, s, strlen(s));
}

static char *finish(text *t)
{
    if (t->failed || !t->bytes) {
        free(t->bytes);
        return NULL;
    }
    return t->bytes;
}

/* The comment with a mark before each of its lines, and the shape of the loop. */
static void put_heading(text *t, const emitter *em, const char *mark)
{
    const char *line = em->names && em->names->comment ? em->names->comment : "";
    while (*line) {
        size_t length = strcspn(line, "\n");
        put_text(t, mark);
        put_text(t, " ");
        put(t, line, length);
        put_text(t, "\n");
        line += length + (line[length] == '\n');
    }
    char shape[128];
    snprintf(shape, sizeof shape, "%s %s, %u elements at a time\n\n", mark, em->isa->name, em->width);
    put_text(t, shape);
}

static const char *note_of(const char *line, size_t length)
{
    static const struct {
        const char *block, *note;
    } notes[] = {
        {"entry", "where the arrays are; values that are the same for the whole run"},
        {"row", "a row starts: values that are the same for all of it"},
        {"pass", "first over the row, then over the rest of it, if that does not fill a vector"},
        {"loop", "one vector of elements: the expression"},
        {"store", "ordinary stores"},
        {"special", "stores of another kind"},
        {"stream", "past the caches"},
        {"blend", "of the lanes that are left"},
        {"last", "the last vector of the row, of which some lanes are done"},
        {"fill", "a row shorter than a vector is copied to buffers on the stack"},
        {"drain", "and its results are copied back"},
        {"rare", "lanes that vector code leaves out: by a function of the call table"},
    };
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        size_t n = strlen(notes[i].block);
        if (length > n && !strncmp(line, notes[i].block, n) && line[n] == ':')
            return notes[i].note;
    }
    return NULL;
}

static int starts_with(const char *line, size_t length, const char *start)
{
    size_t n = strlen(start);
    return length >= n && !memcmp(line, start, n);
}

char *print_ir(const emitter *em)
{
    text t = {0};
    char *ir = LLVMPrintModuleToString(em->module);
    put_heading(&t, em, ";");
    for (const char *line = ir; *line;) {
        size_t length = strcspn(line, "\n");
        const char *note = note_of(line, length);
        if (note) {
            put_text(&t, "; ");
            put_text(&t, note);
            put_text(&t, "\n");
        }
        if (!starts_with(line, length, "; ModuleID") && !starts_with(line, length, "source_filename")) {
            put(&t, line, length);
            put_text(&t, "\n");
        }
        line += length + (line[length] == '\n');
    }
    LLVMDisposeMessage(ir);
    return finish(&t);
}

char *print_assembly(const emitter *em, const char *assembly, size_t size)
{
    text t = {0};
    put_heading(&t, em, em->isa == &op_isa_rows[OP_ISA_ARMV8_A] ? "//" : "#");
    put(&t, assembly, size);
    return finish(&t);
}
