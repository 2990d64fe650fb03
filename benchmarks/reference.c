/*
 * The floor under an inference: a C loop that makes the calls that
 * csrc/infer/engine.c makes, on the same library, and nothing else.
 *
 *     reference_open("libascendcl.so", "null.om", 4096, x, y);
 *     double ns = reference_run(10000);
 *     reference_close();
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "acl/acl_types.h"

/* Only what the loop and its preparation call. */
#define FUNCTIONS(_)                                                          \
    _(aclError, aclInit, (const char *))                                      \
    _(aclError, aclFinalizeReference, (uint64_t *))                           \
    _(aclError, aclrtSetDevice, (int32_t))                                    \
    _(aclError, aclrtResetDevice, (int32_t))                                  \
    _(aclError, aclrtGetCurrentContext, (aclrtContext *))                     \
    _(aclError, aclrtMalloc, (void **, size_t, aclrtMemMallocPolicy))         \
    _(aclError, aclrtFree, (void *))                                          \
    _(aclError, aclrtMemcpy,                                                  \
      (void *, size_t, const void *, size_t, aclrtMemcpyKind))                \
    _(aclDataBuffer *, aclCreateDataBuffer, (void *, size_t))                 \
    _(aclError, aclDestroyDataBuffer, (const aclDataBuffer *))                \
    _(aclmdlDataset *, aclmdlCreateDataset, (void))                           \
    _(aclError, aclmdlDestroyDataset, (const aclmdlDataset *))                \
    _(aclError, aclmdlAddDatasetBuffer, (aclmdlDataset *, aclDataBuffer *))   \
    _(aclError, aclmdlBundleLoadFromFile, (const char *, uint32_t *))         \
    _(aclError, aclmdlBundleGetModelId, (uint32_t, size_t, uint32_t *))       \
    _(aclError, aclmdlBundleUnload, (uint32_t))                               \
    _(aclError, aclmdlExecute,                                                \
      (uint32_t, const aclmdlDataset *, aclmdlDataset *))

#include "library.h"

static struct {
    uint32_t bundle, model;
    size_t nbytes;
    void *device[2];
    aclDataBuffer *buffers[2];
    aclmdlDataset *datasets[2];
    void *host[2];
} the;

/* Loads graph 0 of a bundle with one input and one output of nbytes, which the caller has. */
int reference_open(const char *library, const char *bundle, size_t nbytes, void *input,
                   void *output)
{
    int status = find(library);
    if (status != 0) {
        return status;
    }
    the.nbytes = nbytes;
    the.host[0] = input;
    the.host[1] = output;
    aclInit(NULL);
    status = aclrtSetDevice(0);
    status = status ? status : aclmdlBundleLoadFromFile(bundle, &the.bundle);
    status = status ? status
                    : aclmdlBundleGetModelId(the.bundle, 0, &the.model);
    for (int i = 0; i < 2 && status == 0; i++) {
        status = aclrtMalloc(&the.device[i], nbytes, 0);
        the.buffers[i] = aclCreateDataBuffer(the.device[i], nbytes);
        the.datasets[i] = aclmdlCreateDataset();
        aclmdlAddDatasetBuffer(the.datasets[i], the.buffers[i]);
    }
    return status;
}

static int infer(void)
{
    aclrtContext context;
    int status = aclrtGetCurrentContext(&context);
    status |= aclrtMemcpy(the.device[0], the.nbytes, the.host[0], the.nbytes,
                          ACL_MEMCPY_HOST_TO_DEVICE);
    status |= aclmdlExecute(the.model, the.datasets[0], the.datasets[1]);
    status |= aclrtMemcpy(the.host[1], the.nbytes, the.device[1], the.nbytes,
                          ACL_MEMCPY_DEVICE_TO_HOST);
    return status;
}

static int execute(void)
{
    return aclmdlExecute(the.model, the.datasets[0], the.datasets[1]);
}

/* Nanoseconds per call over count of them; negative on failure. */
static double timed(int (*call)(void), int count)
{
    struct timespec start, end;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < count; i++) {
        status |= call();
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (status != 0) {
        return -1;
    }
    return ((double)(end.tv_sec - start.tv_sec) * 1e9
            + (double)(end.tv_nsec - start.tv_nsec))
           / count;
}

/* Nanoseconds per inference. */
double reference_run(int count)
{
    return timed(infer, count);
}

/* Nanoseconds per aclmdlExecute alone. */
double reference_execute(int count)
{
    return timed(execute, count);
}

/* The arguments of that aclmdlExecute: model, input, output. */
void reference_arguments(uint64_t *to)
{
    to[0] = the.model;
    to[1] = (uintptr_t)the.datasets[0];
    to[2] = (uintptr_t)the.datasets[1];
}

void reference_close(void)
{
    for (int i = 0; i < 2; i++) {
        aclmdlDestroyDataset(the.datasets[i]);
        aclDestroyDataBuffer(the.buffers[i]);
        aclrtFree(the.device[i]);
    }
    aclmdlBundleUnload(the.bundle);
    aclrtResetDevice(0);
    aclFinalizeReference(NULL);
}
