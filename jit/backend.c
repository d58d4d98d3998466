/* The backend: signature bytes and a level in; an image, or text, out. */
#include <llvm-c/Core.h>
#include <llvm-c/ErrorHandling.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jit/emit.h"
#include "jit/loop.h"
#include "jit/object.h"
#include "jit/passes.h"
#include "jit/print.h"
#include "jit/target.h"
#include "plan/backend.h"

/* One compilation. */
typedef struct job {
    op_isa isa;
    unsigned flags;
    const op_names *names;
    int keep_names;
    op_program program;
    void *program_memory;
    LLVMTargetMachineRef machine;
    emitter em;
    char *message;
    size_t message_size;
} job;

static op_status fail(job *j, op_status status, const char *what, const char *detail)
{
    snprintf(j->message, j->message_size, "%s%s%s", what, detail ? ": " : "", detail ? detail : "");
    return status;
}

/* LLVM would print what it has to say. */
static void keep_quiet(LLVMDiagnosticInfoRef info, void *context)
{
    job *j = context;
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
        return;
    char *text = LLVMGetDiagInfoDescription(info);
    snprintf(j->message, j->message_size, "LLVM: %s", text);
    LLVMDisposeMessage(text);
}

static op_status decode(job *j, const uint8_t *signature, size_t size)
{
    if (j->isa <= OP_ISA_NONE || j->isa >= OP_ISA_END)
        return fail(j, OP_ERR_INVALID, "there is no such instruction-set level", NULL);
    size_t bytes = op_signature_memory(signature, size);
    if (!bytes)
        return fail(j, OP_ERR_INVALID, "the kernel's signature is malformed", NULL);
    j->program_memory = malloc(bytes);
    if (!j->program_memory)
        return fail(j, OP_ERR_MEMORY, "out of memory", NULL);
    if (!op_signature_decode(signature, size, &j->program, j->program_memory))
        return fail(j, OP_ERR_INVALID, "the kernel's signature is malformed", NULL);
    return OP_OK;
}

static op_status emit(job *j)
{
    emitter *em = &j->em;
    j->machine = target_machine(j->isa);
    if (!j->machine)
        return fail(j, OP_ERR_UNSUPPORTED, "this LLVM has no target for the level", op_isa_rows[j->isa].name);
    *em = (emitter){.isa = &op_isa_rows[j->isa], .program = &j->program, .names = j->names};
    em->width = loop_width(&j->program, em->isa);
    em->context = LLVMContextCreate();
    LLVMContextSetDiscardValueNames(em->context, !j->keep_names);
    LLVMContextSetDiagnosticHandler(em->context, keep_quiet, j);
    em->module = LLVMModuleCreateWithNameInContext("onepass", em->context);
    em->builder = LLVMCreateBuilderInContext(em->context);
    target_module(j->machine, j->isa, em->module);
    int (*emit_nest)(emitter *) = op_program_folds(em->program) ? emit_fold_nest
                                  : em->program->carries        ? emit_columns_nest
                                                                : emit_loop_nest;
    if (!emit_nest(em))
        return fail(j, OP_ERR_MEMORY, "out of memory", NULL);
    target_function(j->isa, em->context, em->kernel);
    return OP_OK;
}

static op_status optimise(job *j)
{
    char *wrong = passes_run(j->em.module, j->machine, (j->flags & OP_BACKEND_VERIFY) != 0);
    if (!wrong)
        return OP_OK;
    op_status status = fail(j, OP_ERR_BACKEND, "LLVM rejects the kernel's code", wrong);
    LLVMDisposeMessage(wrong);
    return status;
}

static op_status generate(job *j, LLVMCodeGenFileType type, LLVMMemoryBufferRef *output)
{
    char *wrong = NULL;
    j->message[0] = 0;
    if (LLVMTargetMachineEmitToMemoryBuffer(j->machine, j->em.module, type, &wrong, output)) {
        op_status status = fail(j, OP_ERR_BACKEND, "LLVM generated no code", wrong);
        LLVMDisposeMessage(wrong);
        return status;
    }
    if (!j->message[0])
        return OP_OK;
    LLVMDisposeMemoryBuffer(*output); /* it complained to keep_quiet */
    return OP_ERR_BACKEND;
}

static void close_job(job *j)
{
    if (j->em.builder)
        LLVMDisposeBuilder(j->em.builder);
    if (j->em.module)
        LLVMDisposeModule(j->em.module);
    if (j->em.context)
        LLVMContextDispose(j->em.context);
    if (j->machine)
        LLVMDisposeTargetMachine(j->machine);
    free(j->program_memory);
}

static op_status to_image(job *j, op_image *image)
{
    LLVMMemoryBufferRef object;
    op_status status = generate(j, LLVMObjectFile, &object);
    if (status != OP_OK)
        return status;
    status = object_to_image(LLVMGetBufferStart(object), LLVMGetBufferSize(object), KERNEL_NAME, image, j->message,
                             j->message_size);
    LLVMDisposeMemoryBuffer(object);
    return status;
}

static op_status compile(const uint8_t *signature, size_t size, op_isa isa, unsigned flags, op_image *image,
                         char *message, size_t message_size)
{
    job j = {.isa = isa, .flags = flags, .message = message, .message_size = message_size};
    op_status status = decode(&j, signature, size);
    if (status == OP_OK)
        status = emit(&j);
    if (status == OP_OK)
        status = optimise(&j);
    if (status == OP_OK)
        status = to_image(&j, image);
    close_job(&j);
    return status;
}

static op_status to_assembly(job *j, char **text)
{
    LLVMMemoryBufferRef assembly;
    LLVMSetTargetMachineAsmVerbosity(j->machine, 1);
    op_status status = generate(j, LLVMAssemblyFile, &assembly);
    if (status != OP_OK)
        return status;
    *text = print_assembly(&j->em, LLVMGetBufferStart(assembly), LLVMGetBufferSize(assembly));
    LLVMDisposeMemoryBuffer(assembly);
    return *text ? OP_OK : fail(j, OP_ERR_MEMORY, "out of memory", NULL);
}

static op_status to_ir(job *j, char **text)
{
    *text = print_ir(&j->em);
    return *text ? OP_OK : fail(j, OP_ERR_MEMORY, "out of memory", NULL);
}

static op_status print(const uint8_t *signature, size_t size, op_isa isa, unsigned flags, op_dump_what what,
                       const op_names *names, char **text, char *message, size_t message_size)
{
    job j = {.isa = isa, .flags = flags, .names = names, .keep_names = 1, .message = message,
             .message_size = message_size};
    op_status status = decode(&j, signature, size);
    if (status == OP_OK)
        status = emit(&j);
    if (status == OP_OK && what != OP_DUMP_IR)
        status = optimise(&j);
    if (status == OP_OK)
        status = what == OP_DUMP_ASM ? to_assembly(&j, text) : to_ir(&j, text);
    close_job(&j);
    return status;
}

static int init(void (*fatal)(const char *reason))
{
    LLVMInstallFatalErrorHandler(fatal);
    target_init();
    return 0;
}

static char compiler_name[32];

static const op_backend backend = {
    .version = OP_BACKEND_VERSION,
    .compiler = compiler_name,
    .init = init,
    .compile = compile,
    .print = print,
};

OP_API const op_backend *op_backend_get(void);

const op_backend *op_backend_get(void)
{
    unsigned major, minor, patch;
    LLVMGetVersion(&major, &minor, &patch);
    snprintf(compiler_name, sizeof compiler_name, "LLVM %u.%u.%u", major, minor, patch);
    return &backend;
}
