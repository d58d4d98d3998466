/* The instruction-set levels, and which of them this machine runs. */
#include "base/isa.h"

#include <string.h>

#include "onepass/onepass.h"

const op_isa_row op_isa_rows[OP_ISA_END] = {
    [OP_ISA_X86_64] = {"x86-64", "x86_64-unknown-linux-gnu", 128, 0, 0},
    [OP_ISA_X86_64_V2] = {"x86-64-v2", "x86_64-unknown-linux-gnu", 128, 0, 1},
    [OP_ISA_X86_64_V3] = {"x86-64-v3", "x86_64-unknown-linux-gnu", 256, 1, 1},
    [OP_ISA_X86_64_V4] = {"x86-64-v4", "x86_64-unknown-linux-gnu", 512, 1, 1},
    [OP_ISA_ARMV8_A] = {"armv8-a", "aarch64-unknown-linux-gnu", 128, 1, 1},
};

op_isa op_isa_from_name(const char *name)
{
    for (int i = OP_ISA_NONE + 1; i < OP_ISA_END; i++)
        if (!strcmp(name, op_isa_rows[i].name))
            return (op_isa)i;
    return OP_ISA_NONE;
}

int op_isa_runs(op_isa isa)
{
#if defined(__x86_64__)
    __builtin_cpu_init(); /* the compiler's runtime asks the operating system about the registers, too */
    switch (isa) {
    case OP_ISA_X86_64:
        return 1;
    case OP_ISA_X86_64_V2:
        return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
               __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    case OP_ISA_X86_64_V3:
        return op_isa_runs(OP_ISA_X86_64_V2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    case OP_ISA_X86_64_V4:
        return op_isa_runs(OP_ISA_X86_64_V3) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    default:
        return 0;
    }
#elif defined(__aarch64__)
    return isa == OP_ISA_ARMV8_A;
#else
    (void)isa;
    return 0;
#endif
}

op_isa op_isa_best(void)
{
    op_isa best = OP_ISA_NONE;
    for (int i = OP_ISA_NONE + 1; i < OP_ISA_END; i++)
        if (op_isa_runs((op_isa)i))
            best = (op_isa)i;
    return best;
}

const char *op_isa_level(int n)
{
    for (int i = OP_ISA_NONE + 1; i < OP_ISA_END; i++)
        if (op_isa_runs((op_isa)i) && n-- == 0)
            return op_isa_rows[i].name;
    return NULL;
}
