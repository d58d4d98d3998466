/* From an instruction-set level to LLVM's target machine. */
#ifndef ONEPASS_JIT_TARGET_H
#define ONEPASS_JIT_TARGET_H

#include <llvm-c/TargetMachine.h>

#include "jit/emit.h"

/* Once, before anything else. */
void target_init(void);
/* NULL if this LLVM has no such target. Dispose with LLVMDisposeTargetMachine. */
LLVMTargetMachineRef target_machine(op_isa isa);
/* Sets the module's triple and data layout. */
void target_module(LLVMTargetMachineRef machine, op_isa isa, LLVMModuleRef module);
/* Sets the kernel's attributes. */
void target_function(op_isa isa, LLVMContextRef context, LLVMValueRef function);

#endif
