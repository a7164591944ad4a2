/* SPDX-License-Identifier: MIT */
/*
 * Worker: one thread that runs one job at a time, so that whoever gave it the
 * job need not wait for a disk. A job touches only what it was given: its
 * giver keeps its hands off that until worker_finished() says so.
 *
 * A worker without a thread runs the job at once, in worker_start(): tests
 * that place a failure at every call want one order of calls.
 */
#pragma once

#include "vm/base/check.h"
#include <pthread.h>

typedef void WorkerJob(void *context);

typedef struct Worker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    WorkerJob *job; /* to be run, or running */
    void *context;
    int signal;        /* an eventfd that is raised when a job is done; -1: none */
    bool has_thread;
    bool is_busy;      /* from worker_start() until worker_finished() has said true; its giver's */
    bool is_done;      /* the job is over; under the mutex */
    bool is_ending;
} Worker;

/* Without a thread when `is_threaded` is false. `signal` is raised at the end of each job. A negative errno. */
int worker_init(Worker *worker, bool is_threaded, int signal) MUST_CHECK;
/* Waits for the job that runs. */
void worker_deinit(Worker *worker);
/* Starts a job; none may be running. */
void worker_start(Worker *worker, WorkerJob *job, void *context);
/* True once after the end of each job. */
bool worker_finished(Worker *worker);
/* Waits for the end of the job that runs, if one does. worker_finished() then tells. */
void worker_wait(Worker *worker);
