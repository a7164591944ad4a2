/* SPDX-License-Identifier: MIT */
/*
 * What a record means, for people and for programs:
 *
 *   7 2025-11-20T17:22:01.123Z turn 3 from outside :Deposit 50 wrap-1; changed "balance" 50 -> 100; replied 100
 *   {"sequence":7,"time":"2025-11-20T17:22:01.123Z","type":"turn","turn":3,"from":null,...}
 *
 * Values are SON in both; in JSON as texts, so that no Int is rounded and a
 * Symbol is not taken for a String. Both forms are written by the same steps.
 */
#include "vm/actor/history_inside.h"

#include "vm/value/map.h"
#include "vm/value/print.h"
#include "vm/value/string.h"
#include <errno.h>
#include <inttypes.h>

/* A refusal of memory is kept by `out`; `r` is what else went wrong, and the rest is not written then. */
typedef struct Writer {
    History *history;
    const Record *record;
    bool is_json;
    Buffer *out;
    int r;
    bool is_first; /* in a JSON list: no item was written yet */
} Writer;

/* --- pieces --- */

void history_append_time(Buffer *out, int64_t time_ns) {
    const int64_t day_ms = 86400000;
    int64_t ms = time_ns / 1000000 - (time_ns % 1000000 < 0), days = ms / day_ms - (ms % day_ms < 0);
    int64_t in_day = ms - days * day_ms;
    /* years that begin in March have their leap day at the end; 400 of them have 146,097 days */
    int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    buffer_append_format(out, "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64
                         ".%03" PRId64 "Z", year, month, day, in_day / 3600000, in_day / 60000 % 60,
                         in_day / 1000 % 60, in_day % 1000);
}

static void put(Writer *writer, const char *text) {
    buffer_append_text(writer->out, text);
}

/* Quoted in both forms; a refusal is kept by the buffer. */
static void put_quoted(Writer *writer, const void *bytes, size_t size) {
    (void)!print_quoted(writer->out, bytes ? bytes : "", size);
}

static void put_value(Writer *writer, Value value) {
    Heap *heap = writer->history->heap;
    int r;
    if (!writer->is_json) {
        r = print_son(heap, writer->out, value, PRINT_COMPACT);
    } else {
        CLEANUP(buffer_deinit) Buffer text;
        buffer_init(&text, &heap->mem);
        r = print_son(heap, &text, value, PRINT_COMPACT);
        put_quoted(writer, text.bytes, text.size);
    }
    writer->r = writer->r ? writer->r : r;
}

static void fail(Writer *writer, int r, const char *what) {
    if (writer->r == 0)
        writer->r = r > 0 ? history_say(writer->history, writer->record, what) : r;
}

static void put_encoded(Writer *writer, Bytes bytes) {
    Value value;
    int r = history_decode(writer->history->heap, bytes, &value);
    if (r) {
        fail(writer, r, "a value cannot be decoded");
        return;
    }
    put_value(writer, value);
    value_unref(writer->history->heap, value);
}

/* A member of a JSON object, or a piece of the line: what stands before its content. */
static void put_name(Writer *writer, const char *json_name, const char *text) {
    if (writer->is_json)
        buffer_append_format(writer->out, ",\"%s\":", json_name);
    else
        put(writer, text);
}

static void put_number(Writer *writer, const char *json_name, const char *text, uint64_t number) {
    put_name(writer, json_name, text);
    buffer_append_format(writer->out, "%" PRIu64, number);
}

static void list_begin(Writer *writer, const char *json_name) {
    if (writer->is_json)
        buffer_append_format(writer->out, ",\"%s\":[", json_name);
    writer->is_first = true;
}

/* An item of a list; in the text each says what it is. */
static void list_item(Writer *writer, const char *text) {
    if (!writer->is_json)
        put(writer, text);
    else if (!writer->is_first)
        put(writer, ",");
    writer->is_first = false;
}

static void list_end(Writer *writer) {
    if (writer->is_json)
        put(writer, "]");
}

/* --- messages --- */

static void put_sender(Writer *writer, Bytes from, uint64_t turn, MessageKind kind) {
    static const char *const answers[] = {[MESSAGE_ANSWER] = "answer", [MESSAGE_FAILURE] = "failure"};
    if (kind == MESSAGE_ANSWER || kind == MESSAGE_FAILURE)
        buffer_append_format(writer->out, writer->is_json ? ",\"answers\":\"%s\"" : " %s", answers[kind]);
    put_name(writer, "from", " from ");
    if (from.size > 0)
        put_quoted(writer, from.bytes, from.size);
    else
        put(writer, writer->is_json ? "null" : "outside");
    if (turn > 0)
        put_number(writer, "from_turn", " turn ", turn);
    if (writer->is_json)
        buffer_append_format(writer->out, ",\"asks\":%s", kind == MESSAGE_ASK ? "true" : "false");
    else if (kind == MESSAGE_ASK)
        put(writer, " asking");
    put_name(writer, "message", " ");
}

static void put_payload(Writer *writer, const MessagePayload *message) {
    put_sender(writer, message->from, message->from_turn, message->kind);
    put_encoded(writer, message->value);
}

static void put_message(Writer *writer, const HistoryMessage *message) {
    const String *from = value_string(message->from);
    put_sender(writer, (Bytes){(const uint8_t *)string_bytes(from), from->size}, message->from_turn, message->kind);
    put_value(writer, message->value);
}

static const HistoryMessage *line_find(const HistoryLine *line, uint64_t sequence) {
    const HistoryMessage *message = line->first;
    while (message && message->sequence != sequence)
        message = message->next;
    return message;
}

/* A message that stands in an earlier record, or in this one. */
static void put_any_message(Writer *writer, const HistoryLine *line, uint64_t sequence,
                            const MessagePayload *payload) {
    if (sequence == 0) {
        put_payload(writer, payload);
        return;
    }
    const HistoryMessage *message = line_find(line, sequence);
    put_number(writer, "message_sequence", " of record ", sequence);
    if (message)
        put_message(writer, message);
    else
        fail(writer, STORE_E_DAMAGED, "its message is not there");
}

/* --- turns --- */

/* What stood at the path, borrowed, or NULL. */
static const Value *value_at(const History *history, const Value *path, uint32_t length) {
    const Value *value = &history->state;
    for (uint32_t index = 0; value && index < length; index++)
        value = value_is_map(*value) ? map_peek(history->heap, value_map(*value), path[index]) : NULL;
    return value;
}

static void put_old_or_new(Writer *writer, const Value *value) {
    if (value)
        put_value(writer, *value);
    else
        put(writer, writer->is_json ? "null" : "none");
}

static void put_change(Writer *writer, const DifferenceReader *change) {
    list_item(writer, "; changed ");
    if (writer->is_json)
        put(writer, "{\"path\":[");
    for (uint32_t index = 0; index < change->path_length; index++) {
        if (index > 0)
            put(writer, writer->is_json ? "," : " / ");
        put_value(writer, change->path[index]);
    }
    put(writer, writer->is_json ? "],\"old\":" : " ");
    put_old_or_new(writer, value_at(writer->history, change->path, change->path_length));
    put(writer, writer->is_json ? ",\"new\":" : " -> ");
    put_old_or_new(writer, change->is_removed ? NULL : &change->value);
    if (writer->is_json)
        put(writer, "}");
}

static void put_changes(Writer *writer, Bytes bytes) {
    CLEANUP(difference_reader_deinit) DifferenceReader reader;
    difference_reader_init(&reader, writer->history->heap, (const char *)bytes.bytes, bytes.size);
    int r = DIFFERENCE_E_END;
    list_begin(writer, "changes");
    while (bytes.size > 0 && (r = difference_reader_next(&reader)) == 0)
        put_change(writer, &reader);
    list_end(writer);
    if (r != DIFFERENCE_E_END)
        fail(writer, r, "the change cannot be read");
}

static void put_values(Writer *writer, Bytes bytes, const char *json_name, const char *text,
                       int (*next)(Heap *heap, ByteReader *bytes, Value *value)) {
    Heap *heap = writer->history->heap;
    ByteReader reader = byte_reader(bytes.bytes, bytes.size);
    list_begin(writer, json_name);
    while (byte_reader_left(&reader) > 0 && writer->r == 0) {
        Value value;
        int r = next(heap, &reader, &value);
        if (r) {
            fail(writer, r, "a value cannot be decoded");
            break;
        }
        list_item(writer, text);
        put_value(writer, value);
        value_unref(heap, value);
    }
    list_end(writer);
}

static const struct EffectRow {
    const char *json_name, *text;
} effect_rows[] = {
    [EFFECT_SEND] = {"send", "; sent "},       [EFFECT_REPLY] = {"reply", "; replied "},
    [EFFECT_PRINT] = {"print", "; printed "},  [EFFECT_SPAWN] = {"spawn", "; made "},
    [EFFECT_STOP] = {"stop", "; stopped "},
};

static void put_effect(Writer *writer, const EffectPayload *effect) {
    const struct EffectRow *row = &effect_rows[effect->kind];
    bool has_address = effect->kind != EFFECT_REPLY && effect->kind != EFFECT_PRINT;
    list_item(writer, row->text);
    if (writer->is_json)
        buffer_append_format(writer->out, "{\"kind\":\"%s\"", row->json_name);
    if (has_address) {
        put_name(writer, "address", "");
        put_quoted(writer, effect->address.bytes, effect->address.size);
    }
    if (effect->kind == EFFECT_PRINT) {
        put_name(writer, "text", "");
        put_quoted(writer, effect->value.bytes, effect->value.size);
    } else if (effect->kind == EFFECT_SEND || effect->kind == EFFECT_REPLY) {
        put_name(writer, "value", has_address ? " " : "");
        put_encoded(writer, effect->value);
    }
    if (writer->is_json)
        put(writer, "}");
}

static void put_effects(Writer *writer, Bytes bytes) {
    ByteReader reader = byte_reader(bytes.bytes, bytes.size);
    EffectPayload effect;
    list_begin(writer, "effects");
    while (payload_next_effect(&reader, &effect))
        put_effect(writer, &effect);
    list_end(writer);
    if (reader.failed)
        fail(writer, CODEC_E_DAMAGED, "the effects cannot be read");
}

static void put_asking(Writer *writer, Bytes payload) {
    AskingPayload asking;
    if (payload_get_asking(payload, &asking)) {
        fail(writer, STORE_E_DAMAGED, "the request cannot be read");
        return;
    }
    put_number(writer, "turn", " in turn ", asking.turn_number);
    put_any_message(writer, &writer->history->waiting, asking.message_sequence, &asking.message);
    put_values(writer, asking.observations, "observations", "; saw ", history_next_observation);
    put_name(writer, "address", "; asked ");
    put_quoted(writer, asking.address.bytes, asking.address.size);
    put_name(writer, "request", " ");
    put_encoded(writer, asking.value);
    put_name(writer, "deadline", ", until ");
    put(writer, writer->is_json ? "\"" : "");
    history_append_time(writer->out, asking.deadline_ns);
    put(writer, writer->is_json ? "\"" : "");
}

static void put_turn(Writer *writer, Bytes payload) {
    TurnPayload turn;
    if (payload_get_turn(payload, &turn)) {
        fail(writer, STORE_E_DAMAGED, "the turn cannot be read");
        return;
    }
    put_number(writer, "turn", " ", turn.number);
    put_any_message(writer, &writer->history->waiting, turn.message_sequence, &turn.message);
    put_changes(writer, turn.change);
    put_values(writer, turn.events, "events", "; event ", history_next_event);
    put_values(writer, turn.observations, "observations", "; saw ", history_next_observation);
    put_effects(writer, turn.effects);
}

/* --- the others --- */

static void put_born(Writer *writer, Bytes payload) {
    BornPayload born;
    if (payload_get_born(payload, &born)) {
        fail(writer, STORE_E_DAMAGED, "the birth cannot be read");
        return;
    }
    if (born.kind.size > 0) {
        put_name(writer, "kind", " kind ");
        put_quoted(writer, born.kind.bytes, born.kind.size);
    }
    if (born.behavior.size > 0) {
        put_name(writer, "behavior", " behavior ");
        put_quoted(writer, born.behavior.bytes, born.behavior.size);
    }
    put_name(writer, "code", " code ");
    buffer_append_format(writer->out, writer->is_json ? "\"%016" PRIx64 "\"" : "%016" PRIx64, born.code_hash);
    put_name(writer, "state", " state ");
    put_encoded(writer, born.state);
    put_values(writer, born.captures, "captures", "; captured ", history_next_observation);
}

static void put_fate(Writer *writer, Bytes payload) {
    static const char *const outcomes[] = {
        [FATE_PARKED] = "parked", [FATE_DROPPED] = "dropped", [FATE_EXPIRED] = "expired", [FATE_AGAIN] = "again"};
    FatePayload fate;
    if (payload_get_fate(payload, &fate)) {
        fail(writer, STORE_E_DAMAGED, "the fate cannot be read");
        return;
    }
    const History *history = writer->history;
    bool was_parked = fate.outcome == FATE_DROPPED || fate.outcome == FATE_AGAIN;
    buffer_append_format(writer->out, writer->is_json ? ",\"outcome\":\"%s\"" : " %s", outcomes[fate.outcome]);
    put_any_message(writer, was_parked ? &history->parked : &history->waiting, fate.message_sequence, &fate.message);
    if (fate.outcome == FATE_PARKED) {
        put_name(writer, "reason", "; ");
        put_quoted(writer, fate.reason.bytes, fate.reason.size);
    }
    if (fate.outcome == FATE_PARKED && writer->is_json) {
        put_name(writer, "trace", "");
        put_quoted(writer, fate.trace.bytes, fate.trace.size);
    }
}

static void put_life(Writer *writer, Bytes payload) {
    LifeKind kind;
    if (payload_get_life(payload, &kind)) {
        fail(writer, STORE_E_DAMAGED, "it cannot be read");
        return;
    }
    const char *name = kind == LIFE_STOPPED ? "stopped" : "started";
    buffer_append_format(writer->out, writer->is_json ? ",\"life\":\"%s\"" : " %s", name);
}

static void put_waiting(Writer *writer, Bytes payload) {
    MessagePayload message;
    if (payload_get_message(payload, &message))
        fail(writer, STORE_E_DAMAGED, "the message cannot be read");
    else
        put_payload(writer, &message);
}

/* --- the whole --- */

static void put_head(Writer *writer, const char *type) {
    const Record *record = writer->record;
    buffer_append_format(writer->out, writer->is_json ? "{\"sequence\":%" PRIu64 ",\"time\":\"" : "%" PRIu64 " ",
                         record->sequence);
    history_append_time(writer->out, record->time_ns);
    buffer_append_format(writer->out, writer->is_json ? "\",\"type\":\"%s\"" : " %s", type);
}

/* One row for each type of record. */
static const struct TypeRow {
    const char *name;
    void (*put)(Writer *writer, Bytes payload);
} type_rows[] = {
    [RECORD_BORN] = {"born", put_born},
    [RECORD_TURN] = {"turn", put_turn},
    [RECORD_MESSAGE] = {"message", put_waiting},
    [RECORD_ASKING] = {"asking", put_asking},
    [RECORD_FATE] = {"fate", put_fate},
    [RECORD_LIFE] = {"life", put_life},
    [RECORD_SNAPSHOT] = {"snapshot", NULL},
    [RECORD_SEAL] = {"seal", NULL},
    [RECORD_GAP] = {"gap", NULL},
};

int history_append_record(History *history, const Record *record, HistoryForm form, Buffer *out) {
    static const struct TypeRow unknown = {"unknown", NULL};
    Writer writer = {.history = history, .record = record, .is_json = form == HISTORY_JSON, .out = out};
    bool is_known = record->type < sizeof type_rows / sizeof *type_rows && type_rows[record->type].name;
    const struct TypeRow *row = is_known ? &type_rows[record->type] : &unknown;
    put_head(&writer, row->name);
    if (row->put)
        row->put(&writer, (Bytes){record->payload, record->size});
    if (writer.is_json)
        put(&writer, "}");
    return writer.r ? writer.r : out->failed ? -ENOMEM : 0;
}

int history_append_message(const History *history, const HistoryMessage *message, HistoryForm form, Buffer *out) {
    Writer writer = {.history = (History *)history, .is_json = form == HISTORY_JSON, .out = out};
    buffer_append_format(out, writer.is_json ? "{\"sequence\":%" PRIu64 ",\"time\":\"" : "%" PRIu64 " ",
                         message->sequence);
    history_append_time(out, message->time_ns);
    put(&writer, writer.is_json ? "\"" : "");
    put_message(&writer, message);
    if (value_is_object(message->reason)) {
        put_name(&writer, "reason", "; ");
        put_quoted(&writer, string_bytes(value_string(message->reason)), value_string(message->reason)->size);
    }
    if (value_is_object(message->trace) && writer.is_json) {
        put_name(&writer, "trace", "");
        put_quoted(&writer, string_bytes(value_string(message->trace)), value_string(message->trace)->size);
    }
    put(&writer, writer.is_json ? "}" : "");
    return writer.r ? writer.r : out->failed ? -ENOMEM : 0;
}
