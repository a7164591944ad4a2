/* SPDX-License-Identifier: MIT */
#include "vm/embed/reader.h"

#include "builtins/std.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *std_text(void *context, const char *name, size_t *sizep) {
    (void)context;
    for (const StdModule *module = std_modules; module->name; module++) {
        if (strcmp(module->name, name) == 0) {
            *sizep = module->size;
            return module->text;
        }
    }
    return NULL;
}

static const char *std_name(void *context, uint32_t index) {
    (void)context;
    for (const StdModule *module = std_modules; module->name; module++) {
        if (index-- == 0)
            return module->name;
    }
    return NULL;
}

static const char *std_folder(void *context, uint32_t index) {
    const FileReader *files = context;
    for (const char *const *folder = files->std_folders; folder && *folder; folder++) {
        if (io_is(files->io, *folder, IO_FOLDER) && index-- == 0)
            return *folder;
    }
    return NULL;
}

static int find(void *context, Arena *arena, const char *path, const char **identityp) {
    const FileReader *files = context;
    Buffer real;
    buffer_init(&real, arena->mem);
    int r = io_real_path(files->io, path, &real);
    if (!r) {
        *identityp = arena_copy(arena, buffer_text(&real), real.size);
        r = *identityp ? 0 : -ENOMEM;
    }
    buffer_deinit(&real);
    return r == -ENOENT || r == -ENOTDIR ? MODULE_E_NOT_FOUND : r;
}

static int read_text(void *context, Arena *arena, const char *identity, const char **textp, size_t *sizep) {
    const Io *io = ((const FileReader *)context)->io;
    Buffer text;
    buffer_init(&text, arena->mem);
    int r = io_is(io, identity, IO_OTHER) ? -EINVAL : 0; /* a pipe might never end, and never begin */
    if (!r)
        r = io_read_file_within(io, identity, SOURCE_SIZE_MAX, &text);
    if (!r) {
        *sizep = text.size;
        *textp = arena_copy(arena, text.bytes ? text.bytes : "", text.size);
        r = *textp ? 0 : -ENOMEM;
    }
    buffer_deinit(&text);
    return r;
}

ModuleReader reader_of_files(const FileReader *files) {
    return (ModuleReader){
        .std_text = std_text,
        .std_name = std_name,
        .std_folder = std_folder,
        .find = find,
        .read = read_text,
        .context = (void *)(uintptr_t)files,
    };
}
