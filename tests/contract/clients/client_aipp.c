/*
 * client_aipp: a program that has the device prepare its images.
 *
 *     client_aipp MODEL IMAGES BATCH WIDTH HEIGHT LEFT TOP
 *
 * The model has dynamic AIPP and one float output. IMAGES is a file of BATCH
 * images, NV12, WIDTH x HEIGHT. Of each image the part from LEFT, TOP is
 * taken, two pixels further to the right for each one before it; it becomes
 * RGB, and 100, 101, 102 are subtracted. The size of that part, the graph's
 * input, is what the model's file says. The output is printed.
 */
#include "prelude.h"

enum { MOST = 1 << 20 };

typedef struct Size {
    int32_t width, height;
} Size;

/* BT.601, video range, as ATC's examples have it. */
static void convert_colours(aclmdlAIPP *aipp)
{
    CHECK(aclmdlSetAIPPCscParams(aipp, 1, 298, 0, 409, 298, -100, -208, 298,
                                 516, 0, 0, 0, 0, 16, 128, 128));
}

static void prepare(aclmdlAIPP *aipp, uint64_t batch, Size whole, Size from,
                    Size part)
{
    CHECK(aclmdlSetAIPPInputFormat(aipp, ACL_YUV420SP_U8));
    CHECK(aclmdlSetAIPPSrcImageSize(aipp, whole.width, whole.height));
    convert_colours(aipp);
    for (uint64_t i = 0; i < batch; i++) {
        CHECK(aclmdlSetAIPPCropParams(aipp, 1, from.width + 2 * (int32_t)i,
                                      from.height, part.width, part.height,
                                      i));
        CHECK(aclmdlSetAIPPDtcPixelMean(aipp, 100, 101, 102, 0, i));
    }
}

/* Copies a file into the first slot. */
static void read_images(const char *path, aclmdlDataset *input)
{
    static unsigned char bytes[MOST];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        exit(2);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    CHECK(aclrtMemcpy(aclGetDataBufferAddr(aclmdlGetDatasetBuffer(input, 0)),
                      size, bytes, size, ACL_MEMCPY_HOST_TO_DEVICE));
}

int main(int argc, char **argv)
{
    uint32_t model = 0;
    size_t index = 0;
    aclmdlInputAippType type = ACL_DATA_WITHOUT_AIPP;
    aclmdlIODims dims = {.dimCount = 0};
    if (argc != 8)
        return 2;
    uint64_t batch = strtoul(argv[3], NULL, 10);
    Size whole = {atoi(argv[4]), atoi(argv[5])};
    Size from = {atoi(argv[6]), atoi(argv[7])};

    CHECK(aclInit(NULL));
    CHECK(aclrtSetDevice(0));
    CHECK(aclmdlLoadFromFile(argv[1], &model));
    aclmdlDesc *desc = aclmdlCreateDesc();
    CHECK(aclmdlGetDesc(desc, model));
    CHECK(aclmdlGetOutputDims(desc, 0, &dims));
    aclmdlDataset *input = aclmdlCreateDataset();
    aclmdlDataset *output = aclmdlCreateDataset();
    for (size_t i = 0; i < aclmdlGetNumInputs(desc); i++)
        append(input, aclmdlGetInputSizeByIndex(desc, i));
    append(output, aclmdlGetOutputSizeByIndex(desc, 0));
    read_images(argv[2], input);

    CHECK(aclmdlGetAippType(model, 0, &type, &index));
    if (type != ACL_DATA_WITH_DYNAMIC_AIPP)
        return 3;
    aclmdlAIPP *aipp = aclmdlCreateAIPP(batch);
    prepare(aipp, batch, whole, from,
            (Size){(int32_t)dims.dims[3], (int32_t)dims.dims[2]});
    CHECK(aclmdlSetInputAIPP(model, input, index, aipp));
    CHECK(aclmdlDestroyAIPP(aipp));
    CHECK(aclmdlExecute(model, input, output));
    print_floats(aclGetDataBufferAddr(aclmdlGetDatasetBuffer(output, 0)),
                 aclmdlGetOutputSizeByIndex(desc, 0) / sizeof(float));

    CHECK(aclmdlUnload(model));
    CHECK(aclmdlDestroyDesc(desc));
    release(input);
    release(output);
    CHECK(aclrtResetDevice(0));
    CHECK(aclFinalize());
    return 0;
}
