/* SPDX-License-Identifier: MIT */
/*
 * Going through the records. It does to a state and lines what replay.c does
 * to an actor, for eyes instead of for a node.
 */
#include "vm/actor/history_inside.h"

#include "vm/value/map.h"
#include "vm/value/string.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* --- messages --- */

static void message_free(Heap *heap, HistoryMessage *message) {
    value_unref(heap, message->from);
    value_unref(heap, message->value);
    value_unref(heap, message->reason);
    value_unref(heap, message->trace);
    mem_free(&heap->mem, message, sizeof *message);
}

static void line_push(HistoryLine *line, HistoryMessage *message) {
    message->next = NULL;
    if (line->last)
        line->last->next = message;
    else
        line->first = message;
    line->last = message;
    line->count++;
}

static void line_push_first(HistoryLine *line, HistoryMessage *message) {
    message->next = line->first;
    line->first = message;
    if (!line->last)
        line->last = message;
    line->count++;
}

/* Takes the message with that sequence out of the line. NULL: it is not there. */
static HistoryMessage *line_take(HistoryLine *line, uint64_t sequence) {
    HistoryMessage *before = NULL, *message = line->first;
    for (; message && message->sequence != sequence; message = message->next)
        before = message;
    if (message == NULL)
        return NULL;
    *(before ? &before->next : &line->first) = message->next;
    if (line->last == message)
        line->last = before;
    line->count--;
    return message;
}

static void line_free(Heap *heap, HistoryLine *line) {
    for (HistoryMessage *message = line->first, *next; message; message = next) {
        next = message->next;
        message_free(heap, message);
    }
}

/* --- life --- */

void history_init(History *history, Heap *heap) {
    *history = (History){.heap = heap, .state = value_from_object(map_new(heap))};
}

void history_deinit(History *history) {
    value_unref(history->heap, history->state);
    line_free(history->heap, &history->waiting);
    line_free(history->heap, &history->parked);
}

/* --- decoding --- */

int history_say(History *history, const Record *record, const char *what) {
    snprintf(history->damage, sizeof history->damage, "record %" PRIu64 ": %s", record->sequence, what);
    return STORE_E_DAMAGED;
}

int history_decode(Heap *heap, Bytes bytes, Value *value) {
    size_t used;
    int r = codec_decode(heap, (const char *)bytes.bytes, bytes.size, &used, value);
    if (r == 0 && used != bytes.size) {
        value_unref(heap, *value);
        r = CODEC_E_DAMAGED;
    }
    return r;
}

int history_next_event(Heap *heap, ByteReader *bytes, Value *value) {
    uint64_t size = byte_reader_varint(bytes);
    const uint8_t *event = byte_reader_take(bytes, size);
    return event ? history_decode(heap, (Bytes){event, size}, value) : CODEC_E_DAMAGED;
}

int history_next_observation(Heap *heap, ByteReader *bytes, Value *value) {
    size_t used;
    int r = codec_decode(heap, (const char *)bytes->at, byte_reader_left(bytes), &used, value);
    if (r == 0)
        bytes->at += used;
    return r;
}

/* Decodes what going on does not need, so that damage in it does not stay unseen. */
static int check_values(Heap *heap, Bytes bytes, int (*next)(Heap *heap, ByteReader *bytes, Value *value)) {
    ByteReader reader = byte_reader(bytes.bytes, bytes.size);
    while (byte_reader_left(&reader) > 0) {
        Value value;
        int r = next(heap, &reader, &value);
        if (r)
            return r;
        value_unref(heap, value);
    }
    return 0;
}

static int check_effects(Heap *heap, Bytes bytes) {
    ByteReader reader = byte_reader(bytes.bytes, bytes.size);
    EffectPayload effect;
    while (payload_next_effect(&reader, &effect)) {
        Value value;
        if (effect.kind != EFFECT_SEND && effect.kind != EFFECT_REPLY)
            continue;
        int r = history_decode(heap, effect.value, &value);
        if (r)
            return r;
        value_unref(heap, value);
    }
    return reader.failed ? CODEC_E_DAMAGED : 0;
}

/* What the codec says of a part of the record. */
static int result(History *history, const Record *record, int r, const char *what) {
    return r > 0 ? history_say(history, record, what) : r;
}

/* --- what records do --- */

static int string_value(Heap *heap, Bytes bytes, Value *value) {
    String *string = string_new(heap, (const char *)bytes.bytes, bytes.size);
    if (string == NULL)
        return -ENOMEM;
    *value = value_from_object(string);
    return 0;
}

static int message_new(History *history, const Record *record, const MessagePayload *payload,
                       HistoryMessage **messagep) {
    Heap *heap = history->heap;
    Value value, from;
    int r = history_decode(heap, payload->value, &value);
    if (r)
        return result(history, record, r, "the message cannot be decoded");
    r = string_value(heap, payload->from, &from);
    if (r) {
        value_unref(heap, value);
        return r;
    }
    HistoryMessage *message = mem_new(&heap->mem, HistoryMessage);
    *message = (HistoryMessage){
        .sequence = record->sequence,
        .time_ns = record->time_ns,
        .kind = payload->kind,
        .from_turn = payload->from_turn,
        .from_counter = payload->from_counter,
        .from = from,
        .value = value,
        .reason = VALUE_ZERO,
        .trace = VALUE_ZERO,
    };
    *messagep = message;
    return 0;
}

static int add_born(History *history, const Record *record, Bytes bytes) {
    BornPayload born;
    Value state;
    if (payload_get_born(bytes, &born))
        return history_say(history, record, "the birth cannot be read");
    int r = history_decode(history->heap, born.state, &state);
    if (r)
        return result(history, record, r, "the first state cannot be decoded");
    if (!value_is_map(state)) {
        value_unref(history->heap, state);
        return history_say(history, record, "the first state is no Map");
    }
    value_unref(history->heap, history->state);
    history->state = state;
    return result(history, record, check_values(history->heap, born.captures, history_next_observation),
                  "the captured values cannot be decoded");
}

/* An answer is for the turn that asked, and waits in no line. */
static int add_message(History *history, const Record *record, const MessagePayload *payload) {
    HistoryMessage *message;
    int r = message_new(history, record, payload, &message);
    if (r)
        return r;
    if (payload->kind == MESSAGE_ANSWER || payload->kind == MESSAGE_FAILURE)
        message_free(history->heap, message);
    else
        line_push(&history->waiting, message);
    return 0;
}

/* The message of that record waits no more. 0: no record held it, and it is in `payload`. */
static int settle(History *history, const Record *record, uint64_t sequence, const MessagePayload *payload,
                  HistoryMessage **messagep) {
    if (sequence == 0)
        return message_new(history, record, payload, messagep);
    bool is_next = history->waiting.first && history->waiting.first->sequence == sequence;
    if (!is_next)
        return history_say(history, record, "its message is not the one that waits longest");
    *messagep = line_take(&history->waiting, sequence);
    return 0;
}

static int add_change(History *history, const Record *record, Bytes change) {
    Value before = history->state, after;
    history->state = VALUE_ZERO;
    int r = difference_apply(history->heap, (const char *)change.bytes, change.size, before, &after);
    if (r == 0)
        history->state = after;
    return result(history, record, r, "the change does not fit the state");
}

/* The turn goes on, or is run again; its message waits until then, before all others. */
static int add_asking(History *history, const Record *record, Bytes bytes) {
    AskingPayload asking;
    HistoryMessage *message;
    Value request;
    Heap *heap = history->heap;
    if (payload_get_asking(bytes, &asking))
        return history_say(history, record, "the request cannot be read");
    if (asking.turn_number != history->turn_number + 1)
        return history_say(history, record, "it is not the next turn that asks");
    int r = settle(history, record, asking.message_sequence, &asking.message, &message);
    if (r)
        return r;
    line_push_first(&history->waiting, message);
    history->asks++;
    r = history_decode(heap, asking.value, &request);
    if (r)
        return result(history, record, r, "the request cannot be decoded");
    value_unref(heap, request);
    return result(history, record, check_values(heap, asking.observations, history_next_observation),
                  "an observation cannot be decoded");
}

static int add_turn(History *history, const Record *record, Bytes bytes) {
    TurnPayload turn;
    HistoryMessage *message;
    if (payload_get_turn(bytes, &turn))
        return history_say(history, record, "the turn cannot be read");
    if (turn.number != history->turn_number + 1)
        return history_say(history, record, "it is not the next turn");
    int r = settle(history, record, turn.message_sequence, &turn.message, &message);
    if (r)
        return r;
    message_free(history->heap, message);
    history->turn_number = turn.number;
    history->asks = 0;
    if (turn.change.size > 0)
        r = add_change(history, record, turn.change);
    if (!r)
        r = result(history, record, check_values(history->heap, turn.events, history_next_event),
                   "an event cannot be decoded");
    if (!r)
        r = result(history, record, check_values(history->heap, turn.observations, history_next_observation),
                   "an observation cannot be decoded");
    return r ? r : result(history, record, check_effects(history->heap, turn.effects), "an effect cannot be decoded");
}

static int add_parked(History *history, const Record *record, const FatePayload *fate) {
    HistoryMessage *message;
    int r = settle(history, record, fate->message_sequence, &fate->message, &message);
    if (r)
        return r;
    history->asks = 0;
    message->sequence = record->sequence;
    message->time_ns = record->time_ns;
    r = string_value(history->heap, fate->reason, &message->reason);
    if (!r)
        r = string_value(history->heap, fate->trace, &message->trace);
    line_push(&history->parked, message);
    return r;
}

/* The parked message that a fate is about: it names the fate that parked it, or it is the oldest. */
static HistoryMessage *take_parked(History *history, const FatePayload *fate) {
    uint64_t oldest = history->parked.first ? history->parked.first->sequence : 0;
    return line_take(&history->parked, fate->message_sequence ? fate->message_sequence : oldest);
}

/* It waits again, and its record is this one. */
static int add_again(History *history, const Record *record, const FatePayload *fate) {
    HistoryMessage *parked = take_parked(history, fate);
    if (parked == NULL)
        return history_say(history, record, "the message it is about is not parked");
    if (fate->message_sequence == 0) {
        message_free(history->heap, parked);
        return add_message(history, record, &fate->message);
    }
    parked->sequence = record->sequence;
    parked->time_ns = record->time_ns;
    line_push(&history->waiting, parked);
    return 0;
}

static int add_fate(History *history, const Record *record, Bytes bytes) {
    FatePayload fate;
    HistoryMessage *message;
    int r;
    if (payload_get_fate(bytes, &fate))
        return history_say(history, record, "the fate cannot be read");
    switch (fate.outcome) {
    case FATE_PARKED:
        return add_parked(history, record, &fate);
    case FATE_AGAIN:
        return add_again(history, record, &fate);
    case FATE_DROPPED:
        message = take_parked(history, &fate);
        if (message == NULL)
            return history_say(history, record, "the message it is about is not parked");
        message_free(history->heap, message);
        return 0;
    case FATE_EXPIRED:
        r = settle(history, record, fate.message_sequence, &fate.message, &message);
        if (r == 0)
            message_free(history->heap, message);
        return r;
    }
    unreachable();
}

static int add_life(History *history, const Record *record, Bytes bytes) {
    LifeKind kind;
    if (payload_get_life(bytes, &kind))
        return history_say(history, record, "it cannot be read");
    history->is_stopped = kind == LIFE_STOPPED;
    return 0;
}

static int add(History *history, const Record *record) {
    Bytes payload = {record->payload, record->size};
    MessagePayload message;
    switch (record->type) {
    case RECORD_BORN:
        return add_born(history, record, payload);
    case RECORD_TURN:
        return add_turn(history, record, payload);
    case RECORD_MESSAGE:
        if (payload_get_message(payload, &message))
            return history_say(history, record, "the message cannot be read");
        return add_message(history, record, &message);
    case RECORD_ASKING:
        return add_asking(history, record, payload);
    case RECORD_FATE:
        return add_fate(history, record, payload);
    case RECORD_LIFE:
        return add_life(history, record, payload);
    default:
        if (record->flags & RECORD_SKIPPABLE)
            return 0;
        snprintf(history->damage, sizeof history->damage, "record %" PRIu64 " is of type %u, which this version does "
                 "not know", record->sequence, (unsigned)record->type);
        return STORE_E_FOREIGN;
    }
}

int history_add(History *history, const Record *record) {
    int r = add(history, record);
    if (r)
        return r;
    history->last_sequence = record->sequence;
    history->last_time_ns = record->time_ns;
    return mem_is_exhausted(&history->heap->mem) ? -ENOMEM : 0;
}

bool history_waits_from(const History *history, uint64_t sequence) {
    const HistoryMessage *first = history->waiting.first;
    return !first || (sequence > 0 && sequence <= first->sequence);
}

/* Equal states have equal bytes. */
static int compare_state(History *history, const Record *record, Bytes state) {
    CLEANUP(buffer_deinit) Buffer own;
    Kind refused;
    buffer_init(&own, &history->heap->mem);
    int r = codec_encode(history->heap, history->state, &own, &refused);
    if (r < 0)
        return r;
    bool is_same = r == 0 && own.size == state.size && memcmp(own.bytes, state.bytes, own.size) == 0;
    return is_same ? 0 : history_say(history, record, "its snapshot has another state");
}

int history_compare_image(History *history, const Record *record, Bytes bytes) {
    ImagePayload image;
    if (payload_get_image(bytes, &image))
        return history_say(history, record, "its snapshot cannot be read");
    if (image.turn_number != history->turn_number || image.parked != history->parked.count ||
        !history_waits_from(history, image.first_waiting) || (image.is_stopped != 0) != history->is_stopped)
        return history_say(history, record, "its snapshot is not of this history");
    return compare_state(history, record, image.born.state);
}
