/* Threads that take steps at random until the time is up. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"
#include "aclfake.h"

enum { THREADS_MAX = 64, VERSIONS = 1000, HANG_S = 60, GROWTH = 4 << 20 };

/* The bundle that all share; weight is of whoever holds the lock. */
static struct {
    const char *path;
    Loaded loaded;
    pthread_rwlock_t weights;
    pthread_mutex_t running;
    float weight;
    time_t start;
    time_t seconds;
    unsigned long long objects;
    atomic_ullong steps;        /* of all threads */
    atomic_bool over;
    size_t warm;                /* bytes in use after a fifth of the time */
} shared = {
    .weights = PTHREAD_RWLOCK_INITIALIZER,
    .running = PTHREAD_MUTEX_INITIALIZER,
};

/* y = x @ w, for bundles whose program is callback 1. */
static int multiply(void *user, const AclFakeTensor *inputs,
                    size_t inputCount, const AclFakeTensor *variables,
                    size_t variableCount, const AclFakeTensor *outputs,
                    size_t outputCount, char *error, size_t errorSize)
{
    const float *x = inputs[0].data;
    const float *w = variables[0].data;
    float *y = outputs[0].data;

    (void)user;
    if (inputCount != 1 || variableCount != 1 || outputCount != 1) {
        snprintf(error, errorSize, "%zu inputs, %zu variables, %zu outputs",
                 inputCount, variableCount, outputCount);
        return 1;
    }
    for (size_t column = 0; column < COLUMNS; column++) {
        y[column] = 0;
        for (size_t row = 0; row < ROWS; row++)
            y[column] += x[row] * w[row * COLUMNS + column];
    }
    return 0;
}

static void infer_shared(unsigned *seed)
{
    float x = (float)(rand_r(seed) % 16);

    pthread_rwlock_rdlock(&shared.weights);
    pthread_mutex_lock(&shared.running);
    bundle_infer(&shared.loaded, x, shared.weight);
    pthread_mutex_unlock(&shared.running);
    pthread_rwlock_unlock(&shared.weights);
}

static void update_shared(unsigned *seed)
{
    float weight = (float)(rand_r(seed) % VERSIONS);

    pthread_rwlock_wrlock(&shared.weights);
    bundle_update(&shared.loaded, weight);
    if (weight != 0)
        shared.weight = weight;
    pthread_rwlock_unlock(&shared.weights);
}

/* Updates with a limit: a static model keeps to the way it is executed. */
static void live_in_time(unsigned *seed)
{
    float weight = (float)(1 + rand_r(seed) % VERSIONS);
    Loaded own = bundle_load(shared.path);

    bundle_infer_async(&own, 2, 1);
    bundle_update_timed(&own, weight);
    bundle_update_timed(&own, 0);
    bundle_infer_async(&own, 3, weight);
    bundle_unload(&own);
}

/* A whole life of a bundle of the thread's own. */
static void live_alone(unsigned *seed)
{
    float weight = (float)(1 + rand_r(seed) % VERSIONS);
    Loaded own = bundle_load(shared.path);

    bundle_infer(&own, 2, 1);
    bundle_update(&own, weight);
    bundle_update(&own, 0);
    bundle_infer(&own, 3, weight);
    bundle_unload(&own);
}

/* The same in a context of the thread's own. */
static void live_in_context(unsigned *seed)
{
    aclrtContext before = NULL;
    aclrtContext own = NULL;

    must(aclrtGetCurrentContext(&before), "current context");
    must(aclrtCreateContext(&own, 0), "create context");
    live_alone(seed);
    must(aclrtDestroyContext(own), "destroy context");
    must(aclrtSetCurrentContext(before), "set context");
}

/* Readouts may be asked for while everything moves. */
static void look_on(void)
{
    static const char *const readouts[] = {"live", "report", "calls",
                                           "violations"};
    static _Thread_local char text[1 << 16];

    for (size_t i = 0; i < sizeof readouts / sizeof readouts[0]; i++)
        aclfakeRead(readouts[i], text, sizeof text);
}

static void step(unsigned *seed)
{
    int dice = rand_r(seed) % 100;

    if (dice < 25)
        infer_shared(seed);
    else if (dice < 35)
        update_shared(seed);
    else if (dice < 60)
        objects_step(seed);
    else if (dice < 66)
        live_in_time(seed);
    else if (dice < 72)
        live_alone(seed);
    else if (dice < 75)
        live_in_context(seed);
    else if (dice < 80)
        sharing_step(seed);
    else if (dice < 95)
        memory_round_trip(1 + (size_t)rand_r(seed) % 20000,
                          (unsigned char)dice);
    else if (dice < 98)
        file_look(shared.path);
    else if (dice < 99)
        profiling_step(shared.path, seed);
    else
        look_on();
}

static bool goes_on(void)
{
    return time(NULL) - shared.start < shared.seconds ||
           objects_least() < shared.objects;
}

static void *work(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;

    must(aclrtSetDevice(0), "set device");
    for (; goes_on(); atomic_fetch_add(&shared.steps, 1))
        step(&seed);
    must(aclrtResetDevice(0), "reset device");
    return NULL;
}

/* Of the heap; what a sanitizer keeps is none of it. */
static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* Ends the program when no thread has taken a step for HANG_S seconds. */
static void *watch(void *unused)
{
    unsigned long long before = 0;

    for (int idle = 0; !atomic_load(&shared.over); sleep(1)) {
        unsigned long long now = atomic_load(&shared.steps);
        idle = now == before ? idle + 1 : 0;
        before = now;
        if (shared.warm == 0 &&
            time(NULL) - shared.start > shared.seconds / 5)
            shared.warm = bytes_in_use();
        if (idle == HANG_S)
            fail("hangs; steps", (double)now, (double)now + 1);
    }
    return unused;
}

/* What the steps under way hold is far less than this. */
static void must_not_have_grown(void)
{
    size_t now = bytes_in_use();

    if (shared.warm > 0 && now > shared.warm + GROWTH)
        fail("bytes in use", (double)now, (double)shared.warm);
}

static void run_threads(int count)
{
    pthread_t watcher;
    pthread_t thread[THREADS_MAX];

    pthread_create(&watcher, NULL, watch, NULL);
    for (int i = 0; i < count; i++)
        pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
    atomic_store(&shared.over, true);
    pthread_join(watcher, NULL);
}

/* Ends the program when a readout is not empty. */
static void must_be_empty(const char *what)
{
    static char text[1 << 16];

    if (aclfakeRead(what, text, sizeof text) == 1)
        return;
    fprintf(stderr, "%s:\n%s", what, text);
    exit(1);
}

/* The program of the bundle that fails. */
static int refuse(void *user, const AclFakeTensor *inputs, size_t inputCount,
                  const AclFakeTensor *variables, size_t variableCount,
                  const AclFakeTensor *outputs, size_t outputCount,
                  char *error, size_t errorSize)
{
    (void)user, (void)inputs, (void)inputCount, (void)variables;
    (void)variableCount, (void)outputs, (void)outputCount;
    snprintf(error, errorSize, "as it should");
    return 1;
}

int main(int count, char **words)
{
    if (count == 2 && strcmp(words[1], "second") == 0)
        return sharing_second();
    if (count != 6 || atoi(words[4]) < 1 || atoi(words[4]) > THREADS_MAX) {
        fprintf(stderr, "usage: soak <bundle.om> <failing.om> <seconds> "
                "<threads> <objects>\n");
        return 2;
    }
    shared.path = words[1];
    shared.seconds = atoi(words[3]);
    shared.objects = strtoull(words[5], NULL, 10);
    sharing_begin(words[0]);
    profiling_begin();
    aclfakeCallback(2, refuse, NULL);
    aclfakeCallback(1, multiply, NULL);
    must(aclInit(NULL), "init");
    must(aclrtSetDevice(0), "set device");
    shared.loaded = bundle_load(shared.path);
    shared.weight = 1;
    Loaded failing = bundle_load(words[2]);
    objects_begin(failing.model[INFER]);
    shared.start = time(NULL);
    run_threads(atoi(words[4]));
    objects_end();
    must_not_have_grown();
    bundle_unload(&failing);
    bundle_unload(&shared.loaded);
    must(aclrtResetDevice(0), "reset device");
    must_be_empty("live");
    must(aclFinalize(), "finalize");
    sharing_end();
    profiling_end();
    must_be_empty("violations");
    printf("%llu steps of %s threads in %lld s, %llu objects of each kind\n",
           atomic_load(&shared.steps), words[4],
           (long long)(time(NULL) - shared.start), objects_least());
    return 0;
}
