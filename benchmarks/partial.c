/*
 * The floor under an update of one weight: the calls that acl_bundle makes, on
 * the same library and the same variables, and nothing else.
 *
 *     partial_open("libascendcl.so", model, 6000, 64);
 *     partial_at(variables);
 *     partial_update(index, offset, bytes, times);    each time another weight
 *     partial_close();
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acl/acl_types.h"

#define FUNCTIONS(_)                                                                              \
    _(aclError, aclrtGetCurrentContext, (aclrtContext *))                                         \
    _(aclError, aclrtMalloc, (void **, size_t, aclrtMemMallocPolicy))                             \
    _(aclError, aclrtFree, (void *))                                                              \
    _(aclError, aclrtMemcpy, (void *, size_t, const void *, size_t, aclrtMemcpyKind))             \
    _(aclDataBuffer *, aclCreateDataBuffer, (void *, size_t))                                     \
    _(aclError, aclDestroyDataBuffer, (const aclDataBuffer *))                                    \
    _(aclError, aclUpdateDataBuffer, (aclDataBuffer *, void *, size_t))                           \
    _(aclTensorDesc *, aclCreateTensorDesc, (aclDataType, int, const int64_t *, aclFormat))       \
    _(void, aclDestroyTensorDesc, (const aclTensorDesc *))                                        \
    _(aclmdlDataset *, aclmdlCreateDataset, (void))                                               \
    _(aclError, aclmdlDestroyDataset, (const aclmdlDataset *))                                    \
    _(aclError, aclmdlAddDatasetBuffer, (aclmdlDataset *, aclDataBuffer *))                       \
    _(aclError, aclmdlSetDatasetTensorDesc, (aclmdlDataset *, aclTensorDesc *, size_t))           \
    _(aclError, aclmdlExecute, (uint32_t, const aclmdlDataset *, aclmdlDataset *))

#include "library.h"

static struct {
    uint32_t model;
    size_t count, nbytes, before;
    void *area, *saved, *nothing;
    aclTensorDesc *keep, *assign;
    aclDataBuffer **buffers;
    aclmdlDataset *given, *taken;
} the;

/* A dataset for `count` weights of `size` floats each, all of which it keeps; 0 or what failed. */
int partial_open(const char *library, uint32_t model, size_t count, int64_t size)
{
    const int64_t none = 0;
    int status = find(library);
    if (status != 0) {
        return status;
    }
    the.model = model;
    the.count = count;
    the.nbytes = (size_t)size * sizeof(float);
    the.before = count;
    the.buffers = calloc(count, sizeof *the.buffers);
    status |= aclrtMalloc(&the.area, the.nbytes + 64, 0);
    status |= aclrtMalloc(&the.saved, the.nbytes, 0);
    status |= aclrtMalloc(&the.nothing, 1, 0);
    the.keep = aclCreateTensorDesc(ACL_FLOAT, 1, &none, ACL_FORMAT_ND);
    the.assign = aclCreateTensorDesc(ACL_FLOAT, 1, &size, ACL_FORMAT_ND);
    the.given = aclmdlCreateDataset();
    the.taken = aclmdlCreateDataset();
    for (size_t i = 0; i < count; i++) {
        the.buffers[i] = aclCreateDataBuffer(the.nothing, 1);
        status |= aclmdlAddDatasetBuffer(the.given, the.buffers[i]);
        status |= aclmdlSetDatasetTensorDesc(the.given, the.keep, i);
    }
    return status;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/*
 * Gives weight index, which lies at `at` in the variables' memory, the host's bytes; the one
 * before is kept. Writes the seconds of all and of the execute alone; 0 or what failed.
 */
int partial_update(size_t index, void *at, const void *bytes, double *all, double *execute)
{
    aclrtContext context;
    double start = now(), commit;
    int status = aclrtGetCurrentContext(&context);
    status |= aclrtMemcpy(the.area, the.nbytes, bytes, the.nbytes, ACL_MEMCPY_HOST_TO_DEVICE);
    if (the.before < the.count) {
        status |= aclUpdateDataBuffer(the.buffers[the.before], the.nothing, 1);
        status |= aclmdlSetDatasetTensorDesc(the.given, the.keep, the.before);
    }
    status |= aclUpdateDataBuffer(the.buffers[index], the.area, the.nbytes);
    status |= aclmdlSetDatasetTensorDesc(the.given, the.assign, index);
    status |= aclrtMemcpy(the.saved, the.nbytes, at, the.nbytes, ACL_MEMCPY_DEVICE_TO_DEVICE);
    the.before = index;
    commit = now();
    status |= aclmdlExecute(the.model, the.given, the.taken);
    *execute = now() - commit;
    *all = now() - start;
    return status;
}

void partial_close(void)
{
    aclmdlDestroyDataset(the.given);
    aclmdlDestroyDataset(the.taken);
    for (size_t i = 0; i < the.count; i++) {
        aclDestroyDataBuffer(the.buffers[i]);
    }
    aclDestroyTensorDesc(the.keep);
    aclDestroyTensorDesc(the.assign);
    aclrtFree(the.area);
    aclrtFree(the.saved);
    aclrtFree(the.nothing);
    free(the.buffers);
}
