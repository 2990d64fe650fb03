/*
 * stream: queues of tasks, each with a thread that runs them in order.
 *
 * The first task starts the thread. One lock guards all streams and all
 * events; it is never held while a task runs. These hold a Stream by a
 * reference: the object behind the user's handle, the worker, a model with a
 * stream of its own, and every call that waits.
 *
 * A task that fails leaves its status with the stream, for the next wait; the
 * tasks behind it run all the same.
 */
#ifndef FAKE_STREAM_H
#define FAKE_STREAM_H

#include <pthread.h>

#include "base/acl.h"
#include "base/clock.h"
#include "call/keepers.h"
#include "stream/task.h"

typedef struct Tasks {
    Task *first;
    Task *last;
} Tasks;

struct Stream {
    Stream *next;               /* in the list of open streams */
    unsigned references;
    uint64_t serial;
    const void *handle;         /* NULL: this library's own */
    const void *context;
    int device;
    bool standard;              /* the default stream of its context */
    bool started;
    bool stopping;              /* nothing more is run */
    pthread_t worker;
    pthread_cond_t wake;        /* for the worker: a task, or the end */
    Tasks waiting;
    Task *running;
    Tasks kept;                 /* done, with claims, not waited for */
    size_t kept_count;
    uint64_t last;              /* seq of the last task queued */
    uint64_t due_ns;            /* when the device had done the task before;
                                   the worker's, which is always late */
    uint64_t synced;            /* seq up to which the host knows it is done */
    Clock clock;
    int failure;
    char *failure_text;         /* owned */
    bool subscribed;            /* callbacks run in the thread below */
    uint64_t subscriber;
    bool host_functions;        /* callbacks run in the worker */
};

/* The lock, and a sign to all waits that something got further. */
void streams_lock(void);
void streams_unlock(void);
void streams_signal(void);
pthread_mutex_t *streams_mutex(void);

/* Waits for a sign, or until a moment of now_ns(); 0: for ever. */
bool streams_await(uint64_t until_ns);

/* Opens a stream; the one reference is the caller's. NULL after a message. */
Stream *stream_open(const void *context, int device);

/* One reference more, one less. The lock is held. */
void stream_hold(Stream *stream);
void stream_release(Stream *stream);

/*
 * Queues a task and owns it from then on, even when it refuses the task: a
 * claim of the task may be in conflict with a task that comes in no order with
 * it. The second is for callers that hold the lock.
 */
int stream_submit(Stream *stream, Task *task);
int stream_submit_locked(Stream *stream, Task *task);

/* Frees a task that was not submitted. */
void stream_abandon(Task *task);

/*
 * Waits until a stream has done what was queued so far, and takes its
 * failure: 0, that failure, 507046, or 107023 when the stream was ended.
 */
int stream_wait(Stream *stream, int32_t timeout_ms);

/* Is everything done that was queued? The lock is held. */
bool stream_idle(const Stream *stream);

/* The seq of the first task that is not done; UINT64_MAX: none. */
uint64_t stream_first_seq(const Stream *stream);

/*
 * Stops the worker, drops the tasks that wait, and takes the stream off the
 * list. Nothing when the stream has ended before.
 */
void stream_end(Stream *stream);

/* The same, and ends the caller's reference: for streams without a handle. */
void stream_close(Stream *stream);

/* Calls with every open stream; the lock is held. */
void streams_each(void (*act)(Stream *stream, void *to), void *to);

/* Destroys all streams of a context; waits for their work unless forced. */
void streams_end_context(const void *context, bool force);

/* Waits for all streams of a device: as stream_wait(). */
int streams_wait_device(int device, int32_t timeout_ms);

/* Gives a stream to the user: its handle, or NULL after a message. */
aclrtStream stream_publish(Stream *stream, const void *owner);

/* The stream that a living handle was published for. */
Stream *stream_of_body(const void *body);

/* For stream_*.c alone; the lock is held. The open streams, linked by next. */
Stream *streams_first(void);

/* The seq of the next task, and of the last one that was queued anywhere. */
uint64_t streams_next_seq(void);
uint64_t streams_last_seq(void);

/* Takes a stream off the list. False: it was not there. */
bool stream_unlist(Stream *stream);

#endif
