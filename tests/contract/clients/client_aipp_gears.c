/*
 * client_aipp_gears: detection in the shape of many programs: the device
 * prepares the images, and a run has as many of them as there are.
 *
 *     client_aipp_gears MODEL IMAGES WIDTH HEIGHT COUNT...
 *
 * The model has dynamic AIPP, gears of batches and one float output. IMAGES is
 * a file of images, RGB, WIDTH x HEIGHT, one behind the other. Parameters are
 * set once, for the largest gear: of image i, 3 * i is subtracted and the rest
 * divided by 2. Each COUNT is a run of the first so many images, in memory of
 * just their size; its output is printed.
 */
#include "prelude.h"
#include "acl/constants.h"

enum { MOST = 1 << 20 };

/* What the dataset has besides the images. */
typedef struct Places {
    size_t batch, aipp;
} Places;

static uint64_t largest(const aclmdlDesc *desc)
{
    aclmdlBatch batches;
    uint64_t found = 0;

    CHECK(aclmdlGetDynamicBatch(desc, &batches));
    for (size_t i = 0; i < batches.batchCount; i++)
        if (batches.batch[i] > found)
            found = batches.batch[i];
    return found;
}

static void prepare(uint32_t model, aclmdlDataset *input, size_t at, uint64_t batch, int32_t width,
                    int32_t height)
{
    aclmdlAIPP *aipp = aclmdlCreateAIPP(batch);

    CHECK(aclmdlSetAIPPInputFormat(aipp, ACL_RGB888_U8));
    CHECK(aclmdlSetAIPPSrcImageSize(aipp, width, height));
    for (uint64_t i = 0; i < batch; i++) {
        int16_t mean = (int16_t)(3 * i);
        CHECK(aclmdlSetAIPPDtcPixelMean(aipp, mean, mean, mean, 0, i));
        CHECK(aclmdlSetAIPPPixelVarReci(aipp, 0.5f, 0.5f, 0.5f, 1.0f, i));
    }
    CHECK(aclmdlSetInputAIPP(model, input, at, aipp));
    CHECK(aclmdlDestroyAIPP(aipp));
}

static unsigned char *read_images(const char *path)
{
    static unsigned char bytes[MOST];
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(bytes, 1, sizeof bytes, file) == 0)
        exit(2);
    fclose(file);
    return bytes;
}

/* Images first, which have no memory yet; then what the names lead to. */
static Places fill(aclmdlDataset *input, aclmdlDesc *desc)
{
    Places at = {0, 0};

    CHECK(aclmdlGetInputIndexByName(desc, ACL_DYNAMIC_TENSOR_NAME, &at.batch));
    CHECK(aclmdlGetInputIndexByName(desc, ACL_DYNAMIC_AIPP_NAME, &at.aipp));
    CHECK(aclmdlAddDatasetBuffer(input, aclCreateDataBuffer(NULL, 0)));
    for (size_t i = 1; i < aclmdlGetNumInputs(desc); i++)
        append(input, aclmdlGetInputSizeByIndex(desc, i));
    return at;
}

static void detect(uint32_t model, aclmdlDesc *desc, aclmdlDataset *input, aclmdlDataset *output,
                   size_t gear, uint64_t count, const unsigned char *images, size_t each)
{
    aclDataBuffer *buffer = aclmdlGetDatasetBuffer(input, 0);
    aclDataBuffer *made = aclmdlGetDatasetBuffer(output, 0);
    aclmdlIODims dims = {.dimCount = 0};
    void *memory = NULL;
    size_t elements = 1;

    CHECK(aclrtMalloc(&memory, count * each, ACL_MEM_MALLOC_NORMAL_ONLY));
    CHECK(aclrtMemcpy(memory, count * each, images, count * each, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK(aclUpdateDataBuffer(buffer, memory, count * each));
    CHECK(aclmdlSetDynamicBatchSize(model, input, gear, count));
    CHECK(aclmdlExecute(model, input, output));
    CHECK(aclmdlGetCurOutputDims(desc, 0, &dims));
    for (size_t i = 0; i < dims.dimCount; i++)
        elements *= (size_t)dims.dims[i];
    print_floats(aclGetDataBufferAddr(made), elements);
    CHECK(aclUpdateDataBuffer(buffer, NULL, 0));
    CHECK(aclrtFree(memory));
}

int main(int argc, char **argv)
{
    uint32_t model = 0;
    if (argc < 6)
        return 2;
    int32_t width = atoi(argv[3]), height = atoi(argv[4]);
    const unsigned char *images = read_images(argv[2]);

    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlLoadFromFile(argv[1], &model));
    aclmdlDesc *desc = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(desc, model));
    aclmdlDataset *input = aclmdlCreateDataset();
    aclmdlDataset *output = aclmdlCreateDataset();
    Places at = fill(input, desc);
    append(output, aclmdlGetOutputSizeByIndex(desc, 0));
    prepare(model, input, at.aipp, largest(desc), width, height);
    for (int i = 5; i < argc; i++)
        detect(model, desc, input, output, at.batch, strtoul(argv[i], NULL, 10), images,
               3 * (size_t)width * (size_t)height);

    CHECK(aclmdlUnload(model));
    CHECK(aclmdlDestroyDesc(desc));
    release(input);
    release(output);
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    return 0;
}
