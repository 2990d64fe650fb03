/*
 * record BUNDLE FUNCTION THREADS CALLS: prints the nanoseconds that a call takes a thread.
 *
 * Each thread has a bundle, an input and an output of its own. FUNCTION is aclmdlExecute, or
 * aclGetDataBufferSizeV2, which does next to nothing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "acl/acl.h"

static const char *path;
static long calls;
static int executes;
static pthread_barrier_t begin;

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "record: %s failed\n", what);
        exit(1);
    }
}

static aclmdlDataset *dataset_of(size_t nbytes)
{
    void *memory = NULL;
    check(aclrtMalloc(&memory, nbytes, ACL_MEM_MALLOC_HUGE_FIRST) == 0, "aclrtMalloc");
    aclmdlDataset *dataset = aclmdlCreateDataset();
    aclDataBuffer *buffer = aclCreateDataBuffer(memory, nbytes);
    check(aclmdlAddDatasetBuffer(dataset, buffer) == 0, "aclmdlAddDatasetBuffer");
    return dataset;
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void *loop(void *nanoseconds)
{
    uint32_t bundle = 0;
    uint32_t model = 0;
    check(aclrtSetDevice(0) == 0, "aclrtSetDevice");
    check(aclmdlBundleLoadFromFile(path, &bundle) == 0, "aclmdlBundleLoadFromFile");
    check(aclmdlBundleGetModelId(bundle, 0, &model) == 0, "aclmdlBundleGetModelId");
    aclmdlDesc *desc = aclmdlCreateDesc();
    check(aclmdlGetDesc(desc, model) == 0, "aclmdlGetDesc");
    aclmdlDataset *in = dataset_of(aclmdlGetInputSizeByIndex(desc, 0));
    aclmdlDataset *out = dataset_of(aclmdlGetOutputSizeByIndex(desc, 0));
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(in, 0);
    check(aclmdlExecute(model, in, out) == 0, "aclmdlExecute");
    size_t seen = 0;
    pthread_barrier_wait(&begin);
    double start = now();
    for (long at = 0; at < calls; at++) {
        seen += executes ? (size_t)aclmdlExecute(model, in, out) : aclGetDataBufferSizeV2(buffer);
    }
    *(double *)nanoseconds = (now() - start) / (double)calls;
    check(executes ? seen == 0 : seen > 0, "a call");
    return NULL;
}

int main(int count, char **words)
{
    check(count == 5, "record BUNDLE FUNCTION THREADS CALLS: this call");
    path = words[1];
    executes = strcmp(words[2], "aclmdlExecute") == 0;
    unsigned threads = (unsigned)strtoul(words[3], NULL, 10);
    calls = strtol(words[4], NULL, 10);
    check(aclInit(NULL) == 0, "aclInit");
    pthread_t *all = calloc(threads, sizeof *all);
    double *each = calloc(threads, sizeof *each);
    pthread_barrier_init(&begin, NULL, threads);
    for (unsigned at = 0; at < threads; at++) {
        check(pthread_create(&all[at], NULL, loop, &each[at]) == 0, "pthread_create");
    }
    double sum = 0;
    for (unsigned at = 0; at < threads; at++) {
        pthread_join(all[at], NULL);
        sum += each[at];
    }
    printf("%.1f\n", sum / threads);
    return 0;
}
