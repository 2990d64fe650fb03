#include "profile/pipe.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
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
    int writing;                /* the descriptor that is written to; -1: none */
    fd_set broken;              /* whose readers did not take a piece */
    bool started;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .writing = -1};

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

/* Takes the first records, as many as are one descriptor's. The lock is held. */
static size_t take_piece(OpDesc *piece, int *fd)
{
    size_t count = 0;

    *fd = state.first->fd;
    while (count < PIECE && state.first != NULL && state.first->fd == *fd) {
        Queued *taken = state.first;
        piece[count++] = taken->desc;
        state.first = taken->next;
        free(taken);
    }
    if (state.first == NULL)
        state.last = NULL;
    return count;
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

/* Drops what is queued for a descriptor. The lock is held. */
static void drop(int fd)
{
    Queued **at = &state.first;

    state.last = NULL;
    while (*at != NULL) {
        Queued *queued = *at;
        if (fd < 0 || queued->fd == fd) {
            *at = queued->next;
            free(queued);
        } else {
            state.last = queued;
            at = &queued->next;
        }
    }
}

static void *work(void *nothing)
{
    OpDesc piece[PIECE];

    pthread_mutex_lock(&state.lock);
    for (;;) {
        while (state.first == NULL)
            pthread_cond_wait(&state.changed, &state.lock);
        size_t count = take_piece(piece, &state.writing);
        int fd = state.writing;
        pthread_mutex_unlock(&state.lock);
        bool taken = write_piece(fd, piece, count);
        pthread_mutex_lock(&state.lock);
        state.writing = -1;
        if (!taken) {
            drop(fd);
            if (fd >= 0 && fd < FD_SETSIZE)
                FD_SET(fd, &state.broken);
        }
        pthread_cond_broadcast(&state.changed);
    }
    return nothing;
}

/* A fork has neither its parent's thread, nor who waited for the condition. */
static void in_child(void)
{
    pthread_cond_init(&state.changed, NULL);
    drop(-1);
    state.started = false;
    state.writing = -1;
    FD_ZERO(&state.broken);
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
    return state.writing == fd;
}

bool pipe_flush(int fd)
{
    pthread_mutex_lock(&state.lock);
    while (is_queued(fd))
        pthread_cond_wait(&state.changed, &state.lock);
    bool whole = fd < 0 || fd >= FD_SETSIZE || !FD_ISSET(fd, &state.broken);
    if (!whole)
        FD_CLR(fd, &state.broken);
    pthread_mutex_unlock(&state.lock);
    return whole;
}

void pipe_forget(void)
{
    pthread_mutex_lock(&state.lock);
    drop(-1);
    FD_ZERO(&state.broken);
    pthread_mutex_unlock(&state.lock);
}
