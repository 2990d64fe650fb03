#include "base/tell.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000 };

/* Waits until stderr takes more. */
static bool is_ready(void)
{
    struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&to, 1, PATIENCE_MS) == 1;
}

static void write_all(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, length);
        if (written < 0 && errno != EINTR && !(errno == EAGAIN && is_ready()))
            return;
        bytes += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
}

void tell(const char *bytes, size_t length)
{
    static const struct timespec at_once;
    int error = errno;
    sigset_t pipe;
    sigset_t before;
    sigset_t pending;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    sigpending(&pending);
    write_all(bytes, length);
    if (!sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
}
