/*
 * client_demo: the demo's bundle in C, with no Python in the process.
 *
 *     client_demo BUNDLE WEIGHT COUNT FLOATS
 *
 * It loads a bundle of infer, init and update, gives the weights their first
 * values, infers, updates the one weight of that name and keeps all others,
 * infers again, and prints both outputs, one line each. The file FLOATS has x,
 * then COUNT new values of the weight, whose name ends in _var_data.
 */
#include "prelude.h"

enum { INFER, INIT, UPDATE, GRAPHS, MOST = 1 << 16 };

static float values[MOST];
static FILE *floats;

/* Reads so many floats. */
static const float *take(size_t count)
{
    if (count > MOST || fread(values, sizeof *values, count, floats) != count) {
        fprintf(stderr, "%zu floats are missing\n", count);
        exit(1);
    }
    return values;
}

/* Runs a graph without outputs. */
static void commit(uint32_t model, aclmdlDataset *inputs)
{
    aclmdlDataset *none = aclmdlCreateDataset();
    CHECK(aclmdlExecute(model, inputs, none));
    release(none);
    release(inputs);
}

static void infer(uint32_t model, aclmdlDataset *x, aclmdlDataset *y,
                  const void *result, size_t nbytes)
{
    CHECK(aclmdlExecute(model, x, y));
    print_floats(result, nbytes / sizeof(float));
}

/* Every input of the update graph: {count} for the chosen one, {0} else. */
static aclmdlDataset *updates(aclmdlDesc *desc, const char *name,
                              int64_t count)
{
    aclmdlDataset *inputs = aclmdlCreateDataset();
    size_t chosen = 0;
    CHECK(aclmdlGetInputIndexByName(desc, name, &chosen));
    for (size_t i = 0; i < aclmdlGetNumInputs(desc); i++) {
        int64_t length = i == chosen ? count : 0;
        size_t nbytes = length ? (size_t)length * sizeof(float) : 1;
        void *memory = append(inputs, nbytes);
        if (length) {
            CHECK(aclrtMemcpy(memory, nbytes, take((size_t)count), nbytes,
                              ACL_MEMCPY_HOST_TO_DEVICE));
        }
        describe(inputs, i, length);
    }
    return inputs;
}

int main(int argc, char **argv)
{
    uint32_t bundle = 0, model[GRAPHS];
    aclmdlDesc *desc = aclmdlCreateDesc();
    if (argc != 5 || (floats = fopen(argv[4], "rb")) == NULL) {
        fprintf(stderr, "client_demo BUNDLE WEIGHT COUNT FLOATS\n");
        return 2;
    }
    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlBundleLoadFromFile(argv[1], &bundle));
    for (size_t i = 0; i < GRAPHS; i++) {
        CHECK(aclmdlBundleGetModelId(bundle, i, &model[i]));
    }
    CHECK(aclmdlGetDesc(desc, model[INFER]));
    size_t taken = aclmdlGetInputSizeByIndex(desc, 0);
    size_t given = aclmdlGetOutputSizeByIndex(desc, 0);
    aclmdlDataset *x = aclmdlCreateDataset(), *y = aclmdlCreateDataset();
    CHECK(aclrtMemcpy(append(x, taken), taken, take(taken / sizeof *values),
                      taken, ACL_MEMCPY_HOST_TO_DEVICE));
    void *result = append(y, given);

    commit(model[INIT], aclmdlCreateDataset());
    infer(model[INFER], x, y, result, given);
    CHECK(aclmdlGetDesc(desc, model[UPDATE]));
    commit(model[UPDATE], updates(desc, argv[2], atoi(argv[3])));
    infer(model[INFER], x, y, result, given);

    release(x);
    release(y);
    CHECK(aclmdlDestroyDesc(desc));
    CHECK(aclmdlBundleUnload(bundle));
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    return 0;
}
