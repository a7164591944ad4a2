/* SPDX-License-Identifier: MIT */
/*
 * Switches that make rare things common, all off. `meson setup -Dstress=park`
 * and the like turn one on; the golden tests run with each.
 */
#pragma once

/* Gives a strand a budget of one instruction, so that it parks after each: finds state kept in C locals. */
#ifndef STRESS_PARK
#define STRESS_PARK 0
#endif

/* Never changes a value in place, shared or not: finds code that relies on the address of a value. */
#ifndef STRESS_COPY
#define STRESS_COPY 0
#endif

/* Starts every stack with room for four values beside its first frames: it grows and moves early. Finds pointers kept across a push. */
#ifndef STRESS_GROW
#define STRESS_GROW 0
#endif

/* Durable actors leave memory as soon as they have nothing to do: finds what is not in their journals. */
#ifndef STRESS_PASSIVATE
#define STRESS_PASSIVATE 0
#endif
