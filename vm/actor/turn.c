/* SPDX-License-Identifier: MIT */
/*
 * The story of a turn, in the order of the functions below: start, words that
 * are held back, and its two ends, turn_finish() and turn_fail().
 *
 * An effect is kept twice: as bytes, for the record, and as what is to be
 * done once the record is appended. Transient actors keep no bytes.
 */
#include "vm/actor/turn.h"

#include "vm/actor/node_inside.h"
#include "vm/value/difference.h"
#include "vm/value/map.h"
#include "vm/value/quotation.h"
#include "vm/value/variant.h"
#include <errno.h>
#include <stdio.h>

typedef struct Effect {
    struct Effect *next;
    EffectKind kind;
    Value address;    /* SEND, SPAWN, STOP */
    Message *message; /* SEND */
    Value value;      /* REPLY: the answer; SPAWN: the state */
    Value behavior;   /* SPAWN */
    bool is_transient, is_at; /* SPAWN */
    uint64_t born_size;               /* SPAWN: of its birth's record */
    uint32_t print_start, print_size; /* PRINT: in `printed` */
} Effect;

struct Turn {
    Guard guard; /* first: the same address */
    Node *node;
    Actor *actor;
    Message *message;
    Strand *strand;
    Effect *first, *last;
    Value folded; /* the state so far of a sourced actor; VALUE_ZERO in others */
    Buffer effects, events, observations, printed;
    uint32_t counter; /* of sends and spawns */
    Ask *ask;             /* what it waits for, or NULL */
    uint64_t ask_counter; /* the request's number among what it sends */
    bool has_asked;       /* an `asking` record says so */
    Message *answer;    /* that came for it; until a record holds what it saw */
    uint32_t observed;  /* bytes of `observations` that `asking` records hold */
    bool is_seen_again; /* the answer that comes is in such a record */
    CutOff *cut_off;    /* what it saw and asked before it was cut off, or NULL */
    bool has_replied;
    bool only_replies; /* no effect but the reply */
    Turn *next_free;
};

static int turn_call(Guard *guard, Strand *strand, const Word *word);
static int turn_stepped(Guard *guard, Strand *strand, const Word *word);
static bool turn_faulted(Guard *guard, Strand *strand);
static void turn_done(Strand *strand, void *context);

/* --- life --- */

Turn *turn_of(const Strand *strand) {
    return strand->guard && strand->guard->call == turn_call ? (Turn *)(void *)strand->guard : NULL;
}

static Turn *turn_new(Node *node) {
    Turn *turn = node->turns;
    if (turn) {
        node->turns = turn->next_free;
        return turn;
    }
    turn = mem_new(&node->heap->mem, Turn);
    turn->guard = (Guard){.call = turn_call, .stepped = turn_stepped, .faulted = turn_faulted};
    turn->node = node;
    buffer_init(&turn->effects, &node->heap->mem);
    buffer_init(&turn->events, &node->heap->mem);
    buffer_init(&turn->observations, &node->heap->mem);
    buffer_init(&turn->printed, &node->heap->mem);
    return turn;
}

static void turn_free(Node *node, Turn *turn) {
    buffer_deinit(&turn->effects);
    buffer_deinit(&turn->events);
    buffer_deinit(&turn->observations);
    buffer_deinit(&turn->printed);
    mem_free(&node->heap->mem, turn, sizeof *turn);
}

void turns_free(Node *node) {
    for (Turn *turn; (turn = node->turns) != NULL;) {
        node->turns = turn->next_free;
        if (turn->strand)
            strand_free(turn->strand);
        turn_free(node, turn);
    }
}

static void effect_free(Node *node, Effect *effect) {
    value_unref(node->heap, effect->address);
    value_unref(node->heap, effect->value);
    value_unref(node->heap, effect->behavior);
    if (effect->message)
        message_free(node, effect->message);
    mem_free(&node->heap->mem, effect, sizeof *effect);
}

/* A buffer that was large once does not stay so. */
static void buffer_reuse(Buffer *buffer) {
    if (buffer->capacity > 64 * 1024)
        buffer_deinit(buffer);
    else
        buffer_clear(buffer);
}

/* The turn is over, one way or the other; its message is settled. */
static void turn_end(Turn *turn) {
    Node *node = turn->node;
    for (Effect *effect = turn->first, *next; effect; effect = next) {
        next = effect->next;
        effect_free(node, effect);
    }
    value_unref(node->heap, turn->folded);
    if (turn->message)
        message_free(node, turn->message);
    if (turn->answer)
        message_free(node, turn->answer);
    if (turn->ask)
        ask_release(turn->ask);
    cut_off_free(node, turn->cut_off);
    buffer_reuse(&turn->effects);
    buffer_reuse(&turn->events);
    buffer_reuse(&turn->observations);
    buffer_reuse(&turn->printed);
    turn->actor->turn = NULL;
    turn->next_free = node->turns;
    node->turns = turn;
}

bool turn_start(Actor *actor) {
    Node *node = actor->node;
    Turn *turn = turn_new(node);
    Strand *strand = turn->strand ? turn->strand : strand_new(node->scheduler);
    if (strand == NULL) {
        turn->next_free = node->turns;
        node->turns = turn;
        return false;
    }
    turn->actor = actor;
    turn->message = actor_pop(actor);
    turn->strand = strand;
    turn->first = turn->last = NULL;
    turn->folded = value_is_object(actor->fold) ? value_ref(actor->state) : VALUE_ZERO;
    turn->counter = 0;
    turn->ask = NULL;
    turn->has_asked = false;
    turn->answer = NULL;
    turn->observed = 0;
    turn->is_seen_again = false;
    turn->cut_off = actor->cut_off;
    actor->cut_off = NULL;
    turn->has_replied = false;
    turn->only_replies = true;
    actor->turn = turn;
    strand->guard = &turn->guard;
    strand->done = turn_done;
    strand->done_context = turn;
    strand_push(strand, value_ref(actor->state));
    strand_push(strand, value_ref(turn->message->value));
    if (strand_start(strand, actor->behavior)) {
        scheduler_ready(node->scheduler, strand);
        return true;
    }
    turn_faulted(&turn->guard, strand);
    return true;
}

void turn_abandon(Turn *turn) {
    strand_free(turn->strand);
    turn->strand = NULL;
    turn_end(turn);
}

Actor *turn_actor(const Turn *turn) {
    return turn->actor;
}
const Message *turn_message(const Turn *turn) {
    return turn->message;
}
Value turn_sender(const Turn *turn) {
    return turn->message->sender;
}
Value turn_state(const Turn *turn) {
    return value_is_object(turn->folded) ? turn->folded : turn->actor->state;
}
Value turn_fold(const Turn *turn) {
    return turn->actor->fold;
}

/* --- what is held back --- */

static bool is_recorded(const Turn *turn) {
    return turn->actor->place != NULL;
}

static Bytes text_of(Value value) {
    const String *string = value_string(value);
    return (Bytes){(const uint8_t *)string_bytes(string), string->size};
}

static Effect *hold_back(Turn *turn, EffectKind kind) {
    Effect *effect = mem_new(&turn->node->heap->mem, Effect);
    *effect = (Effect){.kind = kind, .address = VALUE_ZERO, .value = VALUE_ZERO, .behavior = VALUE_ZERO};
    if (turn->last)
        turn->last->next = effect;
    else
        turn->first = effect;
    turn->last = effect;
    turn->only_replies = turn->only_replies && kind == EFFECT_REPLY;
    return effect;
}

static bool note(Turn *turn, Strand *strand, const EffectPayload *effect) {
    if (is_recorded(turn))
        payload_put_effect(&turn->effects, effect);
    if (turn->effects.failed) {
        strand_fault_memory(strand);
        return false;
    }
    return true;
}

void turn_stamp(Turn *turn, Message *message) {
    message->from_turn = turn->actor->turn_number + 1;
    message->from_counter = ++turn->counter;
}

bool turn_send(Turn *turn, Strand *strand, Value address, TAKEN Message *message) {
    Effect *effect = hold_back(turn, EFFECT_SEND);
    effect->address = value_ref(address);
    effect->message = message;
    turn_stamp(turn, message);
    return note(turn, strand,
                &(EffectPayload){EFFECT_SEND, text_of(address), (Bytes){message->bytes, message->size}});
}

bool turn_reply(Turn *turn, Strand *strand, Value value) {
    Node *node = turn->node;
    Kind refused;
    if (turn->has_replied) {
        strand_fault(strand, "this message has been answered already");
        return false;
    }
    buffer_clear(&node->scratch);
    int r = codec_encode(node->heap, value, &node->scratch, &refused);
    if (r == CODEC_E_CODE)
        strand_fault(strand, "code-in-message: a %s cannot be sent", kind_name(refused));
    else if (r)
        strand_fault_memory(strand);
    if (r)
        return false;
    turn->has_replied = true;
    if (turn->message->kind != MESSAGE_ASK) {
        node->dropped++;
        return true;
    }
    Effect *effect = hold_back(turn, EFFECT_REPLY);
    effect->value = value_ref(value);
    return note(turn, strand,
                &(EffectPayload){.kind = EFFECT_REPLY,
                                 .value = {(const uint8_t *)node->scratch.bytes, node->scratch.size}});
}

int turn_print(Turn *turn, const char *bytes, size_t size) {
    uint32_t start = (uint32_t)turn->printed.size;
    if (turn->printed.size + size > RECORD_SIZE_MAX || buffer_append(&turn->printed, bytes, size))
        return -ENOMEM;
    Effect *effect = hold_back(turn, EFFECT_PRINT);
    effect->print_start = start;
    effect->print_size = (uint32_t)size;
    if (is_recorded(turn))
        payload_put_effect(&turn->effects,
                           &(EffectPayload){.kind = EFFECT_PRINT, .value = {(const uint8_t *)bytes, size}});
    return turn->effects.failed ? -ENOMEM : 0;
}

/* Of what was the store, the actor, its turn and how many it has spawned: so the same when the turn is run again. */
static Value derived_address(Turn *turn) {
    Node *node = turn->node;
    const String *address = value_string(turn->actor->address);
    struct {
        uint64_t turn, counter;
    } place = {turn->actor->turn_number + 1, ++turn->counter};
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL)
        return VALUE_ZERO;
    XXH3_128bits_reset(state);
    if (turn->actor->place)
        XXH3_128bits_update(state, turn->actor->place->incarnation, sizeof turn->actor->place->incarnation);
    XXH3_128bits_update(state, string_bytes(address), address->size);
    XXH3_128bits_update(state, &place, sizeof place);
    XXH128_canonical_t digest;
    XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(state));
    XXH3_freeState(state);
    return node_uuid_text(node, digest.digest);
}

/* How much its first record takes, which must be in the group of this turn's. */
static bool measure_birth(Node *node, Strand *strand, Effect *effect) {
    Kind refused;
    const Quotation *quotation = value_quotation(effect->behavior);
    buffer_clear(&node->scratch);
    int r = codec_encode(node->heap, effect->value, &node->scratch, &refused);
    for (uint32_t index = 0; !r && index < quotation->capture_count; index++)
        r = codec_encode(node->heap, quotation->captures[index], &node->scratch, &refused);
    if (r == CODEC_E_CODE)
        strand_fault(strand, "code-in-state: a %s cannot be kept", kind_name(refused));
    else if (r)
        strand_fault_memory(strand);
    effect->born_size = node->scratch.size + BORN_FRAME_SIZE;
    return r == 0;
}

Value turn_spawn(Turn *turn, Strand *strand, Value state, Value behavior, bool is_transient) {
    Value address = derived_address(turn);
    if (!value_is_object(address)) {
        strand_fault_memory(strand);
        return VALUE_ZERO;
    }
    Effect *effect = hold_back(turn, EFFECT_SPAWN);
    effect->address = value_ref(address);
    effect->value = value_ref(state);
    effect->behavior = value_ref(behavior);
    effect->is_transient = is_transient;
    if (!is_transient && !measure_birth(turn->node, strand, effect)) {
        value_unref(turn->node->heap, address);
        return VALUE_ZERO;
    }
    if (note(turn, strand, &(EffectPayload){.kind = EFFECT_SPAWN, .address = text_of(address)}))
        return address;
    value_unref(turn->node->heap, address);
    return VALUE_ZERO;
}

bool turn_spawn_at(Turn *turn, Strand *strand, Value address, Value behavior) {
    Effect *effect = hold_back(turn, EFFECT_SPAWN);
    effect->address = value_ref(address);
    effect->value = value_ref(turn->node->empty_map);
    effect->behavior = value_ref(behavior);
    effect->is_at = true;
    return measure_birth(turn->node, strand, effect) &&
           note(turn, strand, &(EffectPayload){.kind = EFFECT_SPAWN, .address = text_of(address)});
}

bool turn_stop(Turn *turn, Strand *strand, Value address) {
    hold_back(turn, EFFECT_STOP)->address = value_ref(address);
    return note(turn, strand, &(EffectPayload){.kind = EFFECT_STOP, .address = text_of(address)});
}

bool turn_append(Turn *turn, Strand *strand, Value event) {
    Node *node = turn->node;
    Kind refused;
    turn->only_replies = false;
    if (!is_recorded(turn))
        return true;
    buffer_clear(&node->scratch);
    int r = codec_encode(node->heap, event, &node->scratch, &refused);
    if (r == CODEC_E_CODE)
        strand_fault(strand, "code-in-event: a %s cannot be kept", kind_name(refused));
    else if (r)
        strand_fault_memory(strand);
    if (!r)
        payload_put_bytes(&turn->events, node->scratch.bytes, node->scratch.size);
    if (!r && turn->events.failed)
        strand_fault_memory(strand);
    return !r && !turn->events.failed;
}

bool turn_folded(Turn *turn, Strand *strand, TAKEN Value state) {
    if (!value_is_map(state)) {
        strand_fault_kind(strand, "a Map from the fold", state);
        value_unref(turn->node->heap, state);
        return false;
    }
    value_unref(turn->node->heap, turn->folded);
    turn->folded = state;
    return true;
}

/* --- asking --- */

static const char ANSWER_NAME[] = "actor-ask"; /* of the observation; also by actor-ask-within */

/*
 * An observation: the name of the word, a Symbol, and what it left. The name
 * keeps values apart when the code has changed: a word's results are proved to
 * be of certain kinds, and those of another word are not.
 */
static int note_seen(Turn *turn, const char *name, const Value *values, uint32_t count, Kind *refused) {
    Heap *heap = turn->node->heap;
    Value symbol = value_from_symbol(symbol_intern(&heap->symbols, &heap->mem, name, strlen(name)));
    int r = codec_encode(heap, symbol, &turn->observations, refused);
    for (uint32_t index = 0; index < count && !r; index++)
        r = codec_encode(heap, values[index], &turn->observations, refused);
    return r;
}

/* The next value that the turn saw when it ran before. */
static int next_seen(Turn *turn, Value *value) {
    CutOff *cut_off = turn->cut_off;
    size_t used;
    int r = codec_decode(turn->node->heap, cut_off->observations.bytes + cut_off->used,
                         cut_off->observations.size - cut_off->used, &used, value);
    if (r == 0)
        cut_off->used += used;
    return r;
}

/* What that word left when the turn ran before: `count` values, now the caller's. False leaves a fault. */
static bool take_seen(Turn *turn, Strand *strand, const char *name, Value *values, uint32_t count) {
    Heap *heap = turn->node->heap;
    Value symbol = VALUE_ZERO;
    uint32_t taken = 0;
    size_t size;
    int r = next_seen(turn, &symbol);
    bool is_same = r == 0 && value_is_symbol(symbol) &&
                   strcmp(symbol_text(&heap->symbols, value_to_symbol(symbol), &size), name) == 0;
    while (is_same && taken < count && (r = next_seen(turn, &values[taken])) == 0)
        taken++;
    if (is_same && taken == count)
        return true;
    value_unref(heap, symbol);
    while (taken > 0)
        value_unref(heap, values[--taken]);
    if (r == -ENOMEM)
        strand_fault_memory(strand);
    else
        strand_fault(strand, "diverged: the turn, run again, sees something else");
    return false;
}

static const char *reason_text(const Node *node, Value reason) {
    size_t size;
    return value_is_symbol(reason) ? symbol_text(&node->heap->symbols, value_to_symbol(reason), &size) : "failed";
}

static uint64_t request_hash(Value address, const Buffer *value) {
    const String *text = value_string(address);
    return XXH3_64bits_withSeed(value->bytes, value->size, XXH3_64bits(string_bytes(text), text->size));
}

/* Encodes what is asked into node->scratch. */
static bool encode_request(Node *node, Strand *strand, Value value) {
    Kind refused;
    buffer_clear(&node->scratch);
    int r = codec_encode(node->heap, value, &node->scratch, &refused);
    if (r == CODEC_E_CODE)
        strand_fault(strand, "code-in-message: a %s cannot be sent", kind_name(refused));
    else if (r)
        strand_fault_memory(strand);
    else if (node->scratch.size > MESSAGE_SIZE_MAX)
        strand_fault(strand, "message-too-large: %zu bytes, at most %d", node->scratch.size, MESSAGE_SIZE_MAX);
    return r == 0 && node->scratch.size <= MESSAGE_SIZE_MAX;
}

static int append_asking(Turn *turn, const Message *request, int64_t deadline_ns, Value address) {
    Node *node = turn->node;
    Actor *actor = turn->actor;
    CLEANUP(buffer_deinit) Buffer bytes;
    buffer_init(&bytes, &node->heap->mem);
    AskingPayload asking = {
        .turn_number = actor->turn_number + 1,
        .counter = request->from_counter,
        .message_sequence = turn->message->sequence,
        .message = message_payload(turn->message),
        .observations = {(const uint8_t *)turn->observations.bytes + turn->observed,
                         turn->observations.size - turn->observed},
        .address = text_of(address),
        .value = {request->bytes, request->size},
        .deadline_ns = deadline_ns,
    };
    payload_put_asking(&bytes, &asking);
    int r = bytes.failed ? -ENOMEM
                         : node_reserve(node, bytes.size + BORN_FRAME_SIZE + message_record_size(request), 4);
    if (!r && asking.message_sequence != turn->message->sequence) { /* as in append_turn() */
        asking.message_sequence = turn->message->sequence;
        buffer_clear(&bytes);
        payload_put_asking(&bytes, &asking);
        r = bytes.failed ? -ENOMEM : 0;
    }
    if (!r && actor->place->last_sequence == 0)
        r = node_append_born(node, actor);
    if (r)
        return r;
    uint64_t sequence = actor->place->last_sequence + 1;
    Outstanding outstanding = actor_outstanding(actor, false);
    outstanding.flags |= OUTSTANDING_MESSAGES;
    if (turn->message->sequence == 0) /* this record holds it */
        outstanding.first_waiting = sequence;
    r = node_append(node, actor, RECORD_ASKING, &bytes, &outstanding);
    if (r)
        return r;
    if (turn->message->sequence == 0)
        turn->message->sequence = sequence;
    turn->has_asked = true;
    turn->observed = (uint32_t)turn->observations.size;
    if (turn->answer)
        message_free(node, turn->answer);
    turn->answer = NULL;
    return 0;
}

/* The turn, run again, comes to what it asked before: it is not asked twice. */
static bool ask_again(Turn *turn, Strand *strand, Value address, Value value, Ask *ask) {
    Node *node = turn->node;
    CutOff *cut_off = turn->cut_off;
    Asked *asked = cut_off->first;
    if (!encode_request(node, strand, value))
        return false;
    if (asked->hash != request_hash(address, &node->scratch)) {
        strand_fault(strand, "diverged: the turn, run again, asks something else");
        return false;
    }
    cut_off->first = asked->next;
    turn->has_asked = true;
    int64_t left_ms = (asked->deadline_ns - clock_wall_us(node->world->clock) * 1000) / 1000000;
    ask_set_timeout(ask, left_ms > 0 ? left_ms : 0);
    mem_free(&node->heap->mem, asked, sizeof *asked);
    for (Message **link = &cut_off->answers; *link; link = &(*link)->next) {
        Message *message = *link;
        if (message->from_counter != turn->ask_counter)
            continue;
        *link = message->next;
        return turn_take_answer(turn, message);
    }
    return true;
}

/* A new request: recorded, then sent. */
static bool ask_anew(Turn *turn, Strand *strand, Value address, Value value, int64_t timeout_ms) {
    Node *node = turn->node;
    Actor *target;
    if (!encode_request(node, strand, value))
        return false;
    Message *request = message_new(node, value_ref(value), value_ref(turn->actor->address),
                                   is_recorded(turn) ? NULL : turn->ask, node->scratch.bytes, node->scratch.size);
    if (request == NULL) {
        value_unref(node->heap, value);
        value_unref(node->heap, turn->actor->address);
        strand_fault_memory(strand);
        return false;
    }
    request->kind = MESSAGE_ASK;
    request->from_turn = turn->actor->turn_number + 1;
    request->from_counter = turn->ask_counter;
    Target found = node_target(node, strand, address, &target);
    if (found == TARGET_NOBODY)
        ask_fail(turn->ask, "no-actor");
    int64_t deadline_ns = clock_wall_us(node->world->clock) * 1000 + timeout_ms * 1000000;
    int r = found == TARGET_FOUND && is_recorded(turn) ? append_asking(turn, request, deadline_ns, address) : 0;
    if (r)
        strand_fault(strand, "%s", r == STORE_E_FULL ? "disk-full" : r == -ENOMEM ? "out of memory" : node->text);
    if (r || found != TARGET_FOUND) {
        message_free(node, request);
        return r == 0 && found == TARGET_NOBODY;
    }
    turn->only_replies = false;
    node_deliver(node, target, request);
    return true;
}

/* The answer is among what it saw. It is noted again as it is taken (turn_note_answer). */
static bool answer_as_seen(Turn *turn, Strand *strand, Ask *ask) {
    Value seen[2]; /* whether there was an answer; the answer, or the reason */
    if (!take_seen(turn, strand, ANSWER_NAME, seen, 2))
        return false;
    turn->is_seen_again = true;
    if (seen[0].bits == VALUE_TRUE.bits) {
        ask_answer(ask, seen[1]);
        return true;
    }
    ask_fail(ask, reason_text(turn->node, seen[1]));
    value_unref(turn->node->heap, seen[1]);
    return true;
}

Ask *turn_ask(Turn *turn, Strand *strand, Value address, Value value, int64_t timeout_ms) {
    Node *node = turn->node;
    CutOff *cut_off = turn->cut_off;
    Ask *ask = ask_new(node, strand, timeout_ms);
    bool ok = true;
    ask_hold(ask);
    turn->ask = ask;
    turn->ask_counter = ++turn->counter;
    bool is_asked = cut_off && cut_off->first && cut_off->first->counter == turn->ask_counter;
    bool is_seen = cut_off && cut_off->used < cut_off->observations.size;
    if (is_asked)
        ok = ask_again(turn, strand, address, value, ask);
    if (ok && is_seen) /* also where nobody was there to be asked */
        ok = answer_as_seen(turn, strand, ask);
    else if (ok && !is_asked)
        ok = ask_anew(turn, strand, address, value, timeout_ms);
    if (ok)
        return ask;
    turn->ask = NULL;
    ask_release(ask);
    ask_release(ask);
    return NULL;
}

bool turn_note_answer(Turn *turn, Strand *strand, bool is_answered, Value value) {
    Kind refused;
    ask_release(turn->ask);
    turn->ask = NULL;
    if (!is_recorded(turn))
        return true;
    int r = note_seen(turn, ANSWER_NAME, (Value[]){value_from_bool(is_answered), value}, 2, &refused);
    if (turn->is_seen_again)
        turn->observed = (uint32_t)turn->observations.size;
    turn->is_seen_again = false;
    if (r)
        strand_fault_memory(strand);
    return r == 0;
}

bool turn_take_answer(Turn *turn, TAKEN Message *message) {
    Node *node = turn->node;
    bool is_awaited = turn->ask && turn->ask->state == ASK_WAITS && message->from_counter == turn->ask_counter &&
                      message->from_turn == turn->actor->turn_number + 1;
    /* the turn, run again, has not come to its question yet */
    bool is_early = !is_awaited && turn->cut_off && turn->cut_off->first &&
                    message->from_turn == turn->actor->turn_number + 1;
    if (is_early)
        cut_off_keep(turn->cut_off, message);
    if (!is_awaited)
        return is_early;
    if (turn->answer)
        message_free(node, turn->answer);
    turn->answer = message;
    message->next = NULL;
    if (message->kind == MESSAGE_ANSWER)
        ask_answer(turn->ask, value_ref(message->value));
    else
        ask_fail(turn->ask, reason_text(node, message->value));
    return true;
}

bool turn_has_asked(const Turn *turn) {
    return turn->has_asked;
}

Message *turn_unrecorded(Turn *turn) {
    if (turn->message && turn->message->sequence == 0 && message_is_kept(turn->actor, turn->message))
        return turn->message;
    if (turn->answer && turn->answer->sequence == 0)
        return turn->answer;
    return cut_off_unrecorded(turn->cut_off);
}

/* --- words that touch the outside --- */

/*
 * Whether what the word leaves is noted. A word that runs a quotation is not
 * passed over when the turn is run again, or what the quotation does would be
 * lost; what that sees is noted for itself.
 */
static bool is_observed(const Turn *turn, const Word *word) {
    return is_recorded(turn) && (word->touches == READS || word->touches == CHANGES) && !word->takes_quotation;
}

/* What a word saw, so that the turn, run again, sees the same. */
static int observe(Turn *turn, Strand *strand, const Word *word) {
    Kind refused;
    const Value *results = strand->sp + 1 - word->outputs;
    int r = note_seen(turn, word->name, results, word->outputs, &refused);
    if (r == CODEC_E_CODE)
        return strand_fault(strand, "a %s cannot be noted", kind_name(refused));
    return r ? strand_fault_memory(strand) : WORD_OK;
}

/* In a turn that is run again: leaves what the word left then. */
static int see_again(Turn *turn, Strand *strand, const Word *word) {
    Value seen[UINT8_MAX];
    if (!take_seen(turn, strand, word->name, seen, word->outputs))
        return WORD_FAULTED;
    strand_drop(strand, word->inputs);
    for (uint32_t index = 0; index < word->outputs; index++)
        strand_push(strand, seen[index]);
    int result = observe(turn, strand, word);
    turn->observed = (uint32_t)turn->observations.size;
    return result;
}

static int turn_call(Guard *guard, Strand *strand, const Word *word) {
    Turn *turn = (Turn *)(void *)guard;
    const CutOff *cut_off = turn->cut_off;
    if (word->touches == ESCAPES)
        return strand_fault(strand, "strand-in-turn: what outlives a turn cannot be made in one");
    turn->only_replies = turn->only_replies && word->touches != CHANGES;
    if (is_observed(turn, word) && cut_off && cut_off->used < cut_off->observations.size)
        return see_again(turn, strand, word);
    turn->node->printing = turn;
    int result = word->function(strand);
    turn->node->printing = NULL;
    return result == WORD_OK && is_observed(turn, word) ? observe(turn, strand, word) : result;
}

/* A word that had to wait has its results now. */
static int turn_stepped(Guard *guard, Strand *strand, const Word *word) {
    Turn *turn = (Turn *)(void *)guard;
    return is_observed(turn, word) ? observe(turn, strand, word) : WORD_OK;
}

/* --- it fails --- */

/* The record of a message that is set aside. A disk that is full leaves the message where it was. */
static int append_fate(Turn *turn, const Fault *fault) {
    Node *node = turn->node;
    Actor *actor = turn->actor;
    CLEANUP(buffer_deinit) Buffer trace, payload;
    buffer_init(&trace, &node->heap->mem);
    buffer_init(&payload, &node->heap->mem);
    fault_print(&trace, fault);
    FatePayload fate = {
        .outcome = FATE_PARKED,
        .message_sequence = turn->message->sequence,
        .message = message_payload(turn->message),
        .reason = {(const uint8_t *)fault->message, strlen(fault->message)},
        .trace = {(const uint8_t *)trace.bytes, trace.size},
    };
    payload_put_fate(&payload, &fate);
    if (payload.failed || trace.failed)
        return -ENOMEM;
    int r = node_reserve(node, payload.size + BORN_FRAME_SIZE + REPLY_FRAME_SIZE + ADDRESS_SIZE_MAX, 4);
    if (!r && fate.message_sequence != turn->message->sequence) { /* as in append_turn() */
        fate.message_sequence = turn->message->sequence;
        buffer_clear(&payload);
        payload_put_fate(&payload, &fate);
        r = payload.failed ? -ENOMEM : 0;
    }
    if (!r && actor->place->last_sequence == 0)
        r = node_append_born(node, actor);
    if (r)
        return r;
    actor->parked++;
    Outstanding outstanding = actor_outstanding(actor, true);
    r = node_append(node, actor, RECORD_FATE, &payload, &outstanding);
    if (r)
        actor->parked--;
    return r;
}

/* The message goes back to the head of the line, and the turn is run again later. */
static void turn_undo(Turn *turn) {
    Actor *actor = turn->actor;
    if (turn->has_asked) { /* the journal knows what it asked, and so the turn goes on from there */
        turn_end(turn);
        node_unload(actor->node, actor);
        return;
    }
    actor_push_first(actor, turn->message);
    turn->message = NULL;
    turn_end(turn);
    node_note_unrecorded(actor->node, actor);
    node_schedule(actor->node, actor);
}

static void turn_fail(Turn *turn, const Fault *fault) {
    Node *node = turn->node;
    Actor *actor = turn->actor;
    const String *address = value_string(actor->address);
    if (is_recorded(turn) && append_fate(turn, fault)) {
        turn_undo(turn);
        return;
    }
    node_report(node, "%.*s: message %s: %s", (int)address->size, string_bytes(address),
                is_recorded(turn) ? "parked" : "dropped", fault->message);
    node_refuse(node, actor, turn->message, "parked");
    turn_end(turn);
    node_settle(node, actor);
}

static bool turn_faulted(Guard *guard, Strand *strand) {
    Turn *turn = (Turn *)(void *)guard;
    Fault fault = turn->node->scheduler->fault;
    (void)strand; /* the turn's, or a weave's body, which goes with its handle on the turn's stack */
    mem_recover(&turn->node->heap->mem);
    strand_free(turn->strand);
    turn->strand = NULL;
    turn_fail(turn, &fault);
    return true;
}

static void fail_with(Turn *turn, const char *format, ...) FORMAT(2, 3);
static void fail_with(Turn *turn, const char *format, ...) {
    Fault fault = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault.message, sizeof fault.message, format, arguments);
    va_end(arguments);
    turn_fail(turn, &fault);
}

/* --- it succeeds --- */

static void perform_spawn(Node *node, const Effect *effect) {
    Actor *actor;
    const String *address = value_string(effect->address);
    actor = node_find(node, string_bytes(address), address->size);
    if (actor == NULL)
        actor = node_make(node, value_ref(effect->address), value_ref(effect->value), value_ref(effect->behavior),
                          effect->is_transient);
    if (actor && effect->is_at)
        node_bind(node, actor, effect->behavior);
    if (actor && actor->place && actor->place->last_sequence == 0 && node_append_born(node, actor))
        node_report(node, "%.*s: no room for its birth", (int)address->size, string_bytes(address));
}

static void perform_send(Node *node, Effect *effect) {
    Actor *actor;
    Message *message = effect->message;
    effect->message = NULL;
    if (node_target(node, NULL, effect->address, &actor) == TARGET_FOUND) {
        node_deliver(node, actor, message);
        return;
    }
    node->dropped++;
    message_free(node, message);
}

static void perform(Turn *turn) {
    Node *node = turn->node;
    for (Effect *effect = turn->first; effect; effect = effect->next) {
        switch (effect->kind) {
        case EFFECT_SEND:
            perform_send(node, effect);
            break;
        case EFFECT_REPLY:
            node_answer(node, turn->actor, turn->message, MESSAGE_ANSWER, value_ref(effect->value));
            break;
        case EFFECT_PRINT:
            if (gate_print(node, turn->printed.bytes + effect->print_start, effect->print_size))
                node->heap->mem.exhausted = true;
            break;
        case EFFECT_SPAWN:
            perform_spawn(node, effect);
            break;
        case EFFECT_STOP:
            node_stop_now(node, effect->address, false);
            break;
        }
    }
    if (!turn->has_replied)
        node_refuse(node, turn->actor, turn->message, "no-reply");
}

/*
 * Room in one group for the turn's record and all that must come with it: the
 * messages it sends, if they still wait when the group is sealed, and births.
 */
static int reserve(const Turn *turn, uint64_t size) {
    uint32_t count = 2;
    size += BORN_FRAME_SIZE;
    for (const Effect *effect = turn->first; effect; effect = effect->next) {
        if (effect->kind == EFFECT_SEND) {
            size += message_record_size(effect->message);
            count += 2;
        } else if (effect->kind == EFFECT_REPLY) {
            size += REPLY_FRAME_SIZE; /* the value is among the turn's effects already, so counted twice over */
            size += turn->effects.size;
            count += 2;
        } else if (effect->kind == EFFECT_SPAWN || effect->kind == EFFECT_STOP) {
            size += effect->born_size + MESSAGE_FRAME_SIZE;
            count += 2;
        }
    }
    return node_reserve(turn->node, size, count);
}

/* A turn without a record still sends. */
static int reserve_sends(const Turn *turn) {
    return turn->node->store && !turn->only_replies ? reserve(turn, 0) : 0;
}

/* The record of the turn. `change` is in node->scratch. */
static int append_turn(Turn *turn) {
    Node *node = turn->node;
    Actor *actor = turn->actor;
    TurnPayload payload = {
        .number = actor->turn_number + 1,
        .change = {(const uint8_t *)node->scratch.bytes, node->scratch.size},
        .events = {(const uint8_t *)turn->events.bytes, turn->events.size},
        .message_sequence = turn->message->sequence,
        .message = message_payload(turn->message),
        .observations = {(const uint8_t *)turn->observations.bytes + turn->observed,
                         turn->observations.size - turn->observed},
        .effects = {(const uint8_t *)turn->effects.bytes, turn->effects.size},
    };
    CLEANUP(buffer_deinit) Buffer bytes;
    buffer_init(&bytes, &node->heap->mem);
    payload_put_turn(&bytes, &payload);
    int r = bytes.failed ? -ENOMEM : reserve(turn, bytes.size);
    if (!r && payload.message_sequence != turn->message->sequence) {
        /* a group was sealed just now, and the message has a record: a second copy of it would be handled again */
        payload.message_sequence = turn->message->sequence;
        buffer_clear(&bytes);
        payload_put_turn(&bytes, &payload);
        r = bytes.failed ? -ENOMEM : 0;
    }
    if (!r && actor->place->last_sequence == 0)
        r = node_append_born(node, actor);
    if (r)
        return r;
    Outstanding outstanding = actor_outstanding(actor, true);
    r = node_append(node, actor, RECORD_TURN, &bytes, &outstanding);
    if (!r)
        actor->turn_number++;
    return r;
}

/* An ask from outside that changed nothing and only answers leaves no record. */
static bool needs_record(const Turn *turn, bool is_changed) {
    bool is_outside = value_string(turn->message->sender)->size == 0;
    return is_recorded(turn) && !(turn->message->ask && is_outside && !is_changed && turn->only_replies);
}

static void turn_finish(Turn *turn, TAKEN Value state) {
    Node *node = turn->node;
    Actor *actor = turn->actor;
    Kind refused = KIND_MAP;
    bool is_same = state.bits == actor->state.bits;
    int r = 0;
    buffer_clear(&node->scratch);
    if (is_same)
        buffer_append_varint(&node->scratch, 0);
    else
        r = difference_encode(node->heap, actor->state, state, &node->scratch, &refused);
    bool is_changed = r == 0 && (node->scratch.size != 1 || node->scratch.bytes[0] != 0);
    bool is_folded = !value_is_object(turn->folded) || value_equal(node->heap, state, turn->folded);
    size_t size = node->scratch.size + turn->events.size + turn->observations.size + turn->effects.size +
                  turn->message->size;
    if (r == CODEC_E_CODE) {
        fail_with(turn, "code-in-state: a %s cannot be kept", kind_name(refused));
    } else if (!r && !is_folded) {
        fail_with(turn, "state-not-from-events: what the behavior left is not what the events come to");
    } else if (!r && size > RECORD_SIZE_MAX - 4096) {
        fail_with(turn, "record-too-large: %zu bytes, at most %d", size, RECORD_SIZE_MAX - 4096);
    } else if (r || (needs_record(turn, is_changed) ? append_turn(turn) : reserve_sends(turn))) {
        turn_undo(turn);
    } else {
        value_unref(node->heap, actor->state);
        actor->state = value_ref(state);
        if (!is_recorded(turn)) /* counted all the same: addresses of what it spawns are made of it */
            actor->turn_number++;
        perform(turn);
        turn_end(turn);
        node_settle(node, actor);
    }
    value_unref(node->heap, state);
}

static void turn_done(Strand *strand, void *context) {
    Turn *turn = context;
    uint64_t depth = strand_depth(strand);
    strand->is_kept = strand_is_small(strand);
    if (!strand->is_kept)
        turn->strand = NULL;
    if (depth == 1 && value_is_map(strand_peek(strand, 0)))
        turn_finish(turn, strand_pop(strand));
    else if (depth == 1)
        fail_with(turn, "a behavior must leave one Map; this one left %s",
                  kind_name(value_kind(strand_peek(strand, 0))));
    else
        fail_with(turn, "a behavior must leave one Map; this one left %llu values", (unsigned long long)depth);
}
