/* SPDX-License-Identifier: MIT */
/*
 * From an actor's journal to the actor: the state after its last turn, and
 * the messages that wait. Nothing is run: a turn's record holds what changed.
 * So is a sourced actor's: its events say the same, and are for whoever folds
 * them again.
 */
#include "vm/actor/node_inside.h"

#include "vm/value/difference.h"
#include "vm/value/map.h"
#include <errno.h>

typedef struct Replay {
    Node *node;
    Actor *actor;
    Value state;
    Value behavior;
    uint64_t turn_number;
    uint32_t parked;
    bool is_stopped;
    Message *first, *last; /* that wait */
    uint64_t limit;        /* messages from this sequence on are in the line already */
    CutOff *cut_off;       /* of the turn that follows the last one, or NULL */
    uint64_t image_sequence, image_checksum; /* the record that the snapshot is of; 0: none was used */
} Replay;

static int decode(Node *node, Bytes bytes, Value *value) {
    size_t used;
    int r = codec_decode(node->heap, (const char *)bytes.bytes, bytes.size, &used, value);
    if (r == 0 && used != bytes.size) {
        value_unref(node->heap, *value);
        r = CODEC_E_DAMAGED;
    }
    return r > 0 ? STORE_E_DAMAGED : r;
}

static int take_born(Replay *replay, const BornPayload *born) {
    Value state;
    int r = decode(replay->node, born->state, &state);
    if (r)
        return r;
    if (!value_is_map(state)) {
        value_unref(replay->node->heap, state);
        return STORE_E_DAMAGED;
    }
    value_unref(replay->node->heap, replay->state);
    replay->state = state;
    if (born->kind.size == 0 && !value_is_object(replay->behavior))
        replay->behavior = code_find(replay->node, born);
    return 0;
}

static int replay_born(Replay *replay, Bytes bytes) {
    BornPayload born;
    return payload_get_born(bytes, &born) ? STORE_E_DAMAGED : take_born(replay, &born);
}

/* A message that waits, from its record. */
static int decode_message(Replay *replay, const MessagePayload *payload, uint64_t sequence, Message **messagep) {
    Node *node = replay->node;
    Value value;
    int r = decode(node, payload->value, &value);
    if (r)
        return r;
    String *sender = string_new(node->heap, (const char *)payload->from.bytes, payload->from.size);
    Message *message = sender ? message_new(node, value, value_from_object(sender), NULL, payload->value.bytes,
                                            payload->value.size)
                              : NULL;
    if (message == NULL) {
        value_unref(node->heap, value);
        if (sender)
            value_unref(node->heap, value_from_object(sender));
        return -ENOMEM;
    }
    message->kind = payload->kind;
    message->sequence = sequence;
    message->from_turn = payload->from_turn;
    message->from_counter = payload->from_counter;
    *messagep = message;
    return 0;
}

/* An answer is for the turn that was cut off while it asked; without one nobody waits for it any more. */
static void keep_answer(Replay *replay, TAKEN Message *message) {
    if (replay->cut_off && message->from_turn == replay->turn_number + 1) {
        cut_off_keep(replay->cut_off, message);
    } else {
        message_free(replay->node, message);
    }
}

static int replay_message(Replay *replay, const MessagePayload *payload, uint64_t sequence) {
    Message *message;
    if (sequence >= replay->limit)
        return 0;
    int r = decode_message(replay, payload, sequence, &message);
    if (r)
        return r;
    if (message->kind == MESSAGE_ANSWER || message->kind == MESSAGE_FAILURE) {
        keep_answer(replay, message);
        return 0;
    }
    if (replay->last)
        replay->last->next = message;
    else
        replay->first = message;
    replay->last = message;
    return 0;
}

/* A turn that asked: what it saw and asked, and its message if it stands here. */
static int replay_asking(Replay *replay, Bytes bytes, uint64_t sequence) {
    AskingPayload asking;
    Mem *mem = &replay->node->heap->mem;
    if (payload_get_asking(bytes, &asking) || asking.turn_number != replay->turn_number + 1)
        return STORE_E_DAMAGED;
    if (asking.message_sequence == 0) {
        Message *message;
        int r = decode_message(replay, &asking.message, sequence, &message);
        if (r)
            return r;
        message->next = replay->first;
        replay->first = message;
        if (!replay->last)
            replay->last = message;
    }
    if (!replay->cut_off)
        replay->cut_off = cut_off_new(replay->node);
    CutOff *cut_off = replay->cut_off;
    Asked *asked = mem_new(mem, Asked);
    asked->counter = asking.counter;
    asked->hash = XXH3_64bits_withSeed(asking.value.bytes, asking.value.size,
                                       XXH3_64bits(asking.address.bytes, asking.address.size));
    asked->deadline_ns = asking.deadline_ns;
    if (cut_off->last)
        cut_off->last->next = asked;
    else
        cut_off->first = asked;
    cut_off->last = asked;
    return asking.observations.size > 0
               ? buffer_append(&cut_off->observations, asking.observations.bytes, asking.observations.size)
               : 0;
}

/* The turn is over, one way or the other. */
static void forget_cut_off(Replay *replay) {
    cut_off_free(replay->node, replay->cut_off);
    replay->cut_off = NULL;
}

/* The message of that record waits no more; it is the first, as lines are handled in order. */
static int replay_settled(Replay *replay, uint64_t sequence) {
    Message *message = replay->first;
    if (sequence == 0)
        return 0;
    if (message == NULL || message->sequence != sequence)
        return STORE_E_DAMAGED;
    replay->first = message->next;
    if (!replay->first)
        replay->last = NULL;
    message_free(replay->node, message);
    return 0;
}

static int replay_turn(Replay *replay, Bytes bytes) {
    TurnPayload turn;
    Heap *heap = replay->node->heap;
    if (payload_get_turn(bytes, &turn) || turn.number != replay->turn_number + 1)
        return STORE_E_DAMAGED;
    replay->turn_number = turn.number;
    forget_cut_off(replay);
    if (turn.change.size > 0) {
        Value before = replay->state;
        replay->state = VALUE_ZERO;
        int r = difference_apply(heap, (const char *)turn.change.bytes, turn.change.size, before, &replay->state);
        if (r)
            return r > 0 ? STORE_E_DAMAGED : r;
    }
    return replay_settled(replay, turn.message_sequence);
}

/* A parked message that is run again stands in this record from now on. */
static int replay_fate(Replay *replay, Bytes bytes, uint64_t sequence) {
    FatePayload fate;
    if (payload_get_fate(bytes, &fate))
        return STORE_E_DAMAGED;
    switch (fate.outcome) {
    case FATE_PARKED:
        replay->parked++;
        forget_cut_off(replay);
        return replay_settled(replay, fate.message_sequence);
    case FATE_AGAIN:
        replay->parked -= replay->parked > 0;
        return replay_message(replay, &fate.message, sequence);
    case FATE_DROPPED:
        replay->parked -= replay->parked > 0;
        return 0;
    case FATE_EXPIRED:
        return replay_settled(replay, fate.message_sequence);
    }
    unreachable();
}

static int replay_life(Replay *replay, Bytes bytes) {
    LifeKind kind;
    if (payload_get_life(bytes, &kind))
        return STORE_E_DAMAGED;
    replay->is_stopped = kind == LIFE_STOPPED;
    return 0;
}

/* The image holds all that came of these records; only messages that still waited are taken from them. */
static int replay_before_image(Replay *replay, const Record *record) {
    MessagePayload message;
    FatePayload fate;
    Bytes payload = {record->payload, record->size};
    if (record->sequence == replay->image_sequence && record->checksum != replay->image_checksum)
        return STORE_E_DAMAGED;
    switch (record->type) {
    case RECORD_MESSAGE:
        return payload_get_message(payload, &message) ? STORE_E_DAMAGED
                                                      : replay_message(replay, &message, record->sequence);
    case RECORD_FATE:
        if (payload_get_fate(payload, &fate))
            return STORE_E_DAMAGED;
        return fate.outcome == FATE_AGAIN ? replay_message(replay, &fate.message, record->sequence) : 0;
    default:
        return 0;
    }
}

static int replay_record(void *context, const Record *record) {
    Replay *replay = context;
    Bytes payload = {record->payload, record->size};
    MessagePayload message;
    if (record->sequence <= replay->image_sequence)
        return replay_before_image(replay, record);
    switch (record->type) {
    case RECORD_BORN:
        return replay_born(replay, payload);
    case RECORD_TURN:
        return replay_turn(replay, payload);
    case RECORD_MESSAGE:
        if (payload_get_message(payload, &message))
            return STORE_E_DAMAGED;
        return replay_message(replay, &message, record->sequence);
    case RECORD_ASKING:
        return replay_asking(replay, payload, record->sequence);
    case RECORD_FATE:
        return replay_fate(replay, payload, record->sequence);
    case RECORD_LIFE:
        return replay_life(replay, payload);
    default:
        return record->flags & RECORD_SKIPPABLE ? 0 : STORE_E_FOREIGN;
    }
}

/* Answers that came in before the actor was loaded are for the turn that was cut off. */
static void take_answers(Replay *replay) {
    Actor *actor = replay->actor;
    Message **link = &actor->first;
    replay->cut_off = actor->cut_off;
    actor->last = NULL;
    while (*link) {
        Message *message = *link;
        if (message->kind == MESSAGE_ANSWER || message->kind == MESSAGE_FAILURE) {
            *link = message->next;
            actor->recorded -= message->sequence > 0;
            if (actor->first_unrecorded == message)
                actor->first_unrecorded = message->next;
            keep_answer(replay, message);
        } else {
            actor->last = message;
            link = &message->next;
        }
    }
    replay->cut_off = NULL;
}

/* What waits comes before what came in since. */
static void take_over(Replay *replay) {
    Actor *actor = replay->actor;
    actor->state = replay->state;
    actor->cut_off = replay->cut_off;
    replay->cut_off = NULL;
    actor->turn_number = replay->turn_number;
    actor->parked = replay->parked;
    actor->is_stopped = replay->is_stopped;
    if (!value_is_object(actor->behavior))
        actor->behavior = replay->behavior;
    else
        value_unref(replay->node->heap, replay->behavior);
    if (replay->last) {
        for (const Message *message = replay->first; message; message = message->next)
            actor->recorded++; /* all of them are */
        replay->last->next = actor->first;
        actor->first = replay->first;
        if (!actor->last)
            actor->last = replay->last;
    }
    take_answers(replay);
}

/* Begins with the newest snapshot: `*from` is the record to read on from. */
static int take_image(Replay *replay, uint64_t *from) {
    Node *node = replay->node;
    CLEANUP(buffer_deinit) Buffer bytes;
    buffer_init(&bytes, &node->heap->mem);
    ImagePayload image;
    uint64_t sequence, checksum;
    int r = store_read_image(node->store, replay->actor->place, &bytes, &sequence, &checksum);
    if (r)
        return r == STORE_E_ABSENT ? 0 : r;
    if (payload_get_image((Bytes){(const uint8_t *)bytes.bytes, bytes.size}, &image) || image.first_waiting > sequence)
        return 0; /* the journal says the same, in more words */
    r = take_born(replay, &image.born);
    if (r)
        return r == STORE_E_DAMAGED ? 0 : r;
    replay->turn_number = image.turn_number;
    replay->parked = (uint32_t)image.parked;
    replay->is_stopped = image.is_stopped != 0;
    replay->image_sequence = sequence;
    replay->image_checksum = checksum;
    *from = image.first_waiting ? image.first_waiting : sequence;
    return 0;
}

static void replay_deinit(Replay *replay) {
    forget_cut_off(replay);
    for (Message *message = replay->first, *next; message; message = next) {
        next = message->next;
        message_free(replay->node, message);
    }
    value_unref(replay->node->heap, replay->state);
    value_unref(replay->node->heap, replay->behavior);
}

/* With a snapshot if `uses_image` and there is one. */
static int load(Node *node, Actor *actor, bool uses_image, bool *used_image) {
    Replay replay = {
        .node = node,
        .actor = actor,
        .state = value_ref(node->empty_map),
        .behavior = VALUE_ZERO,
        .limit = UINT64_MAX,
    };
    for (const Message *message = actor->first; message && replay.limit == UINT64_MAX; message = message->next)
        replay.limit = message->sequence > 0 ? message->sequence : UINT64_MAX;
    uint64_t from = 1;
    int r = uses_image ? take_image(&replay, &from) : 0;
    if (!r)
        r = store_read(node->store, actor->place, from, replay_record, &replay);
    *used_image = replay.image_sequence > 0;
    if (r == 0)
        take_over(&replay);
    else
        replay_deinit(&replay);
    return r;
}

int replay_load(Node *node, Actor *actor) {
    bool used_image;
    int r = load(node, actor, true, &used_image);
    /* a snapshot only saves time: when it does not fit, all is read */
    return r == STORE_E_DAMAGED && used_image ? load(node, actor, false, &used_image) : r;
}
