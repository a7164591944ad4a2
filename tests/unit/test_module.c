/* SPDX-License-Identifier: MIT */
#include "tests/unit/lang_fixture.h"
#include "vm/lang/module.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/*
 * A disk of files in a table. Paths are canonical when no `x/..`, `./` or
 * link is left in them; the working folder is `/home`.
 */
typedef struct DiskFile {
    const char *path; /* canonical */
    const char *text; /* NULL: cannot be read */
} DiskFile;

typedef struct Disk {
    DiskFile files[16];
    const char *std_names[4], *std_texts[4], *std_folders[3];
    const char *link, *link_target; /* one symbolic link to a file */
    int find_count, read_count;
} Disk;

static const char *disk_std_text(void *context, const char *name, size_t *sizep) {
    const Disk *disk = context;
    for (size_t i = 0; i < 4 && disk->std_names[i]; i++) {
        if (strcmp(disk->std_names[i], name) == 0) {
            *sizep = strlen(disk->std_texts[i]);
            return disk->std_texts[i];
        }
    }
    return NULL;
}

static const char *disk_std_name(void *context, uint32_t index) {
    const Disk *disk = context;
    return index < 4 ? disk->std_names[index] : NULL;
}

static const char *disk_std_folder(void *context, uint32_t index) {
    const Disk *disk = context;
    return index < 3 ? disk->std_folders[index] : NULL;
}

/* Takes `.` and `..` out of a path. */
static void canonize(const char *path, char canonical[512]) {
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", path[0] == '/' ? "" : "/home/", path);
    canonical[0] = 0;
    for (char *rest = whole, *piece; (piece = strsep(&rest, "/"));) {
        if (!*piece || strcmp(piece, ".") == 0)
            continue;
        if (strcmp(piece, "..") == 0) {
            char *slash = strrchr(canonical, '/');
            if (slash)
                *slash = 0;
            continue;
        }
        strcat(canonical, "/");
        strcat(canonical, piece);
    }
}

static const DiskFile *disk_file(const Disk *disk, const char *canonical) {
    for (size_t i = 0; i < 16 && disk->files[i].path; i++)
        if (strcmp(disk->files[i].path, canonical) == 0)
            return &disk->files[i];
    return NULL;
}

static int disk_find(void *context, Arena *arena, const char *path, const char **identityp) {
    Disk *disk = context;
    char canonical[512];
    disk->find_count++;
    canonize(path, canonical);
    if (disk->link && strcmp(canonical, disk->link) == 0)
        strcpy(canonical, disk->link_target);
    if (strstr(canonical, "forbidden"))
        return -EACCES;
    if (!disk_file(disk, canonical))
        return MODULE_E_NOT_FOUND;
    *identityp = arena_copy(arena, canonical, strlen(canonical));
    return *identityp ? 0 : -ENOMEM;
}

static int disk_read(void *context, Arena *arena, const char *identity, const char **textp, size_t *sizep) {
    Disk *disk = context;
    disk->read_count++;
    const DiskFile *file = disk_file(disk, identity);
    cr_assert_not_null(file);
    if (!file->text)
        return -EIO;
    *sizep = strlen(file->text);
    *textp = arena_copy(arena, file->text, *sizep);
    return *textp ? 0 : -ENOMEM;
}

static LangFixture fixture;
static Disk disk;
static Tree tree;
static Buffer out;

static ModuleReader reader(void) {
    return (ModuleReader){disk_std_text, disk_std_name, disk_std_folder, disk_find, disk_read, &disk};
}

static void start(void) {
    lang_fixture_start(&fixture);
    buffer_init(&out, &fixture.mem);
    disk =
        (Disk){.std_names = {"json", "imath", "son"},
               .std_texts = {": json ( -- ) ;", "include std:son : abs ( -- ) ;", "include std:json : son ( -- ) ;"}};
}

static void finish(void) {
    buffer_deinit(&out);
    lang_fixture_finish(&fixture);
}

/* Forgets what was loaded; the disk stays. */
static void again(void) {
    buffer_deinit(&out);
    lang_fixture_again(&fixture);
    buffer_init(&out, &fixture.mem);
}

TestSuite(module, .init = start, .fini = finish);

/* Loads a main file, and gives the names of all definitions in order. */
static const char *load(const char *text) {
    Source *source = lang_fixture_source(&fixture, text);
    source->name = "main.seq";
    source->identity = "/home/main.seq";
    ModuleReader own = reader();
    cr_assert_eq(module_load(&tree, &fixture.arena, source, &own, &fixture.diags), 0);
    cr_assert_eq(tree.arena, &fixture.arena);
    cr_assert_eq(tree.modules->source, source, "the main file comes first");

    buffer_clear(&out);
    uint32_t count = 0;
    for (const Definition *definition = tree.definitions; definition; definition = definition->next, count++)
        buffer_append_format(&out, "%s%s", count ? " " : "", definition->name.bytes);
    cr_assert_eq(tree.definition_count, count);
    return buffer_text(&out);
}

static const Diag *only_error(const char *code, const char *message) {
    cr_assert_eq(fixture.diags.error_count, 1, "%u errors", fixture.diags.error_count);
    cr_expect_str_eq(fixture.diags.first->code, code);
    cr_expect_str_eq(fixture.diags.first->message, message);
    return fixture.diags.first;
}

Test(module, a_program_may_be_one_file) {
    cr_expect_str_eq(load(": a ( -- ) ; : b ( -- ) ;"), "a b");
    cr_expect_null(tree.modules->next);
    cr_expect_str_eq(load(""), "");
    cr_expect_eq(fixture.diags.error_count, 0);
}

Test(module, orders_the_main_file_first_and_then_includes_as_they_appear) {
    disk.files[0] = (DiskFile){"/home/x.seq", ": x1 ( -- ) ; include \"z\" union X { A } : x2 ( -- ) ;"};
    disk.files[1] = (DiskFile){"/home/y.seq", "union Y { B } : y ( -- ) ;"};
    disk.files[2] = (DiskFile){"/home/z.seq", ": z ( -- ) ; union Z { C }"};
    cr_expect_str_eq(load("include \"x\" : a ( -- ) ; include \"y\" union M { D } : b ( -- ) ;"), "a b x1 x2 y z");
    cr_expect_eq(fixture.diags.error_count, 0);
    static const char *const unions[] = {"M", "X", "Y", "Z"}, *const names[] = {"main.seq", "x.seq", "y.seq", "z.seq"};
    const UnionDef *definition = tree.unions;
    for (size_t i = 0; i < 4; i++, definition = definition->next)
        cr_expect_str_eq(definition->name.bytes, unions[i]);
    cr_expect_null(definition);
    const Module *module = tree.modules;
    for (size_t i = 0; i < 4; i++, module = module->next)
        cr_expect_str_eq(module->source->name, names[i]);
    cr_expect_null(module);
}

Test(module, includes_a_file_once_by_whatever_path) {
    disk.files[0] =
        (DiskFile){"/home/lib/x.seq", ": x ( -- ) ; include \"../lib/y\" include \"./x\" include \"../main\""};
    disk.files[1] = (DiskFile){"/home/lib/y.seq", ": y ( -- ) ; include \"x\" include \"y\""};
    disk.files[2] = (DiskFile){"/home/main.seq", ": never-read ( -- ) ;"};
    disk.link = "/home/link.seq";
    disk.link_target = "/home/lib/x.seq";
    cr_expect_str_eq(load("include \"lib/x\" include \"lib/../lib/x\" include \"link\" include \"lib/y\" : a ( -- ) ;"),
                     "a x y");
    cr_expect_eq(fixture.diags.error_count, 0, "%s", fixture.diags.first ? fixture.diags.first->message : "");
    cr_expect_eq(disk.read_count, 2, "and no file is read twice");
}

Test(module, looks_beside_the_including_file) {
    disk.files[0] = (DiskFile){"/home/a/b/x.seq", "include \"y\" include \"../z\" : x ( -- ) ;"};
    disk.files[1] = (DiskFile){"/home/a/b/y.seq", ": y ( -- ) ;"};
    disk.files[2] = (DiskFile){"/home/a/z.seq", ": z ( -- ) ;"};
    cr_expect_str_eq(load("include \"a/b/x\""), "x y z");
    cr_expect_eq(fixture.diags.error_count, 0);
    static const char *const names[] = {"main.seq", "a/b/x.seq", "a/b/y.seq", "a/b/../z.seq"};
    const Module *module = tree.modules;
    for (size_t i = 0; i < 4; i++, module = module->next)
        cr_expect_str_eq(module->source->name, names[i]);

    Source *source = lang_fixture_source(&fixture, "include \"b/x\"");
    ModuleReader own = reader();
    static const char *const folders[] = {"a", "a/", "/home/a", "/home/a/"};
    for (size_t i = 0; i < 4; i++) {
        source->folder = folders[i];
        cr_assert_eq(module_load(&tree, &fixture.arena, source, &own, &fixture.diags), 0);
        cr_expect_eq(tree.definition_count, 3, "from %s", folders[i]);
    }
    cr_expect_eq(fixture.diags.error_count, 0);
}

Test(module, appends_the_extension_always) {
    disk.files[0] = (DiskFile){"/home/x.seq.seq", ": x ( -- ) ;"};
    cr_expect_str_eq(load("include \"x.seq\""), "x");
}

Test(module, takes_std_modules_from_inside) {
    cr_expect_str_eq(load("include std:imath : a ( -- ) ; include std:json include std:imath"), "a abs json son");
    cr_expect_eq(fixture.diags.error_count, 0);
    cr_expect_eq(disk.find_count, 0, "without looking at the disk");
    for (const Definition *definition = tree.definitions; definition; definition = definition->next)
        cr_expect_eq(definition->is_std, strcmp(definition->name.bytes, "a") != 0);
    cr_expect_str_eq(tree.modules->next->source->name, "std:imath");
}

Test(module, looks_for_other_std_modules_in_folders) {
    disk.std_folders[0] = "/opt/std";
    disk.std_folders[1] = "stdlib";
    disk.files[0] = (DiskFile){"/home/stdlib/mine.seq", ": mine ( -- ) ; include \"util\""};
    disk.files[1] = (DiskFile){"/home/stdlib/util.seq", ": util ( -- ) ;"};
    disk.files[2] = (DiskFile){"/opt/std/both.seq", ": first ( -- ) ;"};
    disk.files[3] = (DiskFile){"/home/stdlib/both.seq", ": second ( -- ) ;"};
    disk.files[4] = (DiskFile){"/home/stdlib/json.seq", ": never ( -- ) ;"};
    cr_expect_str_eq(load("include std:mine include std:both include std:json include std:mine"),
                     "mine first json util");
    cr_expect_eq(fixture.diags.error_count, 0);
    cr_expect_str_eq(tree.modules->next->source->name, "std:mine");
    cr_expect(tree.modules->next->source->is_std);
}

Test(module, says_which_std_module_is_missing) {
    load("include std:jsn");
    const Diag *diag = only_error("unknown-std-module", "Standard library module 'jsn' not found (not embedded)");
    cr_expect_str_eq(diag->hint, "Did you mean 'std:json'?");
    cr_expect_eq(diag->span.end, strlen("include std:jsn"));
    again();

    disk.std_folders[0] = "/opt/std";
    load("include std:abcdefgh");
    diag = only_error("unknown-std-module",
                      "Standard library module 'abcdefgh' not found (not embedded and not in stdlib directory)");
    cr_expect_str_eq(diag->hint, "The modules are json, imath, son.");
}

/* A name is no path: `std:../x` must not lead out of the folder. */
Test(module, lets_no_std_name_leave_its_folder) {
    disk.std_folders[0] = "/opt/std";
    disk.files[0] = (DiskFile){"/opt/x.seq", ": x ( -- ) ;"};
    disk.files[1] = (DiskFile){"/opt/std/a/x.seq", ": x ( -- ) ;"};
    cr_expect_str_eq(load("include std:../x include std:a/x include std:./a/x"), "");
    cr_expect_eq(fixture.diags.error_count, 3);
}

Test(module, says_which_file_is_missing_and_where) {
    disk.files[0] = (DiskFile){"/home/a/x.seq", ": x ( -- ) ;\n  include \"none\""};
    cr_expect_str_eq(load("include \"a/x\" : a ( -- ) ;"), "a x");
    const Diag *diag = only_error("include-not-found", "Include file 'none' not found at a/none.seq");
    cr_expect_str_eq(diag->span.source->name, "a/x.seq");
    cr_expect_eq(span_line(diag->span), 2);
}

Test(module, says_what_cannot_be_read) {
    disk.files[0] = (DiskFile){"/home/x.seq", NULL};
    cr_expect_str_eq(load("include \"x\" include \"./x\" : a ( -- ) ;"), "a");
    char message[200];
    snprintf(message, sizeof message, "Include file 'x' cannot be read at x.seq: %s", strerror(EIO));
    only_error("include-unreadable", message); /* once */
    again();
    load("include \"forbidden\"");
    snprintf(message, sizeof message, "Include file 'forbidden' cannot be read at forbidden.seq: %s", strerror(EACCES));
    only_error("include-unreadable", message);
}

Test(module, knows_no_ffi_library) {
    load("include ffi:libedit");
    only_error("unknown-ffi-library", "FFI library 'libedit' not found. Available: none in this build");
}

Test(module, does_with_a_reader_that_has_nothing) {
    Source *source = lang_fixture_source(&fixture, "include \"x\" include std:json : a ( -- ) ;");
    ModuleReader nothing = {0};
    cr_assert_eq(module_load(&tree, &fixture.arena, source, &nothing, &fixture.diags), 0);
    cr_expect_eq(tree.definition_count, 1);
    cr_expect_eq(fixture.diags.error_count, 2);
    source->folder = NULL; /* typed in, so it lies nowhere */
    cr_assert_eq(module_load(&tree, &fixture.arena, source, &nothing, &fixture.diags), 0);
    cr_expect_str_eq(fixture.diags.last->code, "unknown-std-module");
    cr_expect_eq(fixture.diags.error_count, 4);
}

Test(module, reads_on_after_errors_in_an_include) {
    disk.files[0] = (DiskFile){"/home/x.seq", "oops\n: x ( -- ) 0xZ ;\n: y ( -- ) ;"};
    cr_expect_str_eq(load(": a ( -- ) ; include \"x\""), "a x y");
    cr_expect_eq(fixture.diags.error_count, 2);
    cr_expect_str_eq(fixture.diags.first->span.source->name, "x.seq");
}

Test(module, refuses_a_text_that_is_too_large) {
    Source source = {.name = "large.seq", .text = "", .size = (size_t)SOURCE_SIZE_MAX + 1, .folder = "."};
    ModuleReader own = reader();
    cr_assert_eq(module_load(&tree, &fixture.arena, &source, &own, &fixture.diags), 0);
    cr_expect_str_eq(fixture.diags.first->code, "include-too-large");
    cr_expect_null(tree.modules);
    cr_expect_null(source_new(&fixture.arena, "x", "", (size_t)SOURCE_SIZE_MAX + 1));
}

/* A disk on which each file includes the next. */
static int endless_find(void *context, Arena *arena, const char *path, const char **identityp) {
    (void)context;
    *identityp = arena_copy(arena, path, strlen(path));
    return *identityp ? 0 : -ENOMEM;
}

static int endless_read(void *context, Arena *arena, const char *identity, const char **textp, size_t *sizep) {
    int *left = context;
    int number = atoi(identity + 1);
    *textp = --*left > 0 ? arena_format(arena, "include \"f%d\"", number + 1) : ": last ( -- ) ;";
    *sizep = *textp ? strlen(*textp) : 0;
    return *textp ? 0 : -ENOMEM;
}

/* A hundred thousand files: no recursion, and in time. */
Test(module, follows_a_long_chain, .timeout = 60) {
    int left = 100000;
    ModuleReader endless = {.find = endless_find, .read = endless_read, .context = &left};
    Source *source = lang_fixture_source(&fixture, "include \"f1\"");
    cr_assert_eq(module_load(&tree, &fixture.arena, source, &endless, &fixture.diags), 0);
    cr_expect_eq(tree.definition_count, 1);
    cr_expect_eq(left, 0);
}

Test(module, survives_refused_memory) {
    for (uint64_t refuse = 1;; refuse++) {
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            finish();
            start();
            disk.files[0] = (DiskFile){"/home/x.seq", "include std:imath include \"none\" : x ( -- ) \"a\" ;"};
            Source *source =
                lang_fixture_source(&fixture, "include \"x\" include std:jsn include ffi:a : a ( -- ) 1 ;");
            ModuleReader own = reader();
            fixture.refusing.first = fixture.refusing.asked + refuse;
            fixture.refusing.for_ever = for_ever;
            int r = module_load(&tree, &fixture.arena, source, &own, &fixture.diags);
            bool was_refused = fixture.refusing.refused > 0;
            refusing_stop(&fixture.refusing);
            cr_assert_eq(r, was_refused ? -ENOMEM : 0, "refusal %" PRIu64, refuse);
            if (!was_refused)
                return;
        }
    }
}
