/* SPDX-License-Identifier: MIT */
/*
 * Every payload is a row of fields: numbers as varints, bytes behind their
 * size. New fields go to the end, where an older reader does not look.
 */
#include "vm/actor/payload.h"

/* --- fields --- */

void payload_put_bytes(Buffer *out, const void *bytes, size_t size) {
    buffer_append_varint(out, size);
    if (size > 0)
        buffer_append(out, bytes, size);
}

static void put(Buffer *out, Bytes bytes) {
    payload_put_bytes(out, bytes.bytes, bytes.size);
}

static Bytes get(ByteReader *reader) {
    uint64_t size = byte_reader_varint(reader);
    const uint8_t *bytes = byte_reader_take(reader, size);
    return (Bytes){bytes, bytes ? size : 0};
}

static int result(const ByteReader *reader) {
    return reader->failed ? PAYLOAD_E_DAMAGED : 0;
}

static ByteReader reader_of(Bytes payload) {
    return byte_reader(payload.bytes, payload.size);
}

/* --- messages --- */

void payload_put_message(Buffer *out, const MessagePayload *message) {
    buffer_append_varint(out, message->kind);
    put(out, message->from);
    buffer_append_varint(out, message->from_turn);
    buffer_append_varint(out, message->from_counter);
    put(out, message->value);
}

static void get_message(ByteReader *reader, MessagePayload *message) {
    message->kind = (MessageKind)byte_reader_varint(reader);
    message->from = get(reader);
    message->from_turn = byte_reader_varint(reader);
    message->from_counter = byte_reader_varint(reader);
    message->value = get(reader);
    if (message->kind < MESSAGE_SEND || message->kind > MESSAGE_FAILURE)
        reader->failed = true;
}

int payload_get_message(Bytes payload, MessagePayload *message) {
    ByteReader reader = reader_of(payload);
    get_message(&reader, message);
    return result(&reader);
}

/* --- births --- */

void payload_put_born(Buffer *out, const BornPayload *born) {
    put(out, born->kind);
    put(out, born->behavior);
    buffer_append_u64(out, born->code_hash);
    buffer_append_varint(out, born->capture_count);
    put(out, born->captures);
    put(out, born->state);
}

static void get_born(ByteReader *reader, BornPayload *born) {
    born->kind = get(reader);
    born->behavior = get(reader);
    born->code_hash = byte_reader_fixed(reader, 8);
    born->capture_count = byte_reader_varint(reader);
    born->captures = get(reader);
    born->state = get(reader);
}

int payload_get_born(Bytes payload, BornPayload *born) {
    ByteReader reader = reader_of(payload);
    get_born(&reader, born);
    return result(&reader);
}

void payload_put_image(Buffer *out, const ImagePayload *image) {
    payload_put_born(out, &image->born);
    buffer_append_varint(out, image->turn_number);
    buffer_append_varint(out, image->parked);
    buffer_append_varint(out, image->is_stopped);
    buffer_append_varint(out, image->first_waiting);
}

int payload_get_image(Bytes payload, ImagePayload *image) {
    ByteReader reader = reader_of(payload);
    get_born(&reader, &image->born);
    image->turn_number = byte_reader_varint(&reader);
    image->parked = byte_reader_varint(&reader);
    image->is_stopped = byte_reader_varint(&reader);
    image->first_waiting = byte_reader_varint(&reader);
    return result(&reader);
}

/* --- turns --- */

void payload_put_effect(Buffer *out, const EffectPayload *effect) {
    buffer_append_varint(out, effect->kind);
    if (effect->kind != EFFECT_REPLY && effect->kind != EFFECT_PRINT)
        put(out, effect->address);
    if (effect->kind != EFFECT_SPAWN && effect->kind != EFFECT_STOP)
        put(out, effect->value);
}

bool payload_next_effect(ByteReader *effects, EffectPayload *effect) {
    *effect = (EffectPayload){0};
    if (effects->failed || byte_reader_left(effects) == 0)
        return false;
    effect->kind = (EffectKind)byte_reader_varint(effects);
    if (effect->kind < EFFECT_SEND || effect->kind > EFFECT_STOP)
        effects->failed = true;
    if (effect->kind != EFFECT_REPLY && effect->kind != EFFECT_PRINT)
        effect->address = get(effects);
    if (effect->kind != EFFECT_SPAWN && effect->kind != EFFECT_STOP)
        effect->value = get(effects);
    return !effects->failed;
}

/* The change comes first and recovery reads no further than the message. */
void payload_put_turn(Buffer *out, const TurnPayload *turn) {
    buffer_append_varint(out, turn->number);
    put(out, turn->change);
    put(out, turn->events);
    buffer_append_varint(out, turn->message_sequence);
    if (turn->message_sequence == 0)
        payload_put_message(out, &turn->message);
    put(out, turn->observations);
    put(out, turn->effects);
}

int payload_get_turn(Bytes payload, TurnPayload *turn) {
    ByteReader reader = reader_of(payload);
    *turn = (TurnPayload){.number = byte_reader_varint(&reader)};
    turn->change = get(&reader);
    turn->events = get(&reader);
    turn->message_sequence = byte_reader_varint(&reader);
    if (turn->message_sequence == 0)
        get_message(&reader, &turn->message);
    turn->observations = get(&reader);
    turn->effects = get(&reader);
    return result(&reader);
}

void payload_put_asking(Buffer *out, const AskingPayload *asking) {
    buffer_append_varint(out, asking->turn_number);
    buffer_append_varint(out, asking->counter);
    buffer_append_varint(out, asking->message_sequence);
    if (asking->message_sequence == 0)
        payload_put_message(out, &asking->message);
    put(out, asking->observations);
    put(out, asking->address);
    put(out, asking->value);
    buffer_append_varint(out, zigzag(asking->deadline_ns));
}

int payload_get_asking(Bytes payload, AskingPayload *asking) {
    ByteReader reader = reader_of(payload);
    *asking = (AskingPayload){.turn_number = byte_reader_varint(&reader)};
    asking->counter = byte_reader_varint(&reader);
    asking->message_sequence = byte_reader_varint(&reader);
    if (asking->message_sequence == 0)
        get_message(&reader, &asking->message);
    asking->observations = get(&reader);
    asking->address = get(&reader);
    asking->value = get(&reader);
    asking->deadline_ns = zigzag_back(byte_reader_varint(&reader));
    return result(&reader);
}

/* --- fates and lives --- */

void payload_put_fate(Buffer *out, const FatePayload *fate) {
    buffer_append_varint(out, fate->outcome);
    buffer_append_varint(out, fate->message_sequence);
    if (fate->message_sequence == 0)
        payload_put_message(out, &fate->message);
    put(out, fate->reason);
    put(out, fate->trace);
}

int payload_get_fate(Bytes payload, FatePayload *fate) {
    ByteReader reader = reader_of(payload);
    *fate = (FatePayload){.outcome = (FateOutcome)byte_reader_varint(&reader)};
    fate->message_sequence = byte_reader_varint(&reader);
    if (fate->message_sequence == 0)
        get_message(&reader, &fate->message);
    fate->reason = get(&reader);
    fate->trace = get(&reader);
    if (fate->outcome < FATE_PARKED || fate->outcome > FATE_AGAIN)
        reader.failed = true;
    return result(&reader);
}

void payload_put_life(Buffer *out, LifeKind kind) {
    buffer_append_varint(out, kind);
}

int payload_get_life(Bytes payload, LifeKind *kind) {
    ByteReader reader = reader_of(payload);
    *kind = (LifeKind)byte_reader_varint(&reader);
    if (*kind != LIFE_STOPPED && *kind != LIFE_STARTED)
        reader.failed = true;
    return result(&reader);
}
