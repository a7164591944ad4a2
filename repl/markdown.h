/* SPDX-License-Identifier: MIT */
/* Markdown: the reference of all words, spec/words.md. */
#pragma once

#include "repl/catalogue.h"
#include <stdio.h>

void markdown_words(FILE *file, Catalogue *catalogue);
