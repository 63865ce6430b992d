/* Loaded before libc (LD_PRELOAD): while the file that FULL_DISK_WHEN names exists, files whose path holds FULL_DISK_IN
 * cannot grow, as on a disk without room: ENOSPC. What stands in them already can be written over. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_full(int file, off64_t end) {
    const char *when = getenv("FULL_DISK_WHEN"), *where = getenv("FULL_DISK_IN");
    char link[64], path[PATH_MAX];
    struct stat64 status;
    ssize_t length;

    if (when == NULL || where == NULL || access(when, F_OK) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (strstr(path, where) == NULL || fstat64(file, &status) != 0 || !S_ISREG(status.st_mode) || end <= status.st_size)
        return 0;
    errno = ENOSPC;
    return 1;
}

static off64_t total(const struct iovec *parts, int count) {
    off64_t bytes = 0;

    for (int number = 0; number < count; number++)
        bytes += parts[number].iov_len;
    return bytes;
}

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))
typedef ssize_t (*pwrite_function)(int, const void *, size_t, off64_t);
typedef ssize_t (*pwritev_function)(int, const struct iovec *, int, off64_t);
typedef ssize_t (*write_function)(int, const void *, size_t);
typedef int (*allocate_function)(int, off64_t, off64_t);
typedef int (*fallocate_function)(int, int, off64_t, off64_t);

ssize_t pwrite64(int file, const void *data, size_t size, off64_t start) {
    return is_full(file, start + size) ? -1 : NEXT(pwrite_function, "pwrite64")(file, data, size, start);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t start) {
    return pwrite64(file, data, size, start);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t start) {
    return is_full(file, start + total(parts, count)) ? -1
           : NEXT(pwritev_function, "pwritev64")(file, parts, count, start);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t start) {
    return pwritev64(file, parts, count, start);
}

ssize_t write(int file, const void *data, size_t size) {
    off64_t start = lseek64(file, 0, SEEK_CUR);

    return start >= 0 && is_full(file, start + size) ? -1 : NEXT(write_function, "write")(file, data, size);
}

int posix_fallocate64(int file, off64_t start, off64_t size) {
    return is_full(file, start + size) ? ENOSPC : NEXT(allocate_function, "posix_fallocate64")(file, start, size);
}

int posix_fallocate(int file, off_t start, off_t size) {
    return posix_fallocate64(file, start, size);
}

int fallocate64(int file, int mode, off64_t start, off64_t size) {
    return is_full(file, start + size) ? -1 : NEXT(fallocate_function, "fallocate64")(file, mode, start, size);
}

int fallocate(int file, int mode, off_t start, off_t size) {
    return fallocate64(file, mode, start, size);
}
