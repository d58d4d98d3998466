/* xxHash behind one function. */
#include "base/hash.h"

#include <xxhash.h>

uint64_t op_hash_bytes(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}
