/* Whole-or-nothing output files. */
#include "io/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/dtype.h"
#include "base/status.h"
#include "io/npy.h"

enum { TRIES = 100, ZEROS = 64 << 10 };

static op_status cannot(const op_store *store, const char *why)
{
    return op_fail(OP_ERR_IO, "cannot write %s: %s", store->target, why);
}

void op_store_discard(op_store *store)
{
    if (store->bytes)
        munmap(store->bytes, store->size);
    if (store->temporary)
        unlink(store->temporary);
    if (store->owns_fd)
        close(store->fd);
    free(store->temporary);
    free(store->target);
    *store = (op_store){.fd = -1};
}

/* Discards the store, keeps the error. */
static op_status give_up(op_store *store, op_status status)
{
    op_store_discard(store);
    return status;
}

/* A file of a new name in the target's directory. */
static op_status create_temporary(op_store *store)
{
    static _Atomic unsigned counter;
    const char *slash = strrchr(store->target, '/');
    size_t directory = slash ? (size_t)(slash - store->target) + 1 : 0, room = directory + 64;
    store->temporary = malloc(room);
    if (!store->temporary)
        return op_fail(OP_ERR_MEMORY, "out of memory");
    memcpy(store->temporary, store->target, directory);
    for (int i = 0; i < TRIES; i++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(store->temporary + directory, room - directory, ".onepass-%lx-%lx-%x.tmp", (long)getpid(),
                 now.tv_nsec, counter++);
        store->fd = open(store->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        store->owns_fd = store->fd >= 0;
        if (store->owns_fd)
            return OP_OK;
        if (errno != EEXIST)
            break;
    }
    int error = errno;
    free(store->temporary); /* not ours to unlink */
    store->temporary = NULL;
    return cannot(store, strerror(error));
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno;
        bytes += done;
        size -= (size_t)done;
    }
    return 0;
}

/* Gives the file its size in blocks that exist. Returns an errno. */
static int reserve(int fd, size_t size)
{
    static const uint8_t zeros[ZEROS];
    int error;
    do
        error = posix_fallocate(fd, 0, (off_t)size);
    while (error == EINTR);
    if (error != EINVAL && error != EOPNOTSUPP)
        return error;
    for (error = 0; size && !error; size -= size < ZEROS ? size : ZEROS) /* a file system without it */
        error = write_all(fd, zeros, size < ZEROS ? size : ZEROS);
    return error;
}

static op_status map(op_store *store)
{
    int flags = store->temporary ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *bytes = mmap(NULL, store->size, PROT_READ | PROT_WRITE, flags, store->temporary ? store->fd : -1, 0);
    if (bytes == MAP_FAILED)
        return cannot(store, strerror(errno));
    store->bytes = bytes;
    return OP_OK;
}

/* The file that a path means once its symbolic links are followed. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    return real ? real : strdup(path);
}

op_status op_store_open_fd(op_store *store, int fd, const char *name, size_t size)
{
    *store = (op_store){.size = size, .fd = fd, .target = strdup(name)};
    if (!store->target)
        return op_fail(OP_ERR_MEMORY, "out of memory");
    op_status status = map(store);
    return status == OP_OK ? OP_OK : give_up(store, status);
}

/* A device or a pipe: opened now, so that what cannot be written is known before the work. */
static op_status open_special(op_store *store, const char *path, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return op_fail(OP_ERR_IO, "cannot write %s: %s", path, strerror(errno));
    op_status status = op_store_open_fd(store, fd, path, size);
    if (status != OP_OK)
        close(fd);
    else
        store->owns_fd = 1;
    return status;
}

op_status op_store_open(op_store *store, const char *path, size_t size)
{
    struct stat info;
    int exists = stat(path, &info) == 0;
    *store = (op_store){.fd = -1};
    if (exists && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return open_special(store, path, size);

    *store = (op_store){.size = size, .fd = -1, .target = resolve(path)};
    if (!store->target)
        return op_fail(OP_ERR_MEMORY, "out of memory");
    if (exists && S_ISDIR(info.st_mode))
        return give_up(store, cannot(store, "it is a directory"));
    if (exists && access(path, W_OK))
        return give_up(store, cannot(store, strerror(errno)));
    op_status status = create_temporary(store);
    if (status != OP_OK)
        return give_up(store, status);
    if (exists && fchmod(store->fd, info.st_mode & 0777))
        return give_up(store, cannot(store, strerror(errno)));
    int error = reserve(store->fd, size);
    if (error)
        return give_up(store, op_fail(OP_ERR_IO, "cannot write %s: no room for %zu bytes: %s", store->target, size,
                                      strerror(error)));
    status = map(store);
    return status == OP_OK ? OP_OK : give_up(store, status);
}

op_status op_store_open_npy(op_store *store, const char *path, int fd, op_dtype dtype, int ndim,
                            const int64_t *shape, op_view *view)
{
    uint8_t header[OP_NPY_HEADER_MAX];
    int64_t bytes = op_dtype_size(dtype);
    *store = (op_store){.fd = -1};
    if (!op_npy_has_dtype(dtype))
        return op_fail(OP_ERR_UNSUPPORTED, "cannot write %s: NumPy's files have no %s", path, op_dtype_name(dtype));
    for (int i = 0; i < ndim; i++)
        if (shape[i] == 0)
            bytes = 0;
    for (int i = 0; i < ndim && bytes; i++)
        if (__builtin_mul_overflow(bytes, shape[i], &bytes) || bytes > INT64_MAX / 2)
            return op_fail(OP_ERR_LIMIT, "cannot write %s: the result is larger than any file", path);

    size_t offset = op_npy_write_header(dtype, ndim, shape, header), size = offset + (size_t)bytes;
    op_status status = fd < 0 ? op_store_open(store, path, size) : op_store_open_fd(store, fd, path, size);
    if (status != OP_OK)
        return status;
    memcpy(store->bytes, header, offset);
    *view = op_view_nd(dtype, store->bytes + offset, ndim, shape, NULL);
    return OP_OK;
}

op_status op_store_commit(op_store *store)
{
    if (!store->temporary) {
        int error = write_all(store->fd, store->bytes, store->size);
        return give_up(store, error ? cannot(store, strerror(error)) : OP_OK);
    }
    munmap(store->bytes, store->size);
    store->bytes = NULL;
    store->owns_fd = 0;
    /* A network file system reports lost writes here. */
    int failed = close(store->fd) || rename(store->temporary, store->target);
    op_status status = failed ? cannot(store, strerror(errno)) : OP_OK;
    if (failed)
        unlink(store->temporary);
    free(store->temporary);
    store->temporary = NULL;
    op_store_discard(store);
    return status;
}
