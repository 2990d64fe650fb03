/*
 * The line of those who wait for an engine. One of them is called, and tries to get the
 * engine; it alone waits for the engine's mutex, which knows no order.
 *
 * A wait ends every 100 ms, for Python to look after its signals. T1 came before T2, T3
 * runs:
 *
 *     1. T1 stands in the line, is called, and waits for the mutex
 *     2. T2 stands in the line, and waits to be called
 *     3. T1's time is up: it steps aside, is called still, and has its handlers run
 *     4. T3 ends its run
 *     5. T1 comes again with its ticket, and has the mutex
 *     6. T1 leaves the line, which calls T2
 *
 * Who does not come again in time, as its handler takes long or its thread is no more, is
 * called no longer; its ticket has its place when it comes after all. Away from the
 * line it is on no list, as its memory may be gone with its thread.
 */

#include "infer/line.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "gate/claim.h"

/* A line of nobody. */
void line_open(line *l)
{
    pthread_mutex_init(&l->mutex, NULL);
}

/* Puts a waiter to its place. */
static void line_join(line *l, waiter *w)
{
    waiter **at = &l->first;
    if (w->ticket == 0) {
        w->ticket = ++l->last;
        pthread_cond_init(&w->called, NULL);
    }
    while (*at != NULL && (*at)->ticket < w->ticket) {
        at = &(*at)->next;
    }
    w->next = *at;
    *at = w;
}

/* Takes a waiter off the list; it keeps its ticket. */
static void line_part(line *l, const waiter *w)
{
    waiter **at = &l->first;
    while (*at != w) {
        at = &(*at)->next;
    }
    *at = w->next;
}

/* Calls the first of those who are here, if nobody is called, or not in time. */
static void line_call(line *l)
{
    if (l->called != 0 && !(l->isAway && gate_left(&l->keptUntil) == 0)) {
        return;
    }
    l->isAway = 0;
    l->called = 0;
    if (l->first != NULL) {
        l->called = l->first->ticket;
        pthread_cond_signal(&l->first->called);
    }
}

/* Waits until it is called. 0: the deadline came before, and the waiter keeps its ticket. */
int line_stand(line *l, waiter *w, const struct timespec *deadline)
{
    int status = 0, called;
    pthread_mutex_lock(&l->mutex);
    line_join(l, w);
    line_call(l);
    while (l->called != w->ticket && status == 0) {
        status = pthread_cond_timedwait(&w->called, &l->mutex, deadline);
        line_call(l);
    }
    called = l->called == w->ticket;
    if (called) {
        l->isAway = 0;
    }
    line_part(l, w);
    pthread_mutex_unlock(&l->mutex);
    return called;
}

/* Who is called has tried in vain, and comes again; others are called after `until`. */
void line_step_aside(line *l, const struct timespec *until)
{
    pthread_mutex_lock(&l->mutex);
    l->isAway = 1;
    l->keptUntil = *until;
    pthread_mutex_unlock(&l->mutex);
}

/* A waiter has what it waited for, or gives up. One without a ticket is nothing. */
void line_leave(line *l, waiter *w)
{
    if (w->ticket == 0) {
        return;
    }
    pthread_mutex_lock(&l->mutex);
    if (l->called == w->ticket) {
        l->called = 0;
        line_call(l);
    }
    pthread_mutex_unlock(&l->mutex);
    pthread_cond_destroy(&w->called);
    w->ticket = 0;
}
