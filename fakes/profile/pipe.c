#include "profile/pipe.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codes.h"
#include "base/locks.h"
#include "call/message.h"

enum {
    PIECE = 4096 / sizeof(OpDesc),      /* records that a pipe takes as one piece */
    PATIENCE_MS = 5000
};

typedef struct Queued {
    struct Queued *next;
    int fd;
    OpDesc desc;
} Queued;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Queued *first;
    Queued *last;
    const Queued *writing;      /* the last record of the piece that is written; NULL: none is */
    Queued *broken;             /* one of each descriptor whose reader did not take a piece */
    bool started;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

HELD_OVER_FORK(state.lock)

static void append(Queued *made)
{
    if (state.last != NULL)
        state.last->next = made;
    else
        state.first = made;
    state.last = made;
    pthread_cond_broadcast(&state.changed);
}

void pipe_queue(int fd, const OpDesc *desc)
{
    Queued *made = malloc(sizeof *made);

    if (made == NULL)
        return;
    *made = (Queued){NULL, fd, *desc};
    pthread_mutex_lock(&state.lock);
    append(made);
    pthread_mutex_unlock(&state.lock);
}

/*
 * Takes the first records, as many as are one descriptor's; the last of them
 * is given, so that a failure needs no memory to be noted. The lock is held.
 */
static Queued *take_piece(OpDesc *piece, size_t *count)
{
    Queued *last = NULL;

    *count = 0;
    while (*count < PIECE && state.first != NULL && (last == NULL || state.first->fd == last->fd)) {
        free(last);
        last = state.first;
        piece[(*count)++] = last->desc;
        state.first = last->next;
    }
    if (state.first == NULL)
        state.last = NULL;
    return last;
}

/* Writes a piece: false when nobody takes it. */
static bool write_piece(int fd, const OpDesc *piece, size_t count)
{
    const char *at = (const char *)piece;
    size_t left = count * sizeof *piece;

    while (left > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        if (poll(&ready, 1, PATIENCE_MS) <= 0 || (ready.revents & POLLOUT) == 0)
            return false;
        ssize_t written = write(fd, at, left);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (written > 0) {
            at += written;
            left -= (size_t)written;
        }
    }
    return true;
}

/* Takes what a list has of a descriptor, or all, out of it: was there any? The lock is held. */
static bool take_out(Queued **at, const int *fd)
{
    bool found = false;

    while (*at != NULL) {
        Queued *queued = *at;
        if (fd != NULL && queued->fd != *fd) {
            at = &queued->next;
            continue;
        }
        *at = queued->next;
        free(queued);
        found = true;
    }
    return found;
}

/* Drops what is queued for a descriptor, or all. The lock is held. */
static void drop(const int *fd)
{
    take_out(&state.first, fd);
    state.last = state.first;
    while (state.last != NULL && state.last->next != NULL)
        state.last = state.last->next;
}

static void *work(void *nothing)
{
    OpDesc piece[PIECE];

    pthread_mutex_lock(&state.lock);
    for (;;) {
        while (state.first == NULL)
            pthread_cond_wait(&state.changed, &state.lock);
        size_t count;
        Queued *last = take_piece(piece, &count);
        state.writing = last;
        pthread_mutex_unlock(&state.lock);
        bool taken = write_piece(last->fd, piece, count);
        pthread_mutex_lock(&state.lock);
        state.writing = NULL;
        if (taken) {
            free(last);
        } else {
            drop(&last->fd);
            take_out(&state.broken, &last->fd);
            last->next = state.broken;
            state.broken = last;
        }
        pthread_cond_broadcast(&state.changed);
    }
    return nothing;
}

/* A fork has neither its parent's thread, nor who waited for the condition. */
static void in_child(void)
{
    pthread_cond_init(&state.changed, NULL);
    drop(NULL);
    state.started = false;
    state.writing = NULL;
    take_out(&state.broken, NULL);
}

/* Signals are the program's, and SIGPIPE is what write() says anyway. */
static int create(void)
{
    static bool watched;
    sigset_t all;
    sigset_t before;
    pthread_t thread;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, work, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_detach(thread);
    if (error == 0 && !watched)
        watched = pthread_atfork(NULL, NULL, in_child) == 0;
    return error;
}

bool pipe_begin(void)
{
    pthread_mutex_lock(&state.lock);
    int error = state.started ? 0 : create();
    state.started = state.started || error == 0;
    pthread_mutex_unlock(&state.lock);
    if (error != 0)
        refuse(E_PROF, "no thread for the profiler: %s", strerror(error));
    return error == 0;
}

/* The lock is held. */
static bool is_queued(int fd)
{
    for (const Queued *queued = state.first; queued != NULL; queued = queued->next)
        if (queued->fd == fd)
            return true;
    return state.writing != NULL && state.writing->fd == fd;
}

bool pipe_flush(int fd)
{
    pthread_mutex_lock(&state.lock);
    while (is_queued(fd))
        pthread_cond_wait(&state.changed, &state.lock);
    bool whole = !take_out(&state.broken, &fd);
    pthread_mutex_unlock(&state.lock);
    return whole;
}

void pipe_forget(void)
{
    pthread_mutex_lock(&state.lock);
    drop(NULL);
    take_out(&state.broken, NULL);
    pthread_mutex_unlock(&state.lock);
}
