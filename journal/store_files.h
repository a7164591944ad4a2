/* SPDX-License-Identifier: MIT */
/* Names of a store's files, and the small file that says what it is. */
#pragma once

#include "journal/store_inside.h"
#include <inttypes.h>
#include <stdio.h>

/* The path of a run of the index, into LOG_PATH_MAX bytes. */
static inline void index_run_path(char *path, const char *folder, uint64_t number) {
    snprintf(path, LOG_PATH_MAX, "%.4000s/%016" PRIx64 ".x", folder, number);
}
static inline IndexStamp index_stamp(const Store *store, uint64_t number) {
    IndexStamp stamp = {.number = number};
    memcpy(stamp.store, store->identity.uuid, sizeof stamp.store);
    return stamp;
}

enum { STORE_FORMAT = 1 };

/* Replaces STORE, at one instant, by what the store now says; durable afterwards. */
int store_identity_write(const Store *store) MUST_CHECK;
/* -ENOENT: there is none. STORE_E_DAMAGED, STORE_E_FOREIGN. */
int store_identity_read(Store *store) MUST_CHECK;
