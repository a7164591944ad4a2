/* SPDX-License-Identifier: MIT */
/*
 * The functions of io_system() are one system call each, tried again when a
 * signal got in between; everything longer is made of them and so works over
 * any Io. Do not look here for standard input and its waiting: whether a
 * descriptor would block is the poller's business.
 */
#include "vm/base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE_MIN = 16 * 1024 }; /* most sources are shorter, and are read by one call and one that sees the end */

/* --- the system --- */

static int system_open(void *context, const char *path, IoMode mode) {
    (void)context;
    static const int flags[] = {
        [IO_READ] = O_RDONLY,
        [IO_WRITE] = O_WRONLY | O_CREAT | O_TRUNC,
        [IO_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
        [IO_OWN_READ] = O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
        [IO_OWN_UPDATE] = O_RDWR | O_NOFOLLOW | O_NONBLOCK,
        [IO_OWN_CREATE] = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
    };
    int descriptor;
    do
        descriptor = open(path, flags[mode] | O_CLOEXEC, mode >= IO_OWN_READ ? 0600 : 0666);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return -errno;
    if (mode >= IO_OWN_READ) {
        struct stat status;
        int r = fstat(descriptor, &status) < 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -EINVAL;
        if (r) {
            close(descriptor);
            return r;
        }
    }
    return descriptor;
}

static int64_t system_read(void *context, int descriptor, void *bytes, size_t size) {
    (void)context;
    ssize_t got;
    do
        got = read(descriptor, bytes, size);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* Another process may have set our terminal or pipe to not block; output must not get lost by that. */
static void wait_until_writable(int descriptor) {
    struct pollfd entry = {.fd = descriptor, .events = POLLOUT};
    poll(&entry, 1, -1);
}

static int64_t system_write(void *context, int descriptor, const void *bytes, size_t size) {
    (void)context;
    for (;;) {
        ssize_t written = write(descriptor, bytes, size);
        if (written >= 0)
            return written;
        if (errno == EAGAIN)
            wait_until_writable(descriptor);
        else if (errno != EINTR)
            return -errno;
    }
}

/* Not tried again: Linux has freed the descriptor, and it may be someone else's by now. */
static int system_close(void *context, int descriptor) {
    (void)context;
    return close(descriptor) < 0 && errno != EINTR ? -errno : 0;
}

static int system_info(void *context, const char *path, IoInfo *info) {
    (void)context;
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    info->kind = S_ISREG(status.st_mode) ? IO_FILE : S_ISDIR(status.st_mode) ? IO_FOLDER : IO_OTHER;
    info->size = status.st_size;
    return 0;
}

static int system_real_path(void *context, const char *path, Buffer *out) {
    (void)context;
    char bytes[PATH_MAX];
    if (!realpath(path, bytes))
        return -errno;
    return buffer_append_text(out, bytes);
}

static int system_delete_file(void *context, const char *path) {
    (void)context;
    return unlink(path) < 0 ? -errno : 0;
}

static int system_make_folder(void *context, const char *path) {
    (void)context;
    return mkdir(path, 0777) < 0 ? -errno : 0;
}

static int system_remove_folder(void *context, const char *path) {
    (void)context;
    return rmdir(path) < 0 ? -errno : 0;
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The entries until one is refused; readdir() tells its end from its failure by errno only. */
static int read_entries(DIR *folder, IoEntryFunction *entry, void *entry_context) {
    for (;;) {
        errno = 0;
        const struct dirent *found = readdir(folder);
        if (!found)
            return -errno;
        int r = is_dots(found->d_name) ? 0 : entry(entry_context, found->d_name);
        if (r)
            return r;
    }
}

static int system_list_folder(void *context, const char *path, IoEntryFunction *entry, void *entry_context) {
    (void)context;
    DIR *folder = opendir(path);
    if (!folder)
        return -errno;
    int r = read_entries(folder, entry, entry_context);
    closedir(folder);
    return r;
}

static int64_t system_read_at(void *context, int descriptor, uint64_t offset, void *bytes, size_t size) {
    (void)context;
    ssize_t got;
    do
        got = pread(descriptor, bytes, size, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static int64_t system_write_at(void *context, int descriptor, uint64_t offset, const void *bytes, size_t size) {
    (void)context;
    ssize_t written;
    do
        written = pwrite(descriptor, bytes, size, (off_t)offset);
    while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

static int64_t system_size(void *context, int descriptor) {
    (void)context;
    struct stat status;
    return fstat(descriptor, &status) < 0 ? -errno : status.st_size;
}

static int system_cut(void *context, int descriptor, uint64_t size) {
    (void)context;
    int r;
    do
        r = ftruncate(descriptor, (off_t)size);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* Not tried again after a failure other than a signal: the second try may find the pages marked clean. */
static int system_sync(void *context, int descriptor) {
    (void)context;
    int r;
    do
        r = fdatasync(descriptor);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static int system_sync_folder(void *context, const char *path) {
    (void)context;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    int r = fsync(descriptor) < 0 ? -errno : 0;
    close(descriptor);
    return r;
}

static int system_rename(void *context, const char *from, const char *to) {
    (void)context;
    return rename(from, to) < 0 ? -errno : 0;
}

static int system_lock(void *context, int descriptor) {
    (void)context;
    int r;
    do
        r = flock(descriptor, LOCK_EX | LOCK_NB);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static int system_forget(void *context, int descriptor) {
    (void)context;
    return -posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
}

Io io_system(void) {
    return (Io){
        .open = system_open,
        .read = system_read,
        .write = system_write,
        .close = system_close,
        .info = system_info,
        .real_path = system_real_path,
        .delete_file = system_delete_file,
        .make_folder = system_make_folder,
        .remove_folder = system_remove_folder,
        .list_folder = system_list_folder,
        .read_at = system_read_at,
        .write_at = system_write_at,
        .size = system_size,
        .cut = system_cut,
        .sync = system_sync,
        .sync_folder = system_sync_folder,
        .rename = system_rename,
        .lock = system_lock,
        .forget = system_forget,
    };
}

/* --- made of them --- */

int io_write_all_at(const Io *io, int descriptor, uint64_t offset, const void *bytes, size_t size) {
    const char *next = bytes;
    while (size > 0) {
        int64_t written = io_write_at(io, descriptor, offset, next, size);
        if (written < 0)
            return (int)written;
        next += written;
        offset += (uint64_t)written;
        size -= (size_t)written;
    }
    return 0;
}

int64_t io_read_all_at(const Io *io, int descriptor, uint64_t offset, void *bytes, size_t size) {
    char *next = bytes;
    size_t done = 0;
    while (done < size) {
        int64_t got = io_read_at(io, descriptor, offset + done, next + done, size - done);
        if (got < 0)
            return got;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

int io_write_all(const Io *io, int descriptor, const void *bytes, size_t size) {
    const char *next = bytes;
    while (size > 0) {
        int64_t written = io_write(io, descriptor, next, size);
        if (written < 0)
            return (int)written;
        next += written;
        size -= (size_t)written;
    }
    return 0;
}

static int read_to_end(const Io *io, int descriptor, size_t size_max, Buffer *out) {
    for (;;) {
        char *room = buffer_reserve(out, READ_SIZE_MIN);
        if (!room)
            return -ENOMEM;
        int64_t got = io_read(io, descriptor, room, out->capacity - out->size);
        if (got <= 0)
            return (int)got;
        out->size += (size_t)got;
        if (out->size > size_max)
            return -EFBIG;
    }
}

int io_read_file(const Io *io, const char *path, Buffer *out) {
    return io_read_file_within(io, path, SIZE_MAX, out);
}

int io_read_file_within(const Io *io, const char *path, size_t size_max, Buffer *out) {
    int descriptor = io_open(io, path, IO_READ);
    if (descriptor < 0)
        return descriptor;
    int r = read_to_end(io, descriptor, size_max, out);
    io_close(io, descriptor);
    return r;
}

int io_write_file(const Io *io, const char *path, IoMode mode, const void *bytes, size_t size) {
    check(mode != IO_READ);
    int descriptor = io_open(io, path, mode);
    if (descriptor < 0)
        return descriptor;
    int r = io_write_all(io, descriptor, bytes, size);
    int closed = io_close(io, descriptor); /* some file systems find out only here that the disk is full */
    return r ? r : closed;
}

/* The folders a path is in, outermost first; those that exist are fine. */
static int make_parents(const Io *io, const char *path) {
    char parent[PATH_MAX];
    for (size_t size = 1; path[size - 1]; size++) {
        if (size == sizeof parent)
            return -ENAMETOOLONG;
        parent[size - 1] = path[size - 1];
        if (path[size] != '/')
            continue;
        parent[size] = '\0';
        int r = io_make_folder(io, parent);
        if (r && r != -EEXIST)
            return r;
    }
    return 0;
}

int io_make_folders(const Io *io, const char *path) {
    int r = io_make_folder(io, path);
    if (r == -ENOENT) {
        r = make_parents(io, path);
        if (!r)
            r = io_make_folder(io, path);
    }
    return r == -EEXIST && io_is(io, path, IO_FOLDER) ? 0 : r;
}
