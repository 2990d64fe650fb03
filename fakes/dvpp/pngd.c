/*
 * pngd: PNGs decoded by a stream (facts 11.13).
 */
#include <stdlib.h>

#include "call/calls.h"
#include "call/message.h"
#include "dvpp/decode.h"
#include "image/png.h"

static Limits pngd_writes(void)
{
    return (Limits){{32, 4096}, {32, 4096}, 128, 128, 16};
}

/* Completes and checks the picture, now that the file is known. */
static int fit_png(Picture *picture, const PngHeader *header)
{
    bool alpha = header->components == 2 || header->components == 4;
    Limits limits = pngd_writes();

    if (picture->format == PIXEL_FORMAT_UNKNOWN)
        picture->format = alpha ? PIXEL_FORMAT_RGBA_8888 : PIXEL_FORMAT_RGB_888;
    picture->layout = layout_of(picture->format);
    if (picture->format == PIXEL_FORMAT_RGBA_8888 && !alpha)
        return refuse(E_RT_AICPU, "a PNG without alpha is not decoded to RGBA_8888");
    picture->width = header->width;
    picture->height = header->height;
    picture_complete(picture, &limits);
    return picture_check(picture, &limits) == E_NONE ? E_NONE : E_RT_AICPU;
}

static int decode_png(Coded *coded, unsigned char *bytes)
{
    const Layout *layout = layout_of(PIXEL_FORMAT_RGBA_8888);
    unsigned char *pixels = NULL;
    PngHeader header;
    const char *wrong = png_header_read(bytes, coded->size, &header);

    if (wrong == NULL && header.components == 0)
        wrong = "PNGD decodes no palettes";
    if (wrong != NULL)
        return refuse(E_RT_AICPU, "data is no PNG for PNGD: %s", wrong);
    int status = fit_png(&coded->picture, &header);
    if (status == E_NONE)
        status = png_decode(bytes, coded->size, &header, &pixels);
    if (status == E_NONE) {
        View view =
            view_of(layout, pixels, header.width, header.height, header.width * 4, header.height);
        status = decode_put(&view, &coded->picture);
    }
    free(pixels);
    return status;
}

aclError acldvppPngDecodeAsync(acldvppChannelDesc *channelDesc, const void *data, uint32_t size,
                               acldvppPicDesc *outputDesc, aclrtStream stream)
{
    ENTER(acldvppPngDecodeAsync, "channelDesc=%p, data=%p, size=%u, outputDesc=%p, stream=%p",
          (void *)channelDesc, data, size, (void *)outputDesc, stream);
    Coded coded;
    if (chip_is_old())
        LEAVE(refuse(E_FEATURE_UNSUPPORTED, "this chip has no PNGD"));
    int status = decode_take(channelDesc, data, size, outputDesc, &coded);
    uint32_t format = status == E_NONE ? coded.picture.format : PIXEL_FORMAT_UNKNOWN;
    if (format != PIXEL_FORMAT_RGB_888 && format != PIXEL_FORMAT_RGBA_8888 &&
        format != PIXEL_FORMAT_UNKNOWN)
        status = refuse(E_FORMAT, "PNGD does not write format %u", format);
    if (status == E_NONE)
        status = png_open();
    LEAVE(status != E_NONE ? status : code_queue(channelDesc, &coded, decode_png, stream));
}
