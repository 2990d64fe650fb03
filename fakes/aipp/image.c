#include "aipp/image.h"

#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "file/numeric.h"

/* What each of a channel's 256 values becomes, in the tensor's elements. */
typedef struct AippChannel {
    unsigned char element[256][4];
} AippChannel;

/* Only the first row of the matrix makes something. */
static bool makes_gray(const AippHead *head)
{
    for (size_t i = 3; i < 9; i++)
        if (head->matrix[i] != 0)
            return false;
    return head->csc_switch == 1;
}

static int check_channels(const AippHead *head, const AippRecord *record)
{
    size_t channels = aipp_channels(record);

    if (channels == 1 && head->input_format != DEVICE_YUV400_U8 && !makes_gray(head))
        return refuse(E_PARAM, "the model takes 1 channel: images of YUV400_U8, or a colour "
                               "conversion whose last two rows are 0");
    if (channels != 1 && head->input_format == DEVICE_YUV400_U8)
        return refuse(E_PARAM, "images of YUV400_U8 have 1 channel; the model takes %zu", channels);
    if (channels == 4 && (head->input_format != DEVICE_XRGB8888_U8 || head->csc_switch == 1))
        return refuse(E_PARAM, "the model takes 4 channels: images of XRGB8888_U8 without colour "
                               "conversion");
    return E_NONE;
}

int aipp_fits(const AippHead *head, const AippPart *part, uint64_t batch, const AippRecord *record)
{
    int64_t w, h;
    int status = aipp_output_size(head, &part[0], &w, &h);

    if (status != E_NONE)
        return status;
    if ((record->dims[0] > 0 && batch != (uint64_t)record->dims[0]) ||
        w != (int64_t)aipp_width(record) || h != (int64_t)aipp_height(record))
        return refuse(E_PARAM,
                      "AIPP makes %llu images of %lld x %lld (width x height); the model "
                      "takes %lld of %zu x %zu",
                      (unsigned long long)batch, (long long)w, (long long)h,
                      (long long)record->dims[0], aipp_width(record), aipp_height(record));
    return check_channels(head, record);
}

int aipp_record_fits(const AippRecord *record)
{
    AippHead head;
    AippPart part;

    if (record->mode != AIPP_STATIC)
        return E_NONE;
    aipp_of_record(record, &head, &part);
    if (!aipp_in_range(&head, &part, 1))
        return refuse(GE_FAILED, "the AIPP of input %u has numbers beyond AIPP's", record->input);
    int status = aipp_check(&head, &part, 1);
    if (status == E_NONE)
        status =
            aipp_fits(&head, &part, record->dims[0] > 0 ? (uint64_t)record->dims[0] : 1, record);
    return status == E_NONE ? E_NONE : GE_FAILED;
}

static void put(const AippRecord *record, float value, unsigned char element[4])
{
    uint16_t half = half_of(value);

    if (record->data_type == ACL_FLOAT)
        value = half_value(half);
    memcpy(element, record->data_type == ACL_FLOAT ? (const void *)&value : (const void *)&half,
           record->data_type == ACL_FLOAT ? sizeof value : sizeof half);
}

/* Each step is rounded to half precision, as on a device. */
static void fill_channel(const AippPart *part, const AippRecord *record, size_t i,
                         AippChannel *channel)
{
    for (int pixel = 0; pixel < 256; pixel++) {
        if (record->data_type == ACL_UINT8) {
            channel->element[pixel][0] = (unsigned char)pixel;
            continue;
        }
        float less = half_value(half_of((float)(pixel - part->mean[i])));
        float above = half_value(half_of(less - half_value(part->min[i])));
        put(record, above * half_value(part->var_reci[i]), channel->element[pixel]);
    }
}

static void swap(unsigned char *a, unsigned char *b)
{
    unsigned char kept = *a;

    *a = *b;
    *b = kept;
}

/* The channels of a pixel, swapped as they are asked for. */
static void read_pixel(const AippHead *head, const unsigned char *from, size_t x, size_t y,
                       unsigned char pixel[4])
{
    size_t w = (size_t)head->src_image_size_w;
    size_t at = y * w + x;

    if (head->input_format == DEVICE_YUV400_U8) {
        pixel[0] = from[at];
    } else if (head->input_format == DEVICE_YUV420SP_U8) {
        const unsigned char *uv =
            from + w * (size_t)head->src_image_size_h + y / 2 * w + (x & ~(size_t)1);
        pixel[0] = from[at];
        pixel[1] = uv[0];
        pixel[2] = uv[1];
        if (head->rbuv_swap_switch == 1)
            swap(&pixel[1], &pixel[2]);
    } else {
        size_t channels = head->input_format == DEVICE_RGB888_U8 ? 3 : 4;
        size_t first = channels == 4 && head->ax_swap_switch == 1;
        for (size_t i = 0; i < channels; i++)
            pixel[i] = from[at * channels + (i + first) % channels];
        if (head->rbuv_swap_switch == 1)
            swap(&pixel[0], &pixel[2]);
    }
}

/* Division by 256 to nearest, halves upwards, also of what is negative. */
static int64_t over_256(int64_t value)
{
    int64_t more = value + 128;

    return more >= 0 ? more / 256 : -((255 - more) / 256);
}

/* Images in YUV have a bias before the matrix, others behind it. */
static void convert(const AippHead *head, unsigned char pixel[4])
{
    bool yuv = head->input_format == DEVICE_YUV420SP_U8;
    int64_t given[3];

    for (size_t i = 0; i < 3; i++)
        given[i] = pixel[i] - (yuv ? head->input_bias[i] : 0);
    for (size_t i = 0; i < 3; i++) {
        const int16_t *row = &head->matrix[3 * i];
        int64_t made = over_256(row[0] * given[0] + row[1] * given[1] + row[2] * given[2]) +
                       (yuv ? 0 : head->output_bias[i]);
        pixel[i] = (unsigned char)(made < 0 ? 0 : made > 255 ? 255 : made);
    }
}

/* Where an element of a channel lies in the tensor, and how far apart the channels are. */
typedef struct ImageLayout {
    size_t pixel;               /* bytes between the pixels of a row */
    size_t channel;
    size_t element;
} ImageLayout;

static ImageLayout layout_of(const AippRecord *record)
{
    size_t element = element_size(record->data_type);
    size_t area = aipp_height(record) * aipp_width(record);

    if (record->nhwc)
        return (ImageLayout){element * aipp_channels(record), element, element};
    return (ImageLayout){element, element * area, element};
}

static void fill_padding(const AippRecord *record, const ImageLayout *layout, unsigned char *to)
{
    size_t count = aipp_tensor_bytes(record) / layout->element;
    float value = record->real.padding_value;
    unsigned char element[4] = {0};

    if (record->data_type != ACL_UINT8)
        put(record, value, element);
    else
        element[0] = (unsigned char)(value >= 255.0f ? 255 : value > 0.0f ? (int)value : 0);
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * layout->element, element, layout->element);
}

void aipp_image(const AippHead *head, const AippPart *part, const AippRecord *record,
                const unsigned char *from, unsigned char *to)
{
    bool crops = part->crop_switch == 1;
    bool pads = part->padding_switch == 1;
    size_t left = crops ? (size_t)part->crop_start_w : 0;
    size_t top = crops ? (size_t)part->crop_start_h : 0;
    size_t w = (size_t)(crops ? part->crop_size_w : head->src_image_size_w);
    size_t h = (size_t)(crops ? part->crop_size_h : head->src_image_size_h);
    size_t channels = aipp_channels(record);
    ImageLayout layout = layout_of(record);
    AippChannel channel[4];

    if (pads) {
        fill_padding(record, &layout, to);
        to += ((size_t)part->padding_top * aipp_width(record) + (size_t)part->padding_left) *
              layout.pixel;
    }
    for (size_t i = 0; i < channels; i++)
        fill_channel(part, record, i, &channel[i]);
    for (size_t y = 0; y < h; y++) {
        unsigned char *row = to + y * aipp_width(record) * layout.pixel;
        for (size_t x = 0; x < w; x++) {
            unsigned char pixel[4] = {0};
            read_pixel(head, from, left + x, top + y, pixel);
            if (head->csc_switch == 1)
                convert(head, pixel);
            for (size_t i = 0; i < channels; i++)
                memcpy(row + x * layout.pixel + i * layout.channel, channel[i].element[pixel[i]],
                       layout.element);
        }
    }
}
