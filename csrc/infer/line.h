/* Those who wait for an engine, in the order in which they came. */
#ifndef AB_LINE_H
#define AB_LINE_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* A thread that waits, or none yet: all zero. */
typedef struct waiter {
    uint64_t ticket; /* its place, from its first wait until it leaves; 0: it has none */
    struct waiter *next;
    pthread_cond_t called;
} waiter;

typedef struct line {
    pthread_mutex_t mutex;
    waiter *first; /* who waits to be called now, by ticket */
    uint64_t last; /* the ticket that was given last */
    uint64_t called;
    int isAway; /* who is called looks after its signals, and has its place until keptUntil */
    struct timespec keptUntil;
} line;

void line_open(line *l);
int line_stand(line *l, waiter *w, const struct timespec *deadline);
void line_step_aside(line *l, const struct timespec *until);
void line_leave(line *l, waiter *w);

#endif
