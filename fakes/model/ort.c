#include "model/ort.h"

#include <dlfcn.h>
#include <glob.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/acl.h"
#include "base/codes.h"
#include "base/locks.h"
#include "base/text.h"
#include "call/message.h"
#include "call/settings.h"

enum { API_VERSION = 12, LOG_FATAL = 4, ARENA_ALLOCATOR = 1, MEM_DEFAULT = 0 };

typedef void (*AnyFunction)(void);

typedef struct OrtApiBase {
    const AnyFunction *(*GetApi)(uint32_t version);
    const char *(*GetVersionString)(void);
} OrtApiBase;

/* A runtime that was opened; found again by the setting it was opened for. */
typedef struct Runtime {
    struct Runtime *next;
    char *setting;
    Ort ort;
} Runtime;

static struct {
    pthread_mutex_t lock;
    Runtime *opened;             /* never shrinks */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

int ort_check(const Ort *ort, OrtStatus *status, const char *what, int failure)
{
    if (status == NULL)
        return E_NONE;
    refuse(failure, "%s: onnxruntime says: %s", what, ort->GetErrorMessage(status));
    ort->ReleaseStatus(status);
    return failure;
}

static bool take_functions(void *library, Ort *ort)
{
    void *symbol = dlsym(library, "OrtGetApiBase");
    const OrtApiBase *(*base)(void);

    if (symbol == NULL)
        return false;
    memcpy(&base, &symbol, sizeof base);
    const AnyFunction *table = base()->GetApi(API_VERSION);
    if (table == NULL)
        return false;
#define F(place, result, name, parameters) ort->name = (result(*) parameters)table[place];
    ORT_FUNCTIONS(F)
#undef F
    return true;
}

/* Appends one failure to the list of them. */
static void note(Text *tried, const char *path, const char *why)
{
    text_add(tried, "%s%s: %s", tried->length > 0 ? "; " : "", path, why);
}

static bool try_library(const char *path, Ort *ort, Text *tried)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        note(tried, path, dlerror());
        return false;
    }
    if (take_functions(library, ort))
        return true;
    note(tried, path, "is no ONNX Runtime of 1.12 or later");
    return false;
}

/* The runtime in the Python package beside the one this library lives in. */
static bool try_beside(Ort *ort, Text *tried)
{
    static const char beside[] = "/../../../onnxruntime/capi/libonnxruntime.so.1*";
    char pattern[4096];
    Dl_info self;
    glob_t found;

    if (dladdr(&state, &self) == 0)
        return false;
    char *path = realpath(self.dli_fname, NULL);
    if (path == NULL)
        return false;
    snprintf(pattern, sizeof pattern, "%s%s", dirname(path), beside);
    free(path);
    if (glob(pattern, 0, NULL, &found) != 0) {
        note(tried, pattern, "no such file");
        return false;
    }
    bool opened = try_library(found.gl_pathv[0], ort, tried);
    globfree(&found);
    return opened;
}

/* A path that was asked for is not replaced by another. */
static bool find_library(Ort *ort, Text *tried)
{
    if (settings.onnxruntime[0] != '\0')
        return try_library(settings.onnxruntime, ort, tried);
    return try_beside(ort, tried) || try_library("libonnxruntime.so.1", ort, tried);
}

/*
 * Recent runtimes report home from a thread of their own, which a test should
 * not do, and which makes a fork hang when it exits. They decide about it
 * here; a variable that is set is obeyed.
 */
static OrtStatus *create_env(Ort *ort)
{
    bool ours = getenv("ORT_DISABLE_TELEMETRY") == NULL;

    if (ours)
        setenv("ORT_DISABLE_TELEMETRY", "1", 0);
    OrtStatus *status = ort->CreateEnv(LOG_FATAL, "aclfake", &ort->env);
    if (ours)
        unsetenv("ORT_DISABLE_TELEMETRY");
    return status;
}

static bool open_env(Ort *ort)
{
    return ort_check(ort, create_env(ort), "CreateEnv", E_GE) == E_NONE &&
           ort_check(ort, ort->CreateCpuMemoryInfo(ARENA_ALLOCATOR, MEM_DEFAULT, &ort->memory),
                     "CreateCpuMemoryInfo", E_GE) == E_NONE;
}

static const Ort *open_new(void)
{
    char buffer[3072];
    Text tried = text_in(buffer, sizeof buffer);
    Runtime *opened = calloc(1, sizeof *opened);

    if (opened == NULL)
        return NULL;
    if (!find_library(&opened->ort, &tried)) {
        refuse(E_GE,
               "this model computes with ONNX Runtime, which was not "
               "found; pip install \"onnxruntime>=1.19\" or set "
               "ACL_FAKE_ONNXRUNTIME to the path of libonnxruntime.so.1.*. "
               "Tried: %s",
               buffer);
        free(opened);
        return NULL;
    }
    opened->setting = strdup(settings.onnxruntime);
    if (opened->setting == NULL || !open_env(&opened->ort)) {
        free(opened->setting);
        free(opened);
        return NULL;
    }
    opened->next = state.opened;
    state.opened = opened;
    return &opened->ort;
}

const Ort *ort_open(void)
{
    const Ort *ort = NULL;

    pthread_mutex_lock(&state.lock);
    for (Runtime *o = state.opened; o != NULL && ort == NULL; o = o->next)
        if (strcmp(o->setting, settings.onnxruntime) == 0)
            ort = &o->ort;
    if (ort == NULL)
        ort = open_new();
    pthread_mutex_unlock(&state.lock);
    return ort;
}

int ort_type(int data_type)
{
    static const struct {
        int acl;
        int ort;
    } types[] = {
        {ACL_FLOAT, 1},        {ACL_UINT8, 2},      {ACL_INT8, 3},        {ACL_UINT16, 4},
        {ACL_INT16, 5},        {ACL_INT32, 6},      {ACL_INT64, 7},       {ACL_BOOL, 9},
        {ACL_FLOAT16, 10},     {ACL_DOUBLE, 11},    {ACL_UINT32, 12},     {ACL_UINT64, 13},
        {ACL_BF16, 16},        {ACL_COMPLEX64, 14}, {ACL_COMPLEX128, 15}, {ACL_FLOAT8_E4M3FN, 17},
        {ACL_FLOAT8_E5M2, 19}, {ACL_INT4, 22},
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].acl == data_type)
            return types[i].ort;
    return 0;
}
