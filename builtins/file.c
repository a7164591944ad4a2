/* SPDX-License-Identifier: MIT */
/*
 * Words of files and folders, all through the world's Io. What the system
 * refuses is the answer false, never a trap; only a refusal of memory is one.
 *
 * file.for-each-line reads the whole file before the first line: then there
 * is no open file that a trap in the quotation, or the end of its strand,
 * could leave behind. The content is a value of the step frame and goes with
 * it.
 */
#include "builtins/builtins.h"
#include "builtins/path.h"
#include "vm/base/utf8.h"
#include "vm/exec/world.h"
#include "vm/value/list.h"
#include <errno.h>
#include <stdlib.h>

typedef int PathFunction(const Io *io, const char *path);

/* For words ( path -- ok ): did it go well? */
static WordResult reply_path_done(Strand *strand, PathFunction *function) {
    CLEANUP(buffer_deinit) Buffer path;
    if (!path_init(&path, strand, 0))
        return WORD_FAULTED;
    bool ok = function(strand->world->io, buffer_text(&path)) == 0;
    strand_replace(strand, 1, value_from_bool(ok));
    return WORD_OK;
}

/* --- contents --- */

enum { READ_FAULTED = 1 };

/* The whole file, which must fit a String: what has no end is not read until memory has. 0, READ_FAULTED or negative. */
static int read_content(Strand *strand, Buffer *path, Buffer *content) {
    int r = io_read_file_within(strand->world->io, buffer_text(path), STRING_SIZE_MAX, content);
    if (r != -ENOMEM && r != -EFBIG)
        return r;
    fault_string(strand, content->size);
    return READ_FAULTED;
}

static WordResult word_file_slurp(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer path;
    CLEANUP(buffer_deinit) Buffer content;
    buffer_init(&content, &strand->heap->mem);
    if (!path_init(&path, strand, 0))
        return WORD_FAULTED;
    int r = read_content(strand, &path, &content);
    if (r == READ_FAULTED)
        return WORD_FAULTED;
    return reply_bytes_ok(strand, 1, content.bytes, r ? 0 : content.size, r == 0);
}

static WordResult write_content(Strand *strand, IoMode mode) {
    CLEANUP(buffer_deinit) Buffer path;
    if (!path_init(&path, strand, 0))
        return WORD_FAULTED;
    const String *content = value_string(strand_peek(strand, 1));
    int r = io_write_file(strand->world->io, buffer_text(&path), mode, string_bytes(content), content->size);
    strand_replace(strand, 2, value_from_bool(r == 0));
    return WORD_OK;
}

static WordResult word_file_spit(Strand *strand) {
    return write_content(strand, IO_WRITE);
}

static WordResult word_file_append(Strand *strand) {
    return write_content(strand, IO_APPEND);
}

/* --- lines --- */

/* Where the loop stands: in the content, and how deep the stack was before a line; both in the frame's one number. */
typedef struct Progress {
    uint32_t offset, depth;
} Progress;

static_assert(STRING_SIZE_MAX <= UINT32_MAX && STRAND_SLOTS_MAX <= UINT32_MAX, "both halves hold their number");

static Progress progress_read(const StepFrame *frame) {
    return (Progress){(uint32_t)frame->index, (uint32_t)(frame->index >> 32)};
}

static void progress_write(StepFrame *frame, Progress progress) {
    frame->index = (uint64_t)progress.depth << 32 | progress.offset;
}

/* Bytes up to the next line feed, that included; all the rest without one. */
static uint32_t line_size(const char *bytes, uint32_t size) {
    const char *end = memchr(bytes, '\n', size);
    return end == NULL ? size : (uint32_t)(end - bytes) + 1;
}

/* The line, which always ends in one line feed. NULL when memory is refused. */
static String *line_new(Heap *heap, const char *bytes, uint32_t size) {
    if (bytes[size - 1] == '\n')
        size -= size > 1 && bytes[size - 2] == '\r' ? 2 : 1;
    char *at;
    String *line = string_to_fill(heap, (size_t)size + 1, &at);
    if (line != NULL) {
        memcpy(at, bytes, size);
        at[size] = '\n';
    }
    return line;
}

static WordResult lines_finish(Strand *strand, StepFrame *frame, bool ok) {
    WordResult result = strand_step_finish(strand, frame);
    strand_push(strand, value_from_bool(ok));
    return result;
}

/* Content and quotation are the kept values: one more line, or done. */
static WordResult file_for_each_line_step(Strand *strand, StepFrame *frame) {
    const String *content = value_string(frame->kept[0]);
    Progress progress = progress_read(frame);
    if (strand_depth(strand) != progress.depth)
        return strand_fault(strand, "its quotation must leave the stack as deep as it was below the line");
    if (progress.offset == content->size)
        return lines_finish(strand, frame, true);

    const char *start = string_bytes(content) + progress.offset;
    uint32_t size = line_size(start, content->size - progress.offset);
    if (!utf8_is_valid(start, size))
        return lines_finish(strand, frame, false);
    String *line = line_new(strand->heap, start, size);
    if (line == NULL)
        return fault_string(strand, size);

    progress.offset += size;
    progress_write(frame, progress);
    strand_push(strand, value_from_object(line));
    return strand_call(strand, frame->kept[1]);
}

/* The file's content; NULL and the fault or the answer in `*resultp`. */
static String *lines_open(Strand *strand, WordResult *resultp) {
    CLEANUP(buffer_deinit) Buffer path;
    CLEANUP(buffer_deinit) Buffer content;
    buffer_init(&content, &strand->heap->mem);
    *resultp = WORD_FAULTED;
    if (!path_init(&path, strand, 1))
        return NULL;

    int r = read_content(strand, &path, &content);
    if (r == READ_FAULTED)
        return NULL;
    if (r) {
        strand_replace(strand, 2, VALUE_FALSE);
        *resultp = WORD_OK;
        return NULL;
    }
    String *string = string_new(strand->heap, content.bytes, content.size);
    if (string == NULL)
        fault_string(strand, content.size);
    return string;
}

static WordResult word_file_for_each_line(Strand *strand) {
    uint32_t below = (uint32_t)(strand_depth(strand) - 2 - strand->base); /* what the quotation sees below the line */
    if (!strand_expect_quotation(strand, 0, below + 1, (int)below))
        return WORD_FAULTED;
    WordResult result;
    String *content = lines_open(strand, &result);
    if (content == NULL)
        return result;

    Value quotation = strand_pop(strand);
    strand_drop(strand, 1);
    StepFrame *frame = strand_step(strand, strand->word, value_from_object(content), quotation);
    frame->base = frame->outer_base;
    progress_write(frame, (Progress){.offset = 0, .depth = (uint32_t)strand_depth(strand)});
    return file_for_each_line_step(strand, frame);
}

/* --- what a path names --- */

static WordResult word_file_exists(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer path;
    if (!path_init(&path, strand, 0))
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_bool(io_exists(strand->world->io, buffer_text(&path))));
    return WORD_OK;
}

static WordResult word_file_size(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer path;
    if (!path_init(&path, strand, 0))
        return WORD_FAULTED;
    IoInfo info;
    bool ok = io_info(strand->world->io, buffer_text(&path), &info) == 0 && info.kind == IO_FILE;
    strand_replace_ok(strand, 1, value_from_int(ok ? info.size : 0), ok);
    return WORD_OK;
}

static WordResult word_file_delete(Strand *strand) {
    return reply_path_done(strand, io_delete_file);
}

static WordResult word_dir_exists(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer path;
    if (!path_init(&path, strand, 0))
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_bool(io_is(strand->world->io, buffer_text(&path), IO_FOLDER)));
    return WORD_OK;
}

static WordResult word_dir_make(Strand *strand) {
    return reply_path_done(strand, io_make_folders);
}

static WordResult word_dir_delete(Strand *strand) {
    return reply_path_done(strand, io_remove_folder);
}

/* --- folders --- */

typedef struct Listing {
    Heap *heap;
    List *names;
} Listing;

static int listing_add(void *context, const char *name) {
    Listing *listing = context;
    size_t size = strlen(name);
    if (!utf8_is_valid(name, size))
        return 0;
    String *string = string_new(listing->heap, name, size);
    if (string == NULL)
        return -ENOMEM;
    List *names = list_push(listing->heap, (Variant *)listing->names, value_from_object(string));
    if (names == NULL) {
        value_unref(listing->heap, value_from_object(string));
        return -ENOMEM;
    }
    listing->names = names;
    return 0;
}

static int compare_names(const void *a, const void *b) {
    return string_compare(value_string(*(const Value *)a), value_string(*(const Value *)b));
}

/* All names, sorted, so that a program prints the same on every disk. Negative errno when that fails. */
static int listing_read(Listing *listing, const Io *io, const char *path) {
    listing->names = list_new(listing->heap, SYMBOL_LIST, 0);
    if (listing->names == NULL)
        return -ENOMEM;
    int r = io_list_folder(io, path, listing_add, listing);
    if (r)
        return r;
    List *flat = list_flatten(listing->heap, (Variant *)listing->names);
    if (flat == NULL)
        return -ENOMEM;
    listing->names = flat;
    if (flat->count > 1)
        qsort(flat->items, flat->count, sizeof *flat->items, compare_names);
    return 0;
}

static void listing_deinit(Listing *listing) {
    if (listing->names != NULL)
        value_unref(listing->heap, value_from_object(listing->names));
}

static WordResult word_dir_list(Strand *strand) {
    CLEANUP(buffer_deinit) Buffer path;
    CLEANUP(listing_deinit) Listing listing = {.heap = strand->heap};
    if (!path_init(&path, strand, 0))
        return WORD_FAULTED;

    int r = listing_read(&listing, strand->world->io, buffer_text(&path));
    if (r == -ENOMEM)
        return strand_fault_memory(strand);
    if (r) { /* what was read before the failure is dropped */
        listing_deinit(&listing);
        listing.names = list_new(strand->heap, SYMBOL_LIST, 0);
        if (listing.names == NULL)
            return strand_fault_memory(strand);
    }
    strand_replace_ok(strand, 1, value_from_object(listing.names), r == 0);
    listing.names = NULL;
    return WORD_OK;
}

static const Word file_words[] = {
    {"file.slurp", "( ..a String -- ..a String Bool )", READS, BY_FUNCTION(word_file_slurp),
     .help = "The whole content of a file, any bytes, and true; \"\" false when it is not there or cannot be read. A "
             "path that is not UTF-8 counts as empty, and nothing has the empty path. More than 1 GiB is a trap. Of a FIFO it waits for the end."},
    {"file.spit", "( ..a String String -- ..a Bool )", CHANGES, BY_FUNCTION(word_file_spit),
     .help = "Writes the content below to the path on top: makes the file, or replaces what was in it. False when "
             "that fails, and then a part of the content may be there."},
    {"file.append", "( ..a String String -- ..a Bool )", CHANGES, BY_FUNCTION(word_file_append),
     .help = "Adds the content below to the end of the file on top, which is made when it is not there. False when "
             "that fails."},
    {"file.for-each-line", "( ..a String [..a String -- ..a] -- ..a Bool )", READS,
     BY_STEPS(word_file_for_each_line, file_for_each_line_step),
     .help = "Runs the quotation for each line of a file, on the caller's stack. Every line ends in one line feed, "
             "the last one too, and \"\\r\\n\" comes as \"\\n\". True at the end, also for an empty file; false "
             "without a call when the file cannot be read, and at the first line that is not UTF-8. The file is read "
             "before the first line is given; more than 1 GiB is a trap."},
    {"file.exists?", "( ..a String -- ..a Bool )", READS, BY_FUNCTION(word_file_exists),
     .help = "Does the path name anything, be it a file, a folder or something else? Symbolic links are followed."},
    {"file.size", "( ..a String -- ..a Int Bool )", READS, BY_FUNCTION(word_file_size),
     .help = "Bytes in a file, and true; 0 false when it is not there, or no regular file."},
    {"file.delete", "( ..a String -- ..a Bool )", CHANGES, BY_FUNCTION(word_file_delete),
     .help = "Deletes a file. False when it is not there, is a folder, or must not be deleted."},
    {"dir.exists?", "( ..a String -- ..a Bool )", READS, BY_FUNCTION(word_dir_exists),
     .help = "Does the path name a folder? Symbolic links are followed."},
    {"dir.make", "( ..a String -- ..a Bool )", CHANGES, BY_FUNCTION(word_dir_make),
     .help = "Makes a folder and those it lies in. True also when it is there already; false when that fails, or "
             "when something else has the name."},
    {"dir.delete", "( ..a String -- ..a Bool )", CHANGES, BY_FUNCTION(word_dir_delete),
     .help = "Deletes an empty folder. False when it is not there, is not empty, or is no folder."},
    {"dir.list", "( ..a String -- ..a V Bool )", READS, BY_FUNCTION(word_dir_list),
     .help = "A list of the names in a folder, sorted, without those that are not UTF-8, and true; an empty list and "
             "false when it cannot be read."},
};

const WordFamily file_family = {"file", file_words, sizeof file_words / sizeof *file_words};
