/* One thread with a large stack runs the compiler: large graphs go deep in LLVM, and when LLVM would end
 * the process its handler parks that thread instead and everything goes on with the interpreter. */
#define _GNU_SOURCE
#include "run/compiler.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef ONEPASS_LIBDIR
#define ONEPASS_LIBDIR "/usr/local/lib"
#endif
#define BACKEND_FILE "libonepass-llvm.so"

enum { STACK_BYTES = 8 << 20 };

/* A request, on its caller's stack until it is done. */
typedef struct op_job {
    struct op_job *next;
    const uint8_t *signature;
    size_t size;
    op_isa isa;
    unsigned flags;
    op_dump_what what; /* 0: compile */
    const op_names *names;
    op_image *image;
    char **text;
    char *message;
    size_t message_size;
    op_status status;
    int done;
} op_job;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_once_t once;
    op_job *first, *last, *current;
    int running; /* the thread is there */
    int dead;    /* and why: reason */
    char reason[256];
    const op_backend *backend;
} compiler = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER,
    .once = PTHREAD_ONCE_INIT,
};

/* ---- finding the shared object ---- */

static void *try_open(const char *directory, const char *middle)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s%s/" BACKEND_FILE, directory, middle) >= sizeof path)
        return NULL;
    return access(path, R_OK) == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

/* Beside the file that holds this function, in ../lib from there, then where it was installed. */
static void *open_backend(void)
{
    Dl_info info;
    void *handle = NULL;
    char directory[4096] = "";
    if (dladdr((void *)(uintptr_t)&op_compiler_name, &info) && info.dli_fname) {
        /* a program found through PATH has a bare name here, which says nothing about where it lies */
        char *real = realpath(strchr(info.dli_fname, '/') ? info.dli_fname : "/proc/self/exe", NULL);
        if (real && strlen(real) < sizeof directory) {
            strcpy(directory, real);
            *strrchr(directory, '/') = 0;
        }
        free(real);
    }
    if (directory[0])
        handle = try_open(directory, "");
    if (!handle && directory[0])
        handle = try_open(directory, "/../lib");
    return handle ? handle : try_open(ONEPASS_LIBDIR, "");
}

/* ---- the thread ---- */

/* LLVM is about to end the process: fail the job, disable the compiler, and never come back. */
static void on_fatal(const char *reason)
{
    pthread_mutex_lock(&compiler.lock);
    compiler.dead = 1;
    snprintf(compiler.reason, sizeof compiler.reason, "the compiler gave up: %s", reason ? reason : "no reason given");
    for (op_job *job = compiler.current; job; job = job == compiler.current ? compiler.first : job->next) {
        job->status = OP_ERR_BACKEND;
        snprintf(job->message, job->message_size, "%s", compiler.reason);
        job->done = 1;
    }
    compiler.first = compiler.last = compiler.current = NULL;
    pthread_cond_broadcast(&compiler.done);
    pthread_mutex_unlock(&compiler.lock);
    for (;;)
        pause();
}

static int load_backend(void)
{
    void *handle = open_backend();
    if (!handle) {
        const char *why = dlerror();
        snprintf(compiler.reason, sizeof compiler.reason, "the compiler %s could not be loaded%s%s", BACKEND_FILE,
                 why ? ": " : "", why ? why : "");
        return 0;
    }
    op_backend_get_fn get;
    void *symbol = dlsym(handle, OP_BACKEND_SYMBOL);
    memcpy(&get, &symbol, sizeof get); /* ISO C has no cast from object to function pointers */
    const op_backend *backend = get ? get() : NULL;
    if (!backend || backend->version != OP_BACKEND_VERSION || backend->init(on_fatal) != 0) {
        snprintf(compiler.reason, sizeof compiler.reason, "%s is of another version or cannot start", BACKEND_FILE);
        return 0;
    }
    compiler.backend = backend;
    return 1;
}

static op_status run_job(op_job *job)
{
    const op_backend *backend = compiler.backend;
    if (!job->what)
        return backend->compile(job->signature, job->size, job->isa, job->flags, job->image, job->message,
                                job->message_size);
    return backend->print(job->signature, job->size, job->isa, job->flags, job->what, job->names, job->text,
                          job->message, job->message_size);
}

static void *serve(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&compiler.lock);
    if (!compiler.backend && !load_backend())
        compiler.dead = 1;
    for (;;) {
        while (!compiler.first)
            pthread_cond_wait(&compiler.work, &compiler.lock);
        op_job *job = compiler.first;
        compiler.first = job->next;
        if (!compiler.first)
            compiler.last = NULL;
        op_status status = OP_ERR_BACKEND;
        if (compiler.dead) {
            snprintf(job->message, job->message_size, "%s", compiler.reason);
        } else {
            compiler.current = job;
            pthread_mutex_unlock(&compiler.lock);
            status = run_job(job);
            pthread_mutex_lock(&compiler.lock);
            compiler.current = NULL;
        }
        job->status = status;
        job->done = 1;
        pthread_cond_broadcast(&compiler.done);
    }
    return NULL;
}

/* A forked child has no compiler thread, and must not inherit a lock that another thread held. */
static void before_fork(void)
{
    pthread_mutex_lock(&compiler.lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&compiler.lock);
}

static void after_fork_in_child(void)
{
    if (compiler.current) { /* LLVM's state was caught in the middle of something */
        compiler.dead = 1;
        strcpy(compiler.reason, "the process was forked during a compilation");
    }
    compiler.running = 0;
    compiler.first = compiler.last = compiler.current = NULL;
    pthread_cond_init(&compiler.work, NULL);
    pthread_cond_init(&compiler.done, NULL);
    pthread_mutex_init(&compiler.lock, NULL);
}

static void install_fork_handlers(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* Called with the lock held. Signals go to the application's threads, not to this one. */
static int start_thread(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, old;
    if (compiler.running)
        return 1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    compiler.running = pthread_create(&thread, &attributes, serve, NULL) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return compiler.running;
}

static op_status submit(op_job *job)
{
    pthread_once(&compiler.once, install_fork_handlers);
    pthread_mutex_lock(&compiler.lock);
    if (compiler.dead || !start_thread()) {
        snprintf(job->message, job->message_size, "%s",
                 compiler.dead ? compiler.reason : "no thread could be started for the compiler");
        pthread_mutex_unlock(&compiler.lock);
        return OP_ERR_BACKEND;
    }
    if (compiler.last)
        compiler.last->next = job;
    else
        compiler.first = job;
    compiler.last = job;
    pthread_cond_signal(&compiler.work);
    while (!job->done)
        pthread_cond_wait(&compiler.done, &compiler.lock);
    pthread_mutex_unlock(&compiler.lock);
    return job->status;
}

static unsigned backend_flags(const op_engine *engine)
{
    return engine->options.flags & OP_ENGINE_VERIFY || op_engine_debugs(engine, 'v') ? OP_BACKEND_VERIFY : 0;
}

op_status op_compiler_compile(op_engine *engine, const uint8_t *signature, size_t size, op_image *image, char *message,
                              size_t message_size)
{
    op_job job = {.signature = signature,
                  .size = size,
                  .isa = engine->isa,
                  .flags = backend_flags(engine),
                  .image = image,
                  .message = message,
                  .message_size = message_size};
    return submit(&job);
}

op_status op_compiler_print(op_engine *engine, const uint8_t *signature, size_t size, op_dump_what what,
                            const op_names *names, char **text, char *message, size_t message_size)
{
    op_job job = {.signature = signature,
                  .size = size,
                  .isa = engine->isa,
                  .flags = backend_flags(engine),
                  .what = what,
                  .names = names,
                  .text = text,
                  .message = message,
                  .message_size = message_size};
    return submit(&job);
}

const char *op_compiler_name(void)
{
    pthread_mutex_lock(&compiler.lock);
    const char *name = compiler.backend ? compiler.backend->compiler : NULL;
    pthread_mutex_unlock(&compiler.lock);
    return name;
}
