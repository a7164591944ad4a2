/* SPDX-License-Identifier: MIT */
/*
 * Weave: a strand that runs only when it is resumed, and hands values back
 * and forth with whoever resumes it. Suspended, it is dormant: it keeps
 * nobody waiting and the program not alive. When its handle's last copy
 * goes, it is cancelled.
 *
 * Its body gets a token (`<weave-ctx>`) that `yield` wants back; the token
 * names nothing and keeps nothing alive.
 */
#pragma once

#include "vm/exec/scheduler.h"

/*
 * The words of weaves on `strand`, whose top values are the word's arguments
 * (effects in builtins/strand.c).
 */
WordResult weave_make(Strand *strand);
WordResult weave_resume(Strand *strand);
WordResult weave_yield(Strand *strand);
WordResult weave_cancel(Strand *strand);

/* For the scheduler: the body has returned; false leaves a fault: it must end with its token on top. */
bool weave_finish(Strand *body);
/* For the scheduler: cancels the body if it has not ended, and frees the weave. */
void weave_free(Weave *weave);
/* For strand_free: the body is going. */
void weave_forget_body(Weave *weave);
