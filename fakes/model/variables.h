/*
 * variables: the variable memory of one session.
 *
 * All sub-models of a bundle, however often they are loaded, address the
 * same variables. The memory is the user's, one area in which a variable
 * lies at its offset; or it is this library's, one allocation for each
 * variable, made when the first model with that variable is loaded. Nothing
 * initialises the memory. The memory dies with the session: the bundle, and
 * each of its models that is still held.
 */
#ifndef FAKE_VARIABLES_H
#define FAKE_VARIABLES_H

#include <stdatomic.h>

#include "file/program.h"

typedef struct Variable {
    char *name;
    uint64_t offset;
    uint64_t nbytes;
    unsigned char *address;     /* on the device */
    void *allocation;           /* owned; NULL in the user's area */
} Variable;

typedef struct Variables {
    atomic_uint references;
    unsigned char *area;        /* the user's, on the device, or NULL */
    size_t area_size;
    Variable **list;            /* owned, each too */
    size_t count;
    void *by_name;              /* the same, as a tree of search.h */
    atomic_int users;           /* runs that read; -1: one that writes */
} Variables;

/* Variables without any, of one owner; NULL without memory. */
Variables *variables_new(void);

/* One more, one less owner; the last one frees. NULL is dropped for nothing. */
Variables *variables_share(Variables *variables);
void variables_drop(Variables *variables);

/*
 * Finds or makes the memory of a program's variables, on device, and writes
 * their device addresses, as many as the program has, to address. 0, or a
 * status of the graph engine; memory made before a failure stays with the
 * session.
 */
int variables_bind(Variables *variables, const Program *program, int device,
                   unsigned char **address);

/*
 * A run that reads, or one that writes, begins and ends. False, and nothing
 * changed, when another run would read what this run writes, or the reverse:
 * the values would depend on which is faster.
 */
bool variables_enter(Variables *variables, bool writes);
void variables_leave(Variables *variables, bool writes);

#endif
