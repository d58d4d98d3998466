/* Names of values in the printed IR: letters, digits, dots and underscores. */
#include "jit/names.h"

#include <stdio.h>
#include <string.h>

static int is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
}

void name_operand(const emitter *em, uint32_t i, char name[NAME_MAX_BYTES])
{
    const op_program *program = em->program;
    const char *given = em->names && em->names->operand ? em->names->operand[i] : NULL;
    if (!given || !*given) {
        int is_output = i >= program->n_in;
        unsigned number = (unsigned)(is_output ? i - program->n_in : i);
        snprintf(name, NAME_MAX_BYTES, "%s%u", is_output ? "out" : "in", number);
        return;
    }
    snprintf(name, NAME_MAX_BYTES, "%s", given);
    for (char *c = name; *c; c++)
        if (!is_plain(*c))
            *c = '_';
}

const char *name_of(char name[NAME_MAX_BYTES], const char *base, const char *suffix)
{
    int room = NAME_MAX_BYTES - 1 - (int)strlen(suffix);
    snprintf(name, NAME_MAX_BYTES, "%.*s%s", room, base, suffix);
    return name;
}

void name_value(emitter *em, LLVMValueRef value, const op_insn *insn)
{
    size_t length;
    if (LLVMContextShouldDiscardValueNames(em->context) || !LLVMIsAInstruction(value))
        return;
    LLVMGetValueName2(value, &length);
    if (length)
        return;
    char name[NAME_MAX_BYTES];
    if (insn->code == OP_CODE_LOAD)
        name_operand(em, insn->arg[0], name);
    else if (insn->code == OP_CODE_SCALAR)
        snprintf(name, sizeof name, "s%u", (unsigned)insn->arg[0]);
    else if (insn->code == OP_CODE_CAST || insn->code == OP_CODE_CAST_SAT)
        snprintf(name, sizeof name, "as.%s", op_dtypes[insn->result].name);
    else
        snprintf(name, sizeof name, "%s", op_rows[insn->code].name);
    LLVMSetValueName2(value, name, strlen(name));
}
