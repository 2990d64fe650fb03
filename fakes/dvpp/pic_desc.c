/*
 * pic_desc: the functions of picture descriptions, single and in batches.
 */
#include <stdlib.h>

#include "dvpp/fields.h"
#include "dvpp/picture.h"

enum { BATCH_MOST = 256 };

typedef struct Batch {
    uint32_t count;
    acldvppPicDesc **pictures;  /* owned array */
} Batch;

MAKER(acldvppCreatePicDesc, acldvppPicDesc, KIND_PIC_DESC, PicDesc)
DESTROYER(acldvppDestroyPicDesc, acldvppPicDesc, picDesc, KIND_PIC_DESC)

#define FIELD(name, value_type, value, member) \
    SETTER(acldvppSetPicDesc##name, acldvppPicDesc, picDesc, KIND_PIC_DESC, PicDesc, value_type, \
           value, member) \
    GETTER(acldvppGetPicDesc##name, acldvppPicDesc, picDesc, KIND_PIC_DESC, PicDesc, value_type, \
           member)

FIELD(Data, void *, dataDev, data)
FIELD(Size, uint32_t, size, size)
FIELD(Format, acldvppPixelFormat, format, format)
FIELD(Width, uint32_t, width, width)
FIELD(Height, uint32_t, height, height)
FIELD(WidthStride, uint32_t, widthStride, width_stride)
FIELD(HeightStride, uint32_t, heightStride, height_stride)
FIELD(RetCode, uint32_t, retCode, ret_code)

static void release(void *body)
{
    free(((Batch *)body)->pictures);
}

/* The descriptions belong to the batch, which ends them. */
static bool fill(Batch *batch, const void *owner, uint32_t count)
{
    batch->pictures = calloc(count, sizeof *batch->pictures);
    for (; batch->pictures != NULL && batch->count < count; batch->count++) {
        void *handle = NULL;
        if (object_new(KIND_PIC_DESC, sizeof(PicDesc), NULL, owner, &handle) == NULL)
            return false;
        batch->pictures[batch->count] = handle;
    }
    return batch->pictures != NULL;
}

static void batch_end(const Batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        order_note_end(CLAIM_DESC, batch->pictures[i]);
        object_kill(batch->pictures[i]);
    }
}

acldvppBatchPicDesc *acldvppCreateBatchPicDesc(uint32_t batchSize)
{
    ENTER_AS(acldvppCreateBatchPicDesc, NULL, "batchSize=%u", batchSize);
    void *handle = NULL;
    if (batchSize == 0 || batchSize > BATCH_MOST) {
        call.status = refuse(E_PARAM, "batchSize %u is not from 1 to %d", batchSize, BATCH_MOST);
        return NULL;
    }
    Batch *batch = object_new(KIND_BATCH_PIC_DESC, sizeof *batch, release, NULL, &handle);
    if (batch != NULL && fill(batch, handle, batchSize))
        return handle;
    call.status = E_BAD_ALLOC;
    if (batch != NULL) {
        batch_end(batch);
        object_kill(handle);
    }
    return NULL;
}

acldvppPicDesc *acldvppGetPicDesc(acldvppBatchPicDesc *batchPicDesc, uint32_t index)
{
    ENTER_AS(acldvppGetPicDesc, NULL, "batchPicDesc=%p, index=%u", (void *)batchPicDesc, index);
    const Batch *batch = body_find(batchPicDesc, KIND_BATCH_PIC_DESC, "batchPicDesc", &call.status);
    if (batch != NULL && index >= batch->count)
        call.status = refuse(E_PARAM, "index %u is not below the batch's %u", index, batch->count);
    return call.status == E_NONE ? batch->pictures[index] : NULL;
}

aclError acldvppDestroyBatchPicDesc(acldvppBatchPicDesc *batchPicDesc)
{
    ENTER(acldvppDestroyBatchPicDesc, "batchPicDesc=%p", (void *)batchPicDesc);
    if (batchPicDesc == NULL)
        LEAVE(E_NONE);
    const Batch *batch = object_peek(batchPicDesc, KIND_BATCH_PIC_DESC);
    if (!object_destroy(batchPicDesc, KIND_BATCH_PIC_DESC, "batchPicDesc"))
        LEAVE(violation_status());
    batch_end(batch);
    LEAVE(E_NONE);
}

int batch_need(const acldvppBatchPicDesc *handle, const char *argument, uint32_t *count,
               acldvppPicDesc *const **pictures)
{
    int status;
    const Batch *batch = body_find(handle, KIND_BATCH_PIC_DESC, argument, &status);

    if (status == E_NONE) {
        *count = batch->count;
        *pictures = batch->pictures;
    }
    return status;
}
