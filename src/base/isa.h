/* Instruction-set levels: what a kernel is compiled for. Named levels, not CPU models, so that a
 * kernel can be kept and used on another machine. */
#ifndef ONEPASS_BASE_ISA_H
#define ONEPASS_BASE_ISA_H

typedef enum op_isa {
    OP_ISA_NONE = 0,
    OP_ISA_X86_64,    /* SSE2 */
    OP_ISA_X86_64_V2, /* SSE4.2 */
    OP_ISA_X86_64_V3, /* AVX2, FMA */
    OP_ISA_X86_64_V4, /* AVX-512 F, BW, CD, DQ, VL */
    OP_ISA_ARMV8_A,   /* Advanced SIMD */
    OP_ISA_END
} op_isa;

typedef struct op_isa_row {
    const char *name;      /* what users write, and LLVM's name of the CPU */
    const char *triple;    /* LLVM's */
    int vector_bits;       /* of one register */
    int has_fma;
    int has_rounding;      /* rint, floor, ceil, trunc as instructions */
} op_isa_row;

/* Indexed by op_isa. */
extern const op_isa_row op_isa_rows[OP_ISA_END];

/* The level of that name; OP_ISA_NONE if there is none. */
op_isa op_isa_from_name(const char *name);
/* True if this machine (CPU and operating system) can run the level. */
int op_isa_runs(op_isa isa);
/* The richest level that this machine can run. */
op_isa op_isa_best(void);

#endif
