#include "file/aipp_record.h"

#include "base/acl.h"
#include "base/codes.h"
#include "call/message.h"
#include "file/numeric.h"

enum {
    SIZE_MAX_W_H = 4096,
    PARAMETERS = 64,            /* bytes in front of the images' */
    PARAMETERS_EACH = 96,
    NUMBERS = sizeof(AippNumbers) / sizeof(int32_t),
    FLOATS = sizeof(AippFloats) / sizeof(float)
};

bool aipp_record_read(Bytes payload, AippRecord *record)
{
    Reader reader = reader_of(payload);
    int32_t numbers[NUMBERS];
    float floats[FLOATS];

    record->input = read_u32(&reader);
    record->parameters = read_u32(&reader);
    record->mode = (AippMode)read_u32(&reader);
    record->input_format = (int32_t)read_u32(&reader);
    record->nhwc = read_u32(&reader) != 0;
    record->data_type = (int32_t)read_u32(&reader);
    for (size_t i = 0; i < 4; i++)
        record->dims[i] = (int64_t)read_u64(&reader);
    read_into(&reader, numbers, sizeof numbers);
    read_into(&reader, floats, sizeof floats);
    memcpy(&record->number, numbers, sizeof numbers);
    memcpy(&record->real, floats, sizeof floats);
    record->max_src_image_size = read_u32(&reader);
    return !reader.bad;
}

size_t aipp_channels(const AippRecord *record)
{
    return (size_t)record->dims[record->nhwc ? 3 : 1];
}

size_t aipp_height(const AippRecord *record)
{
    return (size_t)record->dims[record->nhwc ? 1 : 2];
}

size_t aipp_width(const AippRecord *record)
{
    return (size_t)record->dims[record->nhwc ? 2 : 3];
}

size_t aipp_image_bytes(int32_t input_format, size_t w, size_t h)
{
    switch (input_format) {
    case ACL_YUV420SP_U8:
        return w * h * 3 / 2;
    case ACL_XRGB8888_U8:
        return w * h * 4;
    case ACL_RGB888_U8:
        return w * h * 3;
    case ACL_YUV400_U8:
        return w * h;
    default:
        return 0;
    }
}

size_t aipp_tensor_bytes(const AippRecord *record)
{
    return aipp_channels(record) * aipp_height(record) * aipp_width(record) *
           element_size(record->data_type);
}

static size_t static_bytes(const AippRecord *record)
{
    return aipp_image_bytes(record->input_format, (size_t)record->number.src_image_size_w,
                            (size_t)record->number.src_image_size_h);
}

size_t aipp_images(const AippRecord *record, const Inout *inout)
{
    if (record->dims[0] > 0)
        return (size_t)record->dims[0];
    return inout->inputs.tensor[record->input].size / static_bytes(record);
}

static int damaged(size_t at, const char *what)
{
    return refuse(GE_FAILED, "AIPP record %zu: %s", at, what);
}

static bool between(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

/* The tensor that the graph takes: known but for the batch, and not too large. */
static int check_tensor(const AippRecord *record, size_t at, const Inout *inout)
{
    bool batch =
        record->dims[0] == -1 && inout->gears.kind == GEARS_BATCH && record->mode == AIPP_STATIC;

    for (size_t i = 1; i < 4; i++)
        if (!between(record->dims[i], 1, 2 * SIZE_MAX_W_H))
            return damaged(at, "a dim of the graph's tensor is none of an image");
    if (!batch && !between(record->dims[0], 1, INT32_MAX))
        return damaged(at, "the graph's tensor has no batch");
    if (aipp_channels(record) > 4 || aipp_channels(record) == 2)
        return damaged(at, "the graph's tensor has neither 1 nor 3 nor 4 channels");
    if (record->data_type != ACL_FLOAT && record->data_type != ACL_FLOAT16 &&
        record->data_type != ACL_UINT8)
        return damaged(at, "the graph's tensor is neither of float32, float16 nor uint8");
    return E_NONE;
}

static int check_parts(const AippNumbers *number, size_t at)
{
    if (!between(number->src_image_size_w, 1, SIZE_MAX_W_H) ||
        !between(number->src_image_size_h, 1, SIZE_MAX_W_H))
        return damaged(at, "src_image_size_w or _h is none");
    if (number->crop != 0 && (!between(number->load_start_pos_w, 0, SIZE_MAX_W_H) ||
                              !between(number->load_start_pos_h, 0, SIZE_MAX_W_H) ||
                              !between(number->crop_size_w, 1, SIZE_MAX_W_H) ||
                              !between(number->crop_size_h, 1, SIZE_MAX_W_H)))
        return damaged(at, "the part that is cropped is none");
    if (number->padding != 0 && (!between(number->left_padding_size, 0, SIZE_MAX_W_H) ||
                                 !between(number->right_padding_size, 0, SIZE_MAX_W_H) ||
                                 !between(number->top_padding_size, 0, SIZE_MAX_W_H) ||
                                 !between(number->bottom_padding_size, 0, SIZE_MAX_W_H)))
        return damaged(at, "a padding is none");
    for (size_t i = 0; i < 9; i++)
        if (!between(number->matrix[i], INT16_MIN, INT16_MAX))
            return damaged(at, "a number of the matrix does not fit in 16 bits");
    for (size_t i = 0; i < 3; i++)
        if (!between(number->output_bias[i], 0, UINT8_MAX) ||
            !between(number->input_bias[i], 0, UINT8_MAX))
            return damaged(at, "a bias does not fit in 8 bits");
    for (size_t i = 0; i < 4; i++)
        if (!between(number->mean[i], INT16_MIN, INT16_MAX))
            return damaged(at, "a mean does not fit in 16 bits");
    return E_NONE;
}

/* The input holds whole images. */
static int check_static_input(const AippRecord *record, size_t at, const Inout *inout)
{
    const TensorInfo *info = &inout->inputs.tensor[record->input];
    const int64_t *dims = memory_dims(info);
    size_t bytes = static_bytes(record);
    size_t one;

    if (bytes == 0)
        return damaged(at, "the image's format is none that can be read here");
    if (memory_rank(info) != 4 || dims[0] != record->dims[0] ||
        !tensor_bytes(dims + 1, 3, info->data_type, &one) || one != bytes)
        return damaged(at, "the input's shape is not that of its images");
    if (info->size % bytes != 0 || info->size == 0 ||
        (record->dims[0] > 0 && info->size / bytes != (size_t)record->dims[0]))
        return damaged(at, "the input's bytes are not those of its images");
    return E_NONE;
}

static int check_dynamic(const AippRecord *record, size_t at, const Inout *inout)
{
    size_t need;

    if (inout->gears.count > 0)
        return damaged(at, "dynamic AIPP in a model with gears");
    if (record->parameters >= inout->inputs.count || record->parameters == record->input)
        return damaged(at, "the input with the parameters is none");
    if (record->max_src_image_size == 0 ||
        inout->inputs.tensor[record->input].size != record->max_src_image_size)
        return damaged(at, "max_src_image_size is not the input's");
    if (!multiply((size_t)record->dims[0], PARAMETERS_EACH, &need) ||
        need > SIZE_MAX - PARAMETERS ||
        inout->inputs.tensor[record->parameters].size < need + PARAMETERS)
        return damaged(at, "the input with the parameters has no room for them");
    return E_NONE;
}

int aipp_record_check(const AippRecord *records, size_t at, const Inout *inout)
{
    const AippRecord *record = &records[at];

    if (record->input >= inout->inputs.count ||
        inout->inputs.tensor[record->input].data_type != ACL_UINT8)
        return damaged(at, "the image's input is none, or not of uint8");
    for (size_t i = 0; i < at; i++)
        if (records[i].input == record->input)
            return damaged(at, "another record has the same input");
    int status = check_tensor(record, at, inout);
    if (status == E_NONE && record->mode == AIPP_DYNAMIC)
        return check_dynamic(record, at, inout);
    if (status == E_NONE && (record->mode != AIPP_STATIC || record->parameters != NO_AIPP_INPUT))
        status = damaged(at, "the mode is none");
    if (status == E_NONE)
        status = check_parts(&record->number, at);
    return status == E_NONE ? check_static_input(record, at, inout) : status;
}
