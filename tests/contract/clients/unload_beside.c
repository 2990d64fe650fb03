/*
 * unload_beside: models are unloaded while other threads look them up by id.
 *
 *     unload_beside PLAIN BUNDLE ROUNDS
 *
 * PLAIN is a model of one input and one output of 16 bytes; BUNDLE has such a
 * model, and one that assigns a variable a constant. The main thread loads
 * and unloads them in turns. Two more use whichever id it loaded last in
 * every way there is. A call may succeed or say that there is no such model,
 * or that somebody else is at work; it may not touch what is gone. Prints how
 * many calls succeeded, of which there is one at least: until then there are
 * more rounds.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "prelude.h"

enum { USERS = 2, BYTES = 16, PARTS = 2 };

static _Atomic uint32_t last[PARTS];    /* ids */
static atomic_int ready;                /* users */
static atomic_bool over;
static atomic_long good;

static aclmdlDataset *dataset_of(int slots)
{
    aclmdlDataset *dataset = aclmdlCreateDataset();

    for (int i = 0; i < slots; i++)
        CHECK(aclrtMemset(append(dataset, BYTES), BYTES, 0, BYTES));
    return dataset;
}

static void count(aclError status)
{
    if (status == 0)
        atomic_fetch_add(&good, 1);
}

/* One model, in every way that finds it by its id. */
static void use(uint32_t id, aclmdlDataset *input, aclmdlDataset *output,
                aclmdlDesc *desc, aclrtStream stream)
{
    aclmdlInputAippType type;
    size_t index = 0;
    aclmdlIODims dims;

    count(aclmdlExecuteAsync(id, input, output, stream));
    aclrtSynchronizeStream(stream);
    count(aclmdlExecute(id, input, output));
    count(aclmdlGetDesc(desc, id));
    count(aclmdlGetCurOutputDims(desc, 0, &dims));
    count(aclmdlGetAippType(id, 0, &type, &index));
    aclmdlSetDynamicBatchSize(id, input, 0, 1);
    aclmdlGetOpAttr(desc, "operator", "_datadump_original_op_names");
}

static void *work(void *unused)
{
    CHECK(aclrtSetDevice(0));
    aclmdlDataset *nothing = dataset_of(0);
    aclmdlDataset *input = dataset_of(1);
    aclmdlDataset *output = dataset_of(1);
    aclmdlDesc *desc = aclmdlCreateDesc();
    aclrtStream stream = NULL;

    CHECK(aclrtCreateStream(&stream));
    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&over)) {
        use(atomic_load(&last[0]), input, output, desc, stream);
        use(atomic_load(&last[1]), nothing, nothing, desc, stream);
    }
    CHECK(aclrtDestroyStream(stream));
    return unused;
}

/* Again while a user is at work on it, which is refused. */
static void unload(aclError (*end)(uint32_t id), uint32_t id)
{
    while (end(id) != 0)
        continue;
}

static void live_plain(const char *path)
{
    uint32_t id = 0;

    CHECK(aclmdlLoadFromFile(path, &id));
    atomic_store(&last[0], id);
    sched_yield();
    unload(aclmdlUnload, id);
}

static void live_bundle(const char *path)
{
    uint32_t bundle = 0;
    uint32_t id = 0;

    CHECK(aclmdlBundleLoadFromFile(path, &bundle));
    for (size_t i = 0; i < PARTS; i++) {
        CHECK(aclmdlBundleGetModelId(bundle, i, &id));
        atomic_store(&last[i], id);
    }
    sched_yield();
    unload(aclmdlBundleUnload, bundle);
}

int main(int count_of_arguments, char **argument)
{
    pthread_t user[USERS];

    if (count_of_arguments != 4)
        return 2;
    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    for (int i = 0; i < USERS; i++)
        pthread_create(&user[i], NULL, work, NULL);
    while (atomic_load(&ready) < USERS)
        continue;
    for (long i = strtol(argument[3], NULL, 10);
         i > 0 || atomic_load(&good) == 0; i--) {
        live_plain(argument[1]);
        live_bundle(argument[2]);
    }
    atomic_store(&over, true);
    for (int i = 0; i < USERS; i++)
        pthread_join(user[i], NULL);
    printf("%ld\n", atomic_load(&good));
    return 0;
}
