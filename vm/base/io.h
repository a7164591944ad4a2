/* SPDX-License-Identifier: MIT */
/*
 * Io: the door to files, the only place that makes system calls on them. A
 * test that puts its own functions here decides what is on the disk and
 * which call fails.
 *
 * Paths end with a NUL byte. Results are zero or more when it went well, and
 * a negative errno when not. No function returns early because of a signal.
 */
#pragma once

#include "vm/base/buffer.h"

typedef enum IoMode {
    IO_READ,
    IO_WRITE,  /* creates the file or empties it */
    IO_APPEND, /* creates the file; each write goes to its end */
    /* Files of our own, which nobody else may read: a link is not followed, and only a regular file is opened. */
    IO_OWN_READ,
    IO_OWN_UPDATE, /* to read and write */
    IO_OWN_CREATE, /* the same; -EEXIST when there is something of that name */
} IoMode;

typedef enum IoKind {
    IO_FILE, /* a regular file */
    IO_FOLDER,
    IO_OTHER, /* a device, a pipe, a socket */
} IoKind;

typedef struct IoInfo {
    IoKind kind;
    int64_t size; /* in bytes; of a regular file */
} IoInfo;

/* Called with the name of each entry, which lives until it returns. Anything but 0 ends the listing. */
typedef int IoEntryFunction(void *context, const char *name);

typedef struct Io Io;
struct Io {
    /* What the functions below call, in their order. */
    int (*open)(void *context, const char *path, IoMode mode);
    int64_t (*read)(void *context, int descriptor, void *bytes, size_t size);
    int64_t (*write)(void *context, int descriptor, const void *bytes, size_t size);
    int (*close)(void *context, int descriptor);
    int (*info)(void *context, const char *path, IoInfo *info);
    int (*real_path)(void *context, const char *path, Buffer *out);
    int (*delete_file)(void *context, const char *path);
    int (*make_folder)(void *context, const char *path);
    int (*remove_folder)(void *context, const char *path);
    int (*list_folder)(void *context, const char *path, IoEntryFunction *entry, void *entry_context);
    int64_t (*read_at)(void *context, int descriptor, uint64_t offset, void *bytes, size_t size);
    int64_t (*write_at)(void *context, int descriptor, uint64_t offset, const void *bytes, size_t size);
    int64_t (*size)(void *context, int descriptor);
    int (*cut)(void *context, int descriptor, uint64_t size);
    int (*sync)(void *context, int descriptor);
    int (*sync_folder)(void *context, const char *path);
    int (*rename)(void *context, const char *from, const char *to);
    int (*lock)(void *context, int descriptor);
    int (*forget)(void *context, int descriptor);
    void *context;
};

/* The system's files. */
Io io_system(void);

/* --- one call each --- */

/* A descriptor, which programs started by this one do not inherit. */
static inline MUST_CHECK int io_open(const Io *io, const char *path, IoMode mode) {
    return io->open(io->context, path, mode);
}
/* Reads what is there, at least one byte and at most `size`. How many; 0 at the end. */
static inline MUST_CHECK int64_t io_read(const Io *io, int descriptor, void *bytes, size_t size) {
    return io->read(io->context, descriptor, bytes, size);
}
/* Writes some of the bytes, at least one. How many. Waits, even where the descriptor is set not to. */
static inline MUST_CHECK int64_t io_write(const Io *io, int descriptor, const void *bytes, size_t size) {
    return io->write(io->context, descriptor, bytes, size);
}
/* The descriptor is gone, even when this reports that something written before could not be kept. */
static inline int io_close(const Io *io, int descriptor) {
    return io->close(io->context, descriptor);
}
/* What the path leads to, links followed. -ENOENT when nothing is there. */
static inline MUST_CHECK int io_info(const Io *io, const char *path, IoInfo *info) {
    return io->info(io->context, path, info);
}
/* Appends the absolute path without links, "." and ".."; so that of "." is the current folder. */
static inline MUST_CHECK int io_real_path(const Io *io, const char *path, Buffer *out) {
    return io->real_path(io->context, path, out);
}
/* Deletes a name that is no folder's. */
static inline MUST_CHECK int io_delete_file(const Io *io, const char *path) {
    return io->delete_file(io->context, path);
}
/* Makes one folder. -EEXIST when there is something of that name. */
static inline MUST_CHECK int io_make_folder(const Io *io, const char *path) {
    return io->make_folder(io->context, path);
}
/* Removes an empty folder. */
static inline MUST_CHECK int io_remove_folder(const Io *io, const char *path) {
    return io->remove_folder(io->context, path);
}
/* Calls `entry` for each name but "." and "..", in no order; returns what ended it. */
static inline MUST_CHECK int io_list_folder(const Io *io, const char *path, IoEntryFunction *entry, void *context) {
    return io->list_folder(io->context, path, entry, context);
}

/* Reads some of what stands at `offset`. How many bytes; 0 at or behind the end. */
static inline MUST_CHECK int64_t io_read_at(const Io *io, int descriptor, uint64_t offset, void *bytes, size_t size) {
    return io->read_at(io->context, descriptor, offset, bytes, size);
}
/* Writes some of the bytes at `offset`, at least one. How many. Not durable before io_sync(). */
static inline MUST_CHECK int64_t io_write_at(const Io *io, int descriptor, uint64_t offset, const void *bytes,
                                             size_t size) {
    return io->write_at(io->context, descriptor, offset, bytes, size);
}
/* Bytes in the file. */
static inline MUST_CHECK int64_t io_size(const Io *io, int descriptor) {
    return io->size(io->context, descriptor);
}
/* Makes the file `size` bytes long, by cutting or by zeros. */
static inline MUST_CHECK int io_cut(const Io *io, int descriptor, uint64_t size) {
    return io->cut(io->context, descriptor, size);
}
/*
 * What was written to the file is on the disk. After a failure nobody knows
 * what is, and trying again may say yes while bytes are lost: it is final.
 */
static inline MUST_CHECK int io_sync(const Io *io, int descriptor) {
    return io->sync(io->context, descriptor);
}
/* The names in the folder are on the disk: those created, renamed and deleted. Final like io_sync(). */
static inline MUST_CHECK int io_sync_folder(const Io *io, const char *path) {
    return io->sync_folder(io->context, path);
}
/* Gives a file a new name, in place of whatever had it, at one instant. */
static inline MUST_CHECK int io_rename(const Io *io, const char *from, const char *to) {
    return io->rename(io->context, from, to);
}
/* Locks the file until it is closed or the process ends. -EWOULDBLOCK: somebody else has it. */
static inline MUST_CHECK int io_lock(const Io *io, int descriptor) {
    return io->lock(io->context, descriptor);
}
/*
 * The next reads ask the disk, not the copy in memory, where that copy may
 * be thrown away. A failed sync can leave pages that claim to be written.
 */
static inline MUST_CHECK int io_forget(const Io *io, int descriptor) {
    return io->forget(io->context, descriptor);
}

/* --- made of them --- */

static inline bool io_exists(const Io *io, const char *path) {
    IoInfo info;
    return io_info(io, path, &info) == 0;
}
static inline bool io_is(const Io *io, const char *path, IoKind kind) {
    IoInfo info;
    return io_info(io, path, &info) == 0 && info.kind == kind;
}
/* Writes all the bytes. */
int io_write_all(const Io *io, int descriptor, const void *bytes, size_t size) MUST_CHECK;
int io_write_all_at(const Io *io, int descriptor, uint64_t offset, const void *bytes, size_t size) MUST_CHECK;
/* Reads up to `size` bytes, fewer only at the end of the file. How many, or a negative errno. */
int64_t io_read_all_at(const Io *io, int descriptor, uint64_t offset, void *bytes, size_t size) MUST_CHECK;
/* Appends the whole file. After a failure the buffer holds a part of it, or nothing. */
int io_read_file(const Io *io, const char *path, Buffer *out) MUST_CHECK;
/* The same; -EFBIG as soon as the buffer holds more than `size_max` bytes: a file may have no end. */
int io_read_file_within(const Io *io, const char *path, size_t size_max, Buffer *out) MUST_CHECK;
/* Opens in `mode` (IO_WRITE or IO_APPEND), writes the bytes and closes. */
int io_write_file(const Io *io, const char *path, IoMode mode, const void *bytes, size_t size) MUST_CHECK;
/* Makes a folder and those it is in; fine when it exists. */
int io_make_folders(const Io *io, const char *path) MUST_CHECK;
