/* SPDX-License-Identifier: MIT */
/* What the files of a History share: history.c goes through records, history_text.c says what they mean. */
#pragma once

#include "vm/actor/history.h"

#include "journal/store.h"
#include "vm/value/codec.h"
#include "vm/value/difference.h"

/* Notes what is wrong with the record; STORE_E_DAMAGED. */
int history_say(History *history, const Record *record, const char *what) MUST_CHECK;
/* All of the bytes as one value. 0, CODEC_E_DAMAGED, -ENOMEM. */
int history_decode(Heap *heap, Bytes bytes, Value *value) MUST_CHECK;
/* The next of a turn's events; of its observations. `bytes` goes on behind it. As history_decode(). */
int history_next_event(Heap *heap, ByteReader *bytes, Value *value) MUST_CHECK;
int history_next_observation(Heap *heap, ByteReader *bytes, Value *value) MUST_CHECK;
