/*
 * libFuzzer: whatever a file says, loading it gives a status. Each input goes
 * through every call that takes a file's bytes; what loads is described, and
 * released. No graph is handed to ONNX Runtime (engine.c).
 */
#include <stdlib.h>

#include "base/acl.h"
#include "aclfake.h"

enum {
    RUNS_PER_PROCESS_STATE = 2000,  /* dead ids and messages are bounded so */
    ENDS_MAX = 8                    /* inputs and outputs that are described */
};

static int compute(void *user, const AclFakeTensor *inputs, size_t inputCount,
                   const AclFakeTensor *variables, size_t variableCount,
                   const AclFakeTensor *outputs, size_t outputCount,
                   char *error, size_t errorSize)
{
    (void)user, (void)inputs, (void)inputCount, (void)variables;
    (void)variableCount, (void)outputs, (void)outputCount, (void)error;
    (void)errorSize;
    return 0;
}

static void must(int good)
{
    if (!good)
        abort();
}

/* A fresh process, whose device has 64 MiB. */
static void begin(void)
{
    aclfakeReset();
    must(aclfakeSet("memory", "67108864") == 0);
    must(aclfakeCallback(1, compute, NULL) == 0);
    must(aclInit("") == 0);
    must(aclrtSetDevice(0) == 0);
}

static void ask_input(const aclmdlDesc *desc, size_t i)
{
    aclmdlIODims dims;
    aclmdlIODimsRange range;

    aclmdlGetInputDims(desc, i, &dims);
    aclmdlGetInputDimsV2(desc, i, &dims);
    aclmdlGetInputDimsRange(desc, i, &range);
    aclmdlGetInputSizeByIndex((aclmdlDesc *)desc, i);
    aclmdlGetInputDataType(desc, i);
    aclmdlGetInputFormat(desc, i);
    const char *name = aclmdlGetInputNameByIndex(desc, i);
    size_t index;
    if (name != NULL)
        aclmdlGetInputIndexByName(desc, name, &index);
}

static void ask_output(const aclmdlDesc *desc, size_t i)
{
    aclmdlIODims dims;

    aclmdlGetOutputDims(desc, i, &dims);
    aclmdlGetCurOutputDims(desc, i, &dims);
    aclmdlGetOutputSizeByIndex((aclmdlDesc *)desc, i);
    aclmdlGetOutputDataType(desc, i);
    const char *name = aclmdlGetOutputNameByIndex(desc, i);
    size_t index;
    if (name != NULL)
        aclmdlGetOutputIndexByName(desc, name, &index);
}

static void ask_gears(const aclmdlDesc *desc)
{
    aclmdlBatch batch;
    aclmdlHW hw;
    size_t count = 0;

    aclmdlGetDynamicBatch(desc, &batch);
    aclmdlGetDynamicHW(desc, SIZE_MAX, &hw);
    if (aclmdlGetInputDynamicGearCount(desc, SIZE_MAX, &count) != 0 ||
        count == 0 || count > 64)
        return;
    aclmdlIODims *dims = calloc(count, sizeof *dims);
    if (dims != NULL)
        aclmdlGetInputDynamicDims(desc, SIZE_MAX, dims, count);
    free(dims);
}

static void ask(aclmdlDesc *desc)
{
    size_t inputs = aclmdlGetNumInputs(desc);
    size_t outputs = aclmdlGetNumOutputs(desc);

    for (size_t i = 0; i < inputs && i < ENDS_MAX; i++)
        ask_input(desc, i);
    for (size_t i = 0; i < outputs && i < ENDS_MAX; i++)
        ask_output(desc, i);
    ask_gears(desc);
}

static void describe_file(const uint8_t *data, size_t size)
{
    aclmdlDesc *desc = aclmdlCreateDesc();

    if (aclmdlGetDescFromMem(desc, data, size) == 0)
        ask(desc);
    aclmdlDestroyDesc(desc);
}

static void describe_model(uint32_t model)
{
    aclmdlDesc *desc = aclmdlCreateDesc();

    if (aclmdlGetDesc(desc, model) == 0)
        ask(desc);
    aclmdlDestroyDesc(desc);
}

static void query(const uint8_t *data, size_t size)
{
    aclmdlBundleQueryInfo *info = aclmdlBundleCreateQueryInfo();
    size_t models = 0, work, weights;

    if (aclmdlBundleQueryInfoFromMem(data, size, info) == 0) {
        aclmdlBundleGetQueryModelNum(info, &models);
        aclmdlBundleGetVarWeightSize(info, &weights);
    }
    for (size_t i = 0; i < models && i < ENDS_MAX; i++)
        aclmdlBundleGetSize(info, i, &work, &weights);
    aclmdlBundleDestroyQueryInfo(info);
    aclmdlQuerySizeFromMem(data, size, &work, &weights);
}

static void load_model(const uint8_t *data, size_t size)
{
    uint32_t model;

    if (aclmdlLoadFromMem(data, size, &model) != 0)
        return;
    describe_model(model);
    must(aclmdlUnload(model) == 0);
}

static void load_bundle(const uint8_t *data, size_t size)
{
    uint32_t bundle, model;
    size_t models = 0;

    if (aclmdlBundleLoadFromMem(data, size, &bundle) != 0)
        return;
    aclmdlBundleGetModelNum(bundle, &models);
    for (size_t i = 0; i < models && i < ENDS_MAX; i++)
        if (aclmdlBundleGetModelId(bundle, i, &model) == 0)
            describe_model(model);
    must(aclmdlBundleUnload(bundle) == 0);
}

static void init_bundle(const uint8_t *data, size_t size)
{
    uint32_t bundle, model;

    if (aclmdlBundleInitFromMem(data, size, NULL, 0, &bundle) != 0)
        return;
    for (size_t i = 0; i < ENDS_MAX; i++)
        if (aclmdlBundleLoadModel(bundle, i, &model) == 0)
            describe_model(model);
    must(aclmdlBundleUnload(bundle) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned runs;

    if (runs++ % RUNS_PER_PROCESS_STATE == 0)
        begin();
    describe_file(data, size);
    query(data, size);
    load_model(data, size);
    load_bundle(data, size);
    init_bundle(data, size);
    return 0;
}
