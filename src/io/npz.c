/* A reader for the part of zip that numpy.savez and savez_compressed use. Own code rather than a zip
 * library because a stored member is to be used where it lies in the mapped file. Every offset and
 * length in the archive is checked against its size before it is used.
 *
 * Layout: members, each a local header and its data; the directory, one entry per member; the end
 * record, which says where the directory is. Format: PKWARE's APPNOTE.TXT, 4.3 and 4.5.3. */
#include "io/npz.h"

#include <string.h>
#if ONEPASS_HAVE_ZLIB
#include <zlib.h>
#endif

#include "base/status.h"

enum {
    LOCAL_SIZE = 30, ENTRY_SIZE = 46, END_SIZE = 22, END64_SIZE = 56, LOCATOR_SIZE = 20,
    COMMENT_MAX = 65535,
    EXTRA_ZIP64 = 1,
    FLAG_ENCRYPTED = 1,
    STORED = 0, DEFLATED = 8,
    DEFLATE_RATIO = 1032, /* deflate cannot do better: more is a damaged or hostile size */
    NAMES_MAX = 160,
};

typedef struct archive {
    const uint8_t *bytes;
    uint64_t size;
    uint64_t directory, directory_end;
    const char *path;
} archive;

typedef struct member {
    const char *name; /* not terminated */
    size_t name_length;
    unsigned flags, method;
    uint32_t crc;
    uint64_t stored_size, size, local;
} member;

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static op_status damaged(const archive *a, const char *what)
{
    return op_fail(OP_ERR_FORMAT, "%s is damaged: %s", a->path, what);
}

/* Finds the directory from the end record, which a comment of up to 64 kB may follow. */
static op_status open_archive(archive *a)
{
    if (a->size < END_SIZE)
        return op_fail(OP_ERR_FORMAT, "%s is not a .npz file", a->path);
    uint64_t end = a->size - END_SIZE, lowest = end > COMMENT_MAX ? end - COMMENT_MAX : 0;
    while (memcmp(a->bytes + end, "PK\5\6", 4) != 0 || u16(a->bytes + end + 20) != a->size - END_SIZE - end)
        if (end-- == lowest)
            return op_fail(OP_ERR_FORMAT, "%s is not a .npz file, or is cut short: it has no directory", a->path);

    uint64_t length = u32(a->bytes + end + 12);
    a->directory = u32(a->bytes + end + 16);
    const uint8_t *locator = end >= LOCATOR_SIZE ? a->bytes + end - LOCATOR_SIZE : NULL;
    if (locator && !memcmp(locator, "PK\6\7", 4)) {
        uint64_t end64 = u64(locator + 8);
        if (end64 > a->size - END_SIZE || a->size - end64 < END64_SIZE || memcmp(a->bytes + end64, "PK\6\6", 4) != 0)
            return damaged(a, "its end record is not where it should be");
        length = u64(a->bytes + end64 + 40);
        a->directory = u64(a->bytes + end64 + 48);
    }
    if (a->directory > end || length > end - a->directory)
        return damaged(a, "its directory lies outside the file");
    a->directory_end = a->directory + length;
    return OP_OK;
}

/* Sizes that do not fit 32 bits are in an extra field, only those, in this order. */
static int read_zip64(const uint8_t *extra, size_t length, member *m)
{
    uint64_t *wide[] = {&m->size, &m->stored_size, &m->local};
    while (length >= 4) {
        size_t field = u16(extra + 2);
        if (field > length - 4)
            return 0;
        if (u16(extra) == EXTRA_ZIP64) {
            size_t at = 0;
            for (int i = 0; i < 3; i++) {
                if (*wide[i] != UINT32_MAX)
                    continue;
                if (field - at < 8)
                    return 0;
                *wide[i] = u64(extra + 4 + at);
                at += 8;
            }
        }
        extra += 4 + field;
        length -= 4 + field;
    }
    return 1;
}

/* Reads the entry at *at and moves on to the next. */
static op_status read_entry(const archive *a, uint64_t *at, member *m)
{
    const uint8_t *entry = a->bytes + *at;
    uint64_t room = a->directory_end - *at;
    if (room < ENTRY_SIZE || memcmp(entry, "PK\1\2", 4) != 0)
        return damaged(a, "an entry of its directory is not one");
    size_t extra = u16(entry + 30);
    *m = (member){.name = (const char *)entry + ENTRY_SIZE, .name_length = u16(entry + 28), .flags = u16(entry + 8),
                  .method = u16(entry + 10), .crc = u32(entry + 16), .stored_size = u32(entry + 20),
                  .size = u32(entry + 24), .local = u32(entry + 42)};
    uint64_t total = ENTRY_SIZE + (uint64_t)m->name_length + extra + u16(entry + 32);
    if (total > room || !read_zip64(entry + ENTRY_SIZE + m->name_length, extra, m))
        return damaged(a, "an entry of its directory does not end");
    *at += total;
    return OP_OK;
}

/* The name without ".npy"; 0 if it has another ending. */
static size_t stem(const member *m)
{
    if (m->name_length <= 4 || memcmp(m->name + m->name_length - 4, ".npy", 4) != 0)
        return 0;
    return m->name_length - 4;
}

static int is_named(const member *m, const char *name)
{
    size_t length = strlen(name);
    return (length == m->name_length || length == stem(m)) && !memcmp(m->name, name, length);
}

static void add_name(char names[NAMES_MAX], const member *m)
{
    size_t used = strlen(names), length = stem(m);
    if (used + length + 8 > NAMES_MAX) {
        if (used < 3 || strcmp(names + used - 3, "...") != 0)
            snprintf(names + used, NAMES_MAX - used, "%s...", used ? ", " : "");
        return;
    }
    used += (size_t)snprintf(names + used, NAMES_MAX - used, "%s", used ? ", " : "");
    for (size_t i = 0; i < length; i++) /* somebody else's bytes: nothing for the terminal to obey */
        names[used++] = m->name[i] >= ' ' && m->name[i] <= '~' ? m->name[i] : '?';
    names[used] = 0;
}

static op_status find(const archive *a, const char *name, member *found)
{
    char names[NAMES_MAX] = "";
    int n = 0;
    for (uint64_t at = a->directory; at < a->directory_end;) {
        member m;
        op_status status = read_entry(a, &at, &m);
        if (status != OP_OK)
            return status;
        if (!stem(&m))
            continue;
        if (name && is_named(&m, name))
            return *found = m, OP_OK;
        n++;
        *found = m;
        add_name(names, &m);
    }
    if (n == 0)
        return op_fail(OP_ERR_FORMAT, "%s has no arrays in it", a->path);
    if (name)
        return op_fail(OP_ERR_NAME, "%s has no array '%s'; it has %s", a->path, name, names);
    if (n > 1)
        return op_fail(OP_ERR_NAME, "%s has %d arrays (%s): name one, as in %s:NAME", a->path, n, names, a->path);
    return OP_OK;
}

/* Where the member's bytes begin: after its local header. */
static op_status locate(const archive *a, const member *m, const uint8_t **data)
{
    const uint8_t *local = a->bytes + m->local;
    if (m->local > a->size - END_SIZE || a->size - m->local < LOCAL_SIZE || memcmp(local, "PK\3\4", 4) != 0)
        return damaged(a, "an array is not where its directory says");
    uint64_t begin = m->local + LOCAL_SIZE + u16(local + 26) + u16(local + 28);
    if (begin > a->size || m->stored_size > a->size - begin)
        return damaged(a, "an array lies outside the file");
    *data = a->bytes + begin;
    return OP_OK;
}

#if ONEPASS_HAVE_ZLIB
/* Inflates into exactly m->size bytes. zlib counts in 32 bits, hence the pieces. */
static int inflate_all(const uint8_t *data, const member *m, uint8_t *out)
{
    enum { PIECE = 1 << 30 };
    z_stream z = {0};
    uint64_t in_left = m->stored_size, out_left = m->size;
    uLong crc = crc32(0, NULL, 0);
    if (inflateInit2(&z, -15) != Z_OK)
        return 0;
    z.next_in = (Bytef *)(uintptr_t)data;
    z.next_out = out;
    int result = Z_OK;
    do {
        if (!z.avail_in)
            in_left -= z.avail_in = in_left > PIECE ? PIECE : (uInt)in_left;
        if (!z.avail_out)
            out_left -= z.avail_out = out_left > PIECE ? PIECE : (uInt)out_left;
        Bytef *from = z.next_out;
        result = inflate(&z, Z_NO_FLUSH);
        crc = crc32(crc, from, (uInt)(z.next_out - from));
    } while (result == Z_OK && (z.avail_in || in_left || z.avail_out || out_left));
    int whole = result == Z_STREAM_END && !z.avail_out && !out_left && crc == m->crc;
    inflateEnd(&z);
    return whole;
}
#endif

/* Replaces the archive by the member's bytes. */
static op_status inflate_member(op_block *block, const archive *a, const member *m, const uint8_t *data)
{
#if ONEPASS_HAVE_ZLIB
    if (m->size / DEFLATE_RATIO > m->stored_size + 1)
        return damaged(a, "an array is too large for its compressed bytes");
    op_block inflated;
    uint8_t *bytes = NULL;
    op_status status = op_block_alloc(&inflated, m->size, a->path, block->allocator, &bytes);
    if (status != OP_OK)
        return status;
    if (!inflate_all(data, m, bytes)) {
        op_block_release(&inflated);
        return damaged(a, "the compressed bytes of an array do not match its checksum");
    }
    op_block_release(block);
    *block = inflated;
    return OP_OK;
#else
    (void)block, (void)m, (void)data;
    return op_fail(OP_ERR_UNSUPPORTED, "%s is compressed, and this build has no zlib", a->path);
#endif
}

op_status op_npz_select(op_block *block, const char *path, const char *name)
{
    archive a = {.bytes = block->bytes, .size = block->size, .path = path};
    member m = {0};
    const uint8_t *data = NULL;
    op_status status = open_archive(&a);
    if (status == OP_OK)
        status = find(&a, name, &m);
    if (status == OP_OK)
        status = locate(&a, &m, &data);
    if (status != OP_OK)
        return status;
    if (m.flags & FLAG_ENCRYPTED)
        return op_fail(OP_ERR_UNSUPPORTED, "%s is encrypted", path);
    if (m.method == STORED && m.size == m.stored_size) {
        block->bytes = data;
        block->size = m.size;
        return OP_OK;
    }
    if (m.method != DEFLATED)
        return op_fail(OP_ERR_UNSUPPORTED, "%s: compression method %u is not supported", path, m.method);
    return inflate_member(block, &a, &m, data);
}
