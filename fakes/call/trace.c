#include "call/trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/locks.h"
#include "base/now.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/settings.h"

enum { LINE_SIZE = 8192 };      /* six characters for each of an argument */

typedef struct Record {
    FunctionId function;
    int status;
    uint64_t seq;
    uint64_t start_ns;
    uint64_t ns;
    long thread;
    char *args;         /* owned; NULL when there was no memory for it */
} Record;

static struct {
    pthread_mutex_t lock;
    Record *records;
    size_t count;
    size_t room;
    int file;           /* -1: records stay in memory */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .file = -1};

HELD_OVER_FORK(state.lock)

/* Ends the file, if there is one, and takes another. */
static void file_change(int file)
{
    pthread_mutex_lock(&state.lock);
    if (state.file >= 0)
        close(state.file);
    state.file = file;
    pthread_mutex_unlock(&state.lock);
}

static void to_memory(bool on)
{
    file_change(-1);
    calls_watch(WATCHER_TRACE, on);
}

static bool to_file(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    if (file < 0)
        return false;
    file_change(file);
    calls_watch(WATCHER_TRACE, true);
    return true;
}

static const char *set_trace(const char *value)
{
    int on = setting_word(value, "on", "off");

    if (on >= 0)
        return to_memory(on == 1), NULL;
    if (strpbrk(value, "/.") != NULL && to_file(value))
        return NULL;
    return "on, off, or a file that can be written, its path with a / or .";
}

SETTING(SETTING_TRACE, "trace", set_trace, "off")

static bool records_grow(void)
{
    size_t room = state.room == 0 ? 1024 : state.room * 2;
    Record *records = realloc(state.records, room * sizeof *records);

    if (records == NULL)
        return false;
    state.records = records;
    state.room = room;
    return true;
}

static void record_write(Text *text, const Record *record)
{
    text_add(text,
             "{\"seq\": %llu, \"function\": \"%s\", \"args\": ", (unsigned long long)record->seq,
             functions[record->function].name);
    text_add_string(text, record->args != NULL ? record->args : "");
    text_add(text, ", \"status\": %d, \"thread\": %ld", record->status, record->thread);
    text_add(text, ", \"start_ns\": %llu, \"ns\": %llu}\n", (unsigned long long)record->start_ns,
             (unsigned long long)record->ns);
}

/* One write, so that lines of several processes do not mix. */
static void record_print(const Record *record)
{
    char line[LINE_SIZE];
    Text text = text_in(line, sizeof line);

    record_write(&text, record);
    ssize_t written = write(state.file, line, text.length);
    (void)written;      /* a full disk ends the trace, not the program */
}

static bool record_keep(const Record *record)
{
    if (state.count == state.room && !records_grow())
        return false;
    state.records[state.count++] = *record;
    return true;
}

static int begin_record(Call *call)
{
    call->start_ns = now_ns();
    return E_NONE;
}

/* Takes over the args; a call is not kept when memory is short. */
static void end_record(Call *call)
{
    if (call->start_ns == 0)
        return;
    Record record = {
        .function = call->function,
        .status = call->status,
        .seq = call->seq,
        .start_ns = call->start_ns,
        .ns = now_ns() - call->start_ns,
        .thread = syscall(SYS_gettid),
        .args = call->args,
    };

    pthread_mutex_lock(&state.lock);
    if (state.file >= 0)
        record_print(&record);
    else if (record_keep(&record))
        call->args = NULL;
    pthread_mutex_unlock(&state.lock);
}

WATCHER(WATCHER_TRACE, begin_record, end_record)

void trace_read(Text *text)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++)
        record_write(text, &state.records[i]);
    pthread_mutex_unlock(&state.lock);
}

void calls_read(Text *text)
{
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        unsigned long long count = atomic_load(&calls.count[i]);
        if (count > 0)
            text_add(text, "{\"function\": \"%s\", \"calls\": %llu}\n", functions[i].name, count);
    }
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++)
        free(state.records[i].args);
    free(state.records);
    state.records = NULL;
    state.count = 0;
    state.room = 0;
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_TRACE, forget_all, NULL)
