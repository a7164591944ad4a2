/* SPDX-License-Identifier: MIT */
#include "tests/crash/model.h"
#include "tests/crash/random.h"

#include <string.h>

const char model_unreadable[] = "what was appended cannot be read";

/* Ids of all sorts: with bytes that no file could be named, and one that is long. */
const char *model_id(uint32_t actor) {
    static const char *const ids[MODEL_ACTORS] = {
        "a",
        "bank/alice",
        "../../etc\n",
        "\xc3\xa4",
        "an-id-so-long-that-with-its-record-it-takes-a-good-part-of-a-segment-though-it-says-little",
    };
    return ids[actor];
}

static void fill_payload(const ModelRecord *record, uint8_t *bytes) {
    Random random = {record->seed};
    for (uint32_t index = 0; index < record->size; index += 8) {
        uint8_t word[8];
        bytes_put_u64(word, random_next(&random));
        memcpy(bytes + index, word, record->size - index < 8 ? record->size - index : 8);
    }
}

int model_append(Model *model, Store *store, StoreActor *actor, uint32_t number, RecordType type, uint32_t size,
                 const Outstanding *outstanding) {
    uint8_t payload[MODEL_PAYLOAD_MAX];
    if (model->count == MODEL_RECORDS)
        return 0;
    ModelRecord *record = &model->records[model->count];
    *record = (ModelRecord){
        .actor = number, .type = type, .size = size, .seed = model->next_seed++, .outstanding = *outstanding};
    fill_payload(record, payload);
    int r = store_append(store, actor, type, payload, size, outstanding);
    if (r)
        return r;
    record->checksum = actor->last_checksum;
    record->group = store_position(store);
    model->count++;
    return 0;
}

void model_note_durable(Model *model, const Store *store) {
    uint64_t durable = store_durable(store);
    while (model->durable_count < model->count && model->records[model->durable_count].group <= durable)
        model->durable_count++;
}

/* --- comparing --- */

typedef struct Reading {
    const Model *model;
    uint32_t actor;
    uint32_t next; /* in the model: the records before it were read, or are another's */
    uint64_t sequence, previous;
    const char *wrong;
} Reading;

/* The model's next record of this actor, or NULL. */
static const ModelRecord *next_record(Reading *reading) {
    while (reading->next < reading->model->count && reading->model->records[reading->next].actor != reading->actor)
        reading->next++;
    return reading->next < reading->model->count ? &reading->model->records[reading->next++] : NULL;
}

static const char *compare(const Reading *reading, const ModelRecord *expected, const Record *record) {
    uint8_t payload[MODEL_PAYLOAD_MAX];
    if (!expected)
        return "there is a record that was never appended";
    if (record->sequence != reading->sequence + 1)
        return "a record has another sequence";
    if (record->previous != reading->previous || record->checksum != expected->checksum)
        return "the chain of an actor is another one";
    fill_payload(expected, payload);
    if (record->type != expected->type || record->size != expected->size ||
        memcmp(record->payload, payload, record->size) != 0)
        return "a record holds something else";
    return NULL;
}

static int read_one(void *context, const Record *record) {
    Reading *reading = context;
    reading->wrong = compare(reading, next_record(reading), record);
    reading->sequence = record->sequence;
    reading->previous = record->checksum;
    return reading->wrong ? 1 : 0;
}

const char *model_check_actor(const Model *model, Store *store, StoreActor *actor, uint32_t number, uint64_t from) {
    Reading reading = {.model = model, .actor = number};
    for (; reading.sequence + 1 < from; reading.sequence++) {
        const ModelRecord *skipped = next_record(&reading);
        if (!skipped)
            return NULL;
        reading.previous = skipped->checksum;
    }
    int r = store_read(store, actor, from, read_one, &reading);
    if (reading.wrong)
        return reading.wrong;
    if (r)
        return r > 0 ? "a journal is reported as damaged" : model_unreadable;
    if (reading.sequence != actor->last_sequence)
        return "reading ends before the last record";
    return NULL;
}

bool model_image(void *context, StoreActor *actor, Buffer *out) {
    uint8_t bytes[64];
    Random random = {actor->last_checksum};
    bytes_put_u64(bytes, actor->last_sequence);
    for (uint32_t index = 8; index < sizeof bytes; index += 8)
        bytes_put_u64(bytes + index, random_next(&random));
    buffer_append(out, bytes, sizeof bytes);
    return true;
}

/* The newest snapshot, if there is one, is of a record that the actor has. */
static const char *check_image(const Model *model, Store *store, StoreActor *actor, uint32_t number, Mem *mem) {
    CLEANUP(buffer_deinit) Buffer image, expected;
    buffer_init(&image, mem);
    buffer_init(&expected, mem);
    StoreActor then = {0};
    int r = store_read_image(store, actor, &image, &then.last_sequence, &then.last_checksum);
    if (r == STORE_E_ABSENT)
        return *store_damage(store) ? "a snapshot is damaged" : NULL;
    if (r)
        return r > 0 ? "the snapshots of an actor are reported as damaged" : model_unreadable;
    Reading reading = {.model = model, .actor = number};
    const ModelRecord *record = NULL;
    for (uint64_t sequence = 0; sequence < then.last_sequence; sequence++)
        record = next_record(&reading);
    if (!record || record->checksum != then.last_checksum)
        return "a snapshot is of a record that is not there";
    model_image(NULL, &then, &expected);
    bool is_same = image.size == expected.size && memcmp(image.bytes, expected.bytes, image.size) == 0;
    return is_same ? NULL : "a snapshot holds something else";
}

static uint64_t count_of(const Model *model, uint32_t actor) {
    uint64_t count = 0;
    for (uint32_t index = 0; index < model->count; index++)
        count += model->records[index].actor == actor;
    return count;
}

/* What the last record of the actor says. */
static Outstanding outstanding_of(const Model *model, uint32_t actor) {
    for (uint32_t index = model->count; index > 0; index--) {
        if (model->records[index - 1].actor == actor)
            return model->records[index - 1].outstanding;
    }
    return (Outstanding){0};
}

static bool is_same_outstanding(const Outstanding *one, const Outstanding *other) {
    return one->flags == other->flags && (one->flags == 0 || (one->first_waiting == other->first_waiting &&
                                                              one->next_timer_ns == other->next_timer_ns));
}

static const char *find_actors(Store *store, StoreActor **actors) {
    for (uint32_t number = 0; number < MODEL_ACTORS; number++) {
        const char *id = model_id(number);
        int looked = store_look(store, id, strlen(id)), r = store_find(store, id, strlen(id), &actors[number]);
        if (looked < 0)
            return model_unreadable;
        if (r)
            return r > 0 ? "an actor is reported as damaged" : model_unreadable;
        if (looked != (actors[number]->last_sequence == 0 ? STORE_E_ABSENT : 0))
            return "store_look() and store_find() differ";
    }
    return NULL;
}

/* The model becomes what the store has, if that is a beginning of it in whole groups. */
static const char *cut_to_found(Model *model, StoreActor *const *actors) {
    uint64_t total = 0;
    for (uint32_t number = 0; number < MODEL_ACTORS; number++)
        total += actors[number]->last_sequence;
    if (total > model->count)
        return "there is more than was appended";
    uint32_t appended = model->count;
    model->count = (uint32_t)total;
    for (uint32_t number = 0; number < MODEL_ACTORS; number++) {
        if (count_of(model, number) != actors[number]->last_sequence)
            return total < model->durable_count ? "something acknowledged is lost, and not the newest"
                                                : "what is there is no beginning of what was appended";
    }
    if (total < model->durable_count)
        return "something acknowledged is lost";
    if (total > 0 && total < appended && model->records[total - 1].group == model->records[total].group)
        return "a group is there in part";
    model->durable_count = model->count;
    return NULL;
}

static int count_outstanding(void *context, StoreActor *actor) {
    ++*(uint32_t *)context;
    return 0;
}

static const char *check_outstanding(const Model *model, Store *store, StoreActor *const *actors) {
    uint32_t expected = 0, found = 0;
    for (uint32_t number = 0; number < MODEL_ACTORS; number++) {
        Outstanding outstanding = outstanding_of(model, number);
        expected += outstanding.flags != 0;
        if (!is_same_outstanding(&outstanding, &actors[number]->outstanding))
            return "what is outstanding is not what was said last";
    }
    if (store_each_outstanding(store, count_outstanding, &found) != 0 || found != expected)
        return "the live list has others than those with something outstanding";
    return NULL;
}

const char *model_check(Model *model, Store *store, Mem *mem) {
    StoreActor *actors[MODEL_ACTORS] = {0};
    const char *wrong = find_actors(store, actors);
    if (!wrong)
        wrong = cut_to_found(model, actors);
    for (uint32_t number = 0; number < MODEL_ACTORS && !wrong; number++)
        wrong = model_check_actor(model, store, actors[number], number, 1);
    for (uint32_t number = 0; number < MODEL_ACTORS && !wrong; number++)
        wrong = check_image(model, store, actors[number], number, mem);
    if (!wrong)
        wrong = check_outstanding(model, store, actors);
    for (uint32_t number = 0; number < MODEL_ACTORS; number++) {
        if (actors[number])
            store_release(store, actors[number]);
    }
    return wrong;
}
