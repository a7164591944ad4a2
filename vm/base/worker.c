/* SPDX-License-Identifier: MIT */
/* The mutex guards `job`, `is_done` and `is_ending`; everything else belongs to the thread that owns the worker. */
#include "vm/base/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

static void *work(void *context) {
    Worker *worker = context;
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        while (worker->job == NULL && !worker->is_ending)
            pthread_cond_wait(&worker->changed, &worker->mutex);
        if (worker->job == NULL)
            break;
        WorkerJob *job = worker->job;
        pthread_mutex_unlock(&worker->mutex);
        job(worker->context);
        pthread_mutex_lock(&worker->mutex);
        worker->job = NULL;
        worker->is_done = true;
        pthread_cond_broadcast(&worker->changed);
        if (worker->signal >= 0) {
            uint64_t one = 1;
            /* fails only when 2^64 - 1 jobs are unread */
            check(write(worker->signal, &one, sizeof one) == sizeof one);
        }
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* Signals are for the program's own thread. */
static int start_thread(Worker *worker) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

int worker_init(Worker *worker, bool is_threaded, int signal) {
    *worker = (Worker){.signal = signal};
    if (!is_threaded)
        return 0;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->changed, NULL);
    int r = start_thread(worker);
    worker->has_thread = r == 0;
    return r;
}

void worker_deinit(Worker *worker) {
    if (!worker->has_thread)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->is_ending = true;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    worker->has_thread = false;
}

void worker_start(Worker *worker, WorkerJob *job, void *context) {
    check(!worker->is_busy);
    worker->is_busy = true;
    if (!worker->has_thread) {
        job(context);
        worker->is_done = true;
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    worker->job = job;
    worker->context = context;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

bool worker_finished(Worker *worker) {
    if (!worker->is_busy)
        return false;
    if (worker->has_thread)
        pthread_mutex_lock(&worker->mutex);
    bool is_done = worker->is_done;
    worker->is_done = false;
    if (worker->has_thread)
        pthread_mutex_unlock(&worker->mutex);
    worker->is_busy = !is_done;
    return is_done;
}

void worker_wait(Worker *worker) {
    if (!worker->is_busy || !worker->has_thread)
        return;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->is_done)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    pthread_mutex_unlock(&worker->mutex);
}
