/* SPDX-License-Identifier: MIT */
/*
 * Report: what is said to people. Nothing of a program's text gets there raw:
 * control characters are shown as \u{1b}.
 */
#pragma once

#include "vm/exec/fault.h"
#include "vm/lang/diag.h"
#include <stdio.h>

/* "seqvm: TEXT" */
void report_error(const char *format, ...) FORMAT(1, 2);
/* Appends lines as they are shown: only their line feeds stay what they are. */
void report_append_lines(Buffer *out, const char *text, size_t size);
/*
 * The errors and warnings, and a line that counts them; no warnings of std
 * modules, which their user cannot change. Prints nothing when there are none.
 */
void report_diags(FILE *file, const DiagList *diags, bool color);
/* Appends the same text. */
void report_append_diags(Buffer *out, const DiagList *diags, bool color);
/* The same for programs: one JSON object a line, without the count. */
void report_diags_json(FILE *file, const DiagList *diags);
/* Appends "WORD: reason", and the calls that were open on lines of their own. */
void report_append_fault(Buffer *out, const Fault *fault);
/* The same behind "seqvm: ". */
void report_fault(FILE *file, const Fault *fault, Mem *mem, bool color);
