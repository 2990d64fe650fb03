/* The steps of a life, each of which leaves nothing behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak.h"

void must(aclError status, const char *what)
{
    const char *text = status == 0 ? NULL : aclGetRecentErrMsg();

    if (status == 0)
        return;
    fprintf(stderr, "%s: status %d: %s\n", what, (int)status,
            text != NULL ? text : "");
    exit(1);
}

void fail(const char *what, double found, double wanted)
{
    fprintf(stderr, "%s: %g, should be %g\n", what, found, wanted);
    exit(1);
}

/* A dataset of one buffer that holds some floats. */
static aclmdlDataset *dataset_of(const float *values, size_t count)
{
    aclmdlDataset *dataset = aclmdlCreateDataset();
    size_t size = count * sizeof *values;
    void *memory = NULL;

    must(aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST), "malloc");
    must(aclrtMemcpy(memory, size, values, size, ACL_MEMCPY_HOST_TO_DEVICE),
         "copy in");
    must(aclmdlAddDatasetBuffer(dataset, aclCreateDataBuffer(memory, size)),
         "add buffer");
    return dataset;
}

/* Reads the floats back, unless values is NULL, and destroys everything. */
static void dataset_end(aclmdlDataset *dataset, float *values)
{
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(dataset, 0);
    void *memory = aclGetDataBufferAddr(buffer);
    size_t size = aclGetDataBufferSizeV2(buffer);

    if (values != NULL)
        must(aclrtMemcpy(values, size, memory, size,
                         ACL_MEMCPY_DEVICE_TO_HOST), "copy out");
    must(aclrtFree(memory), "free");
    must(aclDestroyDataBuffer(buffer), "destroy buffer");
    must(aclmdlDestroyDataset(dataset), "destroy dataset");
}

Loaded bundle_load(const char *path)
{
    Loaded loaded = {0};
    aclmdlDataset *nothing = aclmdlCreateDataset();

    must(aclmdlBundleLoadFromFile(path, &loaded.bundle), "load");
    for (size_t i = 0; i < GRAPHS; i++)
        must(aclmdlBundleGetModelId(loaded.bundle, i, &loaded.model[i]),
             "model id");
    must(aclmdlExecute(loaded.model[INIT], nothing, nothing), "init");
    must(aclmdlDestroyDataset(nothing), "destroy dataset");
    return loaded;
}

void bundle_infer(const Loaded *loaded, float x, float weight)
{
    float in[ROWS];
    float out[COLUMNS] = {0};

    for (size_t i = 0; i < ROWS; i++)
        in[i] = x;
    aclmdlDataset *input = dataset_of(in, ROWS);
    aclmdlDataset *output = dataset_of(out, COLUMNS);
    must(aclmdlExecute(loaded->model[INFER], input, output), "infer");
    dataset_end(input, NULL);
    dataset_end(output, out);
    for (size_t i = 0; i < COLUMNS; i++)
        if (out[i] != x * weight * ROWS)
            fail("answer", (double)out[i], (double)(x * weight * ROWS));
}

void bundle_update(const Loaded *loaded, float weight)
{
    static const int64_t shape[] = {ROWS, COLUMNS};
    static const int64_t keep[] = {0};
    float values[ROWS * COLUMNS];

    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        values[i] = weight;
    aclmdlDataset *input = dataset_of(values, ROWS * COLUMNS);
    aclmdlDataset *nothing = aclmdlCreateDataset();
    aclTensorDesc *desc =
        weight == 0 ? aclCreateTensorDesc(ACL_FLOAT, 1, keep, ACL_FORMAT_ND)
                    : aclCreateTensorDesc(ACL_FLOAT, 2, shape, ACL_FORMAT_ND);
    must(aclmdlSetDatasetTensorDesc(input, desc, 0), "describe");
    aclDestroyTensorDesc(desc);
    must(aclmdlExecute(loaded->model[UPDATE], input, nothing), "update");
    dataset_end(input, NULL);
    must(aclmdlDestroyDataset(nothing), "destroy dataset");
}

void bundle_unload(const Loaded *loaded)
{
    must(aclmdlBundleUnload(loaded->bundle), "unload");
}

void memory_round_trip(size_t size, unsigned char value)
{
    void *host = NULL;
    void *first = NULL;
    void *second = NULL;

    must(aclrtMallocHost(&host, size), "malloc host");
    must(aclrtMalloc(&first, size, ACL_MEM_MALLOC_NORMAL_ONLY), "malloc");
    must(aclrtMalloc(&second, size, ACL_MEM_MALLOC_HUGE_ONLY), "malloc");
    memset(host, value, size);
    must(aclrtMemcpy(first, size, host, size, ACL_MEMCPY_HOST_TO_DEVICE),
         "copy in");
    must(aclrtMemcpy(second, size, first, size, ACL_MEMCPY_DEVICE_TO_DEVICE),
         "copy");
    must(aclrtMemset(first, size, 0, size), "memset");
    must(aclrtFree(first), "free");
    memset(host, 0, size);
    must(aclrtMemcpy(host, size, second, size, ACL_MEMCPY_DEVICE_TO_HOST),
         "copy out");
    for (size_t i = 0; i < size; i += size / 8 + 1)
        if (((unsigned char *)host)[i] != value)
            fail("copied byte", ((unsigned char *)host)[i], value);
    must(aclrtFree(second), "free");
    must(aclrtFreeHost(host), "free host");
}

void file_look(const char *path)
{
    aclmdlBundleQueryInfo *info = aclmdlBundleCreateQueryInfo();
    size_t count = 0;
    size_t work = 0;
    size_t weights = 0;

    must(aclmdlBundleQueryInfoFromFile(path, info), "query");
    must(aclmdlBundleGetQueryModelNum(info, &count), "model number");
    if (count != GRAPHS)
        fail("graphs", (double)count, GRAPHS);
    for (size_t i = 0; i < count; i++)
        must(aclmdlBundleGetSize(info, i, &work, &weights), "size");
    must(aclmdlBundleDestroyQueryInfo(info), "destroy query");
}
