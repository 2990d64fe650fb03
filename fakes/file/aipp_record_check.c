#include "file/aipp_record_check.h"

#include "base/acl.h"
#include "base/codes.h"
#include "call/message.h"
#include "file/aipp_gear.h"
#include "file/numeric.h"

enum {
    SIZE_MAX_W_H = 4096,
    PARAMETERS = 64,            /* bytes in front of the images' */
    PARAMETERS_EACH = 96
};

static size_t static_bytes(const AippRecord *record)
{
    return aipp_image_bytes(record->input_format, (size_t)record->number.src_image_size_w,
                            (size_t)record->number.src_image_size_h);
}

static int damaged(size_t at, const char *what)
{
    return refuse(GE_FAILED, "AIPP record %zu: %s", at, what);
}

static bool between(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

/* The tensor that the graph takes, one of images. */
static int check_tensor(const AippRecord *record, size_t at, const Inout *inout)
{
    int status = aipp_gears_check(record, at, inout);

    if (status != E_NONE)
        return status;
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
    AippRecord largest = aipp_in_largest(record, &inout->gears);
    size_t need;

    if (inout->gears.kind == GEARS_DIMS)
        return damaged(at, "dynamic AIPP in a model with gears of dims");
    if (record->parameters >= inout->inputs.count || record->parameters == record->input)
        return damaged(at, "the input with the parameters is none");
    if (record->max_src_image_size == 0 ||
        inout->inputs.tensor[record->input].size != record->max_src_image_size)
        return damaged(at, "max_src_image_size is not the input's");
    if (!multiply((size_t)largest.dims[0], PARAMETERS_EACH, &need) ||
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
