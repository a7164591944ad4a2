/* SPDX-License-Identifier: MIT */
/*
 * Words of the system around a program: its end, the environment, the names
 * of system and processor, and paths as texts.
 *
 * The words that only cut paths ask nobody outside. They see a path as its
 * parts between slashes; doubled slashes, slashes at the end and parts that
 * are `.` do not count, but for a `.` that the path starts with.
 */
#include "builtins/builtins.h"
#include "builtins/path.h"
#include "vm/base/utf8.h"
#include "vm/exec/scheduler.h"
#include "vm/exec/world.h"
#include <errno.h>
#include <inttypes.h>

enum { EXIT_CODE_MAX = 255 };

static WordResult word_os_exit(Strand *strand) {
    int64_t code = strand_peek_int(strand, 0);
    if (code < 0 || code > EXIT_CODE_MAX)
        return strand_fault(strand, "expected 0 to %d, got %" PRId64, EXIT_CODE_MAX, code);
    strand_drop(strand, 1);
    strand->scheduler->exit_code = (int)code;
    return WORD_EXIT;
}

/* --- what the system is --- */

#if defined(__linux__)
#define SYSTEM_NAME "linux"
#elif defined(__APPLE__)
#define SYSTEM_NAME "darwin"
#elif defined(__FreeBSD__)
#define SYSTEM_NAME "freebsd"
#elif defined(__OpenBSD__)
#define SYSTEM_NAME "openbsd"
#elif defined(__NetBSD__)
#define SYSTEM_NAME "netbsd"
#else
#define SYSTEM_NAME "unknown"
#endif

#if defined(__x86_64__)
#define PROCESSOR_NAME "x86_64"
#elif defined(__aarch64__)
#define PROCESSOR_NAME "aarch64"
#elif defined(__arm__)
#define PROCESSOR_NAME "arm"
#elif defined(__i386__)
#define PROCESSOR_NAME "x86"
#elif defined(__riscv) && __riscv_xlen == 64
#define PROCESSOR_NAME "riscv64"
#else
#define PROCESSOR_NAME "unknown"
#endif

static WordResult word_os_name(Strand *strand) {
    return reply_bytes(strand, 0, SYSTEM_NAME, strlen(SYSTEM_NAME));
}

static WordResult word_os_arch(Strand *strand) {
    return reply_bytes(strand, 0, PROCESSOR_NAME, strlen(PROCESSOR_NAME));
}

/* --- environment --- */

/* The value of a variable, or NULL: unset, or not UTF-8. */
static const char *environment_find(const World *world, const char *name, size_t size) {
    if (world->environment == NULL || size == 0 || memchr(name, '=', size) != NULL)
        return NULL;
    for (const char *const *entry = world->environment; *entry != NULL; entry++) {
        if (strncmp(*entry, name, size) != 0 || (*entry)[size] != '=')
            continue;
        const char *value = *entry + size + 1;
        return utf8_is_valid(value, strlen(value)) ? value : NULL;
    }
    return NULL;
}

static WordResult reply_variable(Strand *strand, uint32_t count, const char *name, size_t size) {
    const char *value = environment_find(strand->world, name, size);
    if (value == NULL)
        return reply_bytes_ok(strand, count, "", 0, false);
    return reply_bytes_ok(strand, count, value, strlen(value), true);
}

static WordResult word_os_getenv(Strand *strand) {
    const String *name = value_string(strand_peek(strand, 0));
    return reply_variable(strand, 1, string_bytes(name), name->size);
}

static WordResult word_os_home_dir(Strand *strand) {
    return reply_variable(strand, 0, "HOME", strlen("HOME"));
}

static WordResult word_os_current_dir(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer path;
    buffer_init(&path, &strand->heap->mem);
    int r = io_real_path(strand->world->io, ".", &path);
    if (r == -ENOMEM)
        return strand_fault_memory(strand);
    bool ok = r == 0 && utf8_is_valid(path.bytes, path.size);
    return reply_bytes_ok(strand, 0, ok ? path.bytes : "", ok ? path.size : 0, ok);
}

/* --- paths as texts --- */

/* The size of `path` without what does not count at its end; at least 1 of what starts with a slash. */
static size_t path_trimmed(const char *path, size_t size) {
    while (size > 1) {
        bool is_slash = path[size - 1] == '/';
        bool is_dot = path[size - 1] == '.' && path[size - 2] == '/';
        if (!is_slash && !is_dot)
            break;
        size--;
    }
    return size;
}

/* The last part of a path, and where it starts; empty for "/" and "". */
static Text path_last(Text path, size_t *startp) {
    size_t end = path_trimmed(path.bytes, path.size), start = end;
    while (start > 0 && path.bytes[start - 1] != '/')
        start--;
    *startp = start;
    return (Text){path.bytes + start, end - start};
}

static bool text_is(Text text, const char *other) {
    return text.size == strlen(other) && memcmp(text.bytes, other, text.size) == 0;
}

static WordResult word_os_path_filename(Strand *strand) {
    size_t start;
    Text name = path_last(text_of(strand_peek(strand, 0)), &start);
    bool is_name = name.size > 0 && !text_is(name, ".") && !text_is(name, "..");
    return reply_bytes_ok(strand, 1, name.bytes, is_name ? name.size : 0, is_name);
}

static WordResult word_os_path_parent(Strand *strand) {
    Text path = text_of(strand_peek(strand, 0));
    size_t start;
    bool has_parent = path_last(path, &start).size > 0;
    return reply_bytes_ok(strand, 1, path.bytes, has_parent ? path_trimmed(path.bytes, start) : 0, has_parent);
}

static WordResult word_os_path_join(Strand *strand) {
    Text base = text_of(strand_peek(strand, 1)), rest = text_of(strand_peek(strand, 0));
    if (rest.size > 0 && rest.bytes[0] == '/')
        return reply_bytes(strand, 2, rest.bytes, rest.size);

    bool needs_slash = base.size > 0 && base.bytes[base.size - 1] != '/';
    size_t size = base.size + needs_slash + rest.size;
    char *bytes;
    String *joined = string_to_fill(strand->heap, size, &bytes);
    if (joined != NULL) {
        memcpy(bytes, base.bytes, base.size);
        if (needs_slash)
            bytes[base.size] = '/';
        memcpy(bytes + base.size + needs_slash, rest.bytes, rest.size);
    }
    return reply_string(strand, 2, joined, size);
}

/* --- what a path names --- */

static WordResult word_os_path_is_file(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer path;
    if (!path_init(&path, strand, 0))
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_bool(io_is(strand->world->io, buffer_text(&path), IO_FILE)));
    return WORD_OK;
}

static const Word os_words[] = {
    {"os.exit", "( ..a Int -- ..a )", CHANGES, BY_FUNCTION(word_os_exit),
     .help = "Ends the program at once with that status, 0 to 255; anything else is a trap. Other strands are not "
             "waited for. What was printed stays printed."},
    {"os.name", "( ..a -- ..a String )", PURE, BY_FUNCTION(word_os_name),
     .help = "The system: linux, darwin, freebsd, openbsd, netbsd or unknown."},
    {"os.arch", "( ..a -- ..a String )", PURE, BY_FUNCTION(word_os_arch),
     .help = "The processor: x86_64, aarch64, arm, x86, riscv64 or unknown."},
    {"os.getenv", "( ..a String -- ..a String Bool )", READS, BY_FUNCTION(word_os_getenv),
     .help = "The value of an environment variable and true, also when it is empty; \"\" false when it is not set or "
             "not UTF-8."},
    {"os.home-dir", "( ..a -- ..a String Bool )", READS, BY_FUNCTION(word_os_home_dir),
     .help = "The value of HOME and true; \"\" false when it is not set or not UTF-8."},
    {"os.current-dir", "( ..a -- ..a String Bool )", READS, BY_FUNCTION(word_os_current_dir),
     .help = "The folder that relative paths start from, and true; \"\" false when it is gone or its name is not "
             "UTF-8."},
    {"os.path-exists", "( ..a String -- ..a Bool )", READS, ALIAS_OF("file.exists?"),
     .help = "Another name of file.exists?."},
    {"os.path-is-file", "( ..a String -- ..a Bool )", READS, BY_FUNCTION(word_os_path_is_file),
     .help = "Does the path name a regular file? Symbolic links are followed. Not UTF-8: false."},
    {"os.path-is-dir", "( ..a String -- ..a Bool )", READS, ALIAS_OF("dir.exists?"),
     .help = "Another name of dir.exists?."},
    {"os.path-join", "( ..a String String -- ..a String )", PURE, BY_FUNCTION(word_os_path_join),
     .help = "Both paths with one slash between; none is added to a base that is empty or ends with one. A second "
             "path that starts with a slash stands alone. What is not UTF-8 counts as empty."},
    {"os.path-parent", "( ..a String -- ..a String Bool )", PURE, BY_FUNCTION(word_os_path_parent),
     .help = "The path without its last part, and true: \"a\" for \"a/b\", \"\" for \"a\". \"\" false for \"/\", "
             "\"\" and what is not UTF-8. Slashes at the end do not count."},
    {"os.path-filename", "( ..a String -- ..a String Bool )", PURE, BY_FUNCTION(word_os_path_filename),
     .help = "The last part of a path, and true; \"\" false for \"/\", \"\", a last part of \"..\" and what is not "
             "UTF-8. Slashes at the end do not count."},
};

const WordFamily os_family = {"os", os_words, sizeof os_words / sizeof *os_words};
