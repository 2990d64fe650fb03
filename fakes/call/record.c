#include "call/record.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/locks.h"
#include "call/calls.h"

static struct {
    pthread_mutex_t lock;
    Sink *first;
    atomic_uint kinds;          /* that some sink takes */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static _Thread_local struct {
    uint64_t task;
    uint64_t stream;
} here;

/* The lock is held. */
static void kinds_changed(void)
{
    unsigned kinds = 0;

    for (const Sink *sink = state.first; sink != NULL; sink = sink->next)
        kinds |= sink->kinds;
    atomic_store(&state.kinds, kinds);
    calls_watch(WATCHER_TRACE, (kinds & RECORD_CALL) != 0);
}

static void unlink_sink(Sink *sink)
{
    for (Sink **at = &state.first; *at != NULL; at = &(*at)->next)
        if (*at == sink) {
            *at = sink->next;
            return;
        }
}

void sink_add(Sink *sink)
{
    pthread_mutex_lock(&state.lock);
    unlink_sink(sink);
    sink->next = state.first;
    state.first = sink;
    kinds_changed();
    pthread_mutex_unlock(&state.lock);
}

void sink_remove(Sink *sink)
{
    pthread_mutex_lock(&state.lock);
    unlink_sink(sink);
    kinds_changed();
    pthread_mutex_unlock(&state.lock);
}

static bool takes(const Sink *sink, const Record *record)
{
    return (sink->kinds & record->kind) != 0 && (sink->wants == NULL || sink->wants(sink, record));
}

static bool some_sink_takes(RecordKind kind)
{
    return (atomic_load_explicit(&state.kinds, memory_order_relaxed) & kind) != 0;
}

bool record_wanted(const Record *about)
{
    bool wanted = false;

    if (!some_sink_takes(about->kind))
        return false;
    pthread_mutex_lock(&state.lock);
    for (const Sink *sink = state.first; sink != NULL && !wanted; sink = sink->next)
        wanted = takes(sink, about);
    pthread_mutex_unlock(&state.lock);
    return wanted;
}

void record_tell(Record *record)
{
    if (!some_sink_takes(record->kind))
        return;
    record->thread = syscall(SYS_gettid);
    prctl(PR_GET_NAME, record->thread_name);
    if (record->kind == RECORD_OP) {
        record->task = here.task;
        record->stream = here.stream;
    }
    pthread_mutex_lock(&state.lock);
    for (Sink *sink = state.first; sink != NULL; sink = sink->next)
        if (takes(sink, record))
            sink->take(sink, record);
    pthread_mutex_unlock(&state.lock);
}

void record_task_here(uint64_t task, uint64_t stream)
{
    here.task = task;
    here.stream = stream;
}

typedef unsigned long long Number;

static void call_write(Text *text, const Record *record)
{
    text_add(text, "{\"seq\": %llu, \"function\": \"%s\", \"args\": ", (Number)record->seq,
             functions[record->function].name);
    text_add_string(text, record->text != NULL ? record->text : "");
    text_add(text, ", \"status\": %d", record->status);
}

static void task_write(Text *text, const Record *record)
{
    text_add(text,
             "{\"task\": %llu, \"seq\": %llu, \"function\": \"%s\", \"status\": %d, "
             "\"stream\": %llu, \"device\": %d, \"model\": %u, \"bytes\": %zu, "
             "\"queued_ns\": %llu, \"queued_by\": %ld",
             (Number)record->task, (Number)record->seq, functions[record->function].name,
             record->status, (Number)record->stream, record->device, record->model, record->bytes,
             (Number)record->queued_ns, record->queued_by);
}

/* An operator and a mark differ by how their text is called. */
static void named_write(Text *text, const Record *record, const char *name)
{
    text_add(text, "{\"%s\": ", name);
    text_add_string(text, record->text != NULL ? record->text : "");
    text_add(text, ", \"type\": ");
    text_add_string(text, record->type);
    text_add(text, ", \"device\": %d, \"model\": %u, \"stream\": %llu, \"task\": %llu",
             record->device, record->model, (Number)record->stream, (Number)record->task);
}

void record_write(Text *text, const Record *record)
{
    if (record->kind == RECORD_CALL)
        call_write(text, record);
    else if (record->kind == RECORD_TASK)
        task_write(text, record);
    else
        named_write(text, record, record->kind == RECORD_OP ? "op" : "mark");
    text_add(text, ", \"process\": %d, \"thread\": %ld, \"thread_name\": ", (int)getpid(),
             record->thread);
    text_add_string(text, record->thread_name);
    text_add(text, ", \"start_ns\": %llu, \"ns\": %llu}\n", (Number)record->start_ns,
             (Number)record->ns);
}
