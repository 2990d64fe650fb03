#include "control/report.h"

#include <string.h>

#include "call/calls.h"
#include "call/tally.h"
#include "control/live.h"

enum { LISTED_MAX = 20 };       /* things of one kind that are listed */

/* A kind, and what a walk over the living has found of it. */
typedef struct Row {
    const char *kind;
    uint64_t live;
    Text *text;
} Row;

static void count(const Live *live, void *to)
{
    Row *row = to;

    row->live += row->kind == NULL || strcmp(live->kind, row->kind) == 0;
}

static void list(const Live *live, void *to)
{
    Row *row = to;
    char text[80];

    if (strcmp(live->kind, row->kind) != 0 || row->live++ >= LISTED_MAX)
        return;
    text_add(row->text, "    0x%llx of %zu bytes, made by %s\n", (unsigned long long)live->handle,
             live->size, origin_text(live->origin, text, sizeof text));
}

static void write_kind(Text *text, const char *kind, uint64_t made)
{
    Row row = {.kind = kind, .text = text};

    live_each(count, &row);
    text_add(text, "%-24s %10llu %10llu %10llu\n", kind, (unsigned long long)made,
             (unsigned long long)(made - row.live), (unsigned long long)row.live);
    row.live = 0;
    live_each(list, &row);
    if (row.live > LISTED_MAX)
        text_add(text, "    and %llu more\n", (unsigned long long)(row.live - LISTED_MAX));
}

void report_read(Text *text)
{
    uint64_t made = 0;
    const char *kind;

    text_add(text, "%-24s %10s %10s %10s\n", "kind", "created", "destroyed", "live");
    for (size_t i = 0; (kind = tally_row(i, &made)) != NULL; i++)
        write_kind(text, kind, made);
}
