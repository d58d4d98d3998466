/* Levels as LLVM target machines. The level decides which instructions are used, the host only how they
 * are scheduled; so an image runs wherever its level does. */
#include "jit/target.h"

#include <llvm-c/Target.h>
#include <stdio.h>
#include <string.h>
#if defined(__has_include)
#if __has_include(<llvm/Config/Targets.h>)
#include <llvm/Config/Targets.h> /* LLVM 22; before, it was in llvm-config.h */
#endif
#endif

static char host_cpu[64];

void target_init(void)
{
#if LLVM_HAS_X86_TARGET
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
#endif
#if LLVM_HAS_AARCH64_TARGET
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
#endif
    char *cpu = LLVMGetHostCPUName();
    snprintf(host_cpu, sizeof host_cpu, "%s", cpu);
    LLVMDisposeMessage(cpu);
}

static int is_aarch64(op_isa isa)
{
    return isa == OP_ISA_ARMV8_A;
}

static int is_host_family(op_isa isa)
{
#if defined(__x86_64__)
    return !is_aarch64(isa);
#elif defined(__aarch64__)
    return is_aarch64(isa);
#else
    (void)isa;
    return 0;
#endif
}

static const char *cpu_of(op_isa isa)
{
    return is_aarch64(isa) ? "generic" : op_isa_rows[isa].name; /* LLVM's name of the plain ARMv8-A */
}

LLVMTargetMachineRef target_machine(op_isa isa)
{
    LLVMTargetRef target;
    const char *triple = op_isa_rows[isa].triple;
    char *message = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &message)) {
        LLVMDisposeMessage(message);
        return NULL;
    }
    /* The tiny model reaches constants with one instruction, without pairs of page and offset. */
    LLVMCodeModel model = is_aarch64(isa) ? LLVMCodeModelTiny : LLVMCodeModelSmall;
    return LLVMCreateTargetMachine(target, triple, cpu_of(isa), "", LLVMCodeGenLevelDefault, LLVMRelocPIC, model);
}

void target_module(LLVMTargetMachineRef machine, op_isa isa, LLVMModuleRef module)
{
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(module, layout);
    LLVMDisposeTargetData(layout);
    LLVMSetTarget(module, op_isa_rows[isa].triple);
}

static void set_text(LLVMContextRef context, LLVMValueRef function, const char *key, const char *value)
{
    LLVMAttributeRef attribute = LLVMCreateStringAttribute(context, key, (unsigned)strlen(key), value,
                                                           (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

void target_function(op_isa isa, LLVMContextRef context, LLVMValueRef function)
{
    unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(context, nounwind, 0));
    set_text(context, function, "target-cpu", cpu_of(isa));
    if (is_host_family(isa))
        set_text(context, function, "tune-cpu", host_cpu);
    set_text(context, function, "no-jump-tables", "true");
    set_text(context, function, "no-builtins", ""); /* no loop becomes a call of memcpy */
    if (op_isa_rows[isa].vector_bits == 512) { /* LLVM prefers 256 bits on its own */
        set_text(context, function, "prefer-vector-width", "512");
        set_text(context, function, "min-legal-vector-width", "512");
    }
}
