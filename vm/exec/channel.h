/* SPDX-License-Identifier: MIT */
/*
 * Channel: an unbounded queue of values between strands, with any number of
 * senders and receivers. Each message goes to exactly one receiver, the one
 * that has waited longest. A receiver that waits keeps its reference on its
 * stack, so a channel is freed only when no one waits.
 */
#pragma once

#include "vm/exec/scheduler.h"

typedef struct Channel Channel;

/* A new channel's handle. NULL when memory is refused. */
Handle *channel_new(Scheduler *scheduler) MUST_CHECK;
/* False: closed, the value was dropped. -ENOMEM when refused (value still the caller's), else 0 or 1. */
int channel_send(Channel *channel, TAKEN Value value) MUST_CHECK;
/* For the strand whose top value is the channel: pushes `value true`, `0 false`, or parks it. */
WordResult channel_receive(Channel *channel, Strand *strand);
void channel_close(Channel *channel);

/* For the scheduler: drops what waits in it; frees it, emptied. */
void channel_empty(Channel *channel);
void channel_free(Channel *channel);
