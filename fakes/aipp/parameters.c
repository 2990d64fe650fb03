#include "aipp/parameters.h"

#include "base/codes.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "memory/objects.h"

enum {
    OUTPUT_W_MAX = 1080,        /* after padding */
    PADDING_MAX = 32
};

int aipp_set_need(const aclmdlAIPP *handle, AippSet **set)
{
    if (handle == NULL)
        return refuse(E_PARAM, "aippParmsSet is NULL");
    *set = object_find(handle, KIND_AIPP, "aippParmsSet");
    return *set != NULL ? E_NONE : violation_status();
}

uint8_t aipp_device_format(int32_t input_format)
{
    static const uint8_t formats[] = {[ACL_YUV420SP_U8] = DEVICE_YUV420SP_U8,
                                      [ACL_XRGB8888_U8] = DEVICE_XRGB8888_U8,
                                      [ACL_RGB888_U8] = DEVICE_RGB888_U8,
                                      [ACL_YUV400_U8] = DEVICE_YUV400_U8,
                                      [ACL_NC1HWC0DI_FP16] = 3,
                                      [ACL_NC1HWC0DI_S8] = 4,
                                      [ACL_ARGB8888_U8] = 6,
                                      [ACL_YUYV_U8] = 7,
                                      [ACL_YUV422SP_U8] = 8,
                                      [ACL_AYUV444_U8] = 9,
                                      [ACL_RAW10] = 11,
                                      [ACL_RAW12] = 12,
                                      [ACL_RAW16] = 13,
                                      [ACL_RAW24] = 16};

    if (input_format < 0 || (size_t)input_format >= sizeof formats)
        return 0;
    return formats[input_format];
}

int32_t aipp_input_format(uint8_t device_format)
{
    switch (device_format) {
    case DEVICE_YUV420SP_U8:
        return ACL_YUV420SP_U8;
    case DEVICE_XRGB8888_U8:
        return ACL_XRGB8888_U8;
    case DEVICE_RGB888_U8:
        return ACL_RGB888_U8;
    case DEVICE_YUV400_U8:
        return ACL_YUV400_U8;
    default:
        return 0;
    }
}

void aipp_of_record(const AippRecord *record, AippHead *head, AippPart *part)
{
    const AippNumbers *number = &record->number;

    *head = (AippHead){.input_format = aipp_device_format(record->input_format),
                       .csc_switch = number->csc_switch != 0,
                       .rbuv_swap_switch = number->rbuv_swap_switch != 0,
                       .ax_swap_switch = number->ax_swap_switch != 0,
                       .src_image_size_w = number->src_image_size_w,
                       .src_image_size_h = number->src_image_size_h};
    *part = (AippPart){.crop_switch = number->crop != 0,
                       .scf_switch = number->resize != 0,
                       .padding_switch = number->padding != 0,
                       .crop_start_w = number->load_start_pos_w,
                       .crop_start_h = number->load_start_pos_h,
                       .crop_size_w = number->crop_size_w,
                       .crop_size_h = number->crop_size_h,
                       .padding_top = number->top_padding_size,
                       .padding_bottom = number->bottom_padding_size,
                       .padding_left = number->left_padding_size,
                       .padding_right = number->right_padding_size};
    for (size_t i = 0; i < 9; i++)
        head->matrix[i] = (int16_t)number->matrix[i];
    for (size_t i = 0; i < 3; i++) {
        head->output_bias[i] = (uint8_t)number->output_bias[i];
        head->input_bias[i] = (uint8_t)number->input_bias[i];
    }
    for (size_t i = 0; i < 4; i++) {
        part->mean[i] = (int16_t)number->mean[i];
        part->min[i] = half_of(record->real.min[i]);
        part->var_reci[i] = half_of(record->real.var_reci[i]);
    }
}

uint64_t aipp_source_bytes(const AippHead *head, uint64_t batch)
{
    size_t one = aipp_image_bytes(aipp_input_format(head->input_format),
                                  (size_t)head->src_image_size_w, (size_t)head->src_image_size_h);
    size_t all;

    return multiply(one, batch, &all) ? all : UINT64_MAX;
}

int aipp_output_size(const AippHead *head, const AippPart *part, int64_t *w, int64_t *h)
{
    bool crops = part->crop_switch == 1;

    *w = crops ? part->crop_size_w : head->src_image_size_w;
    *h = crops ? part->crop_size_h : head->src_image_size_h;
    if (part->scf_switch == 1) {
        *w = part->scf_output_w;
        *h = part->scf_output_h;
    }
    if (part->padding_switch != 1)
        return E_NONE;
    *w += (int64_t)part->padding_left + part->padding_right;
    *h += (int64_t)part->padding_top + part->padding_bottom;
    if (*w <= OUTPUT_W_MAX)
        return E_NONE;
    return refuse(E_PARAM, "after padding an image is %lld wide; AIPP makes up to %d",
                  (long long)*w, OUTPUT_W_MAX);
}

static bool is_switch(int8_t value)
{
    return value == 0 || value == 1;
}

static bool between(int32_t value, int32_t low, int32_t high)
{
    return value >= low && value <= high;
}

static bool part_in_range(const AippPart *part)
{
    bool crop = part->crop_switch == 0 || (between(part->crop_start_w, 0, SIZE_MAX_W_H - 1) &&
                                           between(part->crop_start_h, 0, SIZE_MAX_W_H - 1) &&
                                           between(part->crop_size_w, 1, SIZE_MAX_W_H) &&
                                           between(part->crop_size_h, 1, SIZE_MAX_W_H));
    bool padding = part->padding_switch == 0 || (between(part->padding_top, 0, PADDING_MAX) &&
                                                 between(part->padding_bottom, 0, PADDING_MAX) &&
                                                 between(part->padding_left, 0, PADDING_MAX) &&
                                                 between(part->padding_right, 0, PADDING_MAX));

    return is_switch(part->crop_switch) && is_switch(part->scf_switch) &&
           is_switch(part->padding_switch) && crop && padding;
}

bool aipp_in_range(const AippHead *head, const AippPart *part, uint64_t batch)
{
    bool all = is_switch(head->csc_switch) && is_switch(head->rbuv_swap_switch) &&
               is_switch(head->ax_swap_switch) &&
               between(head->src_image_size_w, 1, SIZE_MAX_W_H) &&
               between(head->src_image_size_h, 1, SIZE_MAX_W_H);

    for (uint64_t i = 0; all && i < batch; i++)
        all = part_in_range(&part[i]);
    return all;
}

static int check_source(const AippHead *head)
{
    int32_t format = aipp_input_format(head->input_format);

    if (head->input_format == 0)
        return refuse(E_PARAM, "the images' format is not set; call aclmdlSetAIPPInputFormat");
    if (format == 0)
        return refuse(E_PARAM,
                      "no device's dynamic AIPP reads images of the device's format %d; "
                      "YUV420SP_U8, XRGB8888_U8, RGB888_U8 and YUV400_U8 are right",
                      head->input_format);
    if (format == ACL_YUV400_U8 && head->csc_switch == 1)
        return refuse(E_PARAM, "images of YUV400_U8 have no colours to convert; cscSwitch must be "
                               "0");
    if (head->src_image_size_w <= 0 || head->src_image_size_h <= 0)
        return refuse(E_PARAM, "the images' size is not set; call aclmdlSetAIPPSrcImageSize");
    if (format == ACL_YUV420SP_U8 &&
        (head->src_image_size_w % 2 != 0 || head->src_image_size_h % 2 != 0))
        return refuse(E_PARAM, "images of YUV420SP_U8 are %d wide and %d high; both must be even",
                      head->src_image_size_w, head->src_image_size_h);
    return E_NONE;
}

static int check_crop(const AippHead *head, const AippPart *part, uint64_t i)
{
    int64_t right = (int64_t)part->crop_start_w + part->crop_size_w;
    int64_t bottom = (int64_t)part->crop_start_h + part->crop_size_h;

    if (right > head->src_image_size_w || bottom > head->src_image_size_h)
        return refuse(E_PARAM,
                      "what is cropped of image %llu ends at %lld, %lld; it is %d wide "
                      "and %d high",
                      (unsigned long long)i, (long long)right, (long long)bottom,
                      head->src_image_size_w, head->src_image_size_h);
    if (head->input_format == DEVICE_YUV420SP_U8 &&
        (part->crop_start_w % 2 != 0 || part->crop_start_h % 2 != 0))
        return refuse(E_PARAM,
                      "image %llu of YUV420SP_U8 is cropped from %d, %d; both must be "
                      "even",
                      (unsigned long long)i, part->crop_start_w, part->crop_start_h);
    return E_NONE;
}

int aipp_check(const AippHead *head, const AippPart *part, uint64_t batch)
{
    int64_t first_w, first_h, w, h;
    int status = check_source(head);

    if (status == E_NONE)
        status = aipp_output_size(head, &part[0], &first_w, &first_h);
    for (uint64_t i = 0; status == E_NONE && i < batch; i++) {
        if (part[i].scf_switch == 1)
            return refuse(E_PARAM, "image %llu is to be scaled, which no device's AIPP does",
                          (unsigned long long)i);
        if (part[i].crop_switch == 1)
            status = check_crop(head, &part[i], i);
        if (status == E_NONE)
            status = aipp_output_size(head, &part[i], &w, &h);
        if (status == E_NONE && (w != first_w || h != first_h))
            return refuse(E_PARAM,
                          "AIPP makes %lld x %lld of image %llu and %lld x %lld of "
                          "image 0; they must be equal",
                          (long long)w, (long long)h, (unsigned long long)i, (long long)first_w,
                          (long long)first_h);
    }
    return status;
}
