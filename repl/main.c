/* SPDX-License-Identifier: MIT */
#include "vm/embed/vm.h"

#include <stdio.h>
#include <unistd.h>

static void write_stdout(void *context, const char *bytes, size_t size) {
    const Io *io = context;
    (void)!io_write_all(io, STDOUT_FILENO, bytes, size);
}

int main(int argc, char **argv) {
    Vm vm;
    Io io = io_system();
    if (argc < 2)
        return 2;
    VmOptions options = {
        .allocator = allocator_default(),
        .arguments = (const char *const *)(argv + 1),
        .argument_count = (uint32_t)argc - 1,
        .write = write_stdout,
        .write_context = &io,
        .input = STDIN_FILENO,
    };
    if (vm_init(&vm, &options))
        return 1;
    Compilation compilation;
    compilation_init(&compilation, &vm.heap.mem);
    Source source;
    int status = 1;
    int r = vm_read_source(&vm, &compilation, argv[1], &source);
    if (r) {
        fprintf(stderr, "seqvm: cannot read %s\n", argv[1]);
    } else {
        r = vm_check(&vm, &compilation, &source, true);
        Buffer out;
        buffer_init(&out, &vm.heap.mem);
        for (Diag *diag = compilation.diags.first; diag; diag = diag->next)
            diag_print(&out, diag, false);
        if (r)
            status = 3;
        else if (vm_load(&vm, &compilation) == 0) {
            VmResult result = vm_run(&vm, compilation.resolved.main);
            status = (int)result.status;
            if (result.end == SCHEDULER_FAULT || result.end == SCHEDULER_DEADLOCK) {
                buffer_append_text(&out, "seqvm: ");
                fault_print(&out, &vm.scheduler.fault);
                status = 134;
            }
        }
        fwrite(out.bytes, 1, out.size, stderr);
        buffer_deinit(&out);
    }
    compilation_deinit(&compilation);
    vm_deinit(&vm);
    return status;
}
