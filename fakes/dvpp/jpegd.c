/*
 * jpegd: JPEGs decoded by a stream (facts 11.10).
 */
#include <stdlib.h>

#include "call/calls.h"
#include "call/message.h"
#include "dvpp/decode.h"
#include "image/jpeg_decode.h"
#include "image/libjpeg.h"

static Limits jpegd_writes(void)
{
    return (Limits){{32, 8192}, {32, 8192}, 128, chip_is_old() ? 128 : 64, 16};
}

/* The format that a JPEG's own subsampling is, V before U. */
static uint32_t own_format(const JpegHeader *header)
{
    static const uint32_t formats[] = {
        [ACL_JPEG_CSS_444] = PIXEL_FORMAT_YVU_SEMIPLANAR_444,
        [ACL_JPEG_CSS_422] = PIXEL_FORMAT_YVU_SEMIPLANAR_422,
        [ACL_JPEG_CSS_420] = PIXEL_FORMAT_YVU_SEMIPLANAR_420,
        [ACL_JPEG_CSS_GRAY] = PIXEL_FORMAT_YVU_SEMIPLANAR_420,
        [ACL_JPEG_CSS_440] = PIXEL_FORMAT_YVU_SEMIPLANAR_440,
    };

    return formats[jpeg_turned_subsampling(header)];
}

/* What the unit cannot decode at all. */
static int check_jpeg(const unsigned char *data, size_t size, JpegHeader *header)
{
    const char *wrong = jpeg_header_read(data, size, header);

    if (wrong != NULL)
        return refuse(E_RT_AICPU, "data is no JPEG: %s", wrong);
    if (header->process > 0xc1 || header->precision != 8)
        return refuse(E_RT_AICPU,
                      "the JPEG is %s; JPEGD decodes baseline files of 8 bits, coded by Huffman",
                      header->process == 0xc2   ? "progressive"
                      : header->process >= 0xc9 ? "coded arithmetically"
                      : header->precision != 8  ? "of other than 8 bits"
                                                : "lossless or hierarchical");
    if (jpeg_subsampling(header) == ACL_JPEG_CSS_UNKNOWN)
        return refuse(E_RT_AICPU, "the JPEG's colours or sampling are none that JPEGD decodes");
    return E_NONE;
}

/* Width and height are the file's, as they are when it is turned (facts 11.10). */
static void take_size(Picture *picture, const JpegHeader *header)
{
    bool turned = jpeg_is_turned(header);

    picture->width = turned ? header->height : header->width;
    picture->height = turned ? header->width : header->height;
}

static uint32_t even_where(uint32_t size, bool halved)
{
    return halved ? size & ~1u : size;
}

/* Is this subsampling the format's? */
static bool has_own_sampling(const Picture *picture, const JpegHeader *header)
{
    bool turned = jpeg_is_turned(header);
    unsigned across = header->space == JPEG_GREY ? 1u : header->across[0] / header->across[1] - 1u;
    unsigned down = header->space == JPEG_GREY ? 1u : header->down[0] / header->down[1] - 1u;

    return picture->layout->across == (turned ? down : across) &&
           picture->layout->down == (turned ? across : down);
}

/* Completes and checks the picture, now that the file is known. */
static int fit(Picture *picture, const JpegHeader *header)
{
    Limits limits = jpegd_writes();
    bool any = picture->format == PIXEL_FORMAT_YUV_SEMIPLANAR_420 ||
               picture->format == PIXEL_FORMAT_YVU_SEMIPLANAR_420 ||
               picture->format == PIXEL_FORMAT_YUV_400;

    if (picture->format == PIXEL_FORMAT_UNKNOWN)
        picture->format = own_format(header);
    picture->layout = layout_of(picture->format);
    if (!any && !has_own_sampling(picture, header))
        return refuse(E_RT_AICPU, "a JPEG of another subsampling is not decoded to %s",
                      picture->layout->name);
    take_size(picture, header);
    picture_complete(picture, &limits);
    int status = picture_check(picture, &limits);
    return status == E_NONE ? E_NONE : E_RT_AICPU;
}

static int decode_jpeg(Coded *coded, unsigned char *bytes)
{
    Picture *picture = &coded->picture;
    unsigned char *memory = NULL;
    JpegHeader header;
    View view;
    int status = check_jpeg(bytes, coded->size, &header);

    if (status == E_NONE)
        status = fit(picture, &header);
    if (status == E_NONE)
        status = jpeg_decode(bytes, coded->size, &header, &view, &memory);
    if (status == E_NONE)
        status = decode_put(&view, picture);
    free(memory);
    if (status == E_NONE) {
        picture->width = even_where(picture->width, picture->layout->across != 0);
        picture->height = even_where(picture->height, picture->layout->down != 0);
    }
    return status;
}

/* What JPEGD writes (facts 11.10). */
static bool is_decoded(uint32_t format)
{
    switch (format) {
    case PIXEL_FORMAT_YUV_SEMIPLANAR_420:
    case PIXEL_FORMAT_YVU_SEMIPLANAR_420:
    case PIXEL_FORMAT_YVU_SEMIPLANAR_422:
    case PIXEL_FORMAT_YVU_SEMIPLANAR_444:
    case PIXEL_FORMAT_YVU_SEMIPLANAR_440:
    case PIXEL_FORMAT_YUV_SEMIPLANAR_422:
    case PIXEL_FORMAT_YUV_SEMIPLANAR_440:
    case PIXEL_FORMAT_UNKNOWN:
        return true;
    case PIXEL_FORMAT_YUV_400:
    case PIXEL_FORMAT_YUV_SEMIPLANAR_444:
        return !chip_is_old();
    default:
        return false;
    }
}

aclError acldvppJpegDecodeAsync(acldvppChannelDesc *channelDesc, const void *data, uint32_t size,
                                acldvppPicDesc *outputDesc, aclrtStream stream)
{
    ENTER(acldvppJpegDecodeAsync, "channelDesc=%p, data=%p, size=%u, outputDesc=%p, stream=%p",
          (void *)channelDesc, data, size, (void *)outputDesc, stream);
    Coded coded;
    int status = decode_take(channelDesc, data, size, outputDesc, &coded);
    if (status == E_NONE && !is_decoded(coded.picture.format))
        status = refuse(E_FORMAT, "JPEGD does not write format %u", coded.picture.format);
    if (status == E_NONE && libjpeg_open() == NULL)
        status = E_FEATURE_UNSUPPORTED;
    LEAVE(status != E_NONE ? status : code_queue(channelDesc, &coded, decode_jpeg, stream));
}
