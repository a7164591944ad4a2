/* SPDX-License-Identifier: MIT */
/* A VM with a program given as text; what it prints is kept. */
#pragma once

#include "tests/unit/refusing.h"
#include "vm/embed/vm.h"
#include <criterion/criterion.h>
#include <string.h>

typedef struct VmFixture {
    Vm vm;
    Compilation compilation;
    Source source;
    Refusing refusing;
    char out[4096];
    size_t out_size;
} VmFixture;

static inline void fixture_write(void *context, const char *bytes, size_t size) {
    VmFixture *fixture = context;
    cr_assert_lt(fixture->out_size + size, sizeof fixture->out);
    memcpy(fixture->out + fixture->out_size, bytes, size);
    fixture->out_size += size;
    fixture->out[fixture->out_size] = '\0';
}

static inline void fixture_open(VmFixture *fixture, const char *text) {
    memset(fixture, 0, sizeof *fixture);
    VmOptions options = {
        .allocator = refusing_allocator(&fixture->refusing),
        .write = fixture_write,
        .write_context = fixture,
        .input = -1,
    };
    cr_assert_eq(vm_init(&fixture->vm, &options), 0);
    compilation_init(&fixture->compilation, &fixture->vm.heap.mem);
    fixture->source = (Source){.name = "test", .text = text, .size = strlen(text), .folder = "."};
    int r = vm_check(&fixture->vm, &fixture->compilation, &fixture->source, false);
    cr_assert_eq(r, 0, "%s", fixture->compilation.diags.first ? fixture->compilation.diags.first->message : "");
    cr_assert_eq(vm_load(&fixture->vm, &fixture->compilation), 0);
}

static inline const Definition *fixture_word(const VmFixture *fixture, const char *name) {
    const Definition *definition = fixture->compilation.tree.definitions;
    while (strcmp(definition->name.bytes, name) != 0)
        definition = definition->next;
    return definition;
}

static inline void fixture_close(VmFixture *fixture) {
    compilation_deinit(&fixture->compilation);
    vm_deinit(&fixture->vm);
    cr_assert_eq(fixture->refusing.out_count, 0, "%lld blocks are still out", (long long)fixture->refusing.out_count);
    cr_assert_eq(fixture->refusing.out_bytes, 0);
}
