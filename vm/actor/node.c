/* SPDX-License-Identifier: MIT */
/*
 * The directory of actors, the store behind them, and the node's share of the
 * loop: start turns, seal groups, let out what is on disk.
 *
 * An actor in memory is found by its address. A durable one is brought in by
 * its first message, which waits in its line until the actor is loaded, when
 * its turn comes. Whether an address names anybody is decided here, in
 * node_target().
 */
#include "vm/actor/node_inside.h"

#include "vm/base/config.h"
#include "vm/base/hash.h"
#include "vm/base/utf8.h"
#include "vm/value/map.h"
#include "vm/value/variant.h"
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TURNS_AT_ONCE = 64,                     /* started before strands are looked at again */
    TURN_ROOM = 64 * 1024,                  /* with less in the store no turn begins */
    PUT_AWAY_AT_ONCE = 64,
    UNSEALED_ROUNDS_MAX = 16,
};
static const int64_t FULL_RETRY_NS = 1000000000;

/* --- messages for people --- */

void node_report(Node *node, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (node->options.report)
        node->options.report(node->options.report_context, text);
}

void node_fail(Node *node, int r, const char *text) {
    if (node->failed)
        return;
    node->failed = r;
    snprintf(node->text, sizeof node->text, "%s", text);
    snprintf(node->scheduler->fault.message, FAULT_MESSAGE_MAX, "%.*s", FAULT_MESSAGE_MAX - 1, text);
    node->scheduler->fault.call_count = 0;
}

int node_failure(const Node *node) {
    return node->failed;
}
const char *node_text(const Node *node) {
    return node->text;
}

/* A negative answer of the store is final. */
static int store_result(Node *node, int r) {
    if (r < 0 && r != -ENOMEM) {
        char text[256];
        snprintf(text, sizeof text, "store %s: the disk failed: %s", node->options.store_path, strerror(-r));
        node_fail(node, r, text);
    }
    return r;
}

/* --- the store --- */

static int append_waiting(Node *node, Actor *actor);
static Message *oldest_unrecorded(Actor *actor);
static bool image_of(void *context, StoreActor *place, Buffer *out);

/* Bytes of the records that a message needs when it waits; the first of an actor comes with a birth. */
uint64_t message_record_size(const Message *message) {
    return message->size + value_string(message->sender)->size + MESSAGE_FRAME_SIZE + BORN_FRAME_SIZE;
}

static void expect(Node *node, const Message *message) {
    store_expect(node->store, message_record_size(message));
}

static void expect_waiting(Node *node, const Actor *actor) {
    if (actor->turn)
        store_expect(node->store, 2 * (MESSAGE_SIZE_MAX + BORN_FRAME_SIZE));
    for (const Message *message = actor->first_unrecorded; message; message = message->next) {
        if (message->sequence == 0 && message_is_kept(actor, message))
            expect(node, message);
    }
}

/* A group is about to be sealed: messages that wait, and are in no record, get one. */
static void sealing(void *context) {
    Node *node = context;
    Actor *later = NULL;
    while (node->unrecorded) {
        Actor *actor = node->unrecorded;
        node->unrecorded = actor->unrecorded_next;
        actor->in_unrecorded = false;
        if (append_waiting(node, actor)) { /* no room: with the next group */
            actor->unrecorded_next = later;
            actor->in_unrecorded = true;
            later = actor;
        }
    }
    node->unrecorded = later;
    for (; later; later = later->unrecorded_next)
        expect_waiting(node, later);
}

/* The oldest message that a record must hold: that of the turn that runs, what it was answered, then the line's. */
static Message *oldest_unrecorded(Actor *actor) {
    Message *message = actor->turn ? turn_unrecorded(actor->turn) : cut_off_unrecorded(actor->cut_off);
    if (message)
        return message;
    actor_skip_recorded(actor);
    return actor->first_unrecorded;
}

static int append_waiting(Node *node, Actor *actor) {
    for (Message *message; (message = oldest_unrecorded(actor)) != NULL;) {
        if (actor->place->last_sequence == 0 && node_append_born(node, actor))
            return -EAGAIN;
        MessagePayload payload = message_payload(message);
        buffer_clear(&node->payload);
        payload_put_message(&node->payload, &payload);
        if (node->payload.failed)
            return -ENOMEM;
        bool is_in_line = message == actor->first_unrecorded;
        message->sequence = actor->place->last_sequence + 1;
        actor->recorded += is_in_line;
        Outstanding outstanding = actor_outstanding(actor, false);
        if (node_append(node, actor, RECORD_MESSAGE, &node->payload, &outstanding)) {
            actor->recorded -= is_in_line;
            message->sequence = 0;
            return -EAGAIN;
        }
    }
    return 0;
}

static bool open_failed(Node *node, Strand *strand, int r, const StoreReport *report) {
    char text[640];
    const char *why = report->text[0] ? report->text : r < 0 ? strerror(-r) : "it cannot be used";
    snprintf(text, sizeof text, "store %s: %s", node->options.store_path, why);
    node_fail(node, r, text);
    strand_fault(strand, "%s", text);
    return false;
}

/* An actor that has something to do comes into memory; it is loaded when its turn comes. */
static int wake_outstanding(void *context, StoreActor *place) {
    Node *node = context;
    if (!(place->outstanding.flags & OUTSTANDING_MESSAGES) || node_find(node, place->id, place->id_size))
        return 0;
    String *text = string_new(node->heap, place->id, place->id_size);
    Actor *actor = text ? node_make(node, value_from_object(text), VALUE_ZERO, VALUE_ZERO, false) : NULL;
    return actor ? 0 : -ENOMEM;
}

bool node_need_store(Node *node, Strand *strand) {
    if (node->failed) {
        strand_fault(strand, "%s", node->text);
        return false;
    }
    if (node->store)
        return true;
    node->signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (node->signal < 0) {
        strand_fault(strand, "no eventfd: %s", strerror(errno));
        return false;
    }
    StoreOptions options = {
        .mem = &node->heap->mem,
        .io = node->world->io,
        .clock = node->world->clock,
        .path = node->options.store_path,
        .may_create = true,
        .is_threaded = true,
        .signal = node->signal,
        .pid = node->options.pid,
        .sealing = sealing,
        .image = image_of,
        .context = node,
    };
    StoreReport report;
    int r = store_open(&node->store, &options, &report);
    if (r)
        return open_failed(node, strand, r, &report);
    if (report.torn_bytes > 0)
        node_report(node, "store %s: %llu bytes that nobody was told of were put aside", node->options.store_path,
                    (unsigned long long)report.torn_bytes);
    gate_begin(node);
    r = store_each_outstanding(node->store, wake_outstanding, node);
    if (r)
        strand_fault_memory(strand);
    return r == 0;
}

int node_append(Node *node, Actor *actor, RecordType type, const Buffer *payload, const Outstanding *outstanding) {
    return store_result(node, store_append(node->store, actor->place, type, payload->bytes, (uint32_t)payload->size,
                                           outstanding));
}

int node_reserve(Node *node, uint64_t size, uint32_t count) {
    int r = store_reserve(node->store, size, count);
    if (r == STORE_E_FULL && !node->is_full) {
        node->is_full = true;
        node_report(node, "store %s: no room on the disk; turns wait", node->options.store_path);
    }
    if (r == STORE_E_FULL)
        node->retry_ns = clock_monotonic_ns(node->world->clock) + FULL_RETRY_NS;
    else if (r == 0)
        node->is_full = false;
    return store_result(node, r);
}

/*
 * An actor's birth, with its state as it is; or, with `image`, all of it.
 * Captured values, the same for every actor of a kind, are kept for those
 * that were spawned.
 */
static int encode_born(Node *node, const Actor *actor, const ImagePayload *image, Buffer *payload) {
    Kind refused;
    const String *address = value_string(actor->address);
    ActorKind *kind = node_kind(node, string_bytes(address), address->size);
    CodeIdentity identity = {0};
    CLEANUP(buffer_deinit) Buffer state, captures;
    buffer_init(&state, &node->heap->mem);
    buffer_init(&captures, &node->heap->mem);
    BornPayload born = {0};
    int r = codec_encode(node->heap, value_is_object(actor->state) ? actor->state : node->empty_map, &state, &refused);
    if (kind) {
        const String *name = value_string(kind->name);
        born.kind = (Bytes){(const uint8_t *)string_bytes(name), name->size};
    }
    if (value_is_object(actor->behavior)) {
        const Quotation *quotation = value_quotation(actor->behavior);
        identity = code_identity(node, actor->behavior);
        born.capture_count = kind ? 0 : quotation->capture_count;
        for (uint32_t index = 0; !r && index < born.capture_count; index++)
            r = codec_encode(node->heap, quotation->captures[index], &captures, &refused);
    }
    if (r)
        return r < 0 ? r : -EINVAL;
    born.behavior = (Bytes){(const uint8_t *)identity.word, identity.word ? strlen(identity.word) : 0};
    born.code_hash = identity.hash;
    born.captures = (Bytes){(const uint8_t *)captures.bytes, captures.size};
    born.state = (Bytes){(const uint8_t *)state.bytes, state.size};
    if (image) {
        ImagePayload whole = *image;
        whole.born = born;
        payload_put_image(payload, &whole);
    } else {
        payload_put_born(payload, &born);
    }
    return payload->failed ? -ENOMEM : 0;
}

/* store.image: an actor that is loaded, as of its last record. */
static bool image_of(void *context, StoreActor *place, Buffer *out) {
    Node *node = context;
    const Actor *actor = place->owner;
    /* a turn that has asked is in the records only */
    if (actor == NULL || !actor->is_loaded || actor->cut_off || (actor->turn && turn_has_asked(actor->turn)))
        return false;
    Outstanding outstanding = actor_outstanding(actor, false);
    ImagePayload image = {
        .turn_number = actor->turn_number,
        .parked = actor->parked,
        .is_stopped = actor->is_stopped,
        .first_waiting = outstanding.flags & OUTSTANDING_MESSAGES ? outstanding.first_waiting : 0,
    };
    return encode_born(node, actor, &image, out) == 0;
}

static int append_born(Node *node, Actor *actor, bool reserves) {
    CLEANUP(buffer_deinit) Buffer payload;
    buffer_init(&payload, &node->heap->mem);
    int r = encode_born(node, actor, NULL, &payload);
    if (!r && reserves)
        r = node_reserve(node, payload.size, 1);
    Outstanding outstanding = actor_outstanding(actor, false);
    return r ? r : node_append(node, actor, RECORD_BORN, &payload, &outstanding);
}

int node_append_born(Node *node, Actor *actor) {
    return append_born(node, actor, false);
}

/* --- the directory --- */

static Actor **bucket_of(const Node *node, const char *address, size_t size) {
    return &node->buckets[hash_bytes(node->heap->hash_seed, address, size) & (node->bucket_count - 1)];
}

Actor *node_find(const Node *node, const char *address, size_t size) {
    if (node->bucket_count == 0)
        return NULL;
    Actor *actor = *bucket_of(node, address, size);
    for (; actor; actor = actor->next) {
        const String *own = value_string(actor->address);
        if (own->size == size && memcmp(string_bytes(own), address, size) == 0)
            return actor;
    }
    return NULL;
}

static int grow_buckets(Node *node) {
    if (node->actor_count < node->bucket_count)
        return 0;
    uint64_t count = node->bucket_count ? 2 * node->bucket_count : 64, old_count = node->bucket_count;
    Actor **old = node->buckets, **buckets = mem_try(&node->heap->mem, count * sizeof *buckets);
    if (buckets == NULL)
        return -ENOMEM;
    memset(buckets, 0, count * sizeof *buckets);
    node->buckets = buckets;
    node->bucket_count = count;
    for (uint64_t index = 0; index < old_count; index++) {
        for (Actor *actor = old[index], *next; actor; actor = next) {
            next = actor->next;
            const String *address = value_string(actor->address);
            Actor **bucket = bucket_of(node, string_bytes(address), address->size);
            actor->next = *bucket;
            *bucket = actor;
        }
    }
    mem_free(&node->heap->mem, old, old_count * sizeof *old);
    return 0;
}

Actor *node_add(Node *node, Value address) {
    if (mem_is_exhausted(&node->heap->mem) || grow_buckets(node))
        return NULL;
    Actor *actor = mem_new(&node->heap->mem, Actor);
    const String *text = value_string(address);
    *actor = (Actor){
        .node = node,
        .address = value_ref(address),
        .state = VALUE_ZERO,
        .behavior = VALUE_ZERO,
        .fold = VALUE_ZERO,
    };
    Actor **bucket = bucket_of(node, string_bytes(text), text->size);
    actor->next = *bucket;
    *bucket = actor;
    node->actor_count++;
    return actor;
}

static void idle_leave(Node *node, Actor *actor);

static void start_again(Node *node, Actor *actor);
static void actor_free(Node *node, Actor *actor) {
    idle_leave(node, actor);
    if (actor->turn)
        turn_abandon(actor->turn);
    for (Message *message; (message = actor_pop(actor)) != NULL;)
        message_free(node, message);
    if (actor->place) {
        actor->place->owner = NULL;
        store_release(node->store, actor->place);
    }
    cut_off_free(node, actor->cut_off);
    value_unref(node->heap, actor->state);
    value_unref(node->heap, actor->behavior);
    value_unref(node->heap, actor->fold);
    value_unref(node->heap, actor->address);
    mem_free(&node->heap->mem, actor, sizeof *actor);
}

void node_remove(Node *node, Actor *actor) {
    const String *address = value_string(actor->address);
    Actor **link = bucket_of(node, string_bytes(address), address->size);
    while (*link != actor)
        link = &(*link)->next;
    *link = actor->next;
    node->actor_count--;
    actor_free(node, actor);
}

static size_t kind_name_size(const char *address, size_t size) {
    const char *slash = memchr(address, '/', size);
    return slash ? (size_t)(slash - address) : size;
}

ActorKind *node_kind(const Node *node, const char *address, size_t size) {
    size_t name_size = kind_name_size(address, size);
    for (ActorKind *kind = node->kinds; kind; kind = kind->next) {
        const String *name = value_string(kind->name);
        if (name->size == name_size && memcmp(string_bytes(name), address, name_size) == 0)
            return kind;
    }
    return NULL;
}

/* A behavior that is a kind's, unless the actor has one of its own. */
static void bind_kind(Node *node, Actor *actor) {
    const String *address = value_string(actor->address);
    ActorKind *kind = node_kind(node, string_bytes(address), address->size);
    if (!kind || value_is_object(actor->behavior))
        return;
    actor->behavior = value_ref(kind->behavior);
    actor->fold = value_ref(kind->fold);
}

void node_bind(Node *node, Actor *actor, Value behavior) {
    value_unref(node->heap, actor->behavior);
    actor->behavior = value_ref(behavior);
    actor->is_resumed = true;
    if (actor->is_stopped && actor->is_loaded && actor->place)
        start_again(node, actor);
    node_schedule(node, actor);
}

Actor *node_make(Node *node, TAKEN Value address, TAKEN Value state, TAKEN Value behavior, bool is_transient) {
    Actor *actor = node_add(node, address);
    const String *text = value_string(address);
    StoreActor *place = NULL;
    int r = actor && !is_transient ? store_find(node->store, string_bytes(text), text->size, &place) : 0;
    if (actor) {
        actor->place = place;
        actor->state = state;
        actor->behavior = behavior;
        actor->is_loaded = is_transient || (place && place->last_sequence == 0);
        actor->is_broken = r > 0;
        if (place)
            place->owner = actor;
        if (actor->is_loaded && !value_is_object(actor->state))
            actor->state = value_ref(node->empty_map);
        bind_kind(node, actor);
    } else {
        value_unref(node->heap, state);
        value_unref(node->heap, behavior);
    }
    value_unref(node->heap, address);
    if (r > 0)
        node_report(node, "%.*s: its journal is damaged", (int)text->size, string_bytes(text));
    if (r < 0) {
        node_remove(node, actor);
        store_result(node, r);
        return NULL;
    }
    if (actor)
        node_schedule(node, actor);
    return actor;
}

/* --- addresses --- */

typedef enum AddressForm { ADDRESS_BAD, ADDRESS_UUID, ADDRESS_PATH, ADDRESS_NAME } AddressForm;

static bool is_uuid(const char *text, size_t size) {
    if (size != UUID_TEXT_SIZE)
        return false;
    for (size_t index = 0; index < size; index++) {
        bool is_dash = index == 8 || index == 13 || index == 18 || index == 23;
        bool is_digit = (text[index] >= '0' && text[index] <= '9') || (text[index] >= 'a' && text[index] <= 'f');
        if (is_dash ? text[index] != '-' : !is_digit)
            return false;
    }
    return true;
}

static AddressForm address_form(Value address) {
    String *string = value_string(address);
    const char *text = string_bytes(string);
    if (string->size == 0 || string->size > ADDRESS_SIZE_MAX || !string_is_utf8(string))
        return ADDRESS_BAD;
    for (size_t index = 0; index < string->size; index++) {
        /* U+0080 to U+009F; there is a next byte, as the text is UTF-8 */
        bool is_c1 = (uint8_t)text[index] == 0xc2 && (uint8_t)text[index + 1] < 0xa0;
        if ((uint8_t)text[index] < 0x20 || text[index] == 0x7f || is_c1)
            return ADDRESS_BAD;
    }
    return is_uuid(text, string->size) ? ADDRESS_UUID : text[0] == '/' ? ADDRESS_PATH : ADDRESS_NAME;
}

static AddressForm check_address(Strand *strand, Value address) {
    AddressForm form = address_form(address);
    if (form == ADDRESS_BAD && strand)
        strand_fault(strand, "an address is UTF-8 without control characters, 1 to %d bytes", ADDRESS_SIZE_MAX);
    return form;
}

/* Whether there is a store to look into: sending to nobody makes none. */
static bool store_is_there(const Node *node) {
    char path[STORE_PATH_MAX + 8];
    if (node->store)
        return false;
    snprintf(path, sizeof path, "%.*s/STORE", STORE_PATH_MAX, node->options.store_path);
    return io_exists(node->world->io, path);
}

Target node_target(Node *node, Strand *strand, Value address, Actor **actorp) {
    const String *text = value_string(address);
    *actorp = node_find(node, string_bytes(text), text->size);
    if (*actorp)
        return TARGET_FOUND;
    AddressForm form = check_address(strand, address);
    if (form == ADDRESS_BAD)
        return TARGET_FAILED;
    if (strand && (form == ADDRESS_NAME || store_is_there(node)) && !node_need_store(node, strand))
        return TARGET_FAILED;
    if (!node->store)
        return TARGET_NOBODY;
    if (form != ADDRESS_NAME) {
        int r = store_look(node->store, string_bytes(text), text->size);
        if (r == STORE_E_ABSENT)
            return TARGET_NOBODY;
    }
    *actorp = node_make(node, value_ref(address), VALUE_ZERO, VALUE_ZERO, false);
    if (*actorp)
        return TARGET_FOUND;
    if (strand)
        strand_fault(strand, "%s", node->failed ? node->text : "the actor cannot be loaded");
    return TARGET_FAILED;
}

/* --- idleness --- */

static void idle_leave(Node *node, Actor *actor) {
    if (actor->idle_since_ns == 0)
        return;
    actor->idle_since_ns = 0;
    if (actor->idle_older)
        actor->idle_older->idle_newer = actor->idle_newer;
    else
        node->idle_oldest = actor->idle_newer;
    if (actor->idle_newer)
        actor->idle_newer->idle_older = actor->idle_older;
    else
        node->idle_newest = actor->idle_older;
}

/* Nothing to do, and all of it in its journal, from where it comes back. */
static bool is_idle_now(const Actor *actor) {
    return actor->place && actor->is_loaded && !actor->is_queued && !actor->turn && !actor->first &&
           !actor->in_unrecorded && !actor->cut_off && actor->place->last_sequence > 0;
}

static void idle_enter(Node *node, Actor *actor) {
    idle_leave(node, actor);
    if (!is_idle_now(actor))
        return;
    actor->idle_since_ns = node->now_ns;
    actor->idle_older = node->idle_newest;
    actor->idle_newer = NULL;
    if (node->idle_newest)
        node->idle_newest->idle_newer = actor;
    else
        node->idle_oldest = actor;
    node->idle_newest = actor;
}

/* Lets go of some that have been idle for long. Nobody can tell: the next message reads them from their journal. */
static void put_away(Node *node) {
    for (uint32_t count = 0; count < PUT_AWAY_AT_ONCE && node->idle_oldest; count++) {
        Actor *actor = node->idle_oldest;
        if (node->now_ns - actor->idle_since_ns < NODE_IDLE_MS * (int64_t)1000000 && !STRESS_PASSIVATE)
            return;
        idle_leave(node, actor);
        if (is_idle_now(actor))
            node_remove(node, actor);
    }
}

/* --- the line --- */

void node_schedule(Node *node, Actor *actor) {
    idle_enter(node, actor);
    bool has_work = actor->first != NULL || !actor->is_loaded;
    bool has_code = value_is_object(actor->behavior) || !actor->is_loaded;
    if (actor->is_queued || actor->turn || !has_work || !has_code || actor->is_stopped || actor->is_broken)
        return;
    actor->is_queued = true;
    actor->queue_next = NULL;
    if (node->runnable_last)
        node->runnable_last->queue_next = actor;
    else
        node->runnable_first = actor;
    node->runnable_last = actor;
}

void node_settle(Node *node, Actor *actor) {
    bool is_gone = actor->is_stopped && !actor->place;
    if (is_gone && !actor->turn && !actor->is_queued)
        node_remove(node, actor);
    else
        node_schedule(node, actor);
}

static Actor *next_runnable(Node *node) {
    Actor *actor = node->runnable_first;
    if (actor) {
        node->runnable_first = actor->queue_next;
        if (!node->runnable_first)
            node->runnable_last = NULL;
        actor->is_queued = false;
    }
    return actor;
}

void node_note_unrecorded(Node *node, Actor *actor) {
    bool has_any = oldest_unrecorded(actor) != NULL;
    if (!has_any || actor->in_unrecorded)
        return;
    actor->in_unrecorded = true;
    actor->unrecorded_next = node->unrecorded;
    node->unrecorded = actor;
}

/* Makes the message that answers what a durable actor asked. */
static void send_answer(Node *node, const Actor *from, const Message *asked, MessageKind kind, Value value) {
    Actor *asker;
    Kind refused;
    if (node_target(node, NULL, asked->sender, &asker) != TARGET_FOUND || !asker->place)
        return;
    CLEANUP(buffer_deinit) Buffer bytes;
    buffer_init(&bytes, &node->heap->mem);
    Message *answer = codec_encode(node->heap, value, &bytes, &refused)
                          ? NULL
                          : message_new(node, value_ref(value), value_ref(from->address), NULL, bytes.bytes, bytes.size);
    if (answer == NULL) /* whoever asked hears of it by its timeout */
        return;
    answer->kind = kind;
    answer->from_turn = asked->from_turn;
    answer->from_counter = asked->from_counter;
    node_deliver(node, asker, answer);
}

void node_answer(Node *node, const Actor *from, const Message *asked, MessageKind kind, TAKEN Value value) {
    if (asked->ask) {
        if (kind == MESSAGE_ANSWER) {
            gate_answer(node, asked->ask, value);
            return;
        }
        size_t size;
        gate_fail_ask(node, asked->ask, symbol_text(&node->heap->symbols, value_to_symbol(value), &size));
    } else if (asked->kind == MESSAGE_ASK) {
        send_answer(node, from, asked, kind, value);
    }
    value_unref(node->heap, value);
}

void node_refuse(Node *node, const Actor *from, const Message *asked, const char *reason) {
    Heap *heap = node->heap;
    if (asked->kind == MESSAGE_ASK)
        node_answer(node, from, asked, MESSAGE_FAILURE,
                    value_from_symbol(symbol_intern(&heap->symbols, &heap->mem, reason, strlen(reason))));
}

static bool is_answer(const Message *message) {
    return message->kind == MESSAGE_ANSWER || message->kind == MESSAGE_FAILURE;
}

/* An answer does not stand in line. Too late, and it is dropped. */
static void deliver_answer(Node *node, Actor *actor, TAKEN Message *message) {
    bool is_early = actor->cut_off && message->from_turn == actor->turn_number + 1;
    if (is_early)
        cut_off_keep(actor->cut_off, message);
    if (is_early || (actor->turn && turn_take_answer(actor->turn, message))) {
        expect(node, message);
        node_note_unrecorded(node, actor);
        return;
    }
    node->dropped++;
    message_free(node, message);
}

void node_deliver(Node *node, Actor *actor, TAKEN Message *message) {
    if (is_answer(message) && actor->is_loaded) {
        deliver_answer(node, actor, message);
        return;
    }
    bool is_lost = actor->is_broken && !actor->place; /* not even a place in the store */
    if (is_lost && message->kind != MESSAGE_ASK) {
        const String *address = value_string(actor->address);
        node_report(node, "%.*s: its journal is damaged; a message to it is dropped", (int)address->size,
                    string_bytes(address));
        node->dropped++;
        message_free(node, message);
        return;
    }
    if ((actor->is_stopped || actor->is_broken) && message->kind == MESSAGE_ASK) {
        node_refuse(node, actor, message, actor->is_stopped ? "stopped" : "damaged");
        message_free(node, message);
        return;
    }
    actor_push(actor, message);
    if (message_is_kept(actor, message))
        expect(node, message);
    node_note_unrecorded(node, actor);
    node_schedule(node, actor);
}

void node_unload(Node *node, Actor *actor) {
    value_unref(node->heap, actor->state);
    actor->state = VALUE_ZERO;
    actor->is_loaded = false;
    node_schedule(node, actor);
}

/* Those who asked and still wait hear why there will be no reply. Messages that nobody waits for stay. */
static void refuse_line(Node *node, Actor *actor, const char *reason) {
    Message *kept = NULL, **link = &kept;
    for (Message *message; (message = actor_pop(actor)) != NULL;) {
        node_refuse(node, actor, message, reason);
        if (message->kind == MESSAGE_ASK && message->sequence == 0) {
            message_free(node, message);
        } else { /* nobody waits for it, or it is in the journal: it stays */
            *link = message;
            link = &message->next;
        }
    }
    *link = NULL;
    for (Message *message = kept, *next; message; message = next) {
        next = message->next;
        actor_push(actor, message);
    }
    actor_skip_recorded(actor);
}

/* It was stopped and is to go on, which its journal says from now on. */
static void start_again(Node *node, Actor *actor) {
    CLEANUP(buffer_deinit) Buffer payload;
    buffer_init(&payload, &node->heap->mem);
    payload_put_life(&payload, LIFE_STARTED);
    Outstanding outstanding = actor_outstanding(actor, false);
    if (payload.failed || node_reserve(node, payload.size, 1) ||
        node_append(node, actor, RECORD_LIFE, &payload, &outstanding))
        return;
    actor->is_stopped = false;
}

static void load(Node *node, Actor *actor) {
    int r = replay_load(node, actor);
    if (r == -ENOMEM) {
        node_schedule(node, actor);
        return;
    }
    if (r) {
        const String *address = value_string(actor->address);
        actor->is_broken = true;
        node_report(node, "%.*s: its journal is damaged; its messages wait", (int)address->size,
                    string_bytes(address));
        refuse_line(node, actor, "damaged");
        store_result(node, r);
        return;
    }
    actor->is_loaded = true;
    bind_kind(node, actor);
    if (actor->is_stopped && actor->is_resumed)
        start_again(node, actor);
    if (actor->is_stopped)
        refuse_line(node, actor, "stopped");
    node_schedule(node, actor);
}

/* --- the loop --- */

static bool has_room(const Node *node) {
    if (!node->store)
        return true;
    if (node->is_full && clock_monotonic_ns(node->world->clock) < node->retry_ns)
        return false;
    return node->is_full || store_room(node->store) > TURN_ROOM;
}

/* Drops those at the head of the line whose asker has gone on. True when there were any. */
static bool drop_expired(Node *node, Actor *actor) {
    bool any = false;
    while (actor->first && actor->first->ask && actor->first->ask->state != ASK_WAITS) {
        message_free(node, actor_pop(actor));
        node->dropped++;
        any = true;
    }
    return any;
}

static void start_turns(Node *node) {
    for (uint32_t count = 0; count < TURNS_AT_ONCE && node->runnable_first && has_room(node); count++) {
        Actor *actor = next_runnable(node);
        if (!actor->is_loaded)
            load(node, actor);
        else if (actor->is_stopped)
            node_settle(node, actor);
        else if (drop_expired(node, actor))
            node_schedule(node, actor);
        else if (actor->first && value_is_object(actor->behavior) && !actor->is_stopped && !turn_start(actor))
            node_schedule(node, actor);
    }
}

static void signaled(void *context, int descriptor) {
    Node *node = context;
    uint64_t count;
    node->is_watching = false;
    if (read(descriptor, &count, sizeof count) < 0) {
        /* nothing was there: somebody has polled the store already */
    }
}

/* The loop waits for the disk only while there is something to wait for, so that the program can end. */
static void watch(Node *node) {
    bool is_waited_for = store_position(node->store) > store_durable(node->store) || store_is_busy(node->store);
    if (is_waited_for && !node->is_watching)
        node->is_watching = poller_watch(node->world->poller, node->signal, signaled, node) == 0;
    else if (!is_waited_for && node->is_watching)
        poller_unwatch(node->world->poller, node->signal);
    node->is_watching = node->is_watching && is_waited_for;
}

/*
 * When nothing more can be done before the disk has answered, or it has been
 * long: until then a message may still be handled in the group in which it
 * came, and needs no record of its own.
 */
static bool is_time_to_seal(Node *node) {
    bool is_waiting = !node->scheduler->ready.first && (!node->runnable_first || !has_room(node));
    return is_waiting || store_room(node->store) <= TURN_ROOM || ++node->unsealed_rounds >= UNSEALED_ROUNDS_MAX;
}

static void node_work(void *context, bool is_idle) {
    Node *node = context;
    node->now_ns = clock_monotonic_ns(node->world->clock);
    asks_expire(node);
    put_away(node);
    if (node->store && !node->failed) /* before turns begin: it may bring the room that they wait for */
        store_result(node, store_poll(node->store));
    start_turns(node);
    if (!node->store || node->failed)
        return;
    if (is_time_to_seal(node)) {
        node->unsealed_rounds = 0;
        store_result(node, store_flush(node->store));
    }
    gate_release(node); /* at last: each call of the store may find that something is on disk */
    if (is_idle && !node->failed)
        watch(node);
}

static int64_t node_deadline_ns(void *context) {
    const Node *node = context;
    int64_t deadline_ns = node->first_waiting ? node->first_waiting->deadline_ns : INT64_MAX;
    if (node->is_full && node->retry_ns < deadline_ns)
        deadline_ns = node->retry_ns;
    return deadline_ns;
}

static bool node_has_failed(void *context) {
    return ((Node *)context)->failed != 0;
}

/* --- life --- */

Node *node_new(Scheduler *scheduler, const NodeOptions *options) {
    Heap *heap = scheduler->heap;
    String *empty = string_new(heap, "", 0);
    if (empty == NULL)
        return NULL;
    Node *node = mem_try(&heap->mem, sizeof *node);
    if (node == NULL) {
        value_unref(heap, value_from_object(empty));
        return NULL;
    }
    *node = (Node){
        .scheduler = scheduler,
        .heap = heap,
        .world = scheduler->world,
        .options = *options,
        .now_ns = clock_monotonic_ns(scheduler->world->clock), /* greater than 0 */
        .empty_map = value_from_object(map_new(heap)),
        .empty_string = value_from_object(empty),
        .signal = -1,
    };
    buffer_init(&node->scratch, &heap->mem);
    buffer_init(&node->payload, &heap->mem);
    gate_init(node);
    scheduler->companion = (Companion){node_work, node_deadline_ns, node_has_failed, node};
    scheduler->world->node = node;
    return node;
}

static void free_actors(Node *node) {
    for (uint64_t index = 0; index < node->bucket_count; index++) {
        while (node->buckets[index]) {
            Actor *actor = node->buckets[index];
            node->buckets[index] = actor->next;
            actor_free(node, actor);
        }
    }
    mem_free(&node->heap->mem, node->buckets, node->bucket_count * sizeof *node->buckets);
}

void node_free(Node *node) {
    while (queue_pop(&node->gate_waiting)) {
        /* strands outlive the node */
    }
    free_actors(node);
    gate_free(node);
    while (node->asks)
        ask_free(node->asks);
    for (ActorKind *kind = node->kinds, *next; kind; kind = next) {
        next = kind->next;
        value_unref(node->heap, kind->name);
        value_unref(node->heap, kind->behavior);
        value_unref(node->heap, kind->fold);
        mem_free(&node->heap->mem, kind, sizeof *kind);
    }
    turns_free(node);
    if (node->store)
        store_abandon(node->store);
    if (node->signal >= 0)
        close(node->signal);
    value_unref(node->heap, node->empty_map);
    value_unref(node->heap, node->empty_string);
    buffer_deinit(&node->scratch);
    buffer_deinit(&node->payload);
    node->world->node = NULL;
    node->scheduler->companion = (Companion){0};
    node->scheduler->guard = NULL;
    mem_free(&node->heap->mem, node, sizeof *node);
}

int node_close(Node *node) {
    if (!node->store)
        return node->failed;
    if (node->is_watching)
        poller_unwatch(node->world->poller, node->signal);
    node->is_watching = false;
    int r = node->failed ? node->failed : store_wait(node->store);
    if (!r) {
        gate_release(node);
        r = store_checkpoint(node->store);
        r = r == STORE_E_FULL ? 0 : r; /* the log holds what the checkpoint would have spread */
    }
    store_result(node, r);
    return node->failed;
}

/* --- words --- */

static bool expect_behavior(Strand *strand, Value value) {
    if (!value_is_quotation(value)) {
        strand_fault_kind(strand, "quotation", value);
        return false;
    }
    return true;
}

bool node_register(Node *node, Strand *strand, Value name, Value behavior, Value fold) {
    const String *text = value_string(name);
    if (turn_of(strand)) {
        strand_fault(strand, "register-in-turn: a kind outlives the turn, so it cannot be made in one");
        return false;
    }
    if (check_address(strand, name) == ADDRESS_BAD || !expect_behavior(strand, behavior) ||
        !node_need_store(node, strand))
        return false;
    if (memchr(string_bytes(text), '/', text->size) || is_uuid(string_bytes(text), text->size)) {
        strand_fault(strand, "a kind's name has no `/` and is no UUID");
        return false;
    }
    if (node_kind(node, string_bytes(text), text->size)) {
        strand_fault(strand, "`%.*s` is registered already", (int)text->size, string_bytes(text));
        return false;
    }
    ActorKind *kind = mem_new(&node->heap->mem, ActorKind);
    *kind = (ActorKind){
        .next = node->kinds,
        .name = value_ref(name),
        .behavior = value_ref(behavior),
        .fold = value_ref(fold),
    };
    node->kinds = kind;
    for (uint64_t index = 0; index < node->bucket_count; index++) {
        for (Actor *actor = node->buckets[index]; actor; actor = actor->next) {
            bind_kind(node, actor);
            node_schedule(node, actor);
        }
    }
    return true;
}

/* Whether a value is data as anyone can see at once: no object, or a variant of such. Most messages are. */
static bool is_plainly_data(Value value) {
    if (!value_has_tag(value, TAG_VARIANT))
        return !value_is_object(value) || value_is_string(value);
    const Variant *variant = value_variant(value);
    for (uint32_t index = 0; index < variant->count; index++) {
        if (value_is_object(variant->fields[index]) && !value_is_string(variant->fields[index]))
            return false;
    }
    return true;
}

/* A message with its value encoded, unless nobody will write it down. NULL leaves a fault. */
static Message *make_message(Node *node, Strand *strand, Value value, Value sender, Ask *ask, bool is_kept) {
    Kind refused;
    buffer_clear(&node->scratch);
    int r = !is_kept && is_plainly_data(value) ? 0 : codec_encode(node->heap, value, &node->scratch, &refused);
    if (r == CODEC_E_CODE)
        strand_fault(strand, "code-in-message: a %s cannot be sent", kind_name(refused));
    else if (!r && node->scratch.size > MESSAGE_SIZE_MAX)
        strand_fault(strand, "message-too-large: %zu bytes, at most %d", node->scratch.size, MESSAGE_SIZE_MAX);
    if (r == CODEC_E_CODE || (!r && node->scratch.size > MESSAGE_SIZE_MAX))
        return NULL;
    Message *message = r ? NULL
                         : message_new(node, value_ref(value), value_ref(sender), ask, node->scratch.bytes,
                                       node->scratch.size);
    if (message == NULL) {
        if (!r) {
            value_unref(node->heap, value);
            value_unref(node->heap, sender);
        }
        strand_fault_memory(strand);
    }
    return message;
}

bool node_send(Node *node, Strand *strand, Value address, Value value) {
    Turn *turn = turn_of(strand);
    Actor *actor;
    if (turn) {
        const String *text = value_string(address);
        const Actor *sender = turn_actor(turn);
        const Actor *target = node_find(node, string_bytes(text), text->size);
        if (!target && check_address(strand, address) == ADDRESS_BAD)
            return false;
        bool is_kept = sender->place || !target || target->place;
        Message *message = make_message(node, strand, value, sender->address, NULL, is_kept);
        return message && turn_send(turn, strand, address, message);
    }
    Target target = node_target(node, strand, address, &actor);
    if (target == TARGET_FAILED)
        return false;
    bool is_kept = target == TARGET_FOUND && actor->place;
    Message *message = make_message(node, strand, value, node->empty_string, NULL, is_kept);
    if (message == NULL)
        return false;
    int r = target == TARGET_FOUND && actor->place ? node_reserve(node, message_record_size(message), 2) : 0;
    if (r) {
        strand_fault(strand, "%s", r == STORE_E_FULL ? "disk-full" : r == -ENOMEM ? "out of memory" : node->text);
        message_free(node, message);
        return false;
    }
    if (target == TARGET_FOUND) {
        node_deliver(node, actor, message);
        return true;
    }
    node->dropped++;
    message_free(node, message);
    return true;
}

Ask *node_ask(Node *node, Strand *strand, Value address, Value value, int64_t timeout_ms) {
    Actor *actor;
    Turn *turn = turn_of(strand);
    if (turn)
        return turn_ask(turn, strand, address, value, timeout_ms);
    Target target = node_target(node, strand, address, &actor);
    if (target == TARGET_FAILED)
        return NULL;
    Ask *ask = ask_new(node, strand, timeout_ms);
    bool is_kept = target == TARGET_FOUND && actor->place;
    Message *message = make_message(node, strand, value, node->empty_string, ask, is_kept);
    if (message == NULL) {
        ask_release(ask);
        return NULL;
    }
    if (target == TARGET_FOUND) {
        node_deliver(node, actor, message);
    } else {
        message_free(node, message);
        gate_fail_ask(node, ask, "no-actor");
    }
    return ask;
}

Value node_uuid_text(Node *node, const uint8_t *bytes) {
    char text[UUID_TEXT_SIZE + 1];
    uint8_t uuid[16];
    memcpy(uuid, bytes, sizeof uuid);
    uuid[6] = (uuid[6] & 0x0f) | 0x80; /* version 8, variant 2: of our own making (RFC 9562) */
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
    size_t size = 0;
    for (uint32_t index = 0; index < sizeof uuid; index++) {
        if (index == 4 || index == 6 || index == 8 || index == 10)
            text[size++] = '-';
        text[size++] = "0123456789abcdef"[uuid[index] >> 4];
        text[size++] = "0123456789abcdef"[uuid[index] & 15];
    }
    String *string = string_new(node->heap, text, size);
    return string ? value_from_object(string) : VALUE_ZERO;
}

/* No two nodes have the same seed, and no two actors of one the same number. */
static Value fresh_address(Node *node) {
    XXH128_canonical_t digest;
    if (node->spawned == 0 && clock_random(node->world->clock, node->spawn_seed, sizeof node->spawn_seed))
        return VALUE_ZERO;
    uint64_t number = ++node->spawned;
    memcpy(node->spawn_seed + SPAWN_SEED_SIZE, &number, sizeof number);
    XXH128_canonicalFromHash(&digest, XXH3_128bits(node->spawn_seed, sizeof node->spawn_seed));
    return node_uuid_text(node, digest.digest);
}

Value node_spawn(Node *node, Strand *strand, Value state, Value behavior, bool is_transient) {
    if (!expect_behavior(strand, behavior) || (!is_transient && !node_need_store(node, strand)))
        return VALUE_ZERO;
    if (!value_is_map(state)) {
        strand_fault_kind(strand, "Map", state);
        return VALUE_ZERO;
    }
    Turn *turn = turn_of(strand);
    if (turn)
        return turn_spawn(turn, strand, state, behavior, is_transient);
    Value address = fresh_address(node);
    Actor *actor = value_is_object(address) ? node_make(node, value_ref(address), value_ref(state),
                                                        value_ref(behavior), is_transient)
                                            : NULL;
    int r = actor ? 0 : -ENOMEM;
    if (actor && !is_transient)
        r = append_born(node, actor, true);
    if (r) {
        strand_fault(strand, "%s", r == STORE_E_FULL ? "disk-full" : r == -EINVAL ? "code-in-state" : "out of memory");
        if (actor)
            node_remove(node, actor);
        value_unref(node->heap, address);
        return VALUE_ZERO;
    }
    return address;
}

bool node_spawn_at(Node *node, Strand *strand, Value address, Value behavior) {
    Actor *actor;
    if (!expect_behavior(strand, behavior) || !node_need_store(node, strand))
        return false;
    if (check_address(strand, address) == ADDRESS_BAD)
        return false;
    if (address_form(address) != ADDRESS_PATH) {
        strand_fault(strand, "a path begins with `/`");
        return false;
    }
    const String *text = value_string(address);
    actor = node_find(node, string_bytes(text), text->size);
    if (actor && value_is_object(actor->behavior) && !actor->is_stopped) {
        strand_fault(strand, "name-exists: %.*s is alive", (int)text->size, string_bytes(text));
        return false;
    }
    Turn *turn = turn_of(strand);
    if (turn)
        return turn_spawn_at(turn, strand, address, behavior);
    if (actor == NULL)
        actor = node_make(node, value_ref(address), VALUE_ZERO, value_ref(behavior), false);
    else
        node_bind(node, actor, behavior);
    if (actor)
        actor->is_resumed = true;
    if (actor && actor->place->last_sequence == 0 && append_born(node, actor, true)) {
        strand_fault(strand, "disk-full");
        return false;
    }
    if (actor == NULL)
        strand_fault_memory(strand);
    return actor != NULL;
}

void node_stop_now(Node *node, Value address, bool reserves) {
    Actor *actor;
    if (node_target(node, NULL, address, &actor) != TARGET_FOUND || actor->is_stopped)
        return;
    if (actor->place) {
        CLEANUP(buffer_deinit) Buffer payload;
        buffer_init(&payload, &node->heap->mem);
        payload_put_life(&payload, LIFE_STOPPED);
        Outstanding outstanding = actor_outstanding(actor, false);
        if (payload.failed || (reserves && node_reserve(node, payload.size, 1)) ||
            node_append(node, actor, RECORD_LIFE, &payload, &outstanding))
            return;
    }
    actor->is_stopped = true;
    refuse_line(node, actor, "stopped");
    node_settle(node, actor);
}

bool node_stop(Node *node, Strand *strand, Value address) {
    if (check_address(strand, address) == ADDRESS_BAD)
        return false;
    Turn *turn = turn_of(strand);
    if (turn)
        return turn_stop(turn, strand, address);
    node_stop_now(node, address, true);
    return true;
}

bool node_exists(Node *node, Strand *strand, Value address, bool *exists) {
    const String *text = value_string(address);
    if (check_address(strand, address) == ADDRESS_BAD)
        return false;
    if (store_is_there(node) && !node_need_store(node, strand))
        return false;
    Actor *actor = node_find(node, string_bytes(text), text->size);
    *exists = actor ? !actor->place || actor->place->last_sequence > 0 || value_is_object(actor->behavior)
                    : node->store && store_look(node->store, string_bytes(text), text->size) == 0;
    return true;
}

static int collect_events(void *context, const Record *record) {
    Buffer *out = context;
    TurnPayload turn;
    if (record->type != RECORD_TURN)
        return 0;
    if (payload_get_turn((Bytes){record->payload, record->size}, &turn))
        return STORE_E_DAMAGED;
    return turn.events.size > 0 ? buffer_append(out, turn.events.bytes, turn.events.size) : 0;
}

bool node_events(Node *node, Strand *strand, Value address, Buffer *out) {
    const String *text = value_string(address);
    StoreActor *place;
    if (check_address(strand, address) == ADDRESS_BAD || !node_need_store(node, strand))
        return false;
    int r = store_find(node->store, string_bytes(text), text->size, &place);
    if (r) {
        strand_fault(strand, "its journal is damaged");
        return false;
    }
    r = store_read(node->store, place, 1, collect_events, out);
    store_release(node->store, place);
    if (r)
        strand_fault(strand, "%s", r == -ENOMEM ? "out of memory" : "its journal is damaged");
    return r == 0;
}
