/*
 * record: a library for LD_PRELOAD that writes a line for each call of AscendCL.
 *
 * It defines every function of AscendCL, so programs that are linked with the real library call it
 * first; and it defines dlsym, so programs that open the library and look functions up by the
 * handle get its functions as well, whatever path they opened. The real ones are what dlsym finds
 * behind it, or in a loaded library that is called libacl* or libascendcl*.
 *
 * Lines go to $ACL_RECORD_TRACE by way of slots in shared memory (slots.h), so that a call costs no
 * call of the system, and a program that dies leaves all lines, also of the call that it died in.
 * line.c writes the text of a line.
 */
#include "record.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "slots.h"

static struct {
    record_shared *shared;
    pthread_key_t key;
} recorder;

static _Thread_local struct {
    int depth;
    uint32_t forks;  /* how often this thread has become a child's */
    uint32_t inside; /* calls within the one that is recorded */
    uint32_t id;
    uint32_t process;
    uint32_t unslotted; /* calls since this thread last looked for a slot and found none */
    record_slot *slot;
    const char *function; /* the one that is recorded */
    record_call *call;    /* while it is made, NULL else */
} thread __attribute__((tls_model("initial-exec")));

static void record_leave(void *slot)
{
    thread.depth++;
    record_free(recorder.shared, slot);
    thread.slot = NULL;
    thread.depth--;
}

static void record_note(const char *note, const char *what);

/* In a fork the parent's threads keep their slots; the child's takes one of its own. A call that
 * the fork was made in is the parent's; the child's calls are recorded from here on. */
static void record_forked(void)
{
    record_call *parents = thread.call;
    thread.slot = NULL;
    thread.call = NULL;
    thread.id = 0;
    thread.depth = 0;
    thread.unslotted = 0;
    thread.forks++;
    pthread_setspecific(recorder.key, NULL);
    if (parents != NULL) {
        parents->text = NULL; /* it lies in the parent's slot, which both processes have mapped */
        record_note("forked inside ", thread.function);
    }
}

__attribute__((constructor)) static void record_open(void)
{
    const char *path = getenv("ACL_RECORD_TRACE");
    record_shared *shared = path == NULL ? NULL : record_map(path);
    if (shared == NULL) {
        return;
    }
    if (pthread_key_create(&recorder.key, record_leave) != 0 ||
        pthread_atfork(NULL, NULL, record_forked) != 0) {
        fprintf(stderr, "acl-bundle record: no thread-specific key is left\n");
        return;
    }
    recorder.shared = shared;
}

__attribute__((destructor)) static void record_close(void)
{
    if (thread.slot != NULL && thread.depth == 0) {
        pthread_setspecific(recorder.key, NULL);
        record_leave(thread.slot);
    }
}

typedef void *record_dlsym(void *, const char *);

/* A sanitizer's runtime asks for its own functions by dlsym before it is ready: what it runs here
 * is not instrumented, and calls nothing that it stands before. */
#define EARLY __attribute__((no_sanitize("address", "undefined", "thread")))

EARLY static record_dlsym *record_real_dlsym(void)
{
    static record_dlsym *_Atomic found;
    union {
        void *symbol;
        record_dlsym *function;
    } real = {.function = atomic_load_explicit(&found, memory_order_relaxed)};
    const char *versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"};
    for (size_t at = 0; real.symbol == NULL && at < 3; at++) {
        real.symbol = dlvsym(RTLD_NEXT, "dlsym", versions[at]);
    }
    atomic_store_explicit(&found, real.function, memory_order_relaxed);
    return real.function;
}

static int record_compare(const void *name, const void *function)
{
    return strcmp(name, ((const record_function *)function)->name);
}

static void *record_find(const record_function *function);

static void *record_looked_up(void *handle, const char *name)
{
    record_dlsym *real = record_real_dlsym();
    void *wrapper = NULL;
    record_function *ours = bsearch(name, record_functions, record_functions_count,
                                    sizeof *record_functions, record_compare);
    void *symbol = real(handle, name);
    if (ours == NULL || symbol == NULL) {
        return symbol;
    }
    memcpy(&wrapper, &ours->wrapper, sizeof wrapper);
    if (symbol != wrapper) {
        atomic_store(&ours->real, symbol);
    } else if (record_find(ours) == NULL) {
        return NULL; /* looked for everywhere, and no library has it */
    }
    return wrapper;
}

/* The program's own way to functions: AscendCL's become ours where the library has them. */
EARLY __attribute__((visibility("default"))) void *dlsym(void *restrict handle,
                                                         const char *restrict name)
{
    if (name[0] != 'a' || name[1] != 'c' || name[2] != 'l' || handle == RTLD_NEXT) {
        /* as a jump: RTLD_NEXT is told by the caller's own address */
        return record_real_dlsym()(handle, name);
    }
    return record_looked_up(handle, name);
}

typedef struct record_names {
    char names[16][512];
    size_t count;
} record_names;

static int record_collect(struct dl_phdr_info *info, size_t size, void *data)
{
    record_names *found = data;
    const char *last = strrchr(info->dlpi_name, '/');
    last = last == NULL ? info->dlpi_name : last + 1;
    (void)size;
    if (found->count < 16 && strlen(info->dlpi_name) < 512 &&
        (strncmp(last, "libacl_", 7) == 0 || strncmp(last, "libascendcl", 11) == 0)) {
        strcpy(found->names[found->count++], info->dlpi_name);
    }
    return 0;
}

/* The function in a library that is loaded where RTLD_NEXT does not look. */
static void *record_find(const record_function *function)
{
    record_dlsym *real = record_real_dlsym();
    record_names loaded = {.count = 0};
    void *wrapper = NULL;
    memcpy(&wrapper, &function->wrapper, sizeof wrapper);
    void *symbol = real(RTLD_NEXT, function->name);
    if (symbol == NULL) {
        dl_iterate_phdr(record_collect, &loaded);
    }
    for (size_t at = 0; symbol == NULL && at < loaded.count; at++) {
        void *library = dlopen(loaded.names[at], RTLD_NOW | RTLD_NOLOAD);
        if (library != NULL) {
            symbol = real(library, function->name);
            symbol = symbol == wrapper ? NULL : symbol;
            dlclose(library);
        }
    }
    return symbol;
}

static uint64_t record_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The slot of this thread, with room for a line; NULL where there is none. */
static record_slot *record_own(void)
{
    if (thread.slot == NULL && thread.unslotted++ % 4096 == 0) {
        thread.id = thread.id == 0 ? (uint32_t)syscall(SYS_gettid) : thread.id;
        thread.process = (uint32_t)getpid();
        thread.slot = record_take(recorder.shared, thread.process, thread.id);
        if (thread.slot != NULL) {
            thread.unslotted = 0;
            pthread_setspecific(recorder.key, thread.slot);
            record_note("thread", "");
        }
    }
    return thread.slot;
}

static void record_head(record_call *call)
{
    record_put(call, "{\"seq\":", 7);
    record_put_number(call, atomic_fetch_add(&recorder.shared->next, 1));
    record_put(call, ",\"pid\":", 7);
    record_put_number(call, thread.process);
    record_put(call, ",\"thread\":", 10);
    record_put_number(call, thread.id);
    record_put(call, ",\"at\":", 6);
    record_put_number(call, call->begun);
}

/* A call's text and the room for it. */
static void record_place(record_call *call)
{
    record_slot *slot = record_own();
    call->slot = slot;
    call->text = call->own;
    call->room = sizeof call->own;
    if (slot == NULL) {
        return;
    }
    size_t ended = (size_t)(atomic_load(&slot->filled) >> 32);
    if (RECORD_ROOM - ended < RECORD_LINE) {
        ended = record_flush(recorder.shared, slot) ? 0 : ended;
    }
    call->text = RECORD_ROOM - ended < RECORD_LINE ? NULL : slot->text + ended;
    call->room = RECORD_LINE;
}

/* A line that ended, or where `under_way` is set one that goes on behind it. */
static void record_keep(record_call *call, int under_way)
{
    record_slot *slot = call->slot;
    if (call->text == NULL) {
        return;
    }
    if (slot == NULL) {
        if (!under_way) {
            record_append(recorder.shared, call->text, call->length);
        }
        return;
    }
    uint64_t ended = (uint64_t)(call->text - slot->text), length = call->length;
    atomic_store_explicit(&slot->filled, under_way ? ended << 32 | length : (ended + length) << 32,
                          memory_order_release);
}

/* A line that tells no call, but what a reader must know of this thread. */
static void record_note(const char *note, const char *what)
{
    record_call call = {.begun = record_now()};
    thread.depth++;
    record_place(&call);
    record_head(&call);
    record_put(&call, ",\"note\":\"", 9);
    record_put(&call, note, strlen(note));
    record_put(&call, what, strlen(what));
    record_put(&call, "\"", 1);
    call.parts = 1;
    record_unsigned(&call, "self", (uint64_t)pthread_self());
    record_put(&call, "}\n", 2);
    record_keep(&call, 0);
    thread.depth--;
}

void *record_begin(record_call *call, size_t index)
{
    record_function *function = &record_functions[index];
    void *real = atomic_load_explicit(&function->real, memory_order_acquire);
    call->text = NULL;
    call->length = 0;
    call->parts = 0;
    call->is_cut = 0;
    call->slot = NULL;
    call->forks = thread.forks;
    if (real == NULL) {
        real = record_find(function);
        atomic_store(&function->real, real);
    }
    if (real == NULL) {
        fprintf(stderr, "acl-bundle record: no library has %s\n", function->name);
        return NULL;
    }
    if (thread.depth++ > 0 || recorder.shared == NULL) {
        thread.inside++;
        return real;
    }
    thread.inside = 0;
    thread.function = function->name;
    thread.call = call;
    call->begun = record_now();
    record_place(call);
    record_head(call);
    record_put(call, ",\"function\":\"", 13);
    record_put(call, function->name, strlen(function->name));
    record_put(call, "\",\"args\":{", 10);
    call->head = call->length;
    return real;
}

void record_run(record_call *call)
{
    record_put(call, "}", 1);
    call->parts = 1;
    record_keep(call, 1);
}

void record_outs(record_call *call)
{
    record_put(call, ",\"out\":{", 8);
    call->parts = 0;
}

/* A line that had not enough room keeps its head, and says that the rest is cut. */
static void record_shorten(record_call *call)
{
    call->length = call->head;
    call->is_cut = 0;
    record_put(call, "},\"cut\":1", 9);
}

void record_end(record_call *call)
{
    if (call->forks != thread.forks) {
        return; /* this is a child of a fork inside the call: the line is the parent's */
    }
    thread.depth--;
    if (thread.depth == 0) {
        thread.call = NULL;
    }
    if (call->text == NULL) {
        if (thread.depth == 0 && recorder.shared != NULL) {
            atomic_fetch_add(&recorder.shared->lost, 1);
        }
        return;
    }
    uint64_t took = record_now() - call->begun;
    if (call->is_cut || call->room - call->length < 128) {
        record_shorten(call);
    }
    if (thread.inside > 0) {
        record_put(call, ",\"inside\":", 10);
        record_put_number(call, thread.inside);
    }
    record_put(call, ",\"end\":", 7);
    record_put_number(call, atomic_fetch_add(&recorder.shared->next, 1));
    record_put(call, ",\"took\":", 8);
    record_put_number(call, took);
    record_put(call, "}\n", 2);
    record_keep(call, 0);
}

#include "wrappers.h" /* at the end: it defines what record_functions lists */
