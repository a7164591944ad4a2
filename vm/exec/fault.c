/* SPDX-License-Identifier: MIT */
/* Traces: which frames are kept, and how they read. */
#include "vm/exec/fault.h"

#include "vm/exec/strand.h"

static FaultCall call_of(const FrameInfo *info) {
    if (info->step)
        return (FaultCall){.word = info->step->word->name};
    return (FaultCall){
        .word = info->chunk->name,
        .file = info->chunk->file,
        .line = info->chunk->places[info->instruction].line,
        .in_quotation = info->chunk->is_quotation,
    };
}

void fault_trace(Fault *fault, const Strand *strand) {
    enum { INNER = FAULT_TRACE_MAX - FAULT_TRACE_OUTER };
    FaultCall outer[FAULT_TRACE_OUTER]; /* the last few seen, in a ring */
    uint64_t count = 0;
    FrameInfo info;
    for (FrameWalk walk = frame_walk(strand); frame_walk_next(&walk, &info); count++) {
        if (count < INNER)
            fault->calls[count] = call_of(&info);
        else
            outer[count % FAULT_TRACE_OUTER] = call_of(&info);
    }
    uint64_t rest = count > INNER ? count - INNER : 0;
    uint64_t kept = rest < FAULT_TRACE_OUTER ? rest : FAULT_TRACE_OUTER;
    for (uint64_t index = 0; index < kept; index++)
        fault->calls[INNER + index] = outer[(count - kept + index) % FAULT_TRACE_OUTER];
    fault->call_count = (uint32_t)(count - rest + kept);
    fault->skipped_count = rest - kept;
}

void fault_print(Buffer *out, const Fault *fault) {
    buffer_append_format(out, "%s\n", fault->message);
    for (uint32_t index = 0; index < fault->call_count; index++) {
        const FaultCall *call = &fault->calls[index];
        if (fault->skipped_count && index == FAULT_TRACE_MAX - FAULT_TRACE_OUTER)
            buffer_append_format(out, "  ... %llu more calls\n", (unsigned long long)fault->skipped_count);
        buffer_append_format(out, "  in %s%s", call->in_quotation ? "a quotation of " : "", call->word);
        if (call->file)
            buffer_append_format(out, " (%s:%u)", call->file, call->line);
        buffer_append_byte(out, '\n');
    }
}
