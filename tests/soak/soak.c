/* Threads that take steps at random until the time is up. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "soak.h"
#include "aclfake.h"

enum { THREADS_MAX = 64, VERSIONS = 1000 };

/* The bundle that all share; weight is of whoever holds the lock. */
static struct {
    const char *path;
    Loaded loaded;
    pthread_rwlock_t weights;
    pthread_mutex_t running;
    float weight;
    time_t end;
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

    if (dice < 55)
        infer_shared(seed);
    else if (dice < 65)
        update_shared(seed);
    else if (dice < 72)
        live_alone(seed);
    else if (dice < 75)
        live_in_context(seed);
    else if (dice < 95)
        memory_round_trip(1 + (size_t)rand_r(seed) % 20000,
                          (unsigned char)dice);
    else if (dice < 99)
        file_look(shared.path);
    else
        look_on();
}

static void *work(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    uintptr_t steps = 0;

    must(aclrtSetDevice(0), "set device");
    for (; time(NULL) < shared.end; steps++)
        step(&seed);
    must(aclrtResetDevice(0), "reset device");
    return (void *)steps;
}

static uintptr_t run_threads(int count)
{
    pthread_t thread[THREADS_MAX];
    uintptr_t steps = 0;

    for (int i = 0; i < count; i++)
        pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < count; i++) {
        void *own = NULL;
        pthread_join(thread[i], &own);
        steps += (uintptr_t)own;
    }
    return steps;
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

int main(int count, char **words)
{
    if (count != 4 || atoi(words[3]) < 1 || atoi(words[3]) > THREADS_MAX) {
        fprintf(stderr, "usage: soak <bundle.om> <seconds> <threads>\n");
        return 2;
    }
    shared.path = words[1];
    aclfakeCallback(1, multiply, NULL);
    must(aclInit(NULL), "init");
    must(aclrtSetDevice(0), "set device");
    shared.loaded = bundle_load(shared.path);
    shared.weight = 1;
    shared.end = time(NULL) + atoi(words[2]);
    uintptr_t steps = run_threads(atoi(words[3]));
    bundle_unload(&shared.loaded);
    must(aclrtResetDevice(0), "reset device");
    must_be_empty("live");
    must(aclFinalize(), "finalize");
    must_be_empty("violations");
    printf("%llu steps of %s threads in %s s\n", (unsigned long long)steps,
           words[3], words[2]);
    return 0;
}
