/* The passes between emission and code generation. */
#ifndef ONEPASS_JIT_PASSES_H
#define ONEPASS_JIT_PASSES_H

#include <llvm-c/TargetMachine.h>

/* Runs them; with `verify` LLVM's verifier comes first and last. Returns NULL, or what is wrong: free it with
 * LLVMDisposeMessage. */
char *passes_run(LLVMModuleRef module, LLVMTargetMachineRef machine, int verify);

#endif
