/* SPDX-License-Identifier: MIT */
#include "repl/report.h"

#include <string.h>

void report_error(const char *format, ...) {
    char text[1024], shown[4 * sizeof text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    diag_copy_shown(shown, sizeof shown, text, strlen(text));
    fprintf(stderr, "seqvm: %s\n", shown);
}

void report_append_lines(Buffer *out, const char *text, size_t size) {
    const char *end = text + size;
    for (const char *feed; text < end; text = feed + 1) {
        feed = memchr(text, '\n', (size_t)(end - text));
        if (!feed) {
            diag_append_shown(out, text, (size_t)(end - text));
            return;
        }
        diag_append_shown(out, text, (size_t)(feed - text));
        buffer_append_byte(out, '\n');
    }
}

static void print(FILE *file, const Buffer *text) {
    if (text->failed)
        fputs("seqvm: out of memory\n", stderr);
    if (text->size) /* else there may be no bytes at all */
        fwrite(text->bytes, 1, text->size, file);
}

static bool is_shown(const Diag *diag) {
    return diag->severity == DIAG_ERROR || !diag->span.source || !diag->span.source->is_std;
}

/* "3 errors, 1 warning" */
static void append_counts(Buffer *out, const DiagList *diags) {
    buffer_append_format(out, "%u error%s", diags->error_count, diags->error_count == 1 ? "" : "s");
    uint32_t warnings = 0;
    for (const Diag *diag = diags->first; diag; diag = diag->next)
        warnings += diag->severity == DIAG_WARNING && is_shown(diag);
    if (warnings)
        buffer_append_format(out, ", %u warning%s", warnings, warnings == 1 ? "" : "s");
    if (diags->error_count > DIAG_MAX)
        buffer_append_format(out, "; only the first %d are shown", DIAG_MAX);
    buffer_append_byte(out, '\n');
}

void report_append_diags(Buffer *out, const DiagList *diags, bool color) {
    for (const Diag *diag = diags->first; diag; diag = diag->next) {
        if (is_shown(diag))
            diag_print(out, diag, color);
    }
    if (diags->error_count)
        append_counts(out, diags);
}

void report_diags(FILE *file, const DiagList *diags, bool color) {
    CLEANUP(buffer_deinit) Buffer out;
    buffer_init(&out, diags->arena->mem);
    report_append_diags(&out, diags, color);
    print(file, &out);
}

void report_diags_json(FILE *file, const DiagList *diags) {
    CLEANUP(buffer_deinit) Buffer out;
    buffer_init(&out, diags->arena->mem);
    for (const Diag *diag = diags->first; diag; diag = diag->next) {
        if (is_shown(diag))
            diag_print_json(&out, diag);
    }
    print(file, &out);
}

/* The program has ended: what says why may go beyond the limit that ended it. Gives the limit, to be put back. */
static size_t lift_limit(Mem *mem) {
    size_t limit = mem->limit_bytes;
    mem->limit_bytes = SIZE_MAX;
    mem_recover(mem);
    return limit;
}

void report_append_fault(Buffer *out, const Fault *fault) {
    CLEANUP(buffer_deinit) Buffer text;
    Mem *mem = out->mem;
    size_t limit = lift_limit(mem);
    buffer_init(&text, mem);
    fault_print(&text, fault);
    if (text.size)
        report_append_lines(out, text.bytes, text.size);
    out->failed |= text.failed;
    mem->limit_bytes = limit;
}

void report_fault(FILE *file, const Fault *fault, Mem *mem, bool color) {
    size_t limit = lift_limit(mem);
    {
        CLEANUP(buffer_deinit) Buffer out;
        buffer_init(&out, mem);
        buffer_append_text(&out, color ? "\x1b[1;31mseqvm:\x1b[0m " : "seqvm: ");
        report_append_fault(&out, fault);
        if (out.failed)
            report_error("%s", fault->message);
        else
            print(file, &out);
    }
    mem->limit_bytes = limit;
}
