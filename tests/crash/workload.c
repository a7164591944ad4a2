/* SPDX-License-Identifier: MIT */
#include "tests/crash/workload.h"

#include <errno.h>
#include <string.h>

enum {
    MESSAGE = 100,
    LARGE = 1500,
    HUGE = 5000, /* than a segment of 4 KiB */
};

/* The first thing that is wrong is what counts. */
static void wrong(Session *session, const char *what) {
    if (!session->wrong)
        session->wrong = what;
}

/* Whether a failure is no surprise. */
static bool was_made_to_fail(const Session *session) {
    return disk_has_stopped(session->disk) || disk_counts(session->disk)->fault_count > 0;
}

static int judge(Session *session, const char *found) {
    if (found == model_unreadable && was_made_to_fail(session))
        return -ECANCELED;
    if (found)
        wrong(session, found);
    return 0;
}

/* --- opening and ending --- */

static int append(Session *session, uint32_t number, RecordType type, uint32_t size, uint32_t flags);

/* The messages that no record holds are appended with the group. There is room: it was expected. */
static void seal(void *context) {
    Session *session = context;
    for (; session->message_count > 0; session->message_count--) {
        if (append(session, 1, RECORD_MESSAGE, MESSAGE, OUTSTANDING_MESSAGES))
            wrong(session, "a message that was expected cannot be appended");
    }
}

void session_init(Session *session, Disk *disk, Mem *mem, Model *model, uint64_t seed) {
    *session = (Session){.disk = disk, .mem = mem, .model = model, .io = disk_io(disk)};
    session->scripted = scripted_clock(seed);
    session->options = (StoreOptions){
        .mem = mem,
        .path = "store",
        .may_create = true,
        .signal = -1,
        .pid = 1,
        .segment_size_min = 4096,
        .segment_size_max = 4096,
        .checkpoint_size = 16384,
        .snapshot_records = 3,
        .image = model_image,
        .sealing = seal,
    };
}

/* Who stopped in the middle could not close anything. */
static void check_closed(Session *session) {
    if (disk_open_count(session->disk) > 0 && !disk_has_stopped(session->disk))
        wrong(session, "a file stays open");
    if (disk_counts(session->disk)->misuse_count > 0)
        wrong(session, "a descriptor was used that is not open");
}

/* Outlives the session: what it says is told when that is gone. */
static const char *refusal(const StoreReport *report) {
    static char text[sizeof report->text + 64];
    snprintf(text, sizeof text, "the store refuses to open: %s", report->text);
    return text;
}

static int open_store(Session *session) {
    session->clock = scripted_clock_clock(&session->scripted);
    session->options.io = &session->io;
    session->options.clock = &session->clock;
    session->options.context = session;
    session->message_count = 0;
    session->next_size = 0;
    int r = store_open(&session->store, &session->options, &session->report);
    if ((r == 0) != (session->store != NULL))
        wrong(session, "store_open() says one thing and gives another");
    if (r > 0 && !(r == STORE_E_FULL && session->may_be_full))
        wrong(session, refusal(&session->report));
    if (r)
        check_closed(session);
    return r > 0 ? -ENOSPC : r;
}

void session_abandon(Session *session) {
    if (session->store)
        store_abandon(session->store);
    session->store = NULL;
    memset(session->actors, 0, sizeof session->actors);
    check_closed(session);
}

int session_open(Session *session) {
    int r = open_store(session);
    if (!r && !session->wrong)
        r = judge(session, model_check(session->model, session->store, session->mem));
    if (r) /* what it holds is not known, so nothing can be said about what follows */
        session_abandon(session);
    return r;
}

static void release_actors(Session *session) {
    for (uint32_t number = 0; number < MODEL_ACTORS; number++) {
        if (session->actors[number])
            store_release(session->store, session->actors[number]);
        session->actors[number] = NULL;
    }
}

static int close_store(Session *session) {
    int r = store_close(session->store);
    session->store = NULL;
    memset(session->actors, 0, sizeof session->actors); /* they go with it */
    check_closed(session);
    if (r == 0)
        session->model->durable_count = session->model->count;
    return r;
}

/* --- steps --- */

static int find(Session *session, uint32_t number) {
    const char *id = model_id(number);
    if (session->actors[number])
        return 0;
    int r = store_find(session->store, id, strlen(id), &session->actors[number]);
    if (r > 0)
        wrong(session, "an actor is reported as damaged");
    return r > 0 ? -EBADMSG : r;
}

static int append(Session *session, uint32_t number, RecordType type, uint32_t size, uint32_t flags) {
    Model *model = session->model;
    Outstanding outstanding = {.flags = flags};
    if (flags) {
        outstanding.first_waiting = session->actors[number]->last_sequence + 1;
        outstanding.next_timer_ns = -(int64_t)model->next_seed;
    }
    return model_append(model, session->store, session->actors[number], number, type, size, &outstanding);
}

/* That there is no room is no failure: the store goes on. */
static int unless_full(Session *session, int r) {
    if (r == STORE_E_FULL && !session->may_be_full)
        wrong(session, "the store says that it is full");
    return r == STORE_E_FULL ? 0 : r;
}

static int append_step(Session *session, uint32_t number, uint32_t flags) {
    uint32_t size = session->next_size ? session->next_size : (uint32_t)(session->model->next_seed * 37 % 150);
    session->next_size = 0;
    int r = find(session, number);
    if (!r)
        r = store_reserve(session->store, size, 1);
    if (!r)
        r = append(session, number, RECORD_TURN, size, flags);
    return unless_full(session, r);
}

static int accept_message(Session *session) {
    int r = find(session, 1);
    if (!r)
        r = store_reserve(session->store, MESSAGE, 1);
    if (!r) {
        store_expect(session->store, MESSAGE);
        session->message_count++;
    }
    return unless_full(session, r);
}

static int read_all(Session *session) {
    for (uint32_t number = 0; number < MODEL_ACTORS; number++) {
        int r = find(session, number);
        if (r)
            return r;
        uint64_t from = 1 + session->model->next_seed % (session->actors[number]->last_sequence + 1);
        r = judge(session, model_check_actor(session->model, session->store, session->actors[number], number, from));
        if (r)
            return r;
    }
    return 0;
}

static int wait_for_all(Session *session) {
    int r = store_wait(session->store);
    if (r)
        return r;
    model_note_durable(session->model, session->store);
    if (session->message_count > 0)
        wrong(session, "store_wait() sealed a group without what was expected");
    if (session->model->durable_count < session->model->count)
        wrong(session, "store_wait() came back before all was durable");
    return 0;
}

static int step(Session *session, char letter) {
    if (letter >= '1' && letter < '1' + MODEL_ACTORS)
        return append_step(session, (uint32_t)(letter - '1'), 0);
    if (letter >= 'A' && letter < 'A' + MODEL_ACTORS)
        return append_step(session, (uint32_t)(letter - 'A'), OUTSTANDING_MESSAGES | OUTSTANDING_TIMERS);
    switch (letter) {
    case '+':
        session->next_size = LARGE;
        return 0;
    case '-':
        session->next_size = HUGE;
        return 0;
    case 'm':
        return accept_message(session);
    case 'f':
        return store_flush(session->store);
    case 'p':
        return store_poll(session->store);
    case 'w':
        return wait_for_all(session);
    case 'k':
        return unless_full(session, store_checkpoint(session->store));
    case 't':
        session->scripted.monotonic_ns += (int64_t)31 * 1000000000;
        return 0;
    case 'o':
        release_actors(session);
        return session->message_count > 0 ? find(session, 1) : 0; /* that one is still held */
    case 'v':
        return read_all(session);
    case 'r': {
        int r = unless_full(session, close_store(session));
        return r ? r : session_open(session);
    }
    case 'x':
        session_abandon(session);
        return session_open(session);
    default:
        unreachable();
    }
}

/* A disk that has failed has failed for good, whatever it says the next time. */
static void check_final(Session *session, char letter, int r) {
    if (r >= 0 || r == -ENOMEM || !session->store || !strchr("fpwk", letter))
        return;
    uint64_t durable = store_durable(session->store);
    if (store_wait(session->store) >= 0 || store_flush(session->store) >= 0 || store_poll(session->store) >= 0)
        wrong(session, "after a failure of the disk the store goes on");
    if (store_durable(session->store) != durable)
        wrong(session, "after a failure of the disk the store acknowledges more");
}

int session_run(Session *session, const char *text) {
    int r = session->store ? 0 : session_open(session);
    for (; *text && !r && !session->wrong; text++) {
        r = step(session, *text);
        check_final(session, *text, r);
        if (r == -ENOMEM && session->store) /* nothing has changed, unless it came from the disk */
            r = store_poll(session->store);
        if (session->store)
            model_note_durable(session->model, session->store);
        if (r > 0)
            wrong(session, "a call has an answer that its header does not name");
    }
    return r;
}

void workload_generate(Random *random, char *text, size_t size) {
    /* the more often it stands here the more often it comes */
    static const char mixed[] = "111122223345ABCDE+++-mmffffffpppwwwwwkktovvrx";
    static const char checkpoints[] = "1234A+mfkkkkrx";
    bool is_mixed = random_chance(random, 75);
    size_t count = 1 + random_below(random, random_chance(random, 50) ? 12 : size - 1);
    for (size_t index = 0; index < count; index++)
        text[index] = is_mixed ? mixed[random_below(random, sizeof mixed - 1)]
                               : checkpoints[random_below(random, sizeof checkpoints - 1)];
    text[count] = '\0';
}
