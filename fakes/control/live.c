#include "control/live.h"

#include <stdlib.h>

#include "call/calls.h"
#include "call/violations.h"

/* What the keepers listed. */
typedef struct List {
    Live *live;                 /* owned */
    size_t count;
    size_t room;
} List;

static bool list_grow(List *list)
{
    size_t room = list->room == 0 ? 64 : list->room * 2;
    Live *live = realloc(list->live, room * sizeof *live);

    if (live == NULL)
        return false;
    list->live = live;
    list->room = room;
    return true;
}

/* A visitor: all that happens under a keeper's lock. */
static void append(const Live *live, void *to)
{
    List *list = to;

    if (list->count < list->room || list_grow(list))
        list->live[list->count++] = *live;
}

void live_each(LiveVisitor *visit, void *to)
{
    List list = {0};

    keepers_live(append, &list);
    for (size_t i = 0; i < list.count; i++)
        visit(&list.live[i], to);
    free(list.live);
}

static void write_line(const Live *live, void *to)
{
    text_add(to, "{\"kind\": \"%s\", \"handle\": \"0x%llx\", ", live->kind,
             (unsigned long long)live->handle);
    text_add(to, "\"created_by\": \"%s\", \"seq\": %llu, \"size\": %zu, \"at\": ",
             functions[live->origin.function].name, (unsigned long long)live->origin.seq,
             live->size);
    char site[SITE_SIZE];
    text_add_string(to, origin_site(live->origin, site));
    text_add(to, "}\n");
}

static void report_leak(const Live *live, void *to)
{
    char text[80];

    (void)to;
    violate_mildly(V_LIVE_AT_FINALIZE, "%s 0x%llx of %zu bytes, made by %s", live->kind,
                   (unsigned long long)live->handle, live->size,
                   origin_text(live->origin, text, sizeof text));
}

void live_read(Text *text)
{
    live_each(write_line, text);
}

void live_report_leaks(void)
{
    live_each(report_leak, NULL);
}
