#include "profile/start.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "profile/folder.h"
#include "profile/profiler.h"

/* One aclprofStart, while any of its devices runs. */
typedef struct Start {
    Sink sink;                  /* first: a sink is its start */
    struct Start *next;
    _Atomic uint64_t devices;   /* bits of those that run */
    atomic_bool host;           /* marks of the program are taken */
    uint64_t switches;
    Folder folder;
} Start;

static struct {
    Start *first;
    unsigned hosts;             /* starts whose host runs */
    unsigned number;            /* of the last folder */
} state;

static bool wants_mark(const Start *start, const Record *record)
{
    bool of_step = strncmp(record->type, "step", 4) == 0;

    return of_step ? (start->switches & (SWITCH_TASK_TIME | SWITCH_TRAINING_TRACE)) != 0
                   : atomic_load(&start->host);
}

static bool wants(const Sink *sink, const Record *record)
{
    const Start *start = (const Start *)sink;

    if (record->kind == RECORD_MARK)
        return wants_mark(start, record);
    if (record->kind == RECORD_CALL)
        return atomic_load(&start->devices) != 0 &&
               (start->switches & (SWITCH_ACL_API | SWITCH_RUNTIME_API)) != 0;
    return record->device >= 0 && record->device < DEVICES_MAX &&
           (atomic_load(&start->devices) >> record->device & 1) != 0;
}

static void take(Sink *sink, const Record *record)
{
    folder_write(&((Start *)sink)->folder, record);
}

static unsigned kinds_of(uint64_t switches)
{
    unsigned kinds = RECORD_MARK;

    if ((switches & (SWITCH_ACL_API | SWITCH_RUNTIME_API)) != 0)
        kinds |= RECORD_CALL;
    if ((switches & SWITCH_TASK_TIME) != 0)
        kinds |= RECORD_TASK | RECORD_OP;
    if ((switches & SWITCH_TASK_TIME_L0) != 0)
        kinds |= RECORD_TASK;
    return kinds;
}

/* The start in which a device runs, or NULL. */
static Start *start_of(int device)
{
    Start *start = state.first;

    while (start != NULL && (atomic_load(&start->devices) >> device & 1) == 0)
        start = start->next;
    return start;
}

static int check_free(const ProfConfig *config)
{
    for (int i = 0; i < DEVICES_MAX; i++)
        if ((config->devices >> i & 1) != 0 && start_of(i) != NULL)
            return refuse(E_PROF_RUNS, "device %d was started before and not stopped", i);
    return E_NONE;
}

int start_begin(const ProfConfig *config, const char *path)
{
    int status = check_free(config);

    if (status != E_NONE)
        return status;
    Start *made = calloc(1, sizeof *made);
    if (made == NULL)
        return refuse(E_BAD_ALLOC, "no memory for a start of the profiler");
    status = folder_open(&made->folder, path, state.number + 1, config->devices);
    if (status != E_NONE) {
        free(made);
        return status;
    }
    state.number++;
    made->switches = config->switches;
    atomic_store(&made->devices, config->devices);
    atomic_store(&made->host, config->host);
    made->sink = (Sink){.kinds = kinds_of(config->switches), .wants = wants, .take = take};
    made->next = state.first;
    state.first = made;
    state.hosts += config->host;
    profiler_take_marks(state.hosts > 0);
    sink_add(&made->sink);
    return E_NONE;
}

/* Frees a start in which nothing runs any more. */
static void start_free(Start *start)
{
    Start **at = &state.first;

    if (atomic_load(&start->devices) != 0 || atomic_load(&start->host))
        return;
    while (*at != start)
        at = &(*at)->next;
    *at = start->next;
    sink_remove(&start->sink);
    for (int i = 0; i < FILES_MAX; i++)
        folder_close(&start->folder, i);
    free(start);
}

static int check_started(const ProfConfig *config, const Start *start, const char *what)
{
    if (start == NULL)
        return refuse(E_PROF_NOT_RUN, "%s was not started", what);
    if (start->switches == config->switches)
        return E_NONE;
    return refuse(PROF_FAILED, "dataTypeConfig is 0x%llx, and %s was started with 0x%llx",
                  (unsigned long long)config->switches, what, (unsigned long long)start->switches);
}

/* The host of the last start with these switches, or of the last at all. */
static Start *host_of(uint64_t switches)
{
    Start *any = NULL;

    for (Start *start = state.first; start != NULL; start = start->next) {
        if (!atomic_load(&start->host))
            continue;
        if (start->switches == switches)
            return start;
        if (any == NULL)
            any = start;
    }
    return any;
}

static int check_end(const ProfConfig *config)
{
    int status = E_NONE;
    char what[24];

    for (int i = 0; i < DEVICES_MAX && status == E_NONE; i++) {
        snprintf(what, sizeof what, "device %d", i);
        if ((config->devices >> i & 1) != 0)
            status = check_started(config, start_of(i), what);
    }
    if (status == E_NONE && config->host)
        status = check_started(config, host_of(config->switches), "the host");
    return status;
}

static void end_device(int device)
{
    Start *start = start_of(device);

    atomic_fetch_and(&start->devices, ~((uint64_t)1 << device));
    start_free(start);
}

static void end_host(Start *start)
{
    if (!atomic_exchange(&start->host, false))
        return;
    state.hosts--;
    profiler_take_marks(state.hosts > 0);
}

int start_end(const ProfConfig *config)
{
    int status = check_end(config);

    if (status != E_NONE)
        return status;
    if (config->host) {
        Start *start = host_of(config->switches);
        end_host(start);
        start_free(start);
    }
    for (int i = 0; i < DEVICES_MAX; i++)
        if ((config->devices >> i & 1) != 0)
            end_device(i);
    return E_NONE;
}

void start_end_all(void)
{
    while (state.first != NULL) {
        end_host(state.first);
        atomic_store(&state.first->devices, 0);
        start_free(state.first);
    }
}
