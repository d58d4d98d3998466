/* Programs as bytes, and the rules that a program keeps. */
#include "plan/program.h"

#include <string.h>

#include "base/dtype.h"

enum { FORMAT = 3, HEADER = 20, OPERAND_BYTES = 5 };

static int arity_of(uint16_t code)
{
    return code == OP_CODE_LOAD || code == OP_CODE_SCALAR ? 1 : op_rows[code].arity;
}

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

/* Layout, little-endian 16-bit fields: format, rank, n_in, n_out, n_scalar, n_insn, carries, 6 bytes reserved;
 * per operand dtype, access and ahead in a byte each, and fold; per instruction code, dtype and result in a byte each,
 * arguments; per output the stored value. */
size_t op_signature_encode(const op_program *program, uint8_t *bytes)
{
    uint32_t n_operand = program->n_in + program->n_out;
    size_t size = HEADER + OPERAND_BYTES * (size_t)n_operand + 2 * (size_t)program->n_out;
    for (uint32_t i = 0; i < program->n_insn; i++)
        size += 4 + 2 * (size_t)arity_of(program->insn[i].code);
    if (!bytes)
        return size;
    uint8_t *p = bytes;
    p = put16(p, FORMAT);
    p = put16(p, program->rank);
    p = put16(p, program->n_in);
    p = put16(p, program->n_out);
    p = put16(p, program->n_scalar);
    p = put16(p, program->n_insn);
    p = put16(p, program->carries);
    memset(p, 0, 6);
    p += 6;
    for (uint32_t i = 0; i < n_operand; i++) {
        *p++ = program->operand[i].dtype;
        *p++ = program->operand[i].access;
        *p++ = program->operand[i].ahead;
        p = put16(p, program->operand[i].fold);
    }
    for (uint32_t i = 0; i < program->n_insn; i++) {
        const op_insn *insn = &program->insn[i];
        p = put16(p, insn->code);
        *p++ = insn->dtype;
        *p++ = insn->result;
        for (int k = 0; k < arity_of(insn->code); k++)
            p = put16(p, insn->arg[k]);
    }
    for (uint32_t i = 0; i < program->n_out; i++)
        p = put16(p, program->store[i]);
    return size;
}

static size_t memory_for(uint32_t n_operand, uint32_t n_insn, uint32_t n_out)
{
    return sizeof(op_insn) * n_insn + sizeof(uint32_t) * n_out + sizeof(op_operand_type) * n_operand;
}

size_t op_signature_memory(const uint8_t *bytes, size_t size)
{
    if (size < HEADER || get16(bytes) != FORMAT)
        return 0;
    return memory_for(get16(bytes + 4) + get16(bytes + 6), get16(bytes + 10), get16(bytes + 6)) + 1;
}

static int decode_insns(const uint8_t **cursor, const uint8_t *end, op_program *program)
{
    const uint8_t *p = *cursor;
    for (uint32_t i = 0; i < program->n_insn; i++) {
        op_insn *insn = &program->insn[i];
        if (end - p < 4)
            return 0;
        *insn = (op_insn){.code = (uint16_t)get16(p), .dtype = p[2], .result = p[3]};
        p += 4;
        if (insn->code == OP_CODE_NONE || insn->code >= OP_CODE_END || end - p < 2 * arity_of(insn->code))
            return 0;
        for (int k = 0; k < arity_of(insn->code); k++, p += 2)
            insn->arg[k] = get16(p);
    }
    *cursor = p;
    return 1;
}

int op_signature_decode(const uint8_t *bytes, size_t size, op_program *program, void *memory)
{
    if (!op_signature_memory(bytes, size))
        return 0;
    *program = (op_program){.rank = get16(bytes + 2),
                            .n_in = get16(bytes + 4),
                            .n_out = get16(bytes + 6),
                            .n_scalar = get16(bytes + 8),
                            .n_insn = get16(bytes + 10),
                            .carries = get16(bytes + 12)};
    uint32_t n_operand = program->n_in + program->n_out;
    program->insn = memory;
    program->store = (uint32_t *)(program->insn + program->n_insn);
    program->operand = (op_operand_type *)(program->store + program->n_out);
    const uint8_t *p = bytes + HEADER, *end = bytes + size;
    if ((size_t)(end - p) < OPERAND_BYTES * (size_t)n_operand)
        return 0;
    for (uint32_t i = 0; i < n_operand; i++, p += OPERAND_BYTES)
        program->operand[i] = (op_operand_type){p[0], p[1], (uint16_t)get16(p + 3), p[2]};
    if (!decode_insns(&p, end, program) || (size_t)(end - p) != 2 * (size_t)program->n_out)
        return 0;
    for (uint32_t i = 0; i < program->n_out; i++, p += 2)
        program->store[i] = get16(p);
    const char *why;
    return op_program_verify(program, &why);
}

static int works(uint8_t dtype)
{
    return op_dtype_valid((op_dtype)dtype) && op_dtypes[dtype].works;
}

/* The rule that an operation of the table breaks, or NULL. */
static const char *verify_row(const op_program *program, const op_insn *insn)
{
    const op_row *row = &op_rows[insn->code];
    if (!(row->accepts & op_dtypes[insn->dtype].kind))
        return "an operation computes in a dtype that it does not accept";
    if (insn->result != (row->rule == OP_RULE_TO_BOOL ? (uint8_t)OP_BOOL : insn->dtype))
        return "an operation's result has the wrong dtype";
    for (int k = 0; k < row->arity; k++) {
        uint8_t wants = row->rule == OP_RULE_SELECT && k == 0 ? (uint8_t)OP_BOOL : insn->dtype;
        if (program->insn[insn->arg[k]].result != wants)
            return "an operand is not of the dtype that the operation computes in";
    }
    return NULL;
}

static const char *verify_insn(const op_program *program, uint32_t i)
{
    const op_insn *insn = &program->insn[i];
    if (insn->code == OP_CODE_NONE || insn->code >= OP_CODE_END)
        return "an instruction has no such opcode";
    if (!works(insn->dtype) || !works(insn->result))
        return "an instruction has no such dtype";
    if (insn->code == OP_CODE_LOAD)
        return insn->arg[0] >= program->n_in                              ? "a load from no input"
               : program->operand[insn->arg[0]].dtype != insn->result     ? "a load of another dtype"
                                                                          : NULL;
    if (insn->code == OP_CODE_SCALAR)
        return insn->arg[0] >= program->n_scalar ? "a scalar from no slot" : NULL;
    for (int k = 0; k < op_rows[insn->code].arity; k++)
        if (insn->arg[k] >= i)
            return "a value is used before it is made";
    if (insn->code == OP_CODE_CAST || insn->code == OP_CODE_CAST_SAT)
        return program->insn[insn->arg[0]].result != insn->dtype ? "a cast from another dtype" : NULL;
    return verify_row(program, insn);
}

/* The rule that an operand breaks, or NULL. */
static const char *verify_operand(const op_program *program, uint32_t i)
{
    op_operand_type type = program->operand[i];
    int is_out = i >= program->n_in;
    if (!works(type.dtype) || type.access < OP_CONTIGUOUS || type.access > OP_STRIDED)
        return "an operand has no such dtype or access class";
    if (is_out && type.access == OP_BROADCAST)
        return "an output is broadcast";
    if (type.ahead > (!is_out && type.access == OP_CONTIGUOUS))
        return "an operand is brought into cache that is no contiguous input";
    int may_fold = is_out && i < program->n_in + op_program_folded(program);
    if ((type.fold != OP_CODE_NONE) != may_fold)
        return "outputs that fold do not come first";
    if (type.fold == OP_CODE_NONE)
        return NULL;
    uint64_t identity;
    if (!op_identity((op_opcode)type.fold, (op_dtype)type.dtype, &identity) ||
        !(op_rows[type.fold].accepts & op_dtypes[type.dtype].kind) || type.access != OP_CONTIGUOUS || program->rank != 2)
        return "an output cannot fold so";
    return NULL;
}

/* The rule that a program which carries breaks, or NULL. */
static const char *verify_carries(const op_program *program)
{
    if (program->carries > 1 || program->rank != 2 || op_program_folds(program) || program->n_in < program->n_out)
        return "a program cannot carry so";
    for (uint32_t i = program->n_in - program->n_out; i < program->n_in; i++) {
        op_operand_type in = program->operand[i], out = program->operand[i + program->n_out];
        if (in.dtype != out.dtype || in.access != OP_CONTIGUOUS || out.access != OP_CONTIGUOUS)
            return "an output cannot be carried on to an input of another dtype or access class";
    }
    return NULL;
}

int op_program_verify(const op_program *program, const char **why)
{
    *why = program->carries ? verify_carries(program) : NULL;
    if (program->rank < 1 || program->rank > 2)
        *why = "the rank is neither 1 nor 2";
    for (uint32_t i = 0; !*why && i < program->n_in + program->n_out; i++)
        *why = verify_operand(program, i);
    for (uint32_t i = 0; !*why && i < program->n_insn; i++)
        *why = verify_insn(program, i);
    for (uint32_t i = 0; !*why && i < program->n_out; i++)
        if (program->store[i] >= program->n_insn)
            *why = "an output of no value";
        else if (program->insn[program->store[i]].result != program->operand[program->n_in + i].dtype)
            *why = "an output of another dtype";
    return !*why;
}
