/* Emission leaves little to do: loops are vector loops already, and what does not change is outside
 * of them. What is left is work that two functions share, such as the range reduction of sin and cos. */
#include "jit/passes.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stddef.h>

static char *verify_module(LLVMModuleRef module)
{
    char *message = NULL;
    if (LLVMVerifyModule(module, LLVMReturnStatusAction, &message))
        return message;
    LLVMDisposeMessage(message);
    return NULL;
}

static char *run(LLVMModuleRef module, LLVMTargetMachineRef machine, const char *passes)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(module, passes, machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return NULL;
    char *text = LLVMGetErrorMessage(error), *message = LLVMCreateMessage(text);
    LLVMDisposeErrorMessage(text);
    return message;
}

char *passes_run(LLVMModuleRef module, LLVMTargetMachineRef machine, int verify)
{
    char *wrong = verify ? verify_module(module) : NULL;
    if (!wrong)
        wrong = run(module, machine, "function(early-cse)");
    if (!wrong && verify)
        wrong = verify_module(module);
    return wrong;
}
