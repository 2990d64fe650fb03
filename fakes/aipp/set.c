/*
 * set: aclmdlAIPP, parameters of dynamic AIPP as a program collects them.
 *
 * Ranges are checked one by one and in the order of the arguments; what was
 * refused has changed nothing but the switch in front of it.
 */
#include <stdlib.h>

#include "aipp/parameters.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "memory/host_memory.h"
#include "memory/objects.h"

enum {
    MATRIX_MIN = -32677,        /* as CANN has it */
    MATRIX_MAX = 32676,
    SIZE_MAX_W_H = 4096,
    SCF_MIN = 16,
    SCF_W_MAX = 1920,
    PADDING_MAX = 32,
    MEAN_MAX = 255
};

static int check_range(const char *name, int64_t value, int64_t low, int64_t high)
{
    if (value >= low && value <= high)
        return E_NONE;
    return refuse(E_PARAM, "%s is %lld; %lld to %lld are right", name, (long long)value,
                  (long long)low, (long long)high);
}

/* What is no number is in each range, as in CANN. */
static int check_floats(const char *name, const float value[4], float low, float high)
{
    for (size_t i = 0; i < 4; i++)
        if (value[i] < low || value[i] > high)
            return refuse(E_PARAM, "%s%zu is %g; %g to %g are right", name, i, (double)value[i],
                          (double)low, (double)high);
    return E_NONE;
}

/* A row of numbers with one range and names of one pattern, "cropSizeW". */
typedef struct Ranged {
    const char *name;
    int64_t value;
    int64_t low;
    int64_t high;
} Ranged;

static int check_all(const Ranged *row, size_t count)
{
    int status = E_NONE;

    for (size_t i = 0; status == E_NONE && i < count; i++)
        status = check_range(row[i].name, row[i].value, row[i].low, row[i].high);
    return status;
}

#define CHECK_ALL(...) \
    check_all((const Ranged[]){__VA_ARGS__}, sizeof((const Ranged[]){__VA_ARGS__}) / sizeof(Ranged))
#define RANGED(name, low, high) {#name, name, low, high}

static void release(void *body)
{
    AippSet *set = body;

    free(set->part);
}

aclmdlAIPP *aclmdlCreateAIPP(uint64_t batchSize)
{
    ENTER_AS(aclmdlCreateAIPP, NULL, "batchSize=%llu", (unsigned long long)batchSize);
    void *handle = NULL;
    if (batchSize == 0) {
        call.status = refuse(E_PARAM, "batchSize is 0; 1 or more are right");
        return NULL;
    }
    AippPart *part = batchSize <= SIZE_MAX / sizeof *part ? calloc(batchSize, sizeof *part) : NULL;
    AippSet *set = part != NULL ? object_new(KIND_AIPP, sizeof *set, release, NULL, &handle) : NULL;
    if (set == NULL) {
        free(part);
        call.status = refuse(E_BAD_ALLOC, "no memory for the parameters of %llu images",
                             (unsigned long long)batchSize);
        return NULL;
    }
    *set = (AippSet){.batch = batchSize, .head.batch = (int8_t)batchSize, .part = part};
    for (uint64_t i = 0; i < batchSize; i++)
        for (size_t k = 0; k < 4; k++)
            part[i].var_reci[k] = half_of(1.0f);
    return handle;
}

aclError aclmdlDestroyAIPP(const aclmdlAIPP *aippParmsSet)
{
    ENTER(aclmdlDestroyAIPP, "aippParmsSet=%p", (const void *)aippParmsSet);
    if (aippParmsSet == NULL)
        LEAVE(refuse(E_PARAM, "aippParmsSet is NULL"));
    if (!object_destroy(aippParmsSet, KIND_AIPP, "aippParmsSet"))
        LEAVE(violation_status());
    LEAVE(E_NONE);
}

aclError aclmdlGetAippDataSize(uint64_t batchSize, size_t *size)
{
    ENTER(aclmdlGetAippDataSize, "batchSize=%llu, size=%p", (unsigned long long)batchSize,
          (void *)size);
    size_t all;
    NOT_NULL(size);
    if (batchSize == 0)
        LEAVE(refuse(E_PARAM, "batchSize is 0; 1 or more are right"));
    if (!multiply(batchSize, sizeof(AippPart), &all) || !add(all, sizeof(AippHead), size))
        LEAVE(refuse(E_FAILURE, "parameters of %llu images have no size",
                     (unsigned long long)batchSize));
    LEAVE(E_NONE);
}

aclError aclmdlSetAIPPInputFormat(aclmdlAIPP *aippParmsSet, aclAippInputFormat inputFormat)
{
    ENTER(aclmdlSetAIPPInputFormat, "aippParmsSet=%p, inputFormat=%d", (void *)aippParmsSet,
          (int)inputFormat);
    AippSet *set = NULL;
    int status = aipp_set_need(aippParmsSet, &set);
    if (status != E_NONE)
        LEAVE(status);
    uint8_t format = aipp_device_format((int32_t)inputFormat);
    if (format == 0)
        LEAVE(refuse(E_PARAM, "inputFormat is %d; ACL_YUV420SP_U8 (1) to ACL_RAW24 (14) are right",
                     (int)inputFormat));
    set->head.input_format = format;
    LEAVE(E_NONE);
}

aclError aclmdlSetAIPPCscParams(aclmdlAIPP *aippParmsSet, int8_t cscSwitch, int16_t cscMatrixR0C0,
                                int16_t cscMatrixR0C1, int16_t cscMatrixR0C2, int16_t cscMatrixR1C0,
                                int16_t cscMatrixR1C1, int16_t cscMatrixR1C2, int16_t cscMatrixR2C0,
                                int16_t cscMatrixR2C1, int16_t cscMatrixR2C2,
                                uint8_t cscOutputBiasR0, uint8_t cscOutputBiasR1,
                                uint8_t cscOutputBiasR2, uint8_t cscInputBiasR0,
                                uint8_t cscInputBiasR1, uint8_t cscInputBiasR2)
{
    ENTER(aclmdlSetAIPPCscParams, "aippParmsSet=%p, cscSwitch=%d", (void *)aippParmsSet, cscSwitch);
    const int16_t matrix[9] = {cscMatrixR0C0, cscMatrixR0C1, cscMatrixR0C2,
                               cscMatrixR1C0, cscMatrixR1C1, cscMatrixR1C2,
                               cscMatrixR2C0, cscMatrixR2C1, cscMatrixR2C2};
    AippSet *set = NULL;
    int status = aipp_set_need(aippParmsSet, &set);
    if (status == E_NONE)
        status = check_range("cscSwitch", cscSwitch, 0, 1);
    if (status != E_NONE)
        LEAVE(status);
    set->head.csc_switch = cscSwitch;
    if (cscSwitch == 0)
        LEAVE(E_NONE);
    for (size_t i = 0; i < 9; i++)
        if (matrix[i] < MATRIX_MIN || matrix[i] > MATRIX_MAX)
            LEAVE(refuse(E_PARAM, "cscMatrixR%zuC%zu is %d; %d to %d are right", i / 3, i % 3,
                         matrix[i], MATRIX_MIN, MATRIX_MAX));
    memcpy(set->head.matrix, matrix, sizeof matrix);
    memcpy(set->head.output_bias,
           (const uint8_t[]){cscOutputBiasR0, cscOutputBiasR1, cscOutputBiasR2}, 3);
    memcpy(set->head.input_bias, (const uint8_t[]){cscInputBiasR0, cscInputBiasR1, cscInputBiasR2},
           3);
    LEAVE(E_NONE);
}

aclError aclmdlSetAIPPRbuvSwapSwitch(aclmdlAIPP *aippParmsSet, int8_t rbuvSwapSwitch)
{
    ENTER(aclmdlSetAIPPRbuvSwapSwitch, "aippParmsSet=%p, rbuvSwapSwitch=%d", (void *)aippParmsSet,
          rbuvSwapSwitch);
    AippSet *set = NULL;
    int status = aipp_set_need(aippParmsSet, &set);
    if (status == E_NONE)
        status = check_range("rbuvSwapSwitch", rbuvSwapSwitch, 0, 1);
    if (status == E_NONE)
        set->head.rbuv_swap_switch = rbuvSwapSwitch;
    LEAVE(status);
}

aclError aclmdlSetAIPPAxSwapSwitch(aclmdlAIPP *aippParmsSet, int8_t axSwapSwitch)
{
    ENTER(aclmdlSetAIPPAxSwapSwitch, "aippParmsSet=%p, axSwapSwitch=%d", (void *)aippParmsSet,
          axSwapSwitch);
    AippSet *set = NULL;
    int status = aipp_set_need(aippParmsSet, &set);
    if (status == E_NONE)
        status = check_range("axSwapSwitch", axSwapSwitch, 0, 1);
    if (status == E_NONE)
        set->head.ax_swap_switch = axSwapSwitch;
    LEAVE(status);
}

aclError aclmdlSetAIPPSrcImageSize(aclmdlAIPP *aippParmsSet, int32_t srcImageSizeW,
                                   int32_t srcImageSizeH)
{
    ENTER(aclmdlSetAIPPSrcImageSize, "aippParmsSet=%p, srcImageSizeW=%d, srcImageSizeH=%d",
          (void *)aippParmsSet, srcImageSizeW, srcImageSizeH);
    AippSet *set = NULL;
    int status = aipp_set_need(aippParmsSet, &set);
    if (status == E_NONE)
        status = CHECK_ALL(RANGED(srcImageSizeW, 2, SIZE_MAX_W_H),
                           RANGED(srcImageSizeH, 1, SIZE_MAX_W_H));
    if (status != E_NONE)
        LEAVE(status);
    set->head.src_image_size_w = srcImageSizeW;
    set->head.src_image_size_h = srcImageSizeH;
    LEAVE(E_NONE);
}

/* The part of an image, which the batch has. */
static int part_need(const aclmdlAIPP *handle, uint64_t i, AippPart **part)
{
    AippSet *set = NULL;
    int status = aipp_set_need(handle, &set);

    if (status != E_NONE)
        return status;
    if (i >= set->batch)
        return refuse(E_PARAM, "batchIndex is %llu; the parameters are of %llu images",
                      (unsigned long long)i, (unsigned long long)set->batch);
    *part = &set->part[i];
    return E_NONE;
}

/* A switch of an image's part is set before what it switches is looked at. */
static int set_switch(const char *name, int8_t value, int8_t *to)
{
    int status = check_range(name, value, 0, 1);

    if (status == E_NONE)
        *to = value;
    return status;
}

aclError aclmdlSetAIPPScfParams(aclmdlAIPP *aippParmsSet, int8_t scfSwitch, int32_t scfInputSizeW,
                                int32_t scfInputSizeH, int32_t scfOutputSizeW,
                                int32_t scfOutputSizeH, uint64_t batchIndex)
{
    ENTER(aclmdlSetAIPPScfParams, "aippParmsSet=%p, scfSwitch=%d, batchIndex=%llu",
          (void *)aippParmsSet, scfSwitch, (unsigned long long)batchIndex);
    AippPart *part = NULL;
    int status = part_need(aippParmsSet, batchIndex, &part);
    if (status == E_NONE)
        status = set_switch("scfSwitch", scfSwitch, &part->scf_switch);
    if (status == E_NONE && scfSwitch == 1)
        status = CHECK_ALL(RANGED(scfInputSizeW, SCF_MIN, SIZE_MAX_W_H),
                           RANGED(scfInputSizeH, SCF_MIN, SIZE_MAX_W_H),
                           RANGED(scfOutputSizeW, SCF_MIN, SCF_W_MAX),
                           RANGED(scfOutputSizeH, SCF_MIN, SIZE_MAX_W_H));
    if (status != E_NONE || scfSwitch == 0)
        LEAVE(status);
    part->scf_input_w = scfInputSizeW;
    part->scf_input_h = scfInputSizeH;
    part->scf_output_w = scfOutputSizeW;
    part->scf_output_h = scfOutputSizeH;
    LEAVE(E_NONE);
}

aclError aclmdlSetAIPPCropParams(aclmdlAIPP *aippParmsSet, int8_t cropSwitch, int32_t cropStartPosW,
                                 int32_t cropStartPosH, int32_t cropSizeW, int32_t cropSizeH,
                                 uint64_t batchIndex)
{
    ENTER(aclmdlSetAIPPCropParams, "aippParmsSet=%p, cropSwitch=%d, batchIndex=%llu",
          (void *)aippParmsSet, cropSwitch, (unsigned long long)batchIndex);
    AippPart *part = NULL;
    int status = part_need(aippParmsSet, batchIndex, &part);
    if (status == E_NONE)
        status = set_switch("cropSwitch", cropSwitch, &part->crop_switch);
    if (status == E_NONE && cropSwitch == 1)
        status = CHECK_ALL(RANGED(cropStartPosW, 0, SIZE_MAX_W_H - 1),
                           RANGED(cropStartPosH, 0, SIZE_MAX_W_H - 1),
                           RANGED(cropSizeW, 1, SIZE_MAX_W_H), RANGED(cropSizeH, 1, SIZE_MAX_W_H));
    if (status != E_NONE || cropSwitch == 0)
        LEAVE(status);
    part->crop_start_w = cropStartPosW;
    part->crop_start_h = cropStartPosH;
    part->crop_size_w = cropSizeW;
    part->crop_size_h = cropSizeH;
    LEAVE(E_NONE);
}

aclError aclmdlSetAIPPPaddingParams(aclmdlAIPP *aippParmsSet, int8_t paddingSwitch,
                                    int32_t paddingSizeTop, int32_t paddingSizeBottom,
                                    int32_t paddingSizeLeft, int32_t paddingSizeRight,
                                    uint64_t batchIndex)
{
    ENTER(aclmdlSetAIPPPaddingParams, "aippParmsSet=%p, paddingSwitch=%d, batchIndex=%llu",
          (void *)aippParmsSet, paddingSwitch, (unsigned long long)batchIndex);
    AippPart *part = NULL;
    int status = part_need(aippParmsSet, batchIndex, &part);
    if (status == E_NONE)
        status = set_switch("paddingSwitch", paddingSwitch, &part->padding_switch);
    if (status == E_NONE && paddingSwitch == 1)
        status = CHECK_ALL(
            RANGED(paddingSizeTop, 0, PADDING_MAX), RANGED(paddingSizeBottom, 0, PADDING_MAX),
            RANGED(paddingSizeLeft, 0, PADDING_MAX), RANGED(paddingSizeRight, 0, PADDING_MAX));
    if (status != E_NONE || paddingSwitch == 0)
        LEAVE(status);
    part->padding_top = paddingSizeTop;
    part->padding_bottom = paddingSizeBottom;
    part->padding_left = paddingSizeLeft;
    part->padding_right = paddingSizeRight;
    LEAVE(E_NONE);
}

aclError aclmdlSetAIPPDtcPixelMean(aclmdlAIPP *aippParmsSet, int16_t dtcPixelMeanChn0,
                                   int16_t dtcPixelMeanChn1, int16_t dtcPixelMeanChn2,
                                   int16_t dtcPixelMeanChn3, uint64_t batchIndex)
{
    ENTER(aclmdlSetAIPPDtcPixelMean, "aippParmsSet=%p, mean=%d %d %d %d, batchIndex=%llu",
          (void *)aippParmsSet, dtcPixelMeanChn0, dtcPixelMeanChn1, dtcPixelMeanChn2,
          dtcPixelMeanChn3, (unsigned long long)batchIndex);
    AippPart *part = NULL;
    int status = part_need(aippParmsSet, batchIndex, &part);
    if (status == E_NONE)
        status =
            CHECK_ALL(RANGED(dtcPixelMeanChn0, 0, MEAN_MAX), RANGED(dtcPixelMeanChn1, 0, MEAN_MAX),
                      RANGED(dtcPixelMeanChn2, 0, MEAN_MAX), RANGED(dtcPixelMeanChn3, 0, MEAN_MAX));
    if (status == E_NONE)
        memcpy(part->mean,
               (const int16_t[]){dtcPixelMeanChn0, dtcPixelMeanChn1, dtcPixelMeanChn2,
                                 dtcPixelMeanChn3},
               sizeof part->mean);
    LEAVE(status);
}

/* Four floats of one range, kept as halves. */
static int set_floats(const char *name, const float value[4], float low, float high, uint16_t to[4])
{
    int status = check_floats(name, value, low, high);

    for (size_t i = 0; status == E_NONE && i < 4; i++)
        to[i] = half_of(value[i]);
    return status;
}

aclError aclmdlSetAIPPDtcPixelMin(aclmdlAIPP *aippParmsSet, float dtcPixelMinChn0,
                                  float dtcPixelMinChn1, float dtcPixelMinChn2,
                                  float dtcPixelMinChn3, uint64_t batchIndex)
{
    ENTER(aclmdlSetAIPPDtcPixelMin, "aippParmsSet=%p, min=%g %g %g %g, batchIndex=%llu",
          (void *)aippParmsSet, (double)dtcPixelMinChn0, (double)dtcPixelMinChn1,
          (double)dtcPixelMinChn2, (double)dtcPixelMinChn3, (unsigned long long)batchIndex);
    const float min[4] = {dtcPixelMinChn0, dtcPixelMinChn1, dtcPixelMinChn2, dtcPixelMinChn3};
    AippPart *part = NULL;
    int status = part_need(aippParmsSet, batchIndex, &part);
    if (status == E_NONE)
        status = set_floats("dtcPixelMinChn", min, 0.0f, 255.0f, part->min);
    LEAVE(status);
}

aclError aclmdlSetAIPPPixelVarReci(aclmdlAIPP *aippParmsSet, float dtcPixelVarReciChn0,
                                   float dtcPixelVarReciChn1, float dtcPixelVarReciChn2,
                                   float dtcPixelVarReciChn3, uint64_t batchIndex)
{
    ENTER(aclmdlSetAIPPPixelVarReci, "aippParmsSet=%p, varReci=%g %g %g %g, batchIndex=%llu",
          (void *)aippParmsSet, (double)dtcPixelVarReciChn0, (double)dtcPixelVarReciChn1,
          (double)dtcPixelVarReciChn2, (double)dtcPixelVarReciChn3, (unsigned long long)batchIndex);
    const float reci[4] = {dtcPixelVarReciChn0, dtcPixelVarReciChn1, dtcPixelVarReciChn2,
                           dtcPixelVarReciChn3};
    AippPart *part = NULL;
    int status = part_need(aippParmsSet, batchIndex, &part);
    if (status == E_NONE)
        status = set_floats("dtcPixelVarReciChn", reci, -65504.0f, 65504.0f, part->var_reci);
    LEAVE(status);
}
