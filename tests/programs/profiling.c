/*
 * profiling MODEL RUNS FOLDER: what each run of a model consists of, read from a
 * pipe by a thread while the runs go on; then a profile of one more run, in files.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acl/acl.h"
#include "acl/acl_prof.h"

#define CHECK(call) \
    do { \
        aclError status = (call); \
        if (status != ACL_SUCCESS) { \
            fprintf(stderr, "%s: %d %s\n", #call, status, aclGetRecentErrMsg()); \
            exit(1); \
        } \
    } while (0)

enum { MOST = 8 };

typedef struct Io {
    aclmdlDataset *dataset;
    void *memory[MOST];
    size_t count;
} Io;

static void add(Io *io, size_t size)
{
    void **memory = &io->memory[io->count++];

    CHECK(aclrtMalloc(memory, size, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(aclrtMemset(*memory, size, 0, size));
    CHECK(aclmdlAddDatasetBuffer(io->dataset, aclCreateDataBuffer(*memory, size)));
}

static void drop(Io *io)
{
    for (size_t i = 0; i < io->count; i++) {
        CHECK(aclDestroyDataBuffer(aclmdlGetDatasetBuffer(io->dataset, i)));
        CHECK(aclrtFree(io->memory[i]));
    }
    CHECK(aclmdlDestroyDataset(io->dataset));
}

static void show(const char *data, size_t length, uint32_t index)
{
    size_t type_length = 0;
    size_t name_length = 0;

    CHECK(aclprofGetOpTypeLen(data, length, index, &type_length));
    CHECK(aclprofGetOpNameLen(data, length, index, &name_length));
    char *type = malloc(type_length);
    char *name = malloc(name_length);
    CHECK(aclprofGetOpType(data, length, index, type, type_length));
    CHECK(aclprofGetOpName(data, length, index, name, name_length));
    uint64_t start = aclprofGetOpStart(data, length, index);
    uint64_t end = aclprofGetOpEnd(data, length, index);
    printf("%zu %s %s %d\n", aclprofGetModelId(data, length, index), type,
           name[0] != '\0' ? "named" : "nameless",
           end - start == aclprofGetOpDuration(data, length, index));
    free(type);
    free(name);
}

/* Reads until the profiler closes the other end. */
static void *reads(void *argument)
{
    int reader = *(int *)argument;
    size_t size = 0;
    ssize_t got;

    CHECK(aclprofGetOpDescSize(&size));
    char *data = malloc(10 * size);
    while ((got = read(reader, data, 10 * size)) > 0) {
        uint32_t count = 0;
        CHECK(aclprofGetOpNum(data, (size_t)got, &count));
        for (uint32_t i = 0; i < count; i++)
            show(data, (size_t)got, i);
    }
    free(data);
    return NULL;
}

static void subscribe_and_run(uint32_t model, const Io *in, const Io *out, int runs)
{
    int ends[2];
    pthread_t thread;

    if (pipe(ends) != 0 || pthread_create(&thread, NULL, reads, &ends[0]) != 0)
        exit(1);
    aclprofSubscribeConfig *config = aclprofCreateSubscribeConfig(1, ACL_AICORE_NONE, &ends[1]);
    CHECK(aclprofModelSubscribe(model, config));
    for (int i = 0; i < runs; i++)
        CHECK(aclmdlExecute(model, in->dataset, out->dataset));
    CHECK(aclprofModelUnSubscribe(model));
    CHECK(aclprofDestroySubscribeConfig(config));
    pthread_join(thread, NULL);
    close(ends[0]);
    printf("closed %d\n", ends[1] == -1);
}

static void profile_and_run(uint32_t model, const Io *in, const Io *out, const char *folder)
{
    uint32_t devices[] = {0};
    aclrtStream stream;

    CHECK(aclrtCreateStream(&stream));
    CHECK(aclprofInit(folder, strlen(folder)));
    aclprofConfig *config =
        aclprofCreateConfig(devices, 1, ACL_AICORE_PIPE_UTILIZATION, NULL,
                            ACL_PROF_ACL_API | ACL_PROF_TASK_TIME | ACL_PROF_MSPROFTX);
    CHECK(aclprofStart(config));
    void *stamp = aclprofCreateStamp();
    CHECK(aclprofSetStampTraceMessage(stamp, "one run", 7));
    CHECK(aclprofPush(stamp));
    CHECK(aclprofMarkEx("begins", 6, stream));
    CHECK(aclrtSynchronizeStream(stream));
    CHECK(aclmdlExecute(model, in->dataset, out->dataset));
    CHECK(aclprofPop());
    aclprofDestroyStamp(stamp);
    CHECK(aclprofStop(config));
    CHECK(aclprofDestroyConfig(config));
    CHECK(aclprofFinalize());
    CHECK(aclrtDestroyStream(stream));
}

int main(int count, char **words)
{
    uint32_t model = 0;
    Io in = {0};
    Io out = {0};

    if (count != 4)
        return 2;
    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlLoadFromFile(words[1], &model));
    aclmdlDesc *desc = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(desc, model));
    in.dataset = aclmdlCreateDataset();
    out.dataset = aclmdlCreateDataset();
    for (size_t i = 0; i < aclmdlGetNumInputs(desc); i++)
        add(&in, aclmdlGetInputSizeByIndex(desc, i));
    for (size_t i = 0; i < aclmdlGetNumOutputs(desc); i++)
        add(&out, aclmdlGetOutputSizeByIndex(desc, i));
    subscribe_and_run(model, &in, &out, atoi(words[2]));
    profile_and_run(model, &in, &out, words[3]);
    drop(&in);
    drop(&out);
    CHECK(aclmdlDestroyDesc(desc));
    CHECK(aclmdlUnload(model));
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    return 0;
}
