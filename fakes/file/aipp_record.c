#include "file/aipp_record.h"

#include "base/acl.h"
#include "file/numeric.h"

enum {
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
