/* Code: a program made ready to run, interpreted or compiled, and the cache that keeps it. */
#ifndef ONEPASS_RUN_CODE_H
#define ONEPASS_RUN_CODE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/isa.h"
#include "base/memory.h"
#include "plan/abi.h"
#include "plan/program.h"

/* Where the interpreter keeps the values of a program: slots that are used again. */
typedef struct op_slots {
    uint32_t *slot; /* by instruction */
    uint32_t n_slot;
} op_slots;

typedef enum op_code_state { OP_CODE_COMPILING, OP_CODE_READY } op_code_state;

/* Immutable once it is ready. Reference-counted: the cache holds one, each run another. */
typedef struct op_code {
    struct op_code *next; /* in the cache's bucket */
    const op_allocator *allocator;
    uint64_t hash;
    uint8_t *key; /* the signature */
    size_t key_size;
    op_program program;
    void *program_memory;
    op_slots slots;
    op_kernel_fn fn; /* NULL: the interpreter runs it */
    void *mapping;   /* of the image */
    size_t mapping_size;
    const char *why_interpreted; /* static text, or NULL */
    double compile_seconds;
    _Atomic int refs;
    _Atomic int state; /* op_code_state */
    uint64_t last_use; /* of the cache's clock */
} op_code;

enum { OP_CACHE_BUCKETS = 1024 };

typedef struct op_cache {
    pthread_mutex_t lock;
    pthread_cond_t ready;
    op_code *bucket[OP_CACHE_BUCKETS];
    uint32_t n_code;
    uint64_t clock;
} op_cache;

/* Why a lookup missed; "" for a hit. */
typedef struct op_lookup {
    op_code *code;
    const char *miss;
    int compiled;
} op_lookup;

int op_cache_init(op_cache *cache);
void op_cache_free(op_cache *cache);

/* The code of a signature, compiled now if it is not there. The caller owns a reference. */
op_status op_cache_get(op_engine *engine, const uint8_t *key, size_t key_size, op_lookup *lookup);
void op_code_retain(op_code *code);
void op_code_release(op_code *code);

/* Runs a range (abi.h) on the calling thread, whichever tier has it. Returns 0 if out of memory. */
int op_code_run(const op_code *code, const op_kernel_args *args, int64_t begin, int64_t end);

/* The interpreter. */
int op_interpret_prepare(const op_program *program, const op_allocator *allocator, op_slots *slots);
int op_interpret(const op_code *code, const op_kernel_args *args, int64_t begin, int64_t end);

/* The call table of kernels. */
extern const op_call_fn op_calls[OP_CALL_END];

#endif
