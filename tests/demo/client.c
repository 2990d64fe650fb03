/*
 * client: the demo's bundle in C, with no Python in the process.
 *
 *     client BUNDLE WEIGHT COUNT < floats
 *
 * It loads a bundle of infer, init and update, gives the weights their first
 * values, infers, updates the one weight of that name and keeps all others,
 * infers again, and prints both outputs, one line each. Its input is x, then
 * COUNT new values of the weight, whose name ends in _var_data.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "acl/acl_types.h"
#include "acl/acl_api.h"

enum { INFER, INIT, UPDATE, GRAPHS, MOST = 1 << 16 };

#define CHECK(call)                                                        \
    do {                                                                   \
        aclError failed = (call);                                          \
        if (failed != 0) {                                                 \
            const char *why = aclGetRecentErrMsg();                        \
            fprintf(stderr, "%s: %d %s\n", #call, failed, why ? why : ""); \
            exit(1);                                                       \
        }                                                                  \
    } while (0)

static float values[MOST];

/* Reads so many floats. */
static const float *take(size_t count)
{
    if (count > MOST || fread(values, sizeof *values, count, stdin) != count) {
        fprintf(stderr, "%zu floats are missing\n", count);
        exit(1);
    }
    return values;
}

/* Adds a slot with device memory of so many bytes; returns the memory. */
static void *slot(aclmdlDataset *dataset, size_t nbytes)
{
    void *memory = NULL;
    CHECK(aclrtMalloc(&memory, nbytes, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(aclmdlAddDatasetBuffer(dataset,
                                 aclCreateDataBuffer(memory, nbytes)));
    return memory;
}

/* Gives back a dataset with all that it holds. */
static void release(aclmdlDataset *dataset)
{
    for (size_t i = 0; i < aclmdlGetDatasetNumBuffers(dataset); i++) {
        aclDataBuffer *buffer = aclmdlGetDatasetBuffer(dataset, i);
        CHECK(aclrtFree(aclGetDataBufferAddr(buffer)));
        CHECK(aclDestroyDataBuffer(buffer));
    }
    CHECK(aclmdlDestroyDataset(dataset));
}

/* Runs a graph without outputs. */
static void commit(uint32_t model, aclmdlDataset *inputs)
{
    aclmdlDataset *none = aclmdlCreateDataset();
    CHECK(aclmdlExecute(model, inputs, none));
    release(none);
    release(inputs);
}

static void infer(uint32_t model, aclmdlDataset *x, aclmdlDataset *y,
                  void *memory, size_t nbytes)
{
    CHECK(aclmdlExecute(model, x, y));
    CHECK(aclrtMemcpy(values, sizeof values, memory, nbytes,
                      ACL_MEMCPY_DEVICE_TO_HOST));
    for (size_t i = 0; i < nbytes / sizeof *values; i++) {
        printf("%.9g ", values[i]);
    }
    printf("\n");
}

/* Every input of the update graph: {count} for the chosen one, {0} else. */
static aclmdlDataset *updates(aclmdlDesc *desc, const char *name,
                              int64_t count)
{
    aclmdlDataset *inputs = aclmdlCreateDataset();
    size_t chosen = 0;
    CHECK(aclmdlGetInputIndexByName(desc, name, &chosen));
    for (size_t i = 0; i < aclmdlGetNumInputs(desc); i++) {
        int64_t length = i == chosen ? count : 0;
        aclTensorDesc *shape =
            aclCreateTensorDesc(ACL_FLOAT, 1, &length, ACL_FORMAT_ND);
        size_t nbytes = length ? (size_t)length * sizeof(float) : 1;
        void *memory = slot(inputs, nbytes);
        if (length) {
            CHECK(aclrtMemcpy(memory, nbytes, take((size_t)count), nbytes,
                              ACL_MEMCPY_HOST_TO_DEVICE));
        }
        CHECK(aclmdlSetDatasetTensorDesc(inputs, shape, i));
        aclDestroyTensorDesc(shape);
    }
    return inputs;
}

int main(int argc, char **argv)
{
    uint32_t bundle = 0, model[GRAPHS];
    aclmdlDesc *desc = aclmdlCreateDesc();
    if (argc != 4) {
        fprintf(stderr, "client BUNDLE WEIGHT COUNT\n");
        return 2;
    }
    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlBundleLoadFromFile(argv[1], &bundle));
    for (size_t i = 0; i < GRAPHS; i++) {
        CHECK(aclmdlBundleGetModelId(bundle, i, &model[i]));
    }
    CHECK(aclmdlGetDesc(desc, model[INFER]));
    size_t taken = aclmdlGetInputSizeByIndex(desc, 0);
    size_t given = aclmdlGetOutputSizeByIndex(desc, 0);
    aclmdlDataset *x = aclmdlCreateDataset(), *y = aclmdlCreateDataset();
    CHECK(aclrtMemcpy(slot(x, taken), taken, take(taken / sizeof *values),
                      taken, ACL_MEMCPY_HOST_TO_DEVICE));
    void *result = slot(y, given);

    commit(model[INIT], aclmdlCreateDataset());
    infer(model[INFER], x, y, result, given);
    CHECK(aclmdlGetDesc(desc, model[UPDATE]));
    commit(model[UPDATE], updates(desc, argv[2], atoi(argv[3])));
    infer(model[INFER], x, y, result, given);

    release(x);
    release(y);
    CHECK(aclmdlDestroyDesc(desc));
    CHECK(aclmdlBundleUnload(bundle));
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    return 0;
}
