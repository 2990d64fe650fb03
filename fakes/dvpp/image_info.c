/*
 * image_info: what files of the host say of themselves, and how much memory
 * their pictures need (facts 11.11-11.13).
 */
#include "call/calls.h"
#include "call/message.h"
#include "dvpp/configs.h"
#include "image/jpeg_header.h"
#include "dvpp/picture.h"
#include "image/png.h"
#include "memory/host_memory.h"

enum {
    JPEG_LEAST = 32,
    JPEG_MOST = 8192,
    STRIDE_MOST = 16384,
    JPEG_HEAD = 640,            /* bytes that an encoder adds, */
    JPEG_LEAD = 128,
    JPEG_STEP = 2 << 20         /* and what it rounds up to */
};

/* NULL: all right to write to. */
static void set(uint32_t *to, uint32_t value)
{
    if (to != NULL)
        *to = value;
}

static int read_jpeg(const void *data, uint32_t size, JpegHeader *header)
{
    int status = argument_check(data, "data");

    if (status != E_NONE)
        return status;
    const char *wrong = jpeg_header_read(data, size, header);
    return wrong == NULL ? E_NONE : refuse(E_FAILURE, "data is no JPEG: %s", wrong);
}

static int jpeg_info(const void *data, uint32_t size, uint32_t *width, uint32_t *height,
                     int32_t *components, acldvppJpegFormat *format)
{
    JpegHeader header;
    int status = read_jpeg(data, size, &header);

    if (status != E_NONE)
        return status;
    bool turned = jpeg_is_turned(&header);
    set(width, turned ? header.height : header.width);
    set(height, turned ? header.width : header.height);
    if (components != NULL)
        *components = header.components;
    if (format != NULL)
        *format = (acldvppJpegFormat)jpeg_subsampling(&header);
    return E_NONE;
}

aclError acldvppJpegGetImageInfo(const void *data, uint32_t size, uint32_t *width, uint32_t *height,
                                 int32_t *components)
{
    ENTER(acldvppJpegGetImageInfo, "data=%p, size=%u", data, size);
    LEAVE(jpeg_info(data, size, width, height, components, NULL));
}

aclError acldvppJpegGetImageInfoV2(const void *data, uint32_t size, uint32_t *width,
                                   uint32_t *height, int32_t *components, acldvppJpegFormat *format)
{
    ENTER(acldvppJpegGetImageInfoV2, "data=%p, size=%u", data, size);
    LEAVE(jpeg_info(data, size, width, height, components, format));
}

/* The format whose size is the answer: 420SP, or the JPEG's own once it is turned. */
static int format_of(const JpegHeader *header, acldvppPixelFormat wanted, uint32_t *format)
{
    static const uint32_t own[] = {
        [ACL_JPEG_CSS_444] = PIXEL_FORMAT_YUV_SEMIPLANAR_444,
        [ACL_JPEG_CSS_422] = PIXEL_FORMAT_YUV_SEMIPLANAR_422,
        [ACL_JPEG_CSS_420] = PIXEL_FORMAT_YUV_SEMIPLANAR_420,
        [ACL_JPEG_CSS_GRAY] = PIXEL_FORMAT_YUV_SEMIPLANAR_420,
        [ACL_JPEG_CSS_440] = PIXEL_FORMAT_YUV_SEMIPLANAR_440,
    };
    const Layout *layout = layout_of(wanted);
    int sampling = jpeg_turned_subsampling(header);

    *format = PIXEL_FORMAT_YUV_SEMIPLANAR_420;
    if (wanted == PIXEL_FORMAT_YUV_SEMIPLANAR_420 || wanted == PIXEL_FORMAT_YVU_SEMIPLANAR_420)
        return E_NONE;
    if (wanted != PIXEL_FORMAT_UNKNOWN &&
        (layout == NULL || (layout->placing != PLACED_SEMI && layout->placing != PLACED_ALONE)))
        return refuse(E_FORMAT, "JPEGD does not write format %d", (int)wanted);
    if (sampling == ACL_JPEG_CSS_UNKNOWN)
        return refuse(E_FORMAT, "the JPEG's colours or sampling are none that JPEGD decodes");
    *format = own[sampling];
    const Layout *its = layout_of(*format);
    if (wanted == PIXEL_FORMAT_UNKNOWN || sampling == ACL_JPEG_CSS_GRAY ||
        (layout->across == its->across && layout->down == its->down && layout->at[1] >= 0))
        return E_NONE;
    return refuse(E_FORMAT, "a JPEG of %s is not decoded to format %d", its->name, (int)wanted);
}

aclError acldvppJpegPredictDecSize(const void *data, uint32_t dataSize,
                                   acldvppPixelFormat outputPixelFormat, uint32_t *decSize)
{
    ENTER(acldvppJpegPredictDecSize, "data=%p, dataSize=%u, outputPixelFormat=%d", data, dataSize,
          (int)outputPixelFormat);
    JpegHeader header;
    uint32_t format;
    NOT_NULL(decSize);
    int status = read_jpeg(data, dataSize, &header);
    if (status != E_NONE)
        LEAVE(status);
    uint32_t width = jpeg_is_turned(&header) ? header.height : header.width;
    uint32_t height = jpeg_is_turned(&header) ? header.width : header.height;
    if (width < JPEG_LEAST || width > JPEG_MOST || height < JPEG_LEAST || height > JPEG_MOST)
        LEAVE(refuse(E_PARAM, "the JPEG is %u * %u; JPEGD decodes %d * %d to %d * %d", width,
                     height, JPEG_LEAST, JPEG_LEAST, JPEG_MOST, JPEG_MOST));
    status = format_of(&header, outputPixelFormat, &format);
    if (status == E_NONE)
        *decSize = (uint32_t)layout_size(layout_of(format), rounded_up(width, 128),
                                         rounded_up(height, 16));
    LEAVE(status);
}

static int check_encoded(const Picture *picture)
{
    bool pairs = picture->layout->placing == PLACED_PAIRS;
    uint32_t stride = picture->width_stride;

    if (picture->width < JPEG_LEAST || picture->width > JPEG_MOST || picture->height < JPEG_LEAST ||
        picture->height > JPEG_MOST)
        return refuse(E_PARAM, "the picture is %u * %u; JPEGE encodes %d * %d to %d * %d",
                      picture->width, picture->height, JPEG_LEAST, JPEG_LEAST, JPEG_MOST,
                      JPEG_MOST);
    if (pairs ? stride != rounded_up(picture->width * 2, 16)
              : stride < picture->width || stride % 16 != 0)
        return refuse(E_PARAM, "width stride %u is not %s", stride,
                      pairs ? "the doubled width rounded up to 16"
                            : "the width or more, and a multiple of 16");
    if (picture->height_stride != picture->height &&
        (picture->height_stride < picture->height || picture->height_stride % 16 != 0))
        return refuse(E_PARAM,
                      "height stride %u is neither the height, %u, nor more and a "
                      "multiple of 16",
                      picture->height_stride, picture->height);
    if (stride > STRIDE_MOST || picture->height_stride > STRIDE_MOST)
        return refuse(E_PARAM, "strides %u and %u are more than %d", stride, picture->height_stride,
                      STRIDE_MOST);
    return E_NONE;
}

/* The picture needs no memory yet. */
static int describe(const acldvppPicDesc *handle, Picture *picture)
{
    int status = picture_describe(handle, "inputDesc", picture);

    if (status == E_NONE && (picture->layout == NULL || (picture->layout->uses & ENCODE) == 0))
        status = refuse(E_FORMAT, "JPEGE does not read format %u", picture->format);
    return status;
}

aclError acldvppJpegPredictEncSize(const acldvppPicDesc *inputDesc,
                                   const acldvppJpegeConfig *config, uint32_t *size)
{
    ENTER(acldvppJpegPredictEncSize, "inputDesc=%p, config=%p, size=%p", (const void *)inputDesc,
          (const void *)config, (void *)size);
    Picture picture;
    uint32_t level;
    int status = describe(inputDesc, &picture);
    if (status == E_NONE)
        status = jpege_take(config, &level);
    if (status == E_NONE)
        status = argument_check(size, "size");
    if (status == E_NONE)
        status = check_encoded(&picture);
    if (status != E_NONE)
        LEAVE(status);
    uint64_t bytes = layout_size(picture.layout, picture.width_stride, picture.height_stride);
    *size = (uint32_t)((bytes + JPEG_HEAD + JPEG_LEAD + JPEG_STEP - 1) / JPEG_STEP * JPEG_STEP);
    LEAVE(E_NONE);
}

static int read_png(const void *data, uint32_t size, PngHeader *header)
{
    int status = argument_check(data, "data");

    if (status != E_NONE)
        return status;
    if (chip_is_old())
        return refuse(E_FEATURE_UNSUPPORTED, "this chip has no PNGD");
    const char *wrong = png_header_read(data, size, header);
    if (wrong != NULL)
        return refuse(E_FAILURE, "data is no PNG: %s", wrong);
    return header->components > 0 ? E_NONE : refuse(E_FORMAT, "PNGD decodes no palettes");
}

aclError acldvppPngGetImageInfo(const void *data, uint32_t dataSize, uint32_t *width,
                                uint32_t *height, int32_t *components)
{
    ENTER(acldvppPngGetImageInfo, "data=%p, dataSize=%u", data, dataSize);
    PngHeader header;
    int status = read_png(data, dataSize, &header);
    if (status != E_NONE)
        LEAVE(status);
    set(width, header.width);
    set(height, header.height);
    if (components != NULL)
        *components = header.components;
    LEAVE(E_NONE);
}

aclError acldvppPngPredictDecSize(const void *data, uint32_t dataSize,
                                  acldvppPixelFormat outputPixelFormat, uint32_t *decSize)
{
    ENTER(acldvppPngPredictDecSize, "data=%p, dataSize=%u, outputPixelFormat=%d", data, dataSize,
          (int)outputPixelFormat);
    PngHeader header;
    NOT_NULL(decSize);
    int status = read_png(data, dataSize, &header);
    if (status != E_NONE)
        LEAVE(status);
    bool alpha = header.components == 2 || header.components == 4;
    bool wide = outputPixelFormat == PIXEL_FORMAT_RGBA_8888 ||
                (outputPixelFormat == PIXEL_FORMAT_UNKNOWN && alpha);
    if ((!wide && outputPixelFormat != PIXEL_FORMAT_RGB_888 &&
         outputPixelFormat != PIXEL_FORMAT_UNKNOWN) ||
        (wide && !alpha))
        LEAVE(refuse(E_FORMAT, "a PNG of %d components is not decoded to format %d",
                     header.components, (int)outputPixelFormat));
    if (header.width - 1u >= UINT16_MAX || header.height - 1u >= UINT16_MAX)
        LEAVE(refuse(E_PARAM, "the PNG is %u * %u; PNGD decodes 32 * 32 to 4096 * 4096",
                     header.width, header.height));
    uint64_t bytes =
        (uint64_t)rounded_up(header.width, 128) * (wide ? 4 : 3) * rounded_up(header.height, 16);
    if (bytes > UINT32_MAX)
        LEAVE(refuse(E_PARAM, "the PNG is %u * %u; PNGD decodes 32 * 32 to 4096 * 4096",
                     header.width, header.height));
    *decSize = (uint32_t)bytes;
    LEAVE(E_NONE);
}
