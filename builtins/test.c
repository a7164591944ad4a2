/* SPDX-License-Identifier: MIT */
/*
 * Words of tests: assertions are counted, the first few failures are kept as
 * text, and test.finish prints them below the result. A failure is no trap:
 * the test runs on.
 *
 * One Tally a VM, not one a strand: an assertion in a spawned strand belongs
 * to the test that spawned it. Texts are made when an assertion fails, since
 * its values are gone when the test ends.
 */
#include "builtins/builtins.h"
#include "builtins/path.h"
#include "vm/base/utf8.h"
#include "vm/exec/scheduler.h"
#include "vm/exec/strand.h"
#include "vm/exec/world.h"
#include "vm/value/print.h"
#include "vm/value/string.h"
#include <errno.h>
#include <inttypes.h>

enum { FAILURES_SHOWN = 5 };

typedef struct Tally {
    Buffer name;     /* empty: never set */
    Buffer failures; /* the lines below the result, of the first FAILURES_SHOWN */
    bool is_named;
    int64_t pass_count, fail_count;
    bool is_ready; /* the buffers are */
} Tally;

static void tally_deinit(World *world, void *state) {
    Tally *tally = state;
    buffer_deinit(&tally->name);
    buffer_deinit(&tally->failures);
}

/* The VM's tally, or NULL when memory is refused. */
static Tally *tally_of(Strand *strand) {
    World *world = strand->world;
    Tally *tally = world_state(world, &test_family, sizeof *tally, tally_deinit);
    if (tally != NULL && !tally->is_ready) {
        buffer_init(&tally->name, world->mem);
        buffer_init(&tally->failures, world->mem);
        tally->is_ready = true;
    }
    return tally;
}

static int tally_rename(Tally *tally, const String *name) {
    buffer_clear(&tally->name);
    tally->is_named = true;
    return buffer_append(&tally->name, string_bytes(name), name->size);
}

/* --- failures --- */

static size_t text_common_prefix(Text a, Text b) {
    size_t size = 0;
    while (size < a.size && size < b.size && a.bytes[size] == b.bytes[size])
        size++;
    return size;
}

static void append_escaped(Buffer *out, unsigned char byte) {
    switch (byte) {
    case '\\': buffer_append_text(out, "\\\\"); break;
    case '"': buffer_append_text(out, "\\\""); break;
    case '\n': buffer_append_text(out, "\\n"); break;
    case '\r': buffer_append_text(out, "\\r"); break;
    case '\t': buffer_append_text(out, "\\t"); break;
    default:
        if (byte < 0x20 || byte == 0x7f)
            buffer_append_format(out, "\\x%02X", byte);
        else
            utf8_append(out, byte); /* of 0x80 and above: each byte as one character, so that they can be counted */
    }
}

static void append_text_line(Buffer *out, const char *what, Text text) {
    buffer_append_format(out, "\n    %s (%zu bytes): \"", what, text.size);
    for (size_t index = 0; index < text.size; index++)
        append_escaped(out, (unsigned char)text.bytes[index]);
    buffer_append_byte(out, '"');
}

/* "at line 12: ", or nothing for code that came from no source. */
static void append_place(Buffer *out, const Strand *strand) {
    uint32_t instruction;
    const Chunk *chunk = program_chunk_at(strand->scheduler->program, strand->ip - 1, &instruction);
    if (chunk != NULL && chunk->places[instruction].line > 0)
        buffer_append_format(out, "at line %" PRIu32 ": ", chunk->places[instruction].line);
}

/*
 * Where the text of one more failure goes; NULL when there are enough of
 * them. Whoever gets one ends it with failure_finish().
 */
static Buffer *failure_start(Tally *tally) {
    tally->fail_count++;
    if (tally->fail_count > FAILURES_SHOWN)
        return NULL;
    buffer_append_text(&tally->failures, "  ");
    return &tally->failures;
}

static WordResult failure_finish(Strand *strand, Tally *tally, uint32_t argument_count) {
    if (tally->fail_count <= FAILURES_SHOWN && buffer_append_byte(&tally->failures, '\n'))
        return strand_fault_memory(strand);
    strand_drop(strand, argument_count);
    return WORD_OK;
}

static WordResult pass(Strand *strand, Tally *tally, uint32_t argument_count) {
    tally->pass_count++;
    strand_drop(strand, argument_count);
    return WORD_OK;
}

/* --- assertions --- */

static WordResult assert_truth(Strand *strand, bool expected) {
    Tally *tally = tally_of(strand);
    if (tally == NULL)
        return strand_fault_memory(strand);
    Value found = strand_peek(strand, 0);
    bool truth = value_is_int(found) ? value_to_int(found) != 0 : value_to_bool(found);
    if (truth == expected)
        return pass(strand, tally, 1);

    Buffer *out = failure_start(tally);
    if (out != NULL) {
        append_place(out, strand);
        buffer_append_format(out, "expected %s, got ", expected ? "true" : "false");
        if (print_son(strand->heap, out, found, PRINT_COMPACT))
            return strand_fault_memory(strand);
    }
    return failure_finish(strand, tally, 1);
}

static WordResult word_test_assert(Strand *strand) {
    return assert_truth(strand, true);
}

static WordResult word_test_assert_not(Strand *strand) {
    return assert_truth(strand, false);
}

static WordResult word_test_assert_eq(Strand *strand) {
    Tally *tally = tally_of(strand);
    if (tally == NULL)
        return strand_fault_memory(strand);
    int64_t found = strand_peek_int(strand, 1), expected = strand_peek_int(strand, 0);
    if (found == expected)
        return pass(strand, tally, 2);

    Buffer *out = failure_start(tally);
    if (out != NULL) {
        append_place(out, strand);
        buffer_append_format(out, "expected %" PRId64 ", got %" PRId64, expected, found);
    }
    return failure_finish(strand, tally, 2);
}

static WordResult word_test_assert_eq_str(Strand *strand) {
    Tally *tally = tally_of(strand);
    if (tally == NULL)
        return strand_fault_memory(strand);
    Text found = text_of(strand_peek(strand, 1)), expected = text_of(strand_peek(strand, 0));
    size_t common_size = text_common_prefix(found, expected);
    if (common_size == found.size && common_size == expected.size)
        return pass(strand, tally, 2);

    Buffer *out = failure_start(tally);
    if (out != NULL) {
        append_place(out, strand);
        buffer_append_text(out, "assertion failed: strings not equal");
        append_text_line(out, "expected", expected);
        append_text_line(out, "actual  ", found);
        buffer_append_format(out, "\n    first differ at byte %zu", common_size);
    }
    return failure_finish(strand, tally, 2);
}

static WordResult word_test_fail(Strand *strand) {
    Tally *tally = tally_of(strand);
    if (tally == NULL)
        return strand_fault_memory(strand);
    const String *message = value_string(strand_peek(strand, 0));
    Buffer *out = failure_start(tally);
    if (out != NULL)
        buffer_append(out, string_bytes(message), message->size);
    return failure_finish(strand, tally, 1);
}

/* --- a test's start and end --- */

static WordResult word_test_init(Strand *strand) {
    Tally *tally = tally_of(strand);
    if (tally == NULL)
        return strand_fault_memory(strand);
    tally->pass_count = tally->fail_count = 0;
    buffer_clear(&tally->failures);
    if (tally_rename(tally, value_string(strand_peek(strand, 0))))
        return strand_fault_memory(strand);
    strand_drop(strand, 1);
    return WORD_OK;
}

static WordResult word_test_set_name(Strand *strand) {
    Tally *tally = tally_of(strand);
    if (tally == NULL || tally_rename(tally, value_string(strand_peek(strand, 0))))
        return strand_fault_memory(strand);
    strand_drop(strand, 1);
    return WORD_OK;
}

static int tally_print(Buffer *out, const Tally *tally) {
    if (tally->is_named)
        buffer_append(out, tally->name.bytes, tally->name.size);
    else
        buffer_append_text(out, "unknown");
    if (tally->fail_count == 0)
        return buffer_append_text(out, " ... ok\n");

    buffer_append_text(out, " ... FAILED\n");
    int64_t more = tally->fail_count - FAILURES_SHOWN;
    buffer_append(out, tally->failures.bytes, tally->failures.size);
    if (more > 0)
        buffer_append_format(out, "  +%" PRId64 " more failure%s\n", more, more == 1 ? "" : "s");
    return out->failed ? -ENOMEM : 0;
}

static WordResult word_test_finish(Strand *strand) {
    Tally *tally = tally_of(strand);
    CLEANUP(buffer_deinit) Buffer text;
    buffer_init(&text, strand->world->mem);
    if (tally == NULL || tally_print(&text, tally))
        return strand_fault_memory(strand);
    strand->world->write(strand->world->write_context, text.bytes, text.size);
    return WORD_OK;
}

static WordResult word_test_pass_count(Strand *strand) {
    Tally *tally = tally_of(strand);
    if (tally == NULL)
        return strand_fault_memory(strand);
    strand_push(strand, value_from_int(tally->pass_count));
    return WORD_OK;
}

static WordResult word_test_fail_count(Strand *strand) {
    Tally *tally = tally_of(strand);
    if (tally == NULL)
        return strand_fault_memory(strand);
    strand_push(strand, value_from_int(tally->fail_count));
    return WORD_OK;
}

static WordResult word_test_has_failures(Strand *strand) {
    Tally *tally = tally_of(strand);
    if (tally == NULL)
        return strand_fault_memory(strand);
    strand_push(strand, value_from_bool(tally->fail_count > 0));
    return WORD_OK;
}

static const Word test_words[] = {
    {"test.init", "( ..a String -- ..a )", ACTS, BY_FUNCTION(word_test_init),
     .help = "Starts a test of that name: nothing passed, nothing failed yet."},
    {"test.set-name", "( ..a String -- ..a )", ACTS, BY_FUNCTION(word_test_set_name),
     .help = "Changes the name that test.finish prints, and nothing else."},
    {"test.assert", "( ..a Bool -- ..a )", ACTS, BY_FUNCTION(word_test_assert),
     .help = "Passes when true, else records `expected true` with its line. An Int of unchecked code counts as true "
             "unless it is 0."},
    {"test.assert-not", "( ..a Bool -- ..a )", ACTS, BY_FUNCTION(word_test_assert_not),
     .help = "Passes when false, else records `expected false` with its line. An Int of unchecked code counts as "
             "false when it is 0."},
    {"test.assert-eq", "( ..a Int Int -- ..a )", ACTS, BY_FUNCTION(word_test_assert_eq),
     .help = "Passes when the Int below equals the expected one on top, else records both with the line."},
    {"test.assert-eq-str", "( ..a String String -- ..a )", ACTS, BY_FUNCTION(word_test_assert_eq_str),
     .help = "Passes when the String below equals the expected one on top, else records both, escaped, with the line "
             "and the first byte that differs. A String that is not UTF-8 counts as empty."},
    {"test.fail", "( ..a String -- ..a )", ACTS, BY_FUNCTION(word_test_fail),
     .help = "Records a failure with that message, without a line."},
    {"test.pass-count", "( ..a -- ..a Int )", READS, BY_FUNCTION(word_test_pass_count),
     .help = "How many assertions have passed since test.init."},
    {"test.fail-count", "( ..a -- ..a Int )", READS, BY_FUNCTION(word_test_fail_count),
     .help = "How many assertions have failed since test.init, test.fail included."},
    {"test.has-failures", "( ..a -- ..a Bool )", READS, BY_FUNCTION(word_test_has_failures),
     .help = "True when an assertion has failed since test.init."},
    {"test.finish", "( ..a -- ..a )", ACTS, BY_FUNCTION(word_test_finish),
     .help = "Prints `NAME ... ok`, or `NAME ... FAILED` and the first 5 failures. The name is `unknown` when none "
             "was ever given. Counts stay until the next test.init."},
};

const WordFamily test_family = {"test", test_words, sizeof test_words / sizeof *test_words};
