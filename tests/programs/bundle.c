/*
 * bundle: weights of a bundle that stays loaded, in the shape of ACL's samples.
 *
 *     bundle BUNDLE WEIGHT FLOATS
 *
 * It loads a bundle of infer, init and update into memory of its own for the
 * variables, infers on its own stream, gives the weight of that name the floats
 * of the file behind x, keeps all others, and infers again. Each output is one
 * line. The file FLOATS has x, then the weight.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl.h"

#define CHECK(call)                                                                         \
    do {                                                                                    \
        aclError code_ = (call);                                                            \
        if (code_ != ACL_SUCCESS) {                                                         \
            const char *text_ = aclGetRecentErrMsg();                                       \
            fprintf(stderr, "%s: %d %s\n", #call, code_, text_ == NULL ? "" : text_);       \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

enum { INFER, INIT, UPDATE, GRAPHS };

/* What a process takes once, in this order, and gives back in the other. */
typedef struct Resource {
    aclrtContext context;
    aclrtStream stream;
    aclrtRunMode mode;
} Resource;

static void resource_open(Resource *resource, int32_t device)
{
    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(device));
    CHECK(aclrtCreateContext(&resource->context, device));
    CHECK(aclrtCreateStream(&resource->stream));
    CHECK(aclrtGetRunMode(&resource->mode));
}

static void resource_close(Resource *resource, int32_t device)
{
    CHECK(aclrtDestroyStream(resource->stream));
    CHECK(aclrtDestroyContext(resource->context));
    CHECK(aclrtResetDevice(device));
    CHECK(aclFinalize());
}

/* A dataset with one buffer of device memory for each size. */
static aclmdlDataset *dataset(size_t count, const size_t *sizes)
{
    aclmdlDataset *made = aclmdlCreateDataset();
    for (size_t i = 0; i < count; i++) {
        void *memory = NULL;
        CHECK(aclrtMalloc(&memory, sizes[i], ACL_MEM_MALLOC_HUGE_FIRST));
        CHECK(aclmdlAddDatasetBuffer(made, aclCreateDataBuffer(memory, sizes[i])));
    }
    return made;
}

static void dataset_free(aclmdlDataset *given)
{
    for (size_t i = 0; i < aclmdlGetDatasetNumBuffers(given); i++) {
        aclDataBuffer *buffer = aclmdlGetDatasetBuffer(given, i);
        CHECK(aclrtFree(aclGetDataBufferAddr(buffer)));
        CHECK(aclDestroyDataBuffer(buffer));
    }
    CHECK(aclmdlDestroyDataset(given));
}

/* To where a buffer of a dataset lies: on a device a copy, else the same memory. */
static void copy_in(const Resource *resource, aclmdlDataset *to, size_t index, const float *from)
{
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(to, index);
    size_t size = aclGetDataBufferSizeV2(buffer);
    aclrtMemcpyKind kind =
        resource->mode == ACL_HOST ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_DEVICE;
    CHECK(aclrtMemcpy(aclGetDataBufferAddr(buffer), size, from, size, kind));
}

static void infer(const Resource *resource, uint32_t model, aclmdlDataset *x, aclmdlDataset *y)
{
    CHECK(aclmdlExecuteAsync(model, x, y, resource->stream));
    CHECK(aclrtSynchronizeStream(resource->stream));
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(y, 0);
    size_t size = aclGetDataBufferSizeV2(buffer);
    float *values = NULL;
    CHECK(aclrtMallocHost((void **)&values, size));
    CHECK(aclrtMemcpy(values, size, aclGetDataBufferAddr(buffer), size,
                      ACL_MEMCPY_DEVICE_TO_HOST));
    for (size_t i = 0; i < size / sizeof *values; i++)
        printf("%.9g ", (double)values[i]);
    printf("\n");
    CHECK(aclrtFreeHost(values));
}

/* Inputs of the update graph: one weight's bytes, and for each other a byte and the shape {0}. */
static aclmdlDataset *update_of(const Resource *resource, aclmdlDesc *desc, const char *weight,
                                const float *values, size_t count)
{
    size_t inputs = aclmdlGetNumInputs(desc), sizes[64] = {0}, chosen = 0;
    char name[ACL_MAX_TENSOR_NAME_LEN];
    snprintf(name, sizeof name, "%s_var_data", weight);
    CHECK(aclmdlGetInputIndexByName(desc, name, &chosen));
    if (inputs > 64)
        exit(3);
    for (size_t i = 0; i < inputs; i++)
        sizes[i] = i == chosen ? count * sizeof *values : 1;
    aclmdlDataset *made = dataset(inputs, sizes);
    copy_in(resource, made, chosen, values);
    for (size_t i = 0; i < inputs; i++) {
        int64_t length = i == chosen ? (int64_t)count : 0;
        aclDataType type = aclmdlGetInputDataType(desc, i);
        aclTensorDesc *shape = aclCreateTensorDesc(type, 1, &length, ACL_FORMAT_ND);
        CHECK(aclmdlSetDatasetTensorDesc(made, shape, i));
        aclDestroyTensorDesc(shape);
    }
    return made;
}

static float *read_floats(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    long size = 0;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) <= 0)
        exit(2);
    rewind(file);
    float *values = malloc((size_t)size);
    *count = (size_t)size / sizeof *values;
    if (values == NULL || fread(values, sizeof *values, *count, file) != *count)
        exit(2);
    fclose(file);
    return values;
}

int main(int argc, char **argv)
{
    Resource resource;
    uint32_t bundle = 0, models[GRAPHS];
    size_t graphs = 0, variables = 0, count = 0;
    void *memory = NULL;
    if (argc != 4) {
        fprintf(stderr, "bundle BUNDLE WEIGHT FLOATS\n");
        return 2;
    }
    float *values = read_floats(argv[3], &count);
    resource_open(&resource, 0);

    aclmdlBundleQueryInfo *query = aclmdlBundleCreateQueryInfo();
    CHECK(aclmdlBundleQueryInfoFromFile(argv[1], query));
    CHECK(aclmdlBundleGetQueryModelNum(query, &graphs));
    CHECK(aclmdlBundleGetVarWeightSize(query, &variables));
    CHECK(aclmdlBundleDestroyQueryInfo(query));
    if (graphs != GRAPHS)
        return 3;
    CHECK(aclrtMalloc(&memory, variables, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(aclmdlBundleInitFromFile(argv[1], memory, variables, &bundle));
    for (size_t i = 0; i < GRAPHS; i++)
        CHECK(aclmdlBundleLoadModel(bundle, i, &models[i]));

    aclmdlDesc *desc = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(desc, models[INFER]));
    size_t taken = aclmdlGetInputSizeByIndex(desc, 0), given = aclmdlGetOutputSizeByIndex(desc, 0);
    aclmdlDataset *x = dataset(1, &taken), *y = dataset(1, &given), *none = dataset(0, NULL);
    copy_in(&resource, x, 0, values);

    CHECK(aclmdlExecute(models[INIT], none, none));
    infer(&resource, models[INFER], x, y);

    size_t first = taken / sizeof *values;
    CHECK(aclmdlGetDesc(desc, models[UPDATE]));
    aclmdlDataset *update = update_of(&resource, desc, argv[2], values + first, count - first);
    CHECK(aclmdlExecute(models[UPDATE], update, none));
    infer(&resource, models[INFER], x, y);

    dataset_free(update);
    dataset_free(none);
    dataset_free(y);
    dataset_free(x);
    CHECK(aclmdlDestroyDesc(desc));
    for (size_t i = 0; i < GRAPHS; i++)
        CHECK(aclmdlBundleUnloadModel(bundle, models[i]));
    CHECK(aclmdlBundleUnload(bundle));
    CHECK(aclrtFree(memory));
    resource_close(&resource, 0);
    free(values);
    return 0;
}
