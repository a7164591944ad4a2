/* SPDX-License-Identifier: MIT */
#include "repl/std_folders.h"

#include "repl/report.h"
#include "vm/base/io.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What SEQ_STDLIB names, or NULL. */
static const char *wanted_folder(void) {
    const char *path = getenv("SEQ_STDLIB");
    if (!path || !*path)
        return NULL;
    Io io = io_system();
    if (io_is(&io, path, IO_FOLDER))
        return path;
    report_error("warning: SEQ_STDLIB is no folder: %s", path);
    return NULL;
}

/* The folder beside the program that runs, links followed; false when the system does not say where that is. */
static bool find_beside(char *path, size_t size) {
    static const char name[] = "stdlib";
    ssize_t length = readlink("/proc/self/exe", path, size);
    char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (!slash || (size_t)(slash + 1 - path) + sizeof name > size)
        return false;
    memcpy(slash + 1, name, sizeof name);
    return true;
}

void std_folders_find(StdFolders *folders) {
    const char **next = folders->paths;
    const char *wanted = wanted_folder();
    if (wanted)
        *next++ = wanted;
    if (find_beside(folders->beside, sizeof folders->beside))
        *next++ = folders->beside;
    *next++ = "stdlib";
    *next = NULL;
}
