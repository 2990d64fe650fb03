/*
 * set_part: aclmdlAIPP, parameters of one image of the batch. See set.c.
 */
#include <string.h>

#include "aipp/parameters.h"
#include "aipp/ranges.h"
#include "call/calls.h"
#include "call/message.h"
#include "file/numeric.h"

enum { SCF_MIN = 16, SCF_W_MAX = 1920, PADDING_MAX = 32, MEAN_MAX = 255 };

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
    int status = ranges_check(&(Ranged){name, value, 0, 1}, 1);

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

/* What is no number is in each range, as in CANN. */
static int check_floats(const char *name, const float value[4], float low, float high)
{
    for (size_t i = 0; i < 4; i++)
        if (value[i] < low || value[i] > high)
            return refuse(E_PARAM, "%s%zu is %g; %g to %g are right", name, i, (double)value[i],
                          (double)low, (double)high);
    return E_NONE;
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
