/*
 * client_async: a program of somebody who keeps the device busy.
 *
 *     client_async MODEL N_X N_Y ROUNDS X...
 *
 * Two runners take turns, each with a stream, a copy of the model, pinned host
 * memory and device memory of its own. A round copies x times its number to
 * the device, executes, copies y back and launches a callback that keeps the
 * answer, in the one thread that processes the reports of both streams. Then
 * every answer is printed, a line for each round, and one more line: whether
 * the events around each runner's work gave a time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "prelude.h"

enum { RUNNERS = 2 };

typedef struct Runner {
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
} Runner;

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
    const Runner *runner = data;

    memcpy(runner->answer, runner->host_y, runner->bytes_y);
}

static void runner_open(Runner *runner, const char *path, pthread_t reporter,
                      size_t bytes_x, size_t bytes_y)
{
    CHECK(aclmdlLoadFromFile(path, &runner->model));
    CHECK(aclrtCreateStream(&runner->stream));
    CHECK(aclrtSubscribeReport((uint64_t)reporter, runner->stream));
    CHECK(aclrtCreateEvent(&runner->begin));
    CHECK(aclrtCreateEvent(&runner->end));
    CHECK(aclrtMallocHost((void **)&runner->host_x, bytes_x));
    CHECK(aclrtMallocHost((void **)&runner->host_y, bytes_y));
    runner->input = aclmdlCreateDataset();
    runner->output = aclmdlCreateDataset();
    runner->device_x = append(runner->input, bytes_x);
    runner->device_y = append(runner->output, bytes_y);
    runner->bytes_y = bytes_y;
    CHECK(aclrtRecordEvent(runner->begin, runner->stream));
}

/* Queues a round; the runner's last one is over. */
static void runner_run(Runner *runner, const float *x, size_t n, float factor,
                     float *answer)
{
    size_t bytes_x = n * sizeof *x;

    for (size_t i = 0; i < n; i++)
        runner->host_x[i] = x[i] * factor;
    runner->answer = answer;
    CHECK(aclrtMemcpyAsync(runner->device_x, bytes_x, runner->host_x, bytes_x,
                           ACL_MEMCPY_HOST_TO_DEVICE, runner->stream));
    CHECK(aclmdlExecuteAsync(runner->model, runner->input, runner->output,
                             runner->stream));
    CHECK(aclrtMemcpyAsync(runner->host_y, runner->bytes_y, runner->device_y,
                           runner->bytes_y, ACL_MEMCPY_DEVICE_TO_HOST,
                           runner->stream));
    CHECK(aclrtLaunchCallback(keep_answer, runner, ACL_CALLBACK_BLOCK,
                              runner->stream));
}

/* Ends a runner; did its events give a time? */
static int runner_close(Runner *runner, pthread_t reporter)
{
    float ms = -1;

    CHECK(aclrtRecordEvent(runner->end, runner->stream));
    CHECK(aclrtSynchronizeStream(runner->stream));
    CHECK(aclrtEventElapsedTime(&ms, runner->begin, runner->end));
    CHECK(aclrtUnSubscribeReport((uint64_t)reporter, runner->stream));
    CHECK(aclmdlUnload(runner->model));
    release(runner->input);
    release(runner->output);
    CHECK(aclrtFreeHost(runner->host_x));
    CHECK(aclrtFreeHost(runner->host_y));
    CHECK(aclrtDestroyEvent(runner->begin));
    CHECK(aclrtDestroyEvent(runner->end));
    CHECK(aclrtDestroyStream(runner->stream));
    return ms > 0;
}

int main(int argc, char **argv)
{
    enum { FIRST = 5 };
    Runner runner[RUNNERS] = {0};
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
    for (size_t i = 0; i < RUNNERS; i++)
        runner_open(&runner[i], argv[1], reporter, n_x * sizeof *x,
                  n_y * sizeof *answers);
    for (size_t round = 0; round < rounds; round++) {
        Runner *turn = &runner[round % RUNNERS];
        CHECK(aclrtSynchronizeStream(turn->stream));
        runner_run(turn, x, n_x, (float)(round + 1), answers + round * n_y);
    }
    for (size_t i = 0; i < RUNNERS; i++)
        timed &= runner_close(&runner[i], reporter);
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
