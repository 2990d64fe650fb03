#include "dvpp/decode.h"

#include "call/message.h"
#include "call/violations.h"
#include "dvpp/channel.h"
#include "memory/memory.h"
#include "memory/written.h"

int decode_take(const acldvppChannelDesc *channel, const void *data, uint32_t size,
                const acldvppPicDesc *output, Coded *coded)
{
    int status = channel_need(channel, NULL);

    *coded = (Coded){.data = data, .size = size};
    if (status == E_NONE && data == NULL)
        status = refuse(E_PARAM, "data is NULL");
    if (status == E_NONE)
        status = picture_take(output, "outputDesc", &coded->picture);
    if (status == E_NONE && size == 0)
        status = refuse(E_PARAM, "size is 0");
    if (status == E_NONE && device_bytes(data, size, "data") == NULL)
        status = violation_status();
    return status;
}

int decode_put(const View *from, const Picture *picture)
{
    unsigned char *bytes = picture_bytes(picture);

    if (bytes == NULL)
        return E_RT_AICPU;
    View to = view_of(picture->layout, bytes, picture->width, picture->height,
                      picture->width_stride, picture->height_stride);
    if (!view_move(from, &to, RESIZE_BILINEAR, ACL_DVPP_CSC_MATRIX_BT601_WIDE))
        return refuse(E_RT_AICPU, "no memory for an image");
    device_written(picture->data, (size_t)layout_size(picture->layout, picture->width_stride,
                                                      picture->height_stride));
    return E_NONE;
}
