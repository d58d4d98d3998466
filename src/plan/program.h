/* A program: what one fused loop computes for one element, as a straight line of instructions in
 * single-assignment form. The planner writes it, the interpreter runs it, its bytes are the kernel's
 * signature, and those bytes are all that the backend ever sees. Sizes, strides, addresses and scalar
 * values are not in it. */
#ifndef ONEPASS_PLAN_PROGRAM_H
#define ONEPASS_PLAN_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "expr/lanes.h"
#include "expr/opcode.h"
#include "onepass/onepass.h"

/* How an operand moves along the innermost dimension. */
typedef enum op_access {
    OP_CONTIGUOUS = 1, /* stride == size of an element */
    OP_BROADCAST,      /* stride == 0: one value for the whole row */
    OP_STRIDED,        /* any other stride, negative ones too */
} op_access;

typedef struct op_operand_type {
    uint8_t dtype;  /* op_dtype in memory */
    uint8_t access; /* op_access */
    uint16_t fold;  /* of an output: the op_opcode that combines a row's values, or OP_CODE_NONE to store them */
    uint8_t ahead;  /* of a contiguous input: 1 if what is `ahead` and `far_ahead` bytes (abi.h) further on is brought into cache */
} op_operand_type;

/* A program that folds has rank 2 and rows of 1 to OP_LEAF elements. Its first outputs fold: of each row OP_LANES
 * values, which begin as the identity, and element j is combined with number j % OP_LANES, in the order of j. Others
 * are stored as usual. */

/* A program that carries has rank 2, and as many last inputs as outputs: what the outputs are in one row, those
 * inputs are in the next one. They and the outputs are contiguous, and their addresses are the same for every row:
 * the inputs hold what the first row gets, and the outputs become what the last one gives. */

/* value[i] of a program is the result of insn[i]. */
typedef struct op_insn {
    uint16_t code;   /* op_opcode */
    uint8_t dtype;   /* of the operands that the operation computes in (for a cast: from) */
    uint8_t result;  /* dtype of the value */
    uint32_t arg[3]; /* earlier values; OP_CODE_LOAD: the operand; OP_CODE_SCALAR: the slot */
} op_insn;

typedef struct op_program {
    uint32_t rank;      /* 1: a range of elements; 2: a range of rows */
    uint32_t n_in;
    uint32_t n_out;
    uint32_t n_scalar;
    uint32_t n_insn;
    uint32_t carries;   /* 1: each row goes on from the one before */
    op_operand_type *operand; /* the inputs, then the outputs */
    op_insn *insn;
    uint32_t *store;    /* n_out: the value that goes to each output, of the output's dtype */
} op_program;

enum { OP_PROGRAM_MAX_INSN = 65000 };

static inline int op_program_folds(const op_program *program)
{
    return program->n_out > 0 && program->operand[program->n_in].fold != OP_CODE_NONE;
}

/* How many outputs fold. */
static inline uint32_t op_program_folded(const op_program *program)
{
    uint32_t n = 0;
    while (n < program->n_out && program->operand[program->n_in + n].fold != OP_CODE_NONE)
        n++;
    return n;
}

/* Is the new value, and not what was combined before, the first operand of this combination? So that a test of the first
 * one for NaN does not wait for those before. */
static inline int op_combines_new_first(op_opcode combine)
{
    return combine == OP_CODE_maximum || combine == OP_CODE_minimum;
}

/* Bytes of the signature of a program; with bytes != NULL also writes them. */
size_t op_signature_encode(const op_program *program, uint8_t *bytes);

/* Bytes of memory that op_signature_decode needs for this signature; 0 if it is malformed. */
size_t op_signature_memory(const uint8_t *bytes, size_t size);

/* Reads a signature into *program, whose arrays lie in `memory`. Everything is checked: dtypes,
 * opcodes, that arguments come before their use. Returns 0 if malformed. */
int op_signature_decode(const uint8_t *bytes, size_t size, op_program *program, void *memory);

/* True if the program keeps every rule that the backend and the interpreter rely on; else *why says
 * which one is broken (static text). */
int op_program_verify(const op_program *program, const char **why);

#endif
