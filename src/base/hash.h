/* Hashing: xxHash for bytes, and a mixer for a few words. */
#ifndef ONEPASS_BASE_HASH_H
#define ONEPASS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* XXH3, 64 bits. */
uint64_t op_hash_bytes(const void *bytes, size_t size);

/* Folds one more word into a hash: the two halves of a 128-bit product. */
static inline uint64_t op_mix(uint64_t hash, uint64_t word)
{
    __extension__ unsigned __int128 product =
        (unsigned __int128)(hash ^ 0x9e3779b97f4a7c15u) * (word ^ 0xd6e8feb86659fd93u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
