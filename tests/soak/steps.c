/* The steps of a life, each of which leaves nothing behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak.h"

enum { LIMIT_MS = 60000 };

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

Pair pair_of(const float *input)
{
    const float out[COLUMNS] = {0};

    return (Pair){dataset_of(input, ROWS), dataset_of(out, COLUMNS)};
}

void pair_end(Pair *pair)
{
    dataset_end(pair->input, NULL);
    dataset_end(pair->output, NULL);
}

/* How a graph is executed: at once, or on a stream with a limit. */
typedef void Execute(uint32_t model, const aclmdlDataset *input,
                     aclmdlDataset *output);

static void execute_now(uint32_t model, const aclmdlDataset *input,
                        aclmdlDataset *output)
{
    must(aclmdlExecute(model, input, output), "execute");
}

static void execute_in_time(uint32_t model, const aclmdlDataset *input,
                            aclmdlDataset *output)
{
    aclrtStream stream = NULL;

    must(aclrtCreateStream(&stream), "create stream");
    must(aclmdlExecuteAsync(model, input, output, stream), "execute");
    must(aclrtSynchronizeStreamWithTimeout(stream, LIMIT_MS), "synchronise");
    must(aclrtDestroyStream(stream), "destroy stream");
}

static void infer(Execute *execute, const Loaded *loaded, float x,
                  float weight)
{
    float in[ROWS];
    float out[COLUMNS] = {0};

    for (size_t i = 0; i < ROWS; i++)
        in[i] = x;
    Pair pair = pair_of(in);
    execute(loaded->model[INFER], pair.input, pair.output);
    dataset_end(pair.input, NULL);
    dataset_end(pair.output, out);
    for (size_t i = 0; i < COLUMNS; i++)
        if (out[i] != x * weight * ROWS)
            fail("answer", (double)out[i], (double)(x * weight * ROWS));
}

void bundle_infer(const Loaded *loaded, float x, float weight)
{
    infer(execute_now, loaded, x, weight);
}

void bundle_infer_async(const Loaded *loaded, float x, float weight)
{
    infer(execute_in_time, loaded, x, weight);
}

static void update(Execute *execute, const Loaded *loaded, float weight)
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
    execute(loaded->model[UPDATE], input, nothing);
    dataset_end(input, NULL);
    must(aclmdlDestroyDataset(nothing), "destroy dataset");
}

void bundle_update(const Loaded *loaded, float weight)
{
    update(execute_now, loaded, weight);
}

void bundle_update_timed(const Loaded *loaded, float weight)
{
    update(execute_in_time, loaded, weight);
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
