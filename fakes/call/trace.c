#include "call/trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/locks.h"
#include "base/now.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/record.h"
#include "call/settings.h"

enum { LINE_SIZE = 8192 };      /* six characters for each of an argument */

static struct {
    pthread_mutex_t lock;
    Record *records;            /* each with a text of its own, or NULL for want of memory */
    size_t count;
    size_t room;
    int file;                   /* -1: records stay in memory */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .file = -1};

HELD_OVER_FORK(state.lock)

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

/* A record is not kept where memory is short. */
static void record_keep(const Record *record)
{
    if (state.count == state.room && !records_grow())
        return;
    Record *kept = &state.records[state.count++];
    *kept = *record;
    kept->text = record->text != NULL ? strdup(record->text) : NULL;
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

static void take(Sink *sink, const Record *record)
{
    (void)sink;
    pthread_mutex_lock(&state.lock);
    if (state.file >= 0)
        record_print(record);
    else
        record_keep(record);
    pthread_mutex_unlock(&state.lock);
}

static Sink sink = {.kinds = RECORD_CALL | RECORD_TASK | RECORD_MARK, .take = take};

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
    if (!on)
        sink_remove(&sink);
    file_change(-1);
    if (on)
        sink_add(&sink);
}

static bool to_file(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    if (file < 0)
        return false;
    file_change(file);
    sink_add(&sink);
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

static int begin_record(Call *call)
{
    call->start_ns = now_ns();
    return E_NONE;
}

static void end_record(Call *call)
{
    if (call->start_ns == 0)
        return;
    record_tell(&(Record){
        .kind = RECORD_CALL,
        .function = call->function,
        .status = call->status,
        .seq = call->seq,
        .bytes = call->bytes,
        .start_ns = call->start_ns,
        .ns = now_ns() - call->start_ns,
        .text = call->args,
    });
}

WATCHER(WATCHER_TRACE, begin_record, end_record)

static void read_kinds(Text *text, unsigned kinds)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++)
        if ((state.records[i].kind & kinds) != 0)
            record_write(text, &state.records[i]);
    pthread_mutex_unlock(&state.lock);
}

void trace_read(Text *text)
{
    read_kinds(text, RECORD_CALL);
}

void tasks_read(Text *text)
{
    read_kinds(text, RECORD_TASK | RECORD_MARK);
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
        free((char *)state.records[i].text);
    free(state.records);
    state.records = NULL;
    state.count = 0;
    state.room = 0;
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_TRACE, forget_all, NULL)
