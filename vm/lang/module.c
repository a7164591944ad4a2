/* SPDX-License-Identifier: MIT */
/*
 * The list of modules is also the list of work: we walk along it, and what a
 * module includes is appended behind its end. So files that include each
 * other are no special case, and a long chain of includes is no deep
 * recursion.
 *
 * A module is known by its identity: the canonical path of a file, or
 * `std:NAME` (a path never starts so: canonical ones start with a slash).
 */
#include "vm/lang/module.h"

#include "vm/base/table.h"
#include "vm/lang/parser.h"

#include <errno.h>
#include <string.h>

enum { SUGGESTION_DISTANCE_MAX = 2 };

typedef struct Loader {
    Tree *tree;
    Arena *arena;
    const ModuleReader *reader;
    DiagList *diags;
    Table known; /* from identity to Module; also those that cannot be read, to say so once */
    Module *modules_last;
    Definition *definitions_last;
    UnionDef *unions_last;
} Loader;

static const char *shown(Loader *loader, const Name *name) {
    return diag_name(loader->diags, name->bytes, name->size);
}

/* --- the tree --- */

static void append_module(Loader *loader, Module *module) {
    if (loader->modules_last)
        loader->modules_last->next = module;
    else
        loader->tree->modules = module;
    loader->modules_last = module;
}

static void append_definitions(Loader *loader, const Module *module) {
    for (Definition *definition = module->definitions; definition; definition = definition->next)
        loader->tree->definition_count++;
    if (!module->definitions)
        return;
    if (loader->definitions_last)
        loader->definitions_last->next = module->definitions;
    else
        loader->tree->definitions = module->definitions;
    loader->definitions_last = module->definitions_last;
}

static void append_unions(Loader *loader, const Module *module) {
    if (!module->unions)
        return;
    if (loader->unions_last)
        loader->unions_last->next = module->unions;
    else
        loader->tree->unions = module->unions;
    loader->unions_last = module->unions_last;
}

static void add_source(Loader *loader, const Source *source) {
    Module *module = parser_parse(loader->arena, source, loader->diags);
    append_module(loader, module);
    append_definitions(loader, module);
    append_unions(loader, module);
}

/* --- what is known --- */

static bool is_known(Loader *loader, const char *identity) {
    return table_find(&loader->known, identity, strlen(identity)) != NULL;
}

static void make_known(Loader *loader, const char *identity) {
    if (table_put(&loader->known, identity, strlen(identity), loader))
        loader->arena->failed = true;
}

/* --- files --- */

/* `folder/path.seq`, both as written. */
static const char *join_path(Loader *loader, const char *folder, const char *path) {
    if (!*folder || strcmp(folder, ".") == 0)
        return arena_format(loader->arena, "%s.seq", path);
    const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
    return arena_format(loader->arena, "%s%s%s.seq", folder, slash, path);
}

static const char *folder_of(Loader *loader, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return arena_copy(loader->arena, path, slash == path ? 1 : (size_t)(slash - path));
}

static void report_unreadable(Loader *loader, const Include *include, const char *path, int error) {
    diag_error(loader->diags, include->span, "include-unreadable", "Include file '%s' cannot be read at %s: %s",
               shown(loader, &include->name), diag_name(loader->diags, path, strlen(path)), strerror(-error));
}

static void report_not_found(Loader *loader, const Include *include, const char *path) {
    Diag *diag = diag_error(loader->diags, include->span, "include-not-found", "Include file '%s' not found at %s",
                            shown(loader, &include->name), diag_name(loader->diags, path, strlen(path)));
    if (strncmp(include->name.bytes, "std:", 4) == 0)
        diag->hint = "A module of the standard library is included without quotes.";
    else if (include->name.size > 4 && strcmp(include->name.bytes + include->name.size - 4, ".seq") == 0)
        diag->hint = "Leave .seq away: it is always added.";
}

/* Parses the file that has been found, unless that has been done. */
static void add_file(Loader *loader, const Include *include, const char *path, const char *identity, bool is_std) {
    if (is_known(loader, identity))
        return;
    make_known(loader, identity);

    Source *source = arena_new(loader->arena, Source);
    int r = loader->reader->read(loader->reader->context, loader->arena, identity, &source->text, &source->size);
    if (r == -EFBIG || (r == 0 && source->size > SOURCE_SIZE_MAX)) {
        diag_error(loader->diags, include->span, "include-too-large",
                   "Include file '%s' is too large: the maximum is %d bytes", shown(loader, &include->name),
                   SOURCE_SIZE_MAX);
        return;
    }
    if (r) {
        if (!loader->arena->failed)
            report_unreadable(loader, include, path, r);
        return;
    }
    source->name = is_std ? arena_format(loader->arena, "std:%s", include->name.bytes) : path;
    source->folder = folder_of(loader, path);
    source->identity = identity;
    source->is_std = is_std;
    if (source->name && source->folder)
        add_source(loader, source);
}

/* 0 with the identity, MODULE_E_NOT_FOUND, or negative. */
static int find_file(Loader *loader, const char *path, const char **identityp) {
    if (!loader->reader->find || !loader->reader->read)
        return MODULE_E_NOT_FOUND;
    return loader->reader->find(loader->reader->context, loader->arena, path, identityp);
}

static void include_file(Loader *loader, const Source *source, const Include *include) {
    if (!source->folder) {
        diag_error(loader->diags, include->span, "include-not-found",
                   "Include file '%s' not found: %s lies in no folder", shown(loader, &include->name),
                   diag_name(loader->diags, source->name, strlen(source->name)));
        return;
    }
    const char *path = join_path(loader, source->folder, include->name.bytes), *identity = NULL;
    if (!path)
        return;
    int r = find_file(loader, path, &identity);
    if (r == 0)
        add_file(loader, include, path, identity, false);
    else if (r == MODULE_E_NOT_FOUND)
        report_not_found(loader, include, path);
    else if (!loader->arena->failed)
        report_unreadable(loader, include, path, r);
}

/* --- std modules --- */

static void add_built_in(Loader *loader, const char *identity, const char *text, size_t size) {
    Source *source = arena_new(loader->arena, Source);
    *source = (Source){.name = identity, .text = text, .size = size, .identity = identity, .is_std = true};
    check(size <= SOURCE_SIZE_MAX);
    add_source(loader, source);
}

static const char *closest_std_name(Loader *loader, const Name *name) {
    const ModuleReader *reader = loader->reader;
    const char *best = NULL, *candidate;
    uint32_t best_distance = SUGGESTION_DISTANCE_MAX + 1;
    for (uint32_t i = 0; reader->std_name && (candidate = reader->std_name(reader->context, i)); i++) {
        uint32_t distance =
            diag_distance(name->bytes, name->size, candidate, strlen(candidate), SUGGESTION_DISTANCE_MAX);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

static const char *all_std_names(Loader *loader) {
    const ModuleReader *reader = loader->reader;
    const char *names = NULL, *name;
    for (uint32_t i = 0; reader->std_name && (name = reader->std_name(reader->context, i)); i++)
        names = names ? arena_format(loader->arena, "%s, %s", names, name) : name;
    return names ? arena_format(loader->arena, "The modules are %s.", names) : NULL;
}

static void report_std(Loader *loader, const Include *include, bool has_folder) {
    Diag *diag = diag_error(loader->diags, include->span, "unknown-std-module",
                            "Standard library module '%s' not found (not embedded%s)", shown(loader, &include->name),
                            has_folder ? " and not in stdlib directory" : "");
    const char *best = closest_std_name(loader, &include->name);
    if (strcmp(include->name.bytes, "signal") == 0)
        diag->hint = "It is not in this build, which has no words on signals.";
    else
        diag->hint = best ? arena_format(loader->arena, "Did you mean 'std:%s'?", best) : all_std_names(loader);
}

/* A name and no path: it must not lead out of its folder. */
static bool is_plain_name(const Name *name) {
    return name->bytes[0] != '.' && !memchr(name->bytes, '/', name->size);
}

static void include_std_file(Loader *loader, const Include *include) {
    const ModuleReader *reader = loader->reader;
    const char *folder;
    uint32_t i = 0;
    for (; reader->std_folder && (folder = reader->std_folder(reader->context, i)); i++) {
        const char *path = is_plain_name(&include->name) ? join_path(loader, folder, include->name.bytes) : NULL;
        const char *identity = NULL;
        if (path && find_file(loader, path, &identity) == 0) {
            add_file(loader, include, path, identity, true);
            return;
        }
    }
    report_std(loader, include, i > 0);
}

static void include_std(Loader *loader, const Include *include) {
    const char *identity = arena_format(loader->arena, "std:%s", include->name.bytes);
    if (!identity || is_known(loader, identity))
        return;
    size_t size;
    const ModuleReader *reader = loader->reader;
    const char *text = reader->std_text ? reader->std_text(reader->context, include->name.bytes, &size) : NULL;
    if (!text) {
        include_std_file(loader, include);
        return;
    }
    make_known(loader, identity);
    add_built_in(loader, identity, text, size);
}

/* --- all of it --- */

static void follow(Loader *loader, const Source *source, const Include *include) {
    switch (include->kind) {
    case INCLUDE_STD:
        include_std(loader, include);
        return;
    case INCLUDE_FFI:
        diag_error(loader->diags, include->span, "unknown-ffi-library",
                   "FFI library '%s' not found. Available: none in this build", shown(loader, &include->name));
        return;
    case INCLUDE_FILE:
        include_file(loader, source, include);
        return;
    }
    unreachable();
}

static void load_all(Loader *loader, const Source *main_source) {
    if (main_source->size > SOURCE_SIZE_MAX) {
        diag_error(loader->diags, (Span){main_source, 0, 0}, "include-too-large",
                   "The file is too large: %zu bytes, but the maximum is %d", main_source->size, SOURCE_SIZE_MAX);
        return;
    }
    if (main_source->identity)
        make_known(loader, main_source->identity);
    add_source(loader, main_source);
    for (const Module *module = loader->tree->modules; module; module = module->next)
        for (const Include *include = module->includes; include && !loader->arena->failed; include = include->next)
            follow(loader, module->source, include);
}

int module_load(Tree *tree, Arena *arena, const Source *main_source, const ModuleReader *reader, DiagList *diags) {
    *tree = (Tree){.arena = arena};
    Loader loader = {.tree = tree, .arena = arena, .reader = reader, .diags = diags};
    table_init(&loader.known, arena->mem);
    load_all(&loader, main_source);
    table_deinit(&loader.known);
    return arena->failed ? -ENOMEM : 0;
}
