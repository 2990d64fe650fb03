/*
 * client_async: a program of somebody who keeps the device busy.
 *
 *     client_async MODEL N_X N_Y ROUNDS X...
 *
 * Two lanes take turns, each with a stream, a copy of the model, pinned host
 * memory and device memory of its own. A round copies x times its number to
 * the device, executes, copies y back and launches a callback that keeps the
 * answer, in the one thread that processes the reports of both streams. Then
 * every answer is printed, a line for each round, and one more line: whether
 * the events around each lane's work gave a time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_types.h"
#include "acl/acl_api.h"

enum { LANES = 2 };

#define CHECK(call)                                                     \
    do {                                                                \
        aclError status_ = (call);                                      \
        if (status_ != 0) {                                             \
            const char *text_ = aclGetRecentErrMsg();                   \
            fprintf(stderr, "%s: %d %s\n", #call, status_,              \
                    text_ == NULL ? "" : text_);                        \
            exit(1);                                                    \
        }                                                               \
    } while (0)

typedef struct Lane {
    aclrtStream stream;
    aclrtEvent begin;
    aclrtEvent end;
    uint32_t model;
    float *host_x;
    float *host_y;
    void *device_x;
    void *device_y;
    aclmdlDataset *input;
    aclmdlDataset *output;
    float *answer;              /* where the callback puts this round's */
    size_t bytes_y;
} Lane;

static atomic_bool leaving;
static aclrtContext context;

static void *process_reports(void *unused)
{
    (void)unused;
    CHECK(aclrtSetCurrentContext(context));
    while (!atomic_load(&leaving))
        (void)aclrtProcessReport(10);
    return NULL;
}

/* Runs in the thread above: the results of a round are there. */
static void keep_answer(void *data)
{
    const Lane *lane = data;

    memcpy(lane->answer, lane->host_y, lane->bytes_y);
}

static aclmdlDataset *dataset_of(void *memory, size_t size)
{
    aclmdlDataset *dataset = aclmdlCreateDataset();

    CHECK(aclmdlAddDatasetBuffer(dataset, aclCreateDataBuffer(memory, size)));
    return dataset;
}

static void lane_open(Lane *lane, const char *path, pthread_t reporter,
                      size_t bytes_x, size_t bytes_y)
{
    CHECK(aclmdlLoadFromFile(path, &lane->model));
    CHECK(aclrtCreateStream(&lane->stream));
    CHECK(aclrtSubscribeReport((uint64_t)reporter, lane->stream));
    CHECK(aclrtCreateEvent(&lane->begin));
    CHECK(aclrtCreateEvent(&lane->end));
    CHECK(aclrtMallocHost((void **)&lane->host_x, bytes_x));
    CHECK(aclrtMallocHost((void **)&lane->host_y, bytes_y));
    CHECK(aclrtMalloc(&lane->device_x, bytes_x, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(aclrtMalloc(&lane->device_y, bytes_y, ACL_MEM_MALLOC_HUGE_FIRST));
    lane->input = dataset_of(lane->device_x, bytes_x);
    lane->output = dataset_of(lane->device_y, bytes_y);
    lane->bytes_y = bytes_y;
    CHECK(aclrtRecordEvent(lane->begin, lane->stream));
}

/* Queues a round; the lane's last one is over. */
static void lane_run(Lane *lane, const float *x, size_t n, float factor,
                     float *answer)
{
    size_t bytes_x = n * sizeof *x;

    for (size_t i = 0; i < n; i++)
        lane->host_x[i] = x[i] * factor;
    lane->answer = answer;
    CHECK(aclrtMemcpyAsync(lane->device_x, bytes_x, lane->host_x, bytes_x,
                           ACL_MEMCPY_HOST_TO_DEVICE, lane->stream));
    CHECK(aclmdlExecuteAsync(lane->model, lane->input, lane->output,
                             lane->stream));
    CHECK(aclrtMemcpyAsync(lane->host_y, lane->bytes_y, lane->device_y,
                           lane->bytes_y, ACL_MEMCPY_DEVICE_TO_HOST,
                           lane->stream));
    CHECK(aclrtLaunchCallback(keep_answer, lane, ACL_CALLBACK_BLOCK,
                              lane->stream));
}

static void dataset_close(aclmdlDataset *dataset)
{
    CHECK(aclDestroyDataBuffer(aclmdlGetDatasetBuffer(dataset, 0)));
    CHECK(aclmdlDestroyDataset(dataset));
}

/* Ends a lane; did its events give a time? */
static int lane_close(Lane *lane, pthread_t reporter)
{
    float ms = -1;

    CHECK(aclrtRecordEvent(lane->end, lane->stream));
    CHECK(aclrtSynchronizeStream(lane->stream));
    CHECK(aclrtEventElapsedTime(&ms, lane->begin, lane->end));
    CHECK(aclrtUnSubscribeReport((uint64_t)reporter, lane->stream));
    CHECK(aclmdlUnload(lane->model));
    dataset_close(lane->input);
    dataset_close(lane->output);
    CHECK(aclrtFree(lane->device_x));
    CHECK(aclrtFree(lane->device_y));
    CHECK(aclrtFreeHost(lane->host_x));
    CHECK(aclrtFreeHost(lane->host_y));
    CHECK(aclrtDestroyEvent(lane->begin));
    CHECK(aclrtDestroyEvent(lane->end));
    CHECK(aclrtDestroyStream(lane->stream));
    return ms > 0;
}

int main(int argc, char **argv)
{
    enum { FIRST = 5 };
    Lane lane[LANES] = {0};
    pthread_t reporter;
    int timed = 1;
    if (argc <= FIRST)
        return 2;
    size_t n_x = strtoul(argv[2], NULL, 10);
    size_t n_y = strtoul(argv[3], NULL, 10);
    size_t rounds = strtoul(argv[4], NULL, 10);
    float *x = calloc(n_x, sizeof *x);
    float *answers = calloc(rounds * n_y, sizeof *answers);
    if (x == NULL || answers == NULL || (size_t)(argc - FIRST) != n_x)
        return 2;
    for (size_t i = 0; i < n_x; i++)
        x[i] = strtof(argv[FIRST + i], NULL);

    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclrtGetCurrentContext(&context));
    if (pthread_create(&reporter, NULL, process_reports, NULL) != 0)
        return 2;
    for (size_t i = 0; i < LANES; i++)
        lane_open(&lane[i], argv[1], reporter, n_x * sizeof *x,
                  n_y * sizeof *answers);
    for (size_t round = 0; round < rounds; round++) {
        Lane *turn = &lane[round % LANES];
        CHECK(aclrtSynchronizeStream(turn->stream));
        lane_run(turn, x, n_x, (float)(round + 1), answers + round * n_y);
    }
    for (size_t i = 0; i < LANES; i++)
        timed &= lane_close(&lane[i], reporter);
    atomic_store(&leaving, 1);
    pthread_join(reporter, NULL);
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());

    for (size_t i = 0; i < rounds * n_y; i++)
        printf("%.9g%c", (double)answers[i], (i + 1) % n_y == 0 ? '\n' : ' ');
    printf("%s\n", timed ? "timed" : "no time");
    free(x);
    free(answers);
    return 0;
}
