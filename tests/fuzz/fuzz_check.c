/* SPDX-License-Identifier: MIT */
/* Any text as a source: parsed and checked. What is refused has a message, and all memory comes back. */
#include "vm/embed/vm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void drop_output(void *context, const char *text, size_t size) {
    (void)context;
    (void)text;
    (void)size;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size > 8192 || memmem(bytes, size, "include", 7)) /* no files */
        return -1;
    char *text = malloc(size + 1); /* of exactly its size */
    memcpy(text, bytes, size);
    text[size] = 0;
    VmOptions options = {.allocator = allocator_default(), .memory_limit = 512 << 20, .write = drop_output, .input = -1};
    Vm vm;
    int r = vm_init(&vm, &options);
    check(r == 0);
    Compilation compilation;
    compilation_init(&compilation, &vm.heap.mem);
    Source source = {.name = "fuzz", .text = text, .size = size};
    r = vm_check(&vm, &compilation, &source, false);
    check(r <= 0 || compilation.diags.first);
    compilation_deinit(&compilation);
    vm_deinit(&vm);
    free(text);
    return 0;
}
