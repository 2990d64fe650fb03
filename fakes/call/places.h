/*
 * places: violations by where they happened, for people.
 *
 * One function called from one place of the program sins in one way: that is
 * a place. The first violation of a place is kept with its history, later
 * ones are counted; nothing here is allocated. With the setting "report" at
 * live each is told on stderr as it happens, TOLD_MAX times a place:
 *
 *     acl fake 77: AB-RT-0007 error in aclrtFree (call 9): devPtr 0x80000200: ...
 *         at release+0x1d (program+0x1189)
 *         at main+0x40 (program+0x1201)
 *         made at setup+0x12 (program+0x1150)
 *         ended at release+0x10 (program+0x117c)
 */
#ifndef FAKE_PLACES_H
#define FAKE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "call/calls.h"

enum { PLACE_TEXT_SIZE = 768 };

/* The severities, the worst last. */
typedef enum Severity { SEVERITY_LEAK, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_COUNT } Severity;

typedef struct ViolationPlace {
    const char *id;             /* "AB-RT-0007" */
    Severity severity;
    Origin at;                  /* the first call here that sinned */
    History history;            /* of what it was about; seq 0: unknown */
    uint64_t times;
    char text[PLACE_TEXT_SIZE];
} ViolationPlace;

/* "error" */
const char *severity_name(Severity severity);

/* Counts a violation, and tells it where that is wanted. id is a literal. */
void place_note(const char *id, Severity severity, Origin at, History history, const char *text);

/* Copies the i-th place; false: there is none. */
bool place_get(size_t i, ViolationPlace *place);

/* How many violations there were since reset, at places that found no room as well. No lock. */
uint64_t places_count(Severity severity);

/* What another process did: forgotten in a fork. */
void places_forget(void);

/* Appends "acl fake 77: ", and where a place is and what it was about, line by line. */
void place_head(Text *text);
void place_sites(Text *text, const ViolationPlace *place);

#endif
