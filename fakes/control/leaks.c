#include "control/leaks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "call/calls.h"
#include "control/live.h"

enum { LINES_MAX = 40, LINE_SIZE = 1024 };

/* Things of one kind that one function made at one place. */
typedef struct Group {
    Live first;
    size_t things;
    uint64_t bytes;
    const char *part;           /* what came with them, of one kind; NULL: nothing */
    size_t parts;
} Group;

typedef struct Groups {
    Group group[LINES_MAX];
    size_t count;
    size_t things;
    size_t beyond;              /* that found no group */
    uint64_t seq;               /* of the last thing, and its group */
    Group *last;
} Groups;

/* A bundle before its models, a model before its memory. */
static int rank(const Live *live)
{
    static const char *const outer[] = {"bundle", "model"};

    for (int i = 0; i < 2; i++)
        if (strcmp(live->kind, outer[i]) == 0)
            return i;
    return 2;
}

/* By call, and the outer one first: for qsort. */
static int compare(const void *one, const void *other)
{
    const Live *a = one;
    const Live *b = other;

    if (a->origin.seq != b->origin.seq)
        return a->origin.seq < b->origin.seq ? -1 : 1;
    return rank(a) - rank(b);
}

static bool is_alike(const Group *group, const Live *live)
{
    return strcmp(group->first.kind, live->kind) == 0 &&
           group->first.origin.function == live->origin.function &&
           group->first.origin.caller == live->origin.caller &&
           group->first.origin.line == live->origin.line;
}

static Group *find(Groups *groups, const Live *live)
{
    for (size_t i = 0; i < groups->count; i++)
        if (is_alike(&groups->group[i], live))
            return &groups->group[i];
    if (groups->count == LINES_MAX)
        return NULL;
    Group *group = &groups->group[groups->count++];
    *group = (Group){.first = *live};
    return group;
}

/* What the call before made as well comes with that; parts of a second kind are not told. */
static void add(Groups *groups, const Live *live)
{
    if (groups->seq == live->origin.seq) {
        if (groups->last != NULL && groups->last->part == NULL)
            groups->last->part = live->kind;
        if (groups->last != NULL && strcmp(groups->last->part, live->kind) == 0)
            groups->last->parts++;
        return;
    }
    Group *group = find(groups, live);
    groups->seq = live->origin.seq;
    groups->last = group;
    groups->things++;
    groups->beyond += group == NULL;
    if (group != NULL) {
        group->things++;
        group->bytes += live->size;
    }
}

static void write_group(Text *text, const Group *group)
{
    char call[HISTORY_SIZE];
    char site[SITE_SIZE];
    const char *where = origin_site(group->first.origin, site);

    text_add(text, "%8zu  %s", group->things, group->first.kind);
    if (group->bytes > 0)
        text_add(text, " of %llu bytes", (unsigned long long)group->bytes);
    if (group->part != NULL)
        text_add(text, " with %zu x %s", group->parts, group->part);
    text_add(text, ", made by %s%s\n", origin_text(group->first.origin, call, sizeof call),
             group->things > 1 ? " first" : "");
    if (*where != '\0')
        text_add(text, "          at %s\n", where);
}

/* What the calls after a number made, in their order. */
typedef struct Leaks {
    uint64_t after;
    Live *live;                 /* owned */
    size_t count;
    size_t room;
} Leaks;

static void append(const Live *live, void *to)
{
    Leaks *list = to;

    if (live->origin.seq <= list->after)
        return;
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 64 : list->room * 2;
        Live *grown = realloc(list->live, room * sizeof *grown);
        if (grown == NULL)
            return;
        list->live = grown;
        list->room = room;
    }
    list->live[list->count++] = *live;
}

size_t leaks_tell(uint64_t after, void (*line)(const Text *text))
{
    static Groups groups;
    Leaks list = {.after = after};

    groups = (Groups){0};
    live_each(append, &list);
    if (list.count > 0)
        qsort(list.live, list.count, sizeof *list.live, compare);
    for (size_t i = 0; i < list.count; i++)
        add(&groups, &list.live[i]);
    free(list.live);
    for (size_t i = 0; line != NULL && i <= groups.count; i++) {
        char bytes[LINE_SIZE];
        Text text = text_in(bytes, sizeof bytes);
        if (i < groups.count)
            write_group(&text, &groups.group[i]);
        else if (groups.beyond > 0)
            text_add(&text, "%8zu  more, made elsewhere\n", groups.beyond);
        line(&text);
    }
    return groups.things;
}
