/*
 * set: aclmdlAIPP, parameters of dynamic AIPP as a program collects them: what is of all images.
 *
 * Ranges are checked one by one and in the order of the arguments; what was
 * refused has changed nothing but the switch in front of it.
 */
#include <stdlib.h>
#include <string.h>

#include "aipp/parameters.h"
#include "aipp/ranges.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "memory/host_memory.h"
#include "memory/objects.h"

enum {
    MATRIX_MIN = -32677,        /* as CANN has it */
    MATRIX_MAX = 32676
};

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
        status = CHECK_ALL(RANGED(cscSwitch, 0, 1));
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
        status = CHECK_ALL(RANGED(rbuvSwapSwitch, 0, 1));
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
        status = CHECK_ALL(RANGED(axSwapSwitch, 0, 1));
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
