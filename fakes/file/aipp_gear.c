#include "file/aipp_gear.h"

#include "base/acl.h"
#include "base/codes.h"
#include "call/message.h"

enum { DIM_MAX = 8192 };

AippRecord aipp_in_gear(const AippRecord *record, const Gears *gears, size_t gear)
{
    AippRecord made = *record;
    size_t used = 0;

    if (gears->count == 0)
        return made;
    const Gear *own = &gears->gear[gear];
    for (size_t k = 0; k < 4; k++)
        if (made.dims[k] < 0 && used < own->width)
            made.dims[k] = (int64_t)own->value[used++];
    return made;
}

AippRecord aipp_in_largest(const AippRecord *record, const Gears *gears)
{
    AippRecord found = aipp_in_gear(record, gears, 0);

    for (size_t i = 1; i < gears->count; i++) {
        AippRecord made = aipp_in_gear(record, gears, i);
        if ((size_t)made.dims[0] * aipp_tensor_bytes(&made) >
            (size_t)found.dims[0] * aipp_tensor_bytes(&found))
            found = made;
    }
    return found;
}

bool aipp_size_is_open(const AippRecord *record)
{
    return record->dims[record->nhwc ? 1 : 2] < 0;
}

/* A batch is said by gears of batches; height and width, both, by gears of these. */
static bool right_ones_are_open(const AippRecord *record, GearKind kind)
{
    size_t high = record->nhwc ? 1 : 2;
    size_t channels = record->nhwc ? 3 : 1;
    bool size = kind == GEARS_HW && record->mode == AIPP_DYNAMIC;

    return record->dims[channels] > 0 && (record->dims[0] > 0 || kind == GEARS_BATCH) &&
           (record->dims[high] < 0) == (record->dims[high + 1] < 0) &&
           (record->dims[high] > 0 || size);
}

static int check_gear(const AippRecord *own, size_t at)
{
    for (size_t k = 0; k < 4; k++)
        if (own->dims[k] < 1 || own->dims[k] > (k == 0 ? INT32_MAX : DIM_MAX))
            return refuse(GE_FAILED,
                          "AIPP record %zu: dim %zu of the graph's tensor is %lld, which is none "
                          "of images",
                          at, k, (long long)own->dims[k]);
    return E_NONE;
}

int aipp_gears_check(const AippRecord *record, size_t at, const Inout *inout)
{
    const Gears *gears = &inout->gears;
    size_t count = gears->count > 0 ? gears->count : 1;
    int status = E_NONE;

    if (!right_ones_are_open(record, gears->kind))
        return refuse(GE_FAILED,
                      "AIPP record %zu: dims of the graph's tensor are open that the model's "
                      "gears do not say",
                      at);
    for (size_t i = 0; status == E_NONE && i < count; i++) {
        AippRecord own = aipp_in_gear(record, gears, i);
        status = check_gear(&own, at);
    }
    return status;
}
