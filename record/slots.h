/*
 * slots: where lines lie until they are in the trace: memory that all processes of the program share,
 * the file $ACL_RECORD_TRACE.calls.
 *
 * A thread has a slot, into which it writes without a lock or a call of the system. Lines that ended
 * go to the trace when the slot is full and when the thread ends. A process that is killed, leaves
 * by _exit, or becomes another program leaves its slots as they are: `acl-bundle record` adds what
 * lies in them (acl_bundle/conform/_trace/slots.py reads this layout).
 *
 * No file stays open: a program may close descriptors that it does not know, and get their numbers
 * for files of its own.
 */
#ifndef RECORD_SLOTS_H
#define RECORD_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_SLOTS 1024
#define RECORD_ROOM 65528
#define RECORD_LINE ((size_t)28672) /* the most that one line takes */

typedef struct record_slot {
    _Atomic uint64_t
        filled; /* bytes of lines that ended << 32 | of the one under way behind them */
    char text[RECORD_ROOM];
} record_slot;

typedef struct record_shared {
    _Atomic uint64_t next; /* counts beginnings and ends of calls */
    uint64_t alone[7];
    _Atomic uint64_t lost; /* lines that the trace could not take: a full disk, no such folder */
    _Atomic uint64_t unkept; /* lines of threads without a slot: lost where they die in the call */
    uint64_t reserved[502];
    _Atomic uint64_t owners[RECORD_SLOTS]; /* process << 32 | thread, 0: free */
    record_slot slots[RECORD_SLOTS];
} record_shared;

/* Map the file beside a trace; NULL, with a line on stderr, where that cannot be done. */
record_shared *record_map(const char *trace);
/* A slot for a thread, NULL where none is left; those of dead processes are written out and used. */
record_slot *record_take(record_shared *shared, uint32_t process, uint32_t thread);
/* Write the lines that ended to the trace; 0 where it does not take them, and the slot is full. */
int record_flush(record_shared *shared, record_slot *slot);
void record_free(record_shared *shared, record_slot *slot);
/* A line of a thread without a slot. */
void record_append(record_shared *shared, const char *text, size_t size);

#endif
