/*
 * uses: what tasks of several processes do with memory that they share.
 *
 * A block beside the memory has a row for each use by a task that may still be
 * at work, for all that its own process knows: the row comes when the task is
 * queued, and goes when that process has waited for it (stream/order.h). When any
 * other one has, the row is marked, and counts no more. So a program that waits
 * before it sends its message is in order with whoever gets the message, though
 * nobody here sees that.
 *
 * Who is about to queue lays its own rows first and then looks at the others':
 * of two that do so at once at least one sees the other. The rows of a process
 * that ended do not count.
 */
#ifndef FAKE_USES_H
#define FAKE_USES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rows.h"
#include "base/share.h"
#include "call/functions.h"

enum { USES_MAX = 8192 };       /* rows of one memory; what comes then is not told */

/* A task, as all processes know it. */
typedef struct User {
    uint64_t tag;               /* its own process's name for it */
    uint64_t stream;            /* process_stamp() of its process, and the stream in it; 0
                                   there: on no stream */
    uint64_t seq;               /* of all tasks of that process */
    bool held;                  /* what it comes after is not known yet */
    Origin made;
} User;

typedef struct SharedUse {
    User user;
    Rows rows;                  /* from the memory's start on */
    bool writes;
    bool over;                  /* another process has waited for it */
    unsigned member;
    int32_t process;
} SharedUse;

typedef struct Uses {
    uint32_t count;
    SharedUse use[USES_MAX];
} Uses;

/* Memory is shared from here on, and no longer. own: it was allocated here. */
void uses_begin(const Share *share, Uses *uses, uintptr_t start, size_t size, bool own);
void uses_end(const Uses *uses, uintptr_t start);

/* Has this process any memory that is shared? */
bool uses_any(void);

/* What a task does with a range, wherever that is. */
typedef struct UseOf {
    Rows rows;
    bool writes;
} UseOf;

/* Lays a row for each range in shared memory. False: none is. */
bool uses_add(const User *user, const UseOf *of, size_t count);

/* Takes the rows of a task of this process away. */
void uses_remove(uint64_t tag);

/* Has another process waited for a task of this one? */
bool uses_is_over(uint64_t tag);

/* What the task comes after is known now. */
void uses_settle(uint64_t tag);

/* Some process has waited for a stream of any one up to seq; 0 as the stream: for all of it. */
void uses_over(uint64_t stream, uint64_t seq);

/* What the tasks of other processes are asked about. */
typedef struct UsesQuery {
    const UseOf *of;
    size_t count;
    bool ends;                  /* what was allocated here goes: of imports nothing is asked */
    bool (*is_over)(const User *user, const void *to);
    const void *to;
} UsesQuery;

/*
 * A use by a task of another process that is there, in conflict with one of the ranges; false:
 * there is none. Its rows are addresses of this process; *which is the range.
 */
bool uses_find(const UsesQuery *query, SharedUse *found, size_t *which);

#endif
