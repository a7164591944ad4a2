/* SPDX-License-Identifier: MIT */
/*
 * Folders wait in a list, so that a deep tree is no deep recursion. A folder
 * is known by its real path: links that lead in a circle end there.
 */
#include "repl/test_files.h"

#include "repl/exit.h"
#include "repl/report.h"
#include "vm/base/table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct PendingFolder {
    struct PendingFolder *next;
    const char *path;
} PendingFolder;

/* One walk. */
typedef struct Walk {
    TestFiles *files;
    const Io *io;
    Table known; /* real paths of folders */
    PendingFolder *pending;
    const char *folder; /* that is being listed */
} Walk;

void test_files_init(TestFiles *files, Arena *arena) {
    *files = (TestFiles){.arena = arena};
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_source(const char *path) {
    size_t size = strlen(path);
    return size >= 4 && strcmp(path + size - 4, ".seq") == 0;
}

static bool is_test_file(const char *path) {
    return strncmp(name_of(path), "test-", 5) == 0 && is_source(path);
}

static void append(TestFiles *files, const char *path) {
    if (files->count == files->capacity) {
        uint32_t capacity = files->capacity ? 2 * files->capacity : 64;
        const char **paths = arena_try(files->arena, capacity * sizeof *paths);
        if (!paths)
            return; /* the arena remembers */
        if (files->count)
            memcpy(paths, files->paths, files->count * sizeof *paths);
        files->paths = paths;
        files->capacity = capacity;
    }
    files->paths[files->count++] = path;
}

static void add_folder(Walk *walk, const char *path) {
    CLEANUP(buffer_deinit) Buffer real;
    buffer_init(&real, walk->files->arena->mem);
    if (io_real_path(walk->io, path, &real) || table_find(&walk->known, real.bytes, real.size))
        return;
    const char *key = arena_copy(walk->files->arena, real.bytes, real.size);
    if (!key || table_put(&walk->known, key, real.size, walk)) {
        walk->files->arena->failed = true;
        return;
    }
    PendingFolder *folder = arena_new(walk->files->arena, PendingFolder);
    *folder = (PendingFolder){.next = walk->pending, .path = path};
    walk->pending = folder;
}

/* An entry of the folder that is being listed. */
static int add_entry(void *context, const char *name) {
    Walk *walk = context;
    const char *slash = walk->folder[strlen(walk->folder) - 1] == '/' ? "" : "/";
    const char *path = arena_format(walk->files->arena, "%s%s%s", walk->folder, slash, name);
    if (!path)
        return -ENOMEM;
    IoInfo info;
    if (io_info(walk->io, path, &info))
        return 0; /* a link to nowhere */
    if (info.kind == IO_FOLDER && name[0] != '.')
        add_folder(walk, path);
    else if (info.kind == IO_FILE && is_test_file(path))
        append(walk->files, path);
    return 0;
}

static int walk_folders(Walk *walk) {
    int worst = EXIT_FINE;
    while (walk->pending) {
        walk->folder = walk->pending->path;
        walk->pending = walk->pending->next;
        int r = io_list_folder(walk->io, walk->folder, add_entry, walk);
        if (r) {
            report_error("cannot list %s: %s", walk->folder, strerror(-r));
            worst = EXIT_FAILED;
        }
    }
    return worst;
}

static int add_tree(TestFiles *files, const Io *io, const char *path) {
    Walk walk = {.files = files, .io = io};
    table_init(&walk.known, files->arena->mem);
    add_folder(&walk, path);
    int r = walk_folders(&walk);
    table_deinit(&walk.known);
    return r;
}

int test_files_add(TestFiles *files, const Io *io, const char *path) {
    IoInfo info;
    int r = *path ? io_info(io, path, &info) : -ENOENT;
    if (r) {
        report_error("cannot find tests in '%s': %s", path, strerror(-r));
        return EXIT_USAGE;
    }
    if (info.kind == IO_FOLDER)
        return add_tree(files, io, path);
    if (!is_test_file(path)) {
        report_error("Test files must be named test-*.seq. Got: %s", path);
        return EXIT_USAGE;
    }
    append(files, path);
    return EXIT_FINE;
}

static int compare_paths(const void *left, const void *right) {
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

void test_files_sort(TestFiles *files) {
    if (files->count == 0)
        return;
    qsort(files->paths, files->count, sizeof *files->paths, compare_paths);
    uint32_t kept = 1;
    for (uint32_t index = 1; index < files->count; index++) {
        if (strcmp(files->paths[index], files->paths[kept - 1]) != 0)
            files->paths[kept++] = files->paths[index];
    }
    files->count = kept;
}
