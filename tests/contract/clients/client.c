/*
 * client: a program of somebody who knows AscendCL and not this project.
 *
 *     client BUNDLE N_X N_Y VALUES...
 *
 * It loads a bundle of infer, init and update whose only weight has as many
 * floats as one row of x has, runs init, infers, gives the weight twice its
 * first values, infers, keeps the weight by an empty tensor, infers, and
 * prints the three outputs, one line each. VALUES are x (N_X of them), then
 * the weight. It links against libascendcl.so and needs nothing else.
 */
#include "prelude.h"

/* Appends device memory with these floats. */
static void append_floats(aclmdlDataset *dataset, const float *values, size_t n)
{
    size_t size = n * sizeof *values;
    CHECK(aclrtMemcpy(append(dataset, size), size, values, size,
                      ACL_MEMCPY_HOST_TO_DEVICE));
}

int main(int argc, char **argv)
{
    enum { FIRST = 4 };
    size_t n_x = argc > FIRST ? strtoul(argv[2], NULL, 10) : 0;
    size_t n_y = argc > FIRST ? strtoul(argv[3], NULL, 10) : 0;
    size_t n = argc > FIRST ? (size_t)(argc - FIRST) : 0;
    float *values = calloc(n + 1, sizeof *values);
    uint32_t bundle = 0;
    uint32_t models[3] = {0};
    if (values == NULL || n <= n_x)
        return 2;
    for (size_t i = 0; i < n; i++)
        values[i] = strtof(argv[FIRST + i], NULL);

    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlBundleLoadFromFile(argv[1], &bundle));
    for (size_t i = 0; i < 3; i++)
        CHECK(aclmdlBundleGetModelId(bundle, i, &models[i]));
    aclmdlDataset *x = aclmdlCreateDataset();
    aclmdlDataset *y = aclmdlCreateDataset();
    aclmdlDataset *weight = aclmdlCreateDataset();
    aclmdlDataset *nothing = aclmdlCreateDataset();
    append_floats(x, values, n_x);
    void *result = append(y, n_y * sizeof *values);

    CHECK(aclmdlExecute(models[1], nothing, nothing));
    CHECK(aclmdlExecute(models[0], x, y));
    print_floats(result, n_y);

    for (size_t i = n_x; i < n; i++)
        values[i] *= 2;
    append_floats(weight, values + n_x, n - n_x);
    describe(weight, 0, (int64_t)(n - n_x));
    CHECK(aclmdlExecute(models[2], weight, nothing));
    CHECK(aclmdlExecute(models[0], x, y));
    print_floats(result, n_y);

    describe(weight, 0, 0);
    CHECK(aclmdlExecute(models[2], weight, nothing));
    CHECK(aclmdlExecute(models[0], x, y));
    print_floats(result, n_y);

    CHECK(aclmdlBundleUnload(bundle));
    release(x);
    release(y);
    release(weight);
    release(nothing);
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    free(values);
    return 0;
}
