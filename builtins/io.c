/* SPDX-License-Identifier: MIT */
/*
 * Words of standard input and output, and of the program's arguments.
 *
 * Standard input is read in blocks into the VM's one Reader. It belongs to
 * one strand at a time, its owner; whoever asks meanwhile waits in a queue and
 * gets it in turn, so that no line is torn between two strands.
 *
 * The owner that needs more than is there starts a step frame and parks. The
 * poller's callback does no more than wake it: the step, run again in the
 * strand's own time, reads, and there a refusal of memory is a fault like any
 * other. What never makes one wait (a regular file) is read at once.
 *
 * Nobody frees the owner before it has passed the input on. A strand that
 * waits is freed alone only as the body of a weave; a body that waits for
 * input is running, so its resumer holds the handle, and to cancel it is a
 * trap. Where all strands go together, no one is woken any more.
 */
#include "builtins/builtins.h"
#include "vm/base/utf8.h"
#include "vm/exec/scheduler.h"
#include "vm/exec/world.h"
#include <errno.h>
#include <inttypes.h>

enum {
    READ_SIZE = 64 * 1024,
    READ_COUNT_MAX = 10 * 1024 * 1024, /* what io.read-n gives at most */
    LINE_COPY_MAX = 1024,              /* shorter lines go out with their line feed in one write */
};

/* --- output --- */

static void write_bytes(const World *world, const char *bytes, size_t size) {
    world->write(world->write_context, bytes, size);
}

static WordResult word_io_write(Strand *strand) {
    const String *text = value_string(strand_peek(strand, 0));
    write_bytes(strand->world, string_bytes(text), text->size);
    strand_drop(strand, 1);
    return WORD_OK;
}

static WordResult word_io_write_line(Strand *strand) {
    const String *text = value_string(strand_peek(strand, 0));
    if (text->size < LINE_COPY_MAX) {
        char line[LINE_COPY_MAX];
        memcpy(line, string_bytes(text), text->size);
        line[text->size] = '\n';
        write_bytes(strand->world, line, text->size + 1);
    } else {
        write_bytes(strand->world, string_bytes(text), text->size);
        write_bytes(strand->world, "\n", 1);
    }
    strand_drop(strand, 1);
    return WORD_OK;
}

/* --- input --- */

typedef struct Reader {
    Buffer bytes;        /* read, and from `start` on not yet taken */
    size_t start;
    size_t searched;     /* bytes behind `start` known to hold no line feed */
    bool is_ready;       /* `bytes` is */
    bool has_ended;      /* at its end, or cannot be read any more; stays so */
    bool is_readable;    /* reading will not wait; the poller says so, once for each time it was asked */
    Strand *owner;       /* who reads now */
    StrandQueue waiting; /* for their turn */
} Reader;

/* Answers from the bytes at hand: WORD_OK, or WORD_FAULTED, or WORD_PARKED when they are not enough yet. */
typedef WordResult AnswerFunction(Reader *reader, Strand *strand);

static void reader_deinit(World *world, void *state) {
    Reader *reader = state;
    poller_unwatch(world->poller, world->input);
    buffer_deinit(&reader->bytes);
}

/* The VM's reader, or NULL when memory is refused. */
static Reader *reader_of(Strand *strand) {
    World *world = strand->world;
    Reader *reader = world_state(world, &io_family, sizeof *reader, reader_deinit);
    if (reader != NULL && !reader->is_ready) {
        buffer_init(&reader->bytes, world->mem);
        reader->is_ready = true;
    }
    return reader;
}

static char *reader_next(const Reader *reader) {
    return reader->bytes.bytes + reader->start;
}

static size_t reader_size(const Reader *reader) {
    return reader->bytes.size - reader->start;
}

static void reader_take(Reader *reader, size_t size) {
    reader->start += size;
    reader->searched = 0;
    if (reader->start == reader->bytes.size) {
        buffer_clear(&reader->bytes);
        reader->start = 0;
    }
}

/* Reads once. -ENOMEM when there is no room for it; any other failure is the end of the input. */
static int reader_fill(Reader *reader, const World *world) {
    if (reader->start > 0) {
        reader->bytes.size = reader_size(reader);
        memmove(reader->bytes.bytes, reader->bytes.bytes + reader->start, reader->bytes.size);
        reader->start = 0;
    }
    char *room = buffer_reserve(&reader->bytes, READ_SIZE);
    if (room == NULL)
        return -ENOMEM;

    int64_t got = io_read(world->io, world->input, room, READ_SIZE);
    if (got == -EAGAIN)
        return 0; /* someone else has read what there was: ask the poller again */
    if (got <= 0)
        reader->has_ended = true;
    else
        reader->bytes.size += (size_t)got;
    return 0;
}

static void reader_callback(void *context, int descriptor) {
    Reader *reader = context;
    (void)descriptor;
    reader->is_readable = true;
    strand_wake(reader->owner);
}

/* Waits, or reads what is there. WORD_OK: look at the bytes again. */
static WordResult reader_get_more(Reader *reader, Strand *strand) {
    const World *world = strand->world;
    if (!reader->is_readable) {
        int r = poller_watch(world->poller, world->input, reader_callback, reader);
        if (r == 0)
            return strand_park(strand, strand->word->name, 0);
        if (r == -ENOMEM)
            return strand_fault_memory(strand);
        /* it cannot be watched, so it does not make us wait, or reading will say what is wrong */
    }
    reader->is_readable = false;
    return reader_fill(reader, world) ? strand_fault_memory(strand) : WORD_OK;
}

static void reader_pass_on(Reader *reader) {
    reader->owner = queue_pop(&reader->waiting);
    if (reader->owner != NULL)
        strand_wake(reader->owner);
}

/* The owner's step: runs again each time there may be more. */
static WordResult reader_step(Reader *reader, Strand *strand, StepFrame *frame, AnswerFunction *answer) {
    WordResult result;
    do {
        result = answer(reader, strand);
        if (result != WORD_PARKED)
            break;
        result = reader_get_more(reader, strand);
        if (result == WORD_PARKED)
            return WORD_PARKED;
    } while (result == WORD_OK);

    reader_pass_on(reader);
    return result == WORD_OK ? strand_step_finish(strand, frame) : result;
}

static WordResult reader_ask(Strand *strand, AnswerFunction *answer) {
    Reader *reader = reader_of(strand);
    if (reader == NULL)
        return strand_fault_memory(strand);
    if (reader->owner == NULL) {
        WordResult result = answer(reader, strand);
        if (result != WORD_PARKED)
            return result; /* as for most lines: a block holds many */
    }

    StepFrame *frame = strand_step(strand, strand->word, VALUE_ZERO, VALUE_ZERO);
    if (reader->owner != NULL) {
        queue_push(&reader->waiting, strand);
        return strand_park(strand, strand->word->name, 0);
    }
    reader->owner = strand;
    return reader_step(reader, strand, frame, answer);
}

/* Bytes of the next line, its line feed included; 0 while there is no whole one. */
static size_t reader_line_size(Reader *reader) {
    size_t size = reader_size(reader);
    if (size == reader->searched)
        return 0;
    char *next = reader_next(reader);
    char *end = memchr(next + reader->searched, '\n', size - reader->searched);
    if (end != NULL)
        return (size_t)(end - next) + 1;
    reader->searched = size;
    return 0;
}

static WordResult answer_line(Reader *reader, Strand *strand) {
    size_t size = reader_line_size(reader);
    if (size == 0 && reader->has_ended)
        size = reader_size(reader);
    else if (size == 0)
        return reader_size(reader) > STRING_SIZE_MAX ? fault_string(strand, reader_size(reader)) : WORD_PARKED;
    if (size == 0)
        return reply_bytes_ok(strand, 0, "", 0, false);

    char *line = reader_next(reader);
    size_t reply_size = size;
    if (size > 1 && line[size - 1] == '\n' && line[size - 2] == '\r')
        line[--reply_size - 1] = '\n';
    bool ok = utf8_is_valid(line, reply_size);
    WordResult result = reply_bytes_ok(strand, 0, line, ok ? reply_size : 0, ok);
    if (result == WORD_OK)
        reader_take(reader, size);
    return result;
}

static WordResult word_io_read_line(Strand *strand) {
    return reader_ask(strand, answer_line);
}

static WordResult io_read_line_step(Strand *strand, StepFrame *frame) {
    return reader_step(reader_of(strand), strand, frame, answer_line);
}

static WordResult reply_count(Strand *strand, const char *bytes, size_t size, bool is_whole) {
    WordResult result = reply_bytes(strand, 1, bytes, size);
    if (result == WORD_OK)
        strand_push(strand, value_from_int(is_whole));
    return result;
}

/* The same with U+FFFD in place of what is not UTF-8. */
static WordResult reply_count_lossy(Strand *strand, const char *bytes, size_t size, bool is_whole) {
    CLEANUP(buffer_deinit) Buffer text;
    buffer_init(&text, &strand->heap->mem);
    while (size > 0 && !text.failed) {
        uint32_t scalar;
        size_t used = utf8_decode_lossy(bytes, size, &scalar);
        utf8_append(&text, scalar);
        bytes += used;
        size -= used;
    }
    if (text.failed)
        return strand_fault_memory(strand);
    return reply_count(strand, text.bytes, text.size, is_whole);
}

static WordResult answer_count(Reader *reader, Strand *strand) {
    int64_t count = strand_peek_int(strand, 0);
    if (count < 0 || count > READ_COUNT_MAX)
        return reply_count(strand, "", 0, false);
    size_t size = reader_size(reader);
    bool is_whole = size >= (size_t)count;
    if (!is_whole && !reader->has_ended)
        return WORD_PARKED;
    if (is_whole)
        size = (size_t)count;
    if (size == 0)
        return reply_count(strand, "", 0, is_whole);

    const char *bytes = reader_next(reader);
    WordResult result = utf8_is_valid(bytes, size) ? reply_count(strand, bytes, size, is_whole)
                                                   : reply_count_lossy(strand, bytes, size, is_whole);
    if (result == WORD_OK)
        reader_take(reader, size);
    return result;
}

static WordResult word_io_read_n(Strand *strand) {
    return reader_ask(strand, answer_count);
}

static WordResult io_read_n_step(Strand *strand, StepFrame *frame) {
    return reader_step(reader_of(strand), strand, frame, answer_count);
}

/* --- arguments --- */

static WordResult word_args_count(Strand *strand) {
    strand_push(strand, value_from_int(strand->world->argument_count));
    return WORD_OK;
}

static WordResult word_args_at(Strand *strand) {
    int64_t index = strand_peek_int(strand, 0);
    if (index < 0)
        return strand_fault(strand, "expected 0 or more, got %" PRId64, index);
    const World *world = strand->world;
    const char *argument = index < world->argument_count ? world->arguments[index] : "";
    return reply_bytes(strand, 1, argument, strlen(argument));
}

static const Word io_words[] = {
    {"io.write", "( ..a String -- ..a )", ACTS, BY_FUNCTION(word_io_write),
     .help = "Writes the bytes to standard output at once, whatever they are. That it could not be written is not "
             "told."},
    {"io.write-line", "( ..a String -- ..a )", ACTS, BY_FUNCTION(word_io_write_line),
     .help = "Writes the bytes and a line feed to standard output at once. That they could not be written is not "
             "told."},
    {"io.read-line", "( ..a -- ..a String Bool )", READS, BY_STEPS(word_io_read_line, io_read_line_step),
     .help = "The next line of standard input with its line feed, and true; \"\\r\\n\" comes as \"\\n\", and a last "
             "line without a line feed as it is. \"\" false at the end, and in place of a line that is not UTF-8. "
             "The strand waits; the others run. Strands that wait get their lines in turn. string.chomp removes the "
             "line feed. More than 1 GiB without a line feed is a trap."},
    {"io.read-n", "( ..a Int -- ..a String Int )", READS, BY_STEPS(word_io_read_n, io_read_n_step),
     .help = "So many bytes of standard input, and 1; where it ends or fails before, what there was, and 0. What is "
             "not UTF-8 comes as U+FFFD. A negative number or more than 10485760 (10 MiB) gives \"\" 0 and reads "
             "nothing. The strand waits; the others run."},
    {"args.count", "( ..a -- ..a Int )", READS, BY_FUNCTION(word_args_count),
     .help = "How many arguments the program was given, its own name counted."},
    {"args.at", "( ..a Int -- ..a String )", READS, BY_FUNCTION(word_args_at),
     .help = "An argument by its number; 0 is the program itself. \"\" where there is none; a negative number is a "
             "trap."},
};

const WordFamily io_family = {"io", io_words, sizeof io_words / sizeof *io_words};
