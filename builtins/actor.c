/* SPDX-License-Identifier: MIT */
/*
 * Words of actors. What they do stands in vm/actor; here arguments are checked
 * and taken. Inside a turn most of them only note what is to be done when the
 * turn has succeeded.
 */
#include "builtins/builtins.h"
#include "vm/actor/actor.h"
#include "vm/actor/node.h"
#include "vm/actor/turn.h"
#include "vm/base/bytes.h"
#include "vm/value/codec.h"
#include "vm/value/map.h"

/* The node, or NULL with a fault: not every VM has actors. */
static Node *node_of(Strand *strand) {
    if (strand->world->node == NULL)
        strand_fault(strand, "there are no actors here");
    return strand->world->node;
}

/* The turn, or NULL with a fault. */
static Turn *turn_needed(Strand *strand) {
    Turn *turn = turn_of(strand);
    if (turn == NULL)
        strand_fault(strand, "not inside an actor");
    return turn;
}

static WordResult done(Strand *strand, bool ok, uint32_t count) {
    if (!ok)
        return WORD_FAULTED;
    strand_drop(strand, count);
    return WORD_OK;
}

/* --- making --- */

static WordResult spawn(Strand *strand, Value state, uint32_t arguments, bool is_transient) {
    Node *node = node_of(strand);
    Value address = node ? node_spawn(node, strand, state, strand_peek(strand, 0), is_transient) : VALUE_ZERO;
    if (!value_is_object(address))
        return WORD_FAULTED;
    strand_replace(strand, arguments, address);
    return WORD_OK;
}

static WordResult spawn_empty(Strand *strand, bool is_transient) {
    Value state = value_from_object(map_new(strand->heap));
    WordResult result = spawn(strand, state, 1, is_transient);
    value_unref(strand->heap, state);
    return result;
}

static WordResult word_actor_spawn(Strand *strand) {
    return spawn_empty(strand, false);
}
static WordResult word_actor_spawn_transient(Strand *strand) {
    return spawn_empty(strand, true);
}
static WordResult word_actor_spawn_with(Strand *strand) {
    return spawn(strand, strand_peek(strand, 1), 2, false);
}

static WordResult word_actor_spawn_at(Strand *strand) {
    Node *node = node_of(strand);
    return done(strand, node && node_spawn_at(node, strand, strand_peek(strand, 1), strand_peek(strand, 0)), 2);
}

static WordResult word_actor_register(Strand *strand) {
    Node *node = node_of(strand);
    return done(strand, node && node_register(node, strand, strand_peek(strand, 1), strand_peek(strand, 0), VALUE_ZERO),
                2);
}

static WordResult word_actor_register_sourced(Strand *strand) {
    Node *node = node_of(strand);
    if (!value_is_quotation(strand_peek(strand, 0)))
        return strand_fault_kind(strand, "quotation", strand_peek(strand, 0));
    return done(strand, node && node_register(node, strand, strand_peek(strand, 2), strand_peek(strand, 1),
                                              strand_peek(strand, 0)),
                3);
}

/* --- messages --- */

static WordResult word_actor_send(Strand *strand) {
    Node *node = node_of(strand);
    return done(strand, node && node_send(node, strand, strand_peek(strand, 1), strand_peek(strand, 0)), 2);
}

/* The arguments stay until the answer is there; the frame keeps the Ask. */
static WordResult ask(Strand *strand, uint32_t arguments, int64_t timeout_ms) {
    Node *node = node_of(strand);
    const Word *word = strand->word;
    Ask *ask = node ? node_ask(node, strand, strand_peek(strand, arguments - 1), strand_peek(strand, arguments - 2),
                               timeout_ms)
                    : NULL;
    if (ask == NULL)
        return WORD_FAULTED;
    StepFrame *frame = strand_step(strand, word, VALUE_ZERO, VALUE_ZERO);
    frame->index = (uint64_t)(uintptr_t)ask;
    if (ask->state != ASK_WAITS)
        return word->step(strand, frame);
    return strand_park(strand, word->name, 0);
}

static WordResult word_actor_ask(Strand *strand) {
    return ask(strand, 2, NODE_ASK_TIMEOUT_MS);
}

static WordResult word_actor_ask_within(Strand *strand) {
    int64_t timeout_ms = strand_peek_int(strand, 0);
    return ask(strand, 3, timeout_ms > 0 ? timeout_ms : 0);
}

/* The answer, borrowed, or the reason as a Symbol. */
static Value outcome_of(Heap *heap, const Ask *ask) {
    return ask->state == ASK_ANSWERED
               ? ask->value
               : value_from_symbol(symbol_intern(&heap->symbols, &heap->mem, ask->reason, strlen(ask->reason)));
}

/* Ends the step; the Ask is the caller's to release. */
static Ask *answered(Strand *strand, StepFrame *frame) {
    Ask *ask = (Ask *)(uintptr_t)frame->index;
    WordResult finished = strand_step_finish(strand, frame);
    check(finished == WORD_OK);
    return ask;
}

/* In a turn the outcome is something that it saw. */
static bool note_outcome(Strand *strand, const Ask *ask) {
    Heap *heap = strand->heap;
    Turn *turn = turn_of(strand);
    return !turn || turn_note_answer(turn, strand, ask->state == ASK_ANSWERED, outcome_of(heap, ask));
}

static WordResult ask_done(Strand *strand, StepFrame *frame) {
    strand->word = frame->word;
    Ask *ask = answered(strand, frame);
    WordResult result = WORD_OK;
    if (!note_outcome(strand, ask)) {
        result = WORD_FAULTED;
    } else if (ask->state == ASK_ANSWERED) {
        strand_replace(strand, 2, value_ref(ask->value));
    } else {
        const String *address = value_string(strand_peek(strand, 1));
        result = strand_fault(strand, "%.*s: %s", (int)(address->size < 200 ? address->size : 200),
                              string_bytes(address), ask->reason);
    }
    ask_release(ask);
    return result;
}

static WordResult ask_within_done(Strand *strand, StepFrame *frame) {
    strand->word = frame->word;
    Ask *ask = answered(strand, frame);
    bool is_noted = note_outcome(strand, ask);
    if (is_noted)
        strand_replace_ok(strand, 3, value_ref(outcome_of(strand->heap, ask)), ask->state == ASK_ANSWERED);
    ask_release(ask);
    return is_noted ? WORD_OK : WORD_FAULTED;
}

static WordResult word_actor_reply(Strand *strand) {
    Turn *turn = turn_needed(strand);
    return done(strand, turn && turn_reply(turn, strand, strand_peek(strand, 0)), 1);
}

/* --- who and what --- */

static WordResult word_actor_self(Strand *strand) {
    Turn *turn = turn_needed(strand);
    if (turn == NULL)
        return WORD_FAULTED;
    strand_push(strand, value_ref(turn_actor(turn)->address));
    return WORD_OK;
}

static WordResult word_actor_sender(Strand *strand) {
    Turn *turn = turn_needed(strand);
    if (turn == NULL)
        return WORD_FAULTED;
    strand_push(strand, value_ref(turn_sender(turn)));
    return WORD_OK;
}

static WordResult word_actor_state(Strand *strand) {
    Turn *turn = turn_needed(strand);
    if (turn == NULL)
        return WORD_FAULTED;
    strand_push(strand, value_ref(turn_state(turn)));
    return WORD_OK;
}

static WordResult word_actor_stop(Strand *strand) {
    Node *node = node_of(strand);
    return done(strand, node && node_stop(node, strand, strand_peek(strand, 0)), 1);
}

static WordResult word_actor_exists(Strand *strand) {
    Node *node = node_of(strand);
    bool exists;
    if (!node || !node_exists(node, strand, strand_peek(strand, 0), &exists))
        return WORD_FAULTED;
    strand_replace(strand, 1, value_from_bool(exists));
    return WORD_OK;
}

/* --- events --- */

static WordResult word_journal_append(Strand *strand) {
    Turn *turn = turn_needed(strand);
    if (turn == NULL || !turn_append(turn, strand, strand_peek(strand, 0)))
        return WORD_FAULTED;
    Value fold = turn_fold(turn);
    if (!value_is_object(fold)) {
        strand_drop(strand, 1);
        return WORD_OK;
    }
    /* folded at once, so that the rest of the turn sees it: ( state event -- state ) on a stack of its own */
    Value event = strand_pop(strand);
    strand_step(strand, strand->word, VALUE_ZERO, VALUE_ZERO);
    strand_push(strand, value_ref(turn_state(turn)));
    strand_push(strand, event);
    return strand_call(strand, fold);
}

static WordResult event_folded(Strand *strand, StepFrame *frame) {
    strand->word = frame->word;
    if (strand_depth(strand) != frame->base + 1)
        return strand_fault(strand, "a fold must leave one Map");
    Value state = strand_pop(strand);
    WordResult finished = strand_step_finish(strand, frame);
    return turn_folded(turn_of(strand), strand, state) ? finished : WORD_FAULTED;
}

/* Keeps the events, as bytes in a String, and the quotation; `index` is how far they are read. */
static WordResult fold_next(Strand *strand, StepFrame *frame) {
    Heap *heap = strand->heap;
    const String *events = value_string(frame->kept[0]);
    ByteReader reader = byte_reader(string_bytes(events), events->size);
    strand->word = frame->word;
    if (strand_depth(strand) != frame->base + 1)
        return strand_fault(strand, "journal-fold: the quotation must leave one value");
    byte_reader_take(&reader, frame->index);
    if (byte_reader_left(&reader) == 0)
        return strand_step_finish(strand, frame);
    uint64_t size = byte_reader_varint(&reader);
    const uint8_t *bytes = byte_reader_take(&reader, size);
    size_t used;
    Value event;
    int r = bytes ? codec_decode(heap, (const char *)bytes, size, &used, &event) : CODEC_E_DAMAGED;
    if (r)
        return r > 0 ? strand_fault(strand, "an event is damaged") : strand_fault_memory(strand);
    frame->index = (uint64_t)(reader.at - (const uint8_t *)string_bytes(events));
    strand_push(strand, event);
    return strand_call(strand, frame->kept[1]);
}

static WordResult word_journal_fold(Strand *strand) {
    Node *node = node_of(strand);
    Heap *heap = strand->heap;
    CLEANUP(buffer_deinit) Buffer events;
    buffer_init(&events, &heap->mem);
    if (!value_is_quotation(strand_peek(strand, 0)))
        return strand_fault_kind(strand, "quotation", strand_peek(strand, 0));
    if (!node || !node_events(node, strand, strand_peek(strand, 2), &events))
        return WORD_FAULTED;
    String *bytes = string_new(heap, events.bytes ? events.bytes : "", events.size);
    if (bytes == NULL)
        return strand_fault_memory(strand);
    Value quotation = strand_pop(strand), start = strand_pop(strand);
    strand_drop(strand, 1);
    StepFrame *frame = strand_step(strand, strand->word, value_from_object(bytes), quotation);
    strand_push(strand, start);
    return fold_next(strand, frame);
}

static const Word actor_words[] = {
    {"actor-spawn", "( ..a [ Map M -- Map ] -- ..a String )", ACTS, BY_FUNCTION(word_actor_spawn), .is_ours = true,
     .help = "A new durable actor with an empty state; gives its address. The quotation is its behavior: it gets the "
             "state and a message and leaves the next state. What it captured must be data."},
    {"actor-spawn-with", "( ..a Map [ Map M -- Map ] -- ..a String )", ACTS, BY_FUNCTION(word_actor_spawn_with),
     .is_ours = true, .help = "The same with a first state."},
    {"actor-spawn-at", "( ..a String [ Map M -- Map ] -- ..a )", ACTS, BY_FUNCTION(word_actor_spawn_at),
     .is_ours = true,
     .help = "The durable actor at a path, which begins with `/`: resumed from its journal if there is one, else made. "
             "One that is alive already is the trap name-exists."},
    {"actor-spawn-transient", "( ..a [ Map M -- Map ] -- ..a String )", ACTS, BY_FUNCTION(word_actor_spawn_transient),
     .is_ours = true, .help = "An actor without a journal; it is gone with the process."},
    {"actor-register", "( ..a String [ Map M -- Map ] -- ..a )", ACTS, BY_FUNCTION(word_actor_register),
     .is_ours = true,
     .help = "Makes a name a kind: `account` and every address `account/...` are durable actors that are there on "
             "demand. The same name a second time is a trap."},
    {"actor-register-sourced", "( ..a String [ Map M -- Map ] [ Map E -- Map ] -- ..a )", ACTS,
     BY_FUNCTION(word_actor_register_sourced), .is_ours = true,
     .help = "A kind whose state is what its events come to: journal-append folds an event into the state with the "
             "second quotation, and the Map that the behavior leaves must be equal to that."},
    {"actor-send", "( ..a String M -- ..a )", ACTS, BY_FUNCTION(word_actor_send), .is_ours = true,
     .help = "Sends a message, which must be data, and does not wait. An address of nobody: it is dropped."},
    {"actor-ask", "( ..a String M -- ..a R )", ACTS, BY_STEPS(word_actor_ask, ask_done), .is_ours = true,
     .help = "Sends a message and waits for the reply, 5 seconds at most. Every failure is a trap that names the "
             "reason. Inside an actor the request is in its journal before it leaves, and the actor handles nothing else "
             "until the answer is there."},
    {"actor-ask-within", "( ..a String M Int -- ..a R Bool )", ACTS, BY_STEPS(word_actor_ask_within, ask_within_done),
     .is_ours = true,
     .help = "The same with a time in milliseconds: the reply and true, or the reason as a Symbol and false: :timeout "
             ":no-actor :no-reply :parked :stopped :damaged."},
    {"actor-reply", "( ..a R -- ..a )", ACTS, BY_FUNCTION(word_actor_reply), .is_ours = true,
     .help = "Answers the message that is being handled. When nobody asked, the answer is dropped; a second answer is "
             "a trap."},
    {"actor-self", "( ..a -- ..a String )", PURE, BY_FUNCTION(word_actor_self), .is_ours = true,
     .help = "The actor's own address. Outside an actor a trap."},
    {"actor-sender", "( ..a -- ..a String )", PURE, BY_FUNCTION(word_actor_sender), .is_ours = true,
     .help = "The address of the actor that sent the message; empty when it came from outside. Outside an actor a "
             "trap."},
    {"actor-state", "( ..a -- ..a Map )", PURE, BY_FUNCTION(word_actor_state), .is_ours = true,
     .help = "The state as it was when the turn began, with the events folded since. Outside an actor a trap."},
    {"actor-stop", "( ..a String -- ..a )", ACTS, BY_FUNCTION(word_actor_stop), .is_ours = true,
     .help = "The actor ends its turn and handles nothing more; its journal stays. An address of nobody: nothing."},
    {"actor-exists?", "( ..a String -- ..a Bool )", READS, BY_FUNCTION(word_actor_exists), .is_ours = true,
     .help = "Whether there is an actor of that address, alive or with a journal."},
    {"journal-append", "( ..a E -- ..a )", ACTS, BY_STEPS(word_journal_append, event_folded), .is_ours = true,
     .help = "Adds an event, which must be data, to the record of this turn. Outside an actor a trap."},
    {"journal-fold", "( ..a String A [ A E -- A ] -- ..a A )", READS, BY_STEPS(word_journal_fold, fold_next),
     .is_ours = true,
     .help = "Runs the quotation for each event of an actor, the oldest first, on the value so far and the event."},
};

const WordFamily actor_family = {"actor", actor_words, sizeof actor_words / sizeof *actor_words};
