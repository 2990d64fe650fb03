/*
 * The floor under an update of one weight: the calls that acl_bundle makes, on
 * the same library and the same variables, and nothing else.
 *
 *     one = partial_open("libascendcl.so", model, dataset, 64);
 *     partial_update(one, at, bytes, &all, &execute);
 *     partial_close(one);
 *
 * The execute runs on the bundle's own dataset, which says what the last update
 * there said: so it costs what the bundle's costs, wherever that dataset lies.
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

enum { INPUTS = 2 }; /* one that is kept again, and one that is assigned */

typedef struct partial {
    uint32_t model;
    size_t nbytes;
    void *area, *saved, *nothing;
    aclTensorDesc *keep, *assign;
    aclDataBuffer *buffers[INPUTS];
    aclmdlDataset *described, *given, *taken;
} partial;

/* For a graph's second id and its dataset, of weights of `size` floats; NULL: it failed. */
partial *partial_open(const char *library, uint32_t model, aclmdlDataset *given, int64_t size)
{
    const int64_t none = 0;
    partial *the = calloc(1, sizeof *the);
    int status = find(library);
    if (status != 0) {
        return NULL;
    }
    the->model = model;
    the->given = given;
    the->nbytes = (size_t)size * sizeof(float);
    status |= aclrtMalloc(&the->area, the->nbytes + 64, 0);
    status |= aclrtMalloc(&the->saved, the->nbytes, 0);
    status |= aclrtMalloc(&the->nothing, 1, 0);
    the->keep = aclCreateTensorDesc(ACL_FLOAT, 1, &none, ACL_FORMAT_ND);
    the->assign = aclCreateTensorDesc(ACL_FLOAT, 1, &size, ACL_FORMAT_ND);
    the->described = aclmdlCreateDataset();
    the->taken = aclmdlCreateDataset();
    for (size_t i = 0; i < INPUTS; i++) {
        the->buffers[i] = aclCreateDataBuffer(the->nothing, 1);
        status |= aclmdlAddDatasetBuffer(the->described, the->buffers[i]);
    }
    return status == 0 ? the : NULL;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/*
 * Makes the calls of an update of one weight, which lies at `at` in the variables' memory, from
 * the host's bytes. Writes the seconds of all and of the execute alone; 0 or what failed.
 */
int partial_update(partial *the, void *at, const void *bytes, double *all, double *execute)
{
    aclrtContext context;
    double start = now(), commit;
    int status = aclrtGetCurrentContext(&context);
    status |= aclrtMemcpy(the->area, the->nbytes, bytes, the->nbytes, ACL_MEMCPY_HOST_TO_DEVICE);
    status |= aclUpdateDataBuffer(the->buffers[0], the->nothing, 1);
    status |= aclmdlSetDatasetTensorDesc(the->described, the->keep, 0);
    status |= aclUpdateDataBuffer(the->buffers[1], the->area, the->nbytes);
    status |= aclmdlSetDatasetTensorDesc(the->described, the->assign, 1);
    status |= aclrtMemcpy(the->saved, the->nbytes, at, the->nbytes, ACL_MEMCPY_DEVICE_TO_DEVICE);
    commit = now();
    status |= aclmdlExecute(the->model, the->given, the->taken);
    *execute = now() - commit;
    *all = now() - start;
    return status;
}

void partial_close(partial *the)
{
    aclmdlDestroyDataset(the->described);
    aclmdlDestroyDataset(the->taken);
    for (size_t i = 0; i < INPUTS; i++) {
        aclDestroyDataBuffer(the->buffers[i]);
    }
    aclDestroyTensorDesc(the->keep);
    aclDestroyTensorDesc(the->assign);
    aclrtFree(the->area);
    aclrtFree(the->saved);
    aclrtFree(the->nothing);
    free(the);
}
