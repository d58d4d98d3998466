/* Which copy of the loops this machine runs. */
#include "base/isa.h"
#include "expr/loops.h"

extern const op_loops op_loops_table;
#if defined(ONEPASS_HAVE_LEVEL_LOOPS)
extern const op_loops op_loops_table_v3, op_loops_table_v4;
#endif

const op_loops *op_loops_best(void)
{
#if defined(ONEPASS_HAVE_LEVEL_LOOPS)
    if (op_isa_runs(OP_ISA_X86_64_V4))
        return &op_loops_table_v4;
    if (op_isa_runs(OP_ISA_X86_64_V3))
        return &op_loops_table_v3;
#endif
    return &op_loops_table;
}
