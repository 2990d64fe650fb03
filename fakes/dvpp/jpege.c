/*
 * jpege: pictures encoded by a stream (facts 11.12).
 */
#include <stdlib.h>
#include <string.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "dvpp/channel.h"
#include "dvpp/configs.h"
#include "image/jpeg_encode.h"
#include "image/libjpeg.h"
#include "dvpp/operation.h"
#include "memory/host_memory.h"
#include "memory/memory.h"
#include "memory/written.h"

enum { QUALITY_BEST = 100 };

static Limits jpege_reads(void)
{
    return (Limits){{32, 8192}, {32, 8192}, 16, 16, 2};
}

static int encode_jpeg(Coded *coded, unsigned char *bytes)
{
    const Picture *picture = &coded->picture;
    unsigned char *from = picture_bytes(picture);
    unsigned char *made = NULL;
    unsigned long size = 0;

    if (from == NULL)
        return E_RT_AICPU;
    View view = view_of(picture->layout, from, picture->width, picture->height,
                        picture->width_stride, picture->height_stride);
    int quality = coded->level == 0 ? QUALITY_BEST : (int)coded->level;
    int status = jpeg_encode(&view, quality, &made, &size);
    if (status == E_NONE && size > coded->size)
        status = refuse(E_RT_AICPU, "the JPEG has %lu bytes, and size was %u", size, coded->size);
    if (status == E_NONE) {
        memcpy(bytes, made, size);
        device_written(coded->data, size);
        *coded->written = (uint32_t)size;
    }
    free(made);
    return status;
}

aclError acldvppJpegEncodeAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                const void *data, uint32_t *size, acldvppJpegeConfig *config,
                                aclrtStream stream)
{
    ENTER(acldvppJpegEncodeAsync,
          "channelDesc=%p, inputDesc=%p, data=%p, size=%p, config=%p, stream=%p",
          (void *)channelDesc, (void *)inputDesc, data, (void *)size, (void *)config, stream);
    Limits limits = jpege_reads();
    Coded coded = {.data = data, .written = size};
    int status = channel_need(channelDesc, NULL);
    if (status == E_NONE)
        status = picture_take(inputDesc, "inputDesc", &coded.picture);
    if (status == E_NONE && data == NULL)
        status = refuse(E_PARAM, "data is NULL");
    if (status == E_NONE)
        status = argument_check(size, "size");
    if (status == E_NONE)
        status = jpege_take(config, &coded.level);
    if (status == E_NONE && *size == 0)
        status = refuse(E_PARAM, "*size is 0; it is the room at data");
    if (status != E_NONE)
        LEAVE(status);
    coded.size = *size;
    if (coded.picture.layout == NULL || (coded.picture.layout->uses & ENCODE) == 0)
        LEAVE(refuse(E_FORMAT, "JPEGE does not read format %u", coded.picture.format));
    status = picture_check(&coded.picture, &limits);
    if (status == E_NONE && device_bytes(data, coded.size, "data") == NULL)
        status = violation_status();
    if (status == E_NONE && libjpeg_open() == NULL)
        status = E_FEATURE_UNSUPPORTED;
    LEAVE(status != E_NONE ? status : code_queue(channelDesc, &coded, encode_jpeg, stream));
}
