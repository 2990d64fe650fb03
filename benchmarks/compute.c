/*
 * Two loops over the same program: aclmdlExecute on the fake, and Run of ONNX
 * Runtime's C API without it. Models have float32 inputs and outputs.
 *
 *     acl_open("libascendcl.so", "model.om");     graph 0 infers, graph 1
 *     acl_port(0, bytes, size);                   gives the weights' values
 *     acl_port(1, NULL, size);
 *     double ns = acl_run(100);
 *
 *     Session *session = session_open("libonnxruntime.so.1.x", model, size);
 *     session_port(session, 0, "x", bytes, size, dims, rank);
 *     double ns = session_run(session, 100);
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acl/acl_types.h"
#include "model/ort.h"

enum { PORTS = 64, FLOAT = 1, API_VERSION = 12 };

#define FUNCTIONS(_)                                                          \
    _(aclError, aclInit, (const char *))                                      \
    _(aclError, aclrtSetDevice, (int32_t))                                    \
    _(aclError, aclrtMalloc, (void **, size_t, aclrtMemMallocPolicy))         \
    _(aclError, aclrtMemcpy,                                                  \
      (void *, size_t, const void *, size_t, aclrtMemcpyKind))                \
    _(aclDataBuffer *, aclCreateDataBuffer, (void *, size_t))                 \
    _(aclmdlDataset *, aclmdlCreateDataset, (void))                           \
    _(aclError, aclmdlAddDatasetBuffer, (aclmdlDataset *, aclDataBuffer *))   \
    _(aclError, aclmdlBundleLoadFromFile, (const char *, uint32_t *))         \
    _(aclError, aclmdlBundleGetModelNum, (uint32_t, size_t *))                \
    _(aclError, aclmdlBundleGetModelId, (uint32_t, size_t, uint32_t *))       \
    _(aclError, aclmdlExecute,                                                \
      (uint32_t, const aclmdlDataset *, aclmdlDataset *))

#include "library.h"

static struct {
    uint32_t model;
    aclmdlDataset *ports[2];
    void *output;               /* device memory of the last output */
} the;

static double nanoseconds(struct timespec start, int count)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    return ((double)(end.tv_sec - start.tv_sec) * 1e9
            + (double)(end.tv_nsec - start.tv_nsec))
           / count;
}

static int initialise(uint32_t bundle)
{
    size_t graphs = 0;
    uint32_t init;
    int status = aclmdlBundleGetModelNum(bundle, &graphs);
    if (status != 0 || graphs < 2) {
        return status;
    }
    status = aclmdlBundleGetModelId(bundle, 1, &init);
    return status ? status : aclmdlExecute(init, the.ports[0], the.ports[1]);
}

/* Loads a bundle in place of the one before, which stays loaded. */
int acl_open(const char *library, const char *path)
{
    uint32_t bundle;
    int status = find(library);
    if (status != 0) {
        return status;
    }
    aclInit(NULL);
    status = aclrtSetDevice(0);
    status = status ? status : aclmdlBundleLoadFromFile(path, &bundle);
    status = status ? status : aclmdlBundleGetModelId(bundle, 0, &the.model);
    the.ports[0] = aclmdlCreateDataset();
    the.ports[1] = aclmdlCreateDataset();
    return status ? status : initialise(bundle);
}

/* Adds an input (0) with these bytes, or an output (1). */
int acl_port(int output, const void *bytes, size_t size)
{
    void *memory;
    int status = aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST);
    if (status == 0 && !output) {
        status = aclrtMemcpy(memory, size, bytes, size,
                             ACL_MEMCPY_HOST_TO_DEVICE);
    }
    the.output = memory;
    return status ? status
                  : aclmdlAddDatasetBuffer(the.ports[output],
                                           aclCreateDataBuffer(memory, size));
}

/* Copies the last output back. */
int acl_read(void *bytes, size_t size)
{
    return aclrtMemcpy(bytes, size, the.output, size,
                       ACL_MEMCPY_DEVICE_TO_HOST);
}

/* Nanoseconds per execution; negative on failure. */
double acl_run(int count)
{
    struct timespec start;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < count; i++) {
        status |= aclmdlExecute(the.model, the.ports[0], the.ports[1]);
    }
    return status ? -1 : nanoseconds(start, count);
}

typedef struct Session {
    OrtSession *session;
    const char *names[2][PORTS];
    OrtValue *values[2][PORTS];
    size_t count[2];
} Session;

typedef void AnyFunction(void);
typedef struct ApiBase {
    AnyFunction *const *(*GetApi)(uint32_t version);
} ApiBase;

static Ort ort;

static void take_table(AnyFunction *const *table)
{
#define F(place, result, name, parameters)                                    \
    ort.name = (result(*) parameters)table[place];
    ORT_FUNCTIONS(F)
#undef F
}

static int open_runtime(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const ApiBase *(*base)(void);
    void *symbol = library ? dlsym(library, "OrtGetApiBase") : NULL;
    if (symbol == NULL || ort.env != NULL) {
        return symbol == NULL ? -1 : 0;
    }
    memcpy(&base, &symbol, sizeof symbol);
    take_table(base()->GetApi(API_VERSION));
    return ort.CreateEnv(4, "benchmark", &ort.env) != NULL
           || ort.CreateCpuMemoryInfo(1, 0, &ort.memory) != NULL;
}

/* A session as the fake makes it (fakes/model/session.c), or NULL. */
Session *session_open(const char *path, const void *model, size_t size)
{
    OrtSessionOptions *options;
    Session *made = calloc(1, sizeof *made);
    if (made == NULL || open_runtime(path) != 0
        || ort.CreateSessionOptions(&options) != NULL
        || ort.SetIntraOpNumThreads(options, 1) != NULL
        || ort.SetInterOpNumThreads(options, 1) != NULL
        || ort.CreateSessionFromArray(ort.env, model, size, options,
                                      &made->session) != NULL) {
        return NULL;
    }
    ort.ReleaseSessionOptions(options);
    return made;
}

/* Binds an input (0) or output (1) to memory that stays the caller's. */
int session_port(Session *session, int output, const char *name, void *bytes,
                 size_t size, const int64_t *dims, size_t rank)
{
    size_t i = session->count[output]++;
    session->names[output][i] = strdup(name);
    return ort.CreateTensorWithDataAsOrtValue(
               ort.memory, bytes, size, dims, rank, FLOAT,
               &session->values[output][i]) != NULL;
}

/* Nanoseconds per run; negative on failure. */
double session_run(Session *session, int count)
{
    struct timespec start;
    int failed = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < count; i++) {
        failed |= ort.Run(session->session, NULL, session->names[0],
                          (const OrtValue *const *)session->values[0],
                          session->count[0], session->names[1],
                          session->count[1], session->values[1]) != NULL;
    }
    return failed ? -1 : nanoseconds(start, count);
}
