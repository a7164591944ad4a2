/* SPDX-License-Identifier: MIT */
/* Messages, the line in front of an actor, and asks. What is done with them is the node's and the turn's business. */
#include "vm/actor/actor.h"

#include "vm/actor/node_inside.h"

/* --- messages --- */

Message *message_new(Node *node, TAKEN Value value, TAKEN Value sender, Ask *ask, const void *bytes, size_t size) {
    Message *message = mem_try(&node->heap->mem, sizeof *message + size);
    if (message == NULL)
        return NULL;
    *message = (Message){
        .value = value,
        .sender = sender,
        .ask = ask,
        .kind = ask ? MESSAGE_ASK : MESSAGE_SEND,
        .size = (uint32_t)size,
    };
    if (size > 0)
        memcpy(message->bytes, bytes, size);
    if (ask)
        ask_hold(ask);
    return message;
}

void message_free(Node *node, Message *message) {
    value_unref(node->heap, message->value);
    value_unref(node->heap, message->sender);
    if (message->ask)
        ask_release(message->ask);
    mem_free(&node->heap->mem, message, sizeof *message + message->size);
}

static Bytes string_as_bytes(Value value) {
    const String *string = value_string(value);
    return (Bytes){(const uint8_t *)string_bytes(string), string->size};
}

MessagePayload message_payload(const Message *message) {
    return (MessagePayload){
        .kind = message->kind,
        .from = string_as_bytes(message->sender),
        .from_turn = message->from_turn,
        .from_counter = message->from_counter,
        .value = {message->bytes, message->size},
    };
}

/* --- the line --- */

void actor_push(Actor *actor, TAKEN Message *message) {
    message->next = NULL;
    if (actor->last)
        actor->last->next = message;
    else
        actor->first = message;
    actor->last = message;
    actor->recorded += message->sequence > 0;
    if (!actor->first_unrecorded && message->sequence == 0 && message_is_kept(actor, message))
        actor->first_unrecorded = message;
}

void actor_push_first(Actor *actor, TAKEN Message *message) {
    message->next = actor->first;
    actor->first = message;
    if (!actor->last)
        actor->last = message;
    actor->recorded += message->sequence > 0;
    if (message->sequence == 0 && message_is_kept(actor, message))
        actor->first_unrecorded = message;
}

void actor_skip_recorded(Actor *actor) {
    Message *message = actor->first_unrecorded;
    while (message && (message->sequence > 0 || !message_is_kept(actor, message)))
        message = message->next;
    actor->first_unrecorded = message;
}

Message *actor_pop(Actor *actor) {
    Message *message = actor->first;
    if (message) {
        actor->first = message->next;
        actor->recorded -= message->sequence > 0;
        if (!actor->first)
            actor->last = NULL;
        if (actor->first_unrecorded == message) {
            actor->first_unrecorded = message->next;
            actor_skip_recorded(actor);
        }
    }
    return message;
}

/* Those with a record stand first in the line, apart from asks from outside, which have none. */
Outstanding actor_outstanding(const Actor *actor, bool is_settled) {
    Outstanding outstanding = {.flags = actor->parked > 0 ? OUTSTANDING_PARKED : 0};
    if (actor->turn && !is_settled && turn_message(actor->turn)->sequence > 0) {
        outstanding.flags |= OUTSTANDING_MESSAGES;
        outstanding.first_waiting = turn_message(actor->turn)->sequence;
        return outstanding;
    }
    if (actor->recorded == 0)
        return outstanding;
    const Message *message = actor->first;
    while (message->sequence == 0)
        message = message->next;
    outstanding.flags |= OUTSTANDING_MESSAGES;
    outstanding.first_waiting = message->sequence;
    return outstanding;
}

/* --- a turn that was cut off --- */

CutOff *cut_off_new(Node *node) {
    CutOff *cut_off = mem_new(&node->heap->mem, CutOff);
    buffer_init(&cut_off->observations, &node->heap->mem);
    return cut_off;
}

void cut_off_free(Node *node, CutOff *cut_off) {
    if (cut_off == NULL)
        return;
    for (Asked *asked = cut_off->first, *next; asked; asked = next) {
        next = asked->next;
        mem_free(&node->heap->mem, asked, sizeof *asked);
    }
    for (Message *message = cut_off->answers, *next; message; message = next) {
        next = message->next;
        message_free(node, message);
    }
    buffer_deinit(&cut_off->observations);
    mem_free(&node->heap->mem, cut_off, sizeof *cut_off);
}

void cut_off_keep(CutOff *cut_off, TAKEN Message *answer) {
    answer->next = cut_off->answers;
    cut_off->answers = answer;
}

Message *cut_off_unrecorded(const CutOff *cut_off) {
    Message *message = cut_off ? cut_off->answers : NULL;
    while (message && message->sequence > 0)
        message = message->next;
    return message;
}

/* --- asks --- */

/* Most wait equally long, so a new one goes to the end, or near it. */
static void waiting_insert(Node *node, Ask *ask) {
    Ask *earlier = node->last_waiting;
    while (earlier && earlier->deadline_ns > ask->deadline_ns)
        earlier = earlier->earlier;
    ask->earlier = earlier;
    ask->later = earlier ? earlier->later : node->first_waiting;
    if (ask->earlier)
        ask->earlier->later = ask;
    else
        node->first_waiting = ask;
    if (ask->later)
        ask->later->earlier = ask;
    else
        node->last_waiting = ask;
}

static void waiting_remove(Node *node, Ask *ask) {
    if (ask->earlier)
        ask->earlier->later = ask->later;
    else
        node->first_waiting = ask->later;
    if (ask->later)
        ask->later->earlier = ask->earlier;
    else
        node->last_waiting = ask->earlier;
}

Ask *ask_new(Node *node, Strand *strand, int64_t timeout_ms) {
    Ask *ask = mem_new(&node->heap->mem, Ask);
    int64_t now = clock_monotonic_ns(node->world->clock), most = (INT64_MAX - now) / 1000000 - 1;
    *ask = (Ask){
        .node = node,
        .next = node->asks,
        .holders = 1,
        .strand = strand,
        .value = VALUE_ZERO,
        .deadline_ns = now + (timeout_ms < most ? timeout_ms : most) * 1000000,
    };
    if (ask->next)
        ask->next->previous = ask;
    node->asks = ask;
    waiting_insert(node, ask);
    return ask;
}

void ask_set_timeout(Ask *ask, int64_t timeout_ms) {
    waiting_remove(ask->node, ask);
    ask->deadline_ns = clock_monotonic_ns(ask->node->world->clock) + timeout_ms * 1000000;
    waiting_insert(ask->node, ask);
}

void ask_hold(Ask *ask) {
    ask->holders++;
}

void ask_free(Ask *ask) {
    Node *node = ask->node;
    if (ask->state == ASK_WAITS)
        waiting_remove(node, ask);
    if (ask->previous)
        ask->previous->next = ask->next;
    else
        node->asks = ask->next;
    if (ask->next)
        ask->next->previous = ask->previous;
    value_unref(node->heap, ask->value);
    mem_free(&node->heap->mem, ask, sizeof *ask);
}

void ask_release(Ask *ask) {
    if (--ask->holders == 0)
        ask_free(ask);
}

static void ask_settle(Ask *ask, AskState state) {
    waiting_remove(ask->node, ask);
    ask->state = state;
    if (ask->strand && ask->strand->state == STRAND_PARKED) /* not yet, when it is settled as it is made */
        strand_wake(ask->strand);
    ask->strand = NULL;
}

void ask_answer(Ask *ask, TAKEN Value value) {
    if (ask->state != ASK_WAITS) {
        value_unref(ask->node->heap, value);
        return;
    }
    ask->value = value;
    ask_settle(ask, ASK_ANSWERED);
}

void ask_fail(Ask *ask, const char *reason) {
    if (ask->state != ASK_WAITS)
        return;
    ask->reason = reason;
    ask_settle(ask, ASK_FAILED);
}

void asks_expire(Node *node) {
    while (node->first_waiting && node->first_waiting->deadline_ns <= node->now_ns)
        ask_fail(node->first_waiting, "timeout");
}
