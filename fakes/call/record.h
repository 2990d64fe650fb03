/*
 * record: what a trace tells of, and who takes it.
 *
 * A record is one call of a function, one task that a stream did, one operator
 * of a model's run, or one mark that the program made. Whoever wants records
 * is a sink: memory, a file (trace.h), a folder or a pipe of the profiler.
 * Where no sink takes a kind, nobody makes records of it.
 */
#ifndef FAKE_RECORD_H
#define FAKE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "call/functions.h"

typedef enum RecordKind {
    RECORD_CALL = 1,
    RECORD_TASK = 2,
    RECORD_OP = 4,
    RECORD_MARK = 8
} RecordKind;

enum { THREAD_NAME = 16 };      /* bytes of a thread's name, as the kernel keeps it */

typedef struct Record {
    RecordKind kind;
    FunctionId function;        /* of a task: that queued it */
    int status;
    uint64_t seq;               /* of that call */
    uint64_t task;              /* number of the task; 0: none */
    uint64_t stream;            /* number of the stream; 0: none */
    int device;
    uint32_t model;             /* id; 0: none */
    size_t bytes;               /* that a task moves */
    uint64_t queued_ns;         /* of a task: when the call queued it, */
    long queued_by;             /* and the thread of that call */
    uint64_t start_ns;
    uint64_t ns;
    long thread;                /* that did it */
    char thread_name[THREAD_NAME];
    const char *text;           /* arguments; an operator's name; a mark's message; or NULL */
    const char *type;           /* of an operator or a mark */
} Record;

typedef struct Sink Sink;

/*
 * A sink is its owner's, from sink_add() to sink_remove(). take() runs under
 * the lock of all sinks, on the thread that made the record; it keeps copies
 * of texts alone, calls no function of AscendCL, and waits for nobody.
 */
struct Sink {
    Sink *next;
    unsigned kinds;             /* RecordKinds or'ed */
    bool (*wants)(const Sink *sink, const Record *record); /* NULL: all of its kinds */
    void (*take)(Sink *sink, const Record *record);
};

void sink_add(Sink *sink);

/* Nobody is inside take() afterwards. Nothing where the sink was not added. */
void sink_remove(Sink *sink);

/*
 * Would a sink take it, of which only kind, device and model are told yet?
 * Quick where no sink takes the kind.
 */
bool record_wanted(const Record *about);

/* Hands a record to all sinks that want it; thread and thread_name are filled in. */
void record_tell(Record *record);

/* A record as one line of JSON (aclfake.h, "trace", "tasks"). */
void record_write(Text *text, const Record *record);

/*
 * Which task the calling thread is at, so that records of a model's run say
 * it; 0: none.
 */
void record_task_here(uint64_t task, uint64_t stream);

#endif
