/* SPDX-License-Identifier: MIT */
/*
 * Hint: what someone may have meant by a name that no word has, when it is
 * not one that is nearly right: a word of a std module that is not included,
 * a word of another language, or no name at all.
 */
#pragma once

#include "vm/lang/module.h"

/* One sentence, in the arena or static; or NULL. */
const char *hint_for_name(Arena *arena, const ModuleReader *reader, const Name *name);
