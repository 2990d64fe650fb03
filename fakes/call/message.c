#include "call/message.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "call/calls.h"
#include "call/keepers.h"

enum { QUEUE_SIZE = 8192, LINE_SIZE = 4096 };

static atomic_uint epoch;

static _Thread_local struct {
    unsigned epoch;
    size_t length;
    char queue[QUEUE_SIZE];
    char taken[QUEUE_SIZE];
} thread;

static void queue_of_this_epoch(void)
{
    unsigned now = atomic_load(&epoch);

    if (thread.epoch != now)
        thread.length = 0;
    thread.epoch = now;
}

/* Drops the oldest lines until there is room for length bytes more. */
static void queue_make_room(size_t length)
{
    while (thread.length + length > QUEUE_SIZE) {
        char *end = memchr(thread.queue, '\n', thread.length);
        size_t cut = end == NULL ? thread.length : (size_t)(end + 1 - thread.queue);
        thread.length -= cut;
        memmove(thread.queue, thread.queue + cut, thread.length);
    }
}

static void queue_append(const char *line)
{
    size_t length = strlen(line);

    if (current_call != NULL)
        current_call->told = true;
    queue_of_this_epoch();
    queue_make_room(length + 1);
    memcpy(thread.queue + thread.length, line, length);
    thread.length += length;
    thread.queue[thread.length++] = '\n';
}

int refuse(int code, const char *format, ...)
{
    char line[LINE_SIZE];
    const char *who = current_call == NULL ? "aclfake" : functions[current_call->function].name;
    size_t used = (size_t)snprintf(line, sizeof line, "%s: ", who);
    va_list arguments;

    va_start(arguments, format);
    text_print(line + used, sizeof line - used, format, arguments);
    va_end(arguments);
    queue_append(line);
    return code;
}

void message_add(const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    text_print(line, sizeof line, format, arguments);
    va_end(arguments);
    queue_append(line);
}

const char *message_last(void)
{
    queue_of_this_epoch();
    if (thread.length == 0)
        return NULL;
    memcpy(thread.taken, thread.queue, thread.length - 1);
    thread.taken[thread.length - 1] = '\0';
    return thread.taken;
}

const char *message_take(void)
{
    const char *text = message_last();

    thread.length = 0;
    return text;
}

static void forget_all(void)
{
    atomic_fetch_add(&epoch, 1);
}

KEEPER(KEEPER_MESSAGES, forget_all, NULL)
