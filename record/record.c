/*
 * record: a library for LD_PRELOAD that writes a line for each call of AscendCL.
 *
 * It defines every function of AscendCL, so programs that are linked with the real library call it
 * first; and it defines dlsym, so programs that open the library and look functions up by the
 * handle get its functions as well, whatever path they opened. The real ones are what dlsym finds
 * behind it, or in a loaded library that is called libacl* or libascendcl*.
 *
 * Lines go to $ACL_RECORD_TRACE by one write each, so a program that dies leaves all that ended.
 * What was under way lies in $ACL_RECORD_TRACE.calls, memory that all processes of the program
 * share: a slot for each thread, and the counter of the lines.
 */
#include "record.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 256
#define TEXT 2032
#define CUT 400
#define REST 600 /* of a line: numbers and names behind its texts and lists */
#define LIST 128
#define EDGE ((size_t)65536)

typedef struct record_slot {
    _Atomic int32_t owner;     /* the thread's number, 0: free */
    _Atomic uint32_t length;   /* of the line that is under way, 0: none */
    char text[TEXT];
} record_slot;

typedef struct record_shared {
    _Atomic uint64_t next;
    uint64_t reserved[7];
    record_slot slots[SLOTS];
} record_shared;

static struct {
    int file;
    record_shared *shared;
    pthread_key_t key;
} recorder = {-1, NULL, 0};

static _Thread_local struct {
    int depth;
    pid_t id;
    record_slot *slot;
} thread __attribute__((tls_model("initial-exec")));

static void record_leave(void *slot)
{
    atomic_store(&((record_slot *)slot)->owner, 0);
    thread.slot = NULL;
}

/* In a fork the parent's threads keep their slots; the child's takes one of its own. */
static void record_forked(void)
{
    thread.slot = NULL;
    thread.id = 0;
    if (recorder.shared != NULL) {
        pthread_setspecific(recorder.key, NULL);
    }
}

__attribute__((constructor)) static void record_open(void)
{
    const char *path = getenv("ACL_RECORD_TRACE");
    char beside[4096];
    if (path == NULL ||
        (size_t)snprintf(beside, sizeof beside, "%s.calls", path) >= sizeof beside) {
        return;
    }
    int shared = open(beside, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (shared < 0 || ftruncate(shared, sizeof(record_shared)) != 0) {
        fprintf(stderr, "acl-bundle record: %s cannot be written\n", beside);
        return;
    }
    void *memory = mmap(NULL, sizeof(record_shared), PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    close(shared);
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (memory == MAP_FAILED || file < 0 || pthread_key_create(&recorder.key, record_leave) != 0 ||
        pthread_atfork(NULL, NULL, record_forked) != 0) {
        fprintf(stderr, "acl-bundle record: %s cannot be written\n", path);
        return;
    }
    recorder.shared = memory;
    recorder.file = file;
}

typedef void *record_dlsym(void *, const char *);

static record_dlsym *record_real_dlsym(void)
{
    static _Atomic(record_dlsym *) found;
    record_dlsym *real = atomic_load(&found);
    const char *versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"};
    for (size_t at = 0; real == NULL && at < 3; at++) {
        void *symbol = dlvsym(RTLD_NEXT, "dlsym", versions[at]);
        memcpy(&real, &symbol, sizeof real);
    }
    atomic_store(&found, real);
    return real;
}

static int record_compare(const void *name, const void *function)
{
    return strcmp(name, ((const record_function *)function)->name);
}

static void *record_find(const record_function *function);

/* The program's own way to functions: AscendCL's become ours where the library has them. */
__attribute__((visibility("default"))) void *dlsym(void *restrict handle, const char *restrict name)
{
    record_dlsym *real = record_real_dlsym();
    if (strncmp(name, "acl", 3) != 0 || handle == RTLD_NEXT) {
        return real(handle, name); /* as a jump: RTLD_NEXT is told by the caller's own address */
    }
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

static record_slot *record_take(void)
{
    for (size_t at = 0; thread.slot == NULL && at < SLOTS; at++) {
        int32_t nobody = 0;
        record_slot *slot = &recorder.shared->slots[at];
        if (atomic_compare_exchange_strong(&slot->owner, &nobody, (int32_t)thread.id)) {
            atomic_store(&slot->length, 0);
            thread.slot = slot;
            pthread_setspecific(recorder.key, slot);
        }
    }
    return thread.slot;
}

__attribute__((format(printf, 2, 3))) static void record_add(record_call *call, const char *format,
                                                             ...)
{
    size_t room = TEXT - call->length;
    va_list arguments;
    if (call->text == NULL || room < 2) {
        return;
    }
    va_start(arguments, format);
    int added = vsnprintf(call->text + call->length, room, format, arguments);
    va_end(arguments);
    call->length += added < 0 ? 0 : (size_t)added < room ? (size_t)added : room - 1;
}

static void record_name(record_call *call, const char *name)
{
    record_add(call, "%s\"%s\":", call->parts++ == 0 ? "" : ",", name);
}

void *record_begin(record_call *call, size_t index)
{
    record_function *function = &record_functions[index];
    void *real = atomic_load(&function->real);
    call->text = NULL;
    call->length = 0;
    call->parts = 0;
    call->slot = NULL;
    if (real == NULL) {
        real = record_find(function);
        atomic_store(&function->real, real);
    }
    if (real == NULL) {
        fprintf(stderr, "acl-bundle record: no library has %s\n", function->name);
        return NULL;
    }
    if (thread.depth++ > 0 || recorder.file < 0) {
        return real;
    }
    thread.id = thread.id == 0 ? (pid_t)syscall(SYS_gettid) : thread.id;
    call->slot = record_take();
    call->text = call->slot != NULL ? ((record_slot *)call->slot)->text : call->own;
    call->begun = record_now();
    record_add(call,
               "{\"seq\":%" PRIu64 ",\"pid\":%d,\"thread\":%d,\"at\":%" PRIu64
               ",\"function\":\"%s\",\"args\":{",
               atomic_fetch_add(&recorder.shared->next, 1), (int)getpid(), (int)thread.id,
               call->begun, function->name);
    return real;
}

void record_run(record_call *call)
{
    record_add(call, "}");
    call->parts = 1;
    if (call->slot != NULL) {
        atomic_store(&((record_slot *)call->slot)->length, (uint32_t)call->length);
    }
}

void record_outs(record_call *call)
{
    record_add(call, ",\"out\":{");
    call->parts = 0;
}

void record_end(record_call *call)
{
    thread.depth--;
    if (call->text == NULL) {
        return;
    }
    record_add(call, ",\"end\":%" PRIu64 ",\"took\":%" PRIu64 "}",
               atomic_fetch_add(&recorder.shared->next, 1), record_now() - call->begun);
    call->text[call->length++] = '\n';
    ssize_t written = write(recorder.file, call->text, call->length);
    (void)written; /* a full disk costs the trace, not the program */
    if (call->slot != NULL) {
        atomic_store(&((record_slot *)call->slot)->length, 0);
    }
}

void record_signed(record_call *call, const char *name, int64_t value)
{
    record_name(call, name);
    record_add(call, "%" PRId64, value);
}

void record_unsigned(record_call *call, const char *name, uint64_t value)
{
    record_name(call, name);
    record_add(call, "%" PRIu64, value);
}

void record_real(record_call *call, const char *name, double value)
{
    record_name(call, name);
    record_add(call, value == value && value - value == 0 ? "%.17g" : "\"%g\"", value);
}

void record_pointer(record_call *call, const char *name, const void *value)
{
    record_name(call, name);
    record_add(call, value == NULL ? "null" : "\"0x%" PRIxPTR "\"", (uintptr_t)value);
}

/* A text's bytes as one character each: what is no plain character is \u00xx. */
void record_text(record_call *call, const char *name, const char *value)
{
    record_name(call, name);
    if (value == NULL) {
        record_add(call, "null");
        return;
    }
    record_add(call, "\"=");
    for (size_t at = 0; value[at] != '\0' && at < CUT && call->length < TEXT - REST; at++) {
        unsigned char one = (unsigned char)value[at];
        int plain = one >= 0x20 && one < 0x7f && one != '"' && one != '\\';
        record_add(call, plain ? "%c" : "\\u%04x", one);
    }
    record_add(call, "\"");
}

void record_list(record_call *call, const char *name, const int64_t *values, int64_t count)
{
    record_name(call, name);
    if (values == NULL || count < 0) {
        record_add(call, values == NULL ? "null" : "[]");
        return;
    }
    record_add(call, "[");
    for (int64_t at = 0; at < count && at < LIST && call->length < TEXT - REST; at++) {
        record_add(call, at == 0 ? "%" PRId64 : ",%" PRId64, values[at]);
    }
    record_add(call, "]");
}

static uint64_t record_digest(uint64_t digest, const unsigned char *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        digest = (digest ^ data[at]) * UINT64_C(1099511628211);
    }
    return digest;
}

void record_content(record_call *call, const char *name, const void *data, size_t size)
{
    uint64_t digest = UINT64_C(14695981039346656037);
    if (call->text == NULL || data == NULL) {
        record_pointer(call, name, data);
        return;
    }
    size_t first = size < EDGE ? size : EDGE;
    size_t last = size - first < EDGE ? size - first : EDGE;
    digest = record_digest(digest, data, first);
    digest = record_digest(digest, (const unsigned char *)data + size - last, last);
    record_name(call, name);
    record_add(call, "\"#%" PRIu64 ":%016" PRIx64 "\"", (uint64_t)size, digest);
}

#include "wrappers.h" /* at the end: it defines what record_functions lists */
