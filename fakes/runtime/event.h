/*
 * event: marks in streams.
 *
 * Recording queues a mark; the event is complete when the last mark that was
 * queued is reached, and stays so until it is recorded or reset again. Marks
 * count up, so a wait knows which one it is for: the last one queued before
 * it or, when there is none (since the event was made or reset), the next.
 * An event that was never recorded can be waited for only if it was made
 * with ACL_EVENT_SYNC or ACL_EVENT_EXTERNAL: the others have no id on the
 * device before their first record.
 *
 * Guarded by the streams' lock. The object behind the user's handle is a
 * reference, and so is every task.
 */
#ifndef FAKE_EVENT_H
#define FAKE_EVENT_H

#include "base/acl.h"
#include "base/share.h"
#include "stream/stream.h"

/* What an event was made for; the others are taken and change nothing. */
enum { EVENT_SYNC = 1, EVENT_TIME_LINE = 8, EVENT_EXTERNAL = 0x20, EVENT_IPC = 0x40 };

typedef struct Event {
    struct Event *next;         /* in the list of all events */
    unsigned references;
    uint32_t flags;
    bool destroyed;
    Share *share;               /* of an event of several processes; NULL: of
                                   another, or of one that is destroyed and has
                                   no task left. Only under the lock. What is
                                   below is this process's alone */
    uint64_t marks;             /* queued */
    uint64_t reached;           /* the last mark that a stream came by, */
    uint64_t good;              /* and the last that it came by as it should */
    int failure;                /* of the others */
    uint64_t reset;             /* marks up to this one were taken back, */
    uint64_t cleared;           /* and here the stream was that far, too */
    uint64_t due_ns;            /* at which the device was that far */
    unsigned pending;           /* tasks of marks that are not over */
    unsigned waits;             /* those that wait */
    Clock clock;                /* what is over when the last mark is */
    uint64_t future;            /* the next mark, in the clocks of streams
                                   that wait for it; 0: none (order_future.h) */
} Event;

/* What a task does with a mark. */
typedef enum MarkDeed { MARK_RECORD, MARK_RESET, MARK_WAIT } MarkDeed;

/* A task that belongs to a mark of an event. */
typedef struct Mark {
    Task task;
    Event *event;
    uint64_t number;
    MarkDeed deed;
} Mark;

/*
 * The event of an argument: 0, 100000 or, after a violation, 107017. Of one that
 * is found under the lock the share is there until the lock is given back.
 */
int event_need(aclrtEvent handle, const char *argument, Event **event);

/* Makes an event of a share, which it owns from then on: 0, or a status. */
int event_open(aclrtEvent *handle, Share *share);

/* Ends one reference. The lock is held. */
void event_release(Event *event);

/* Is the last mark reached, and not taken back? The lock is held. */
bool event_is_complete(const Event *event);

/* Is a mark reached, or will it never be? The lock is held. */
bool event_passed(const Event *event, uint64_t number);

/*
 * Waits for a sign that a mark may be passed, or until a moment of now_ns(); 0:
 * for ever. False: that moment has come. The lock is held.
 */
bool event_await(const Event *event, uint64_t until_ns);

/* Refuses what events of several processes do not do; 0 for any other event. */
int event_check_unshared(const Event *event);

/*
 * Finds the event and the stream of a call, NULL being the default stream,
 * and lets act queue something, under the lock. Its status, or what was
 * wrong with the arguments.
 */
int event_on_stream(aclrtEvent event, aclrtStream stream, int (*act)(Event *event, Stream *stream));

/* Queues a task that belongs to a mark. The lock is held. */
int event_submit(Event *event, Stream *stream, uint64_t number, MarkDeed deed,
                 const TaskKind *kind);

/*
 * A stream came by a mark, at a time, or will never: status says why. What
 * waits for the mark goes on either way. The lock is held.
 */
void event_reach(Event *event, uint64_t number, int status, uint64_t due_ns);

/* What became of a mark that is reached: 0, or a failure. The lock is held. */
int event_outcome(const Event *event, uint64_t number);

/* For the kinds of tasks that belong to marks. */
void mark_settle(Task *task);

/* Calls with the clock of every event; the lock is held. */
void events_each_clock(void (*act)(Clock *clock, void *to), void *to);

#endif
