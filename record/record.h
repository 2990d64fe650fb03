/*
 * record: what the wrapper of each function calls (record/wrappers.py makes them).
 *
 *     record_call call;
 *     void *real = record_begin(&call, 17);            the 17th function of record_functions
 *     record_unsigned(&call, "size", size);            each argument, in order
 *     record_run(&call);                               from here on a death leaves the line
 *     ... the real function is called ...
 *     record_signed(&call, "result", result);
 *     record_end(&call);                               ends the line
 *
 * Nothing here takes a lock or allocates. A call that is made inside another one of the same thread
 * is not recorded: it is the library's own.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"

typedef void record_any(void);

typedef struct record_function {
    const char *name;
    record_any *wrapper;
    _Atomic(void *) real; /* NULL until it is looked for, or dlsym gave it */
} record_function;

/* All functions, sorted by name (wrappers.h). */
extern record_function record_functions[];
extern const size_t record_functions_count;

typedef struct record_call {
    char *text; /* NULL: nothing is recorded */
    size_t length;
    size_t room;
    size_t head; /* bytes up to the arguments */
    size_t parts;
    uint64_t begun;
    void *slot;
    uint32_t forks;
    int is_cut;     /* something found no room */
    char own[2048]; /* where no slot is free */
} record_call;

/* The real function, NULL where no library has it. Begins a line. */
void *record_begin(record_call *call, size_t index);
void record_run(record_call *call);
void record_end(record_call *call);
/* What follows, until record_run, is what the call wrote. */
void record_outs(record_call *call);

/* One argument or answer. Texts are cut at 4096 bytes, lists at 128 numbers, and both where the rest
 * of the line needs the room; what was cut says so, and how long it was (line.c). */
void record_signed(record_call *call, const char *name, int64_t value);
void record_unsigned(record_call *call, const char *name, uint64_t value);
void record_real(record_call *call, const char *name, double value);
void record_pointer(record_call *call, const char *name, const void *value);
void record_text(record_call *call, const char *name, const char *value);
void record_list(record_call *call, const char *name, const int64_t *values, int64_t count);
/* Address, size, and a digest of the first and last 64 KiB. */
void record_content(record_call *call, const char *name, const void *data, size_t size);

/* Pieces of a line; one that finds no room sets is_cut. */
void record_put(record_call *call, const char *text, size_t size);
void record_put_number(record_call *call, uint64_t value);

#endif
