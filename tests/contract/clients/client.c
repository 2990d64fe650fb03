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
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "acl/acl_types.h"
#include "acl/acl_api.h"

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

/* Appends device memory with these floats (NULL: as it comes). */
static void *append(aclmdlDataset *dataset, const float *values, size_t n)
{
    void *memory = NULL;
    size_t size = n * sizeof(float);
    CHECK(aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST));
    if (values != NULL)
        CHECK(aclrtMemcpy(memory, size, values, size,
                          ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK(aclmdlAddDatasetBuffer(dataset, aclCreateDataBuffer(memory, size)));
    return memory;
}

/* Gives back the only slot of a dataset, and the dataset. */
static void release(aclmdlDataset *dataset)
{
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(dataset, 0);
    if (buffer != NULL) {
        CHECK(aclrtFree(aclGetDataBufferAddr(buffer)));
        CHECK(aclDestroyDataBuffer(buffer));
    }
    CHECK(aclmdlDestroyDataset(dataset));
}

/* Says which shape the weight comes in; {0} keeps it. */
static void describe(aclmdlDataset *dataset, int64_t length)
{
    aclTensorDesc *desc =
        aclCreateTensorDesc(ACL_FLOAT, 1, &length, ACL_FORMAT_ND);
    CHECK(aclmdlSetDatasetTensorDesc(dataset, desc, 0));
    aclDestroyTensorDesc(desc);
}

/* Runs the model and prints its output. */
static void infer(uint32_t model, aclmdlDataset *x, aclmdlDataset *y, size_t n)
{
    float *values = calloc(n, sizeof *values);
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(y, 0);
    size_t size = n * sizeof *values;
    if (values == NULL)
        exit(2);
    CHECK(aclmdlExecute(model, x, y));
    CHECK(aclrtMemcpy(values, size, aclGetDataBufferAddr(buffer), size,
                      ACL_MEMCPY_DEVICE_TO_HOST));
    for (size_t i = 0; i < n; i++)
        printf("%.9g ", (double)values[i]);
    printf("\n");
    free(values);
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
    append(x, values, n_x);
    append(y, NULL, n_y);

    CHECK(aclmdlExecute(models[1], nothing, nothing));
    infer(models[0], x, y, n_y);

    for (size_t i = n_x; i < n; i++)
        values[i] *= 2;
    append(weight, values + n_x, n - n_x);
    describe(weight, (int64_t)(n - n_x));
    CHECK(aclmdlExecute(models[2], weight, nothing));
    infer(models[0], x, y, n_y);

    describe(weight, 0);
    CHECK(aclmdlExecute(models[2], weight, nothing));
    infer(models[0], x, y, n_y);

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
