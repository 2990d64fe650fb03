/*
 * client_dynamic: a program that runs models of more than one shape.
 *
 *     client_dynamic gears MODEL COLUMNS ROWS...
 *     client_dynamic shapes MODEL COLUMNS ROWS...
 *
 * The model takes float x[n, COLUMNS] and gives one float output. For each of
 * ROWS it runs once on x = 0, 1, 2, ... / 8 with so many rows, and prints the
 * output's dims, a colon, and its values, one line each. "gears": a model
 * with batch gears; buffers are made once, for the largest. "shapes": a
 * dynamic model; each input is described, each output left to the library.
 */
#include <string.h>

#include "prelude.h"

/* Puts x with so many values into the first slot. */
static void write_x(aclmdlDataset *input, size_t count)
{
    size_t size = count * sizeof(float);
    float *x = calloc(count, sizeof *x);
    if (x == NULL)
        exit(2);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)i / 8;
    CHECK(aclrtMemcpy(aclGetDataBufferAddr(aclmdlGetDatasetBuffer(input, 0)),
                      size, x, size, ACL_MEMCPY_HOST_TO_DEVICE));
    free(x);
}

static void print(aclmdlDataset *output, const int64_t *dims, size_t rank)
{
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(output, 0);
    size_t count = 1;
    for (size_t i = 0; i < rank; i++) {
        count *= (size_t)dims[i];
        printf("%lld ", (long long)dims[i]);
    }
    printf(": ");
    print_floats(aclGetDataBufferAddr(buffer), count);
}

static void run_gear(uint32_t model, aclmdlDesc *desc, aclmdlDataset *input,
                     aclmdlDataset *output, size_t rows, size_t columns)
{
    size_t index = 0;
    aclmdlIODims dims = {.dimCount = 0};
    CHECK(aclmdlGetInputIndexByName(desc, "ascend_mbatch_shape_data",
                                    &index));
    write_x(input, rows * columns);
    CHECK(aclmdlSetDynamicBatchSize(model, input, index, rows));
    CHECK(aclmdlGetCurOutputDims(desc, 0, &dims));
    CHECK(aclmdlExecute(model, input, output));
    print(output, dims.dims, dims.dimCount);
}

/* One run of a dynamic model: its output's memory is ours to free. */
static void run_shape(uint32_t model, aclmdlDataset *input,
                      aclmdlDataset *output, size_t rows, size_t columns)
{
    int64_t shape[2] = {(int64_t)rows, (int64_t)columns};
    aclTensorDesc *desc = aclCreateTensorDesc(ACL_FLOAT, 2, shape,
                                              ACL_FORMAT_ND);
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(output, 0);
    int64_t dims[8] = {0};
    CHECK(aclmdlSetDatasetTensorDesc(input, desc, 0));
    aclDestroyTensorDesc(desc);
    write_x(input, rows * columns);
    CHECK(aclUpdateDataBuffer(buffer, NULL, 0));
    CHECK(aclmdlExecute(model, input, output));
    const aclTensorDesc *made = aclmdlGetDatasetTensorDesc(output, 0);
    size_t rank = aclGetTensorDescNumDims(made);
    for (size_t i = 0; i < rank && i < 8; i++)
        CHECK(aclGetTensorDescDimV2(made, i, &dims[i]));
    print(output, dims, rank);
    CHECK(aclrtFree(aclGetDataBufferAddr(buffer)));
    CHECK(aclUpdateDataBuffer(buffer, NULL, 0));
}

int main(int argc, char **argv)
{
    enum { FIRST = 4 };
    uint32_t model = 0;
    size_t most = 0;
    if (argc <= FIRST)
        return 2;
    int gears = strcmp(argv[1], "gears") == 0;
    size_t columns = strtoul(argv[3], NULL, 10);
    for (int i = FIRST; i < argc; i++) {
        size_t rows = strtoul(argv[i], NULL, 10);
        most = rows > most ? rows : most;
    }

    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlLoadFromFile(argv[2], &model));
    aclmdlDesc *desc = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(desc, model));
    aclmdlDataset *input = aclmdlCreateDataset();
    aclmdlDataset *output = aclmdlCreateDataset();
    if (gears) {
        for (size_t i = 0; i < aclmdlGetNumInputs(desc); i++)
            append(input, aclmdlGetInputSizeByIndex(desc, i));
        append(output, aclmdlGetOutputSizeByIndex(desc, 0));
    } else {
        append(input, most * columns * sizeof(float));
        CHECK(aclmdlAddDatasetBuffer(output, aclCreateDataBuffer(NULL, 0)));
    }
    for (int i = FIRST; i < argc; i++) {
        size_t rows = strtoul(argv[i], NULL, 10);
        if (gears)
            run_gear(model, desc, input, output, rows, columns);
        else
            run_shape(model, input, output, rows, columns);
    }

    CHECK(aclmdlUnload(model));
    CHECK(aclmdlDestroyDesc(desc));
    release(input);
    release(output);
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    return 0;
}
