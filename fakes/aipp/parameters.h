/*
 * parameters: what AIPP is told at run time, in the layout that it has in the
 * memory of a model's input "ascend_dynamic_aipp_data" (facts 13.5), and the
 * object behind aclmdlAIPP.
 *
 * A static configuration is turned into the same structs, so that images are
 * made in one way.
 */
#ifndef FAKE_AIPP_PARAMETERS_H
#define FAKE_AIPP_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/acl.h"
#include "file/aipp_record.h"

enum { SIZE_MAX_W_H = 4096 };   /* an image's width, and its height */

/* Formats as the device counts them. */
typedef enum AippDeviceFormat {
    DEVICE_YUV420SP_U8 = 1,
    DEVICE_XRGB8888_U8 = 2,
    DEVICE_RGB888_U8 = 5,
    DEVICE_YUV400_U8 = 10
} AippDeviceFormat;

/* Of the whole batch. */
typedef struct AippHead {
    uint8_t input_format;       /* AippDeviceFormat; 0: not set */
    int8_t csc_switch;
    int8_t rbuv_swap_switch;
    int8_t ax_swap_switch;
    int8_t batch;
    int8_t reserved1[3];
    int32_t src_image_size_w;
    int32_t src_image_size_h;
    int16_t matrix[9];          /* row by row */
    int16_t reserved2[3];
    uint8_t output_bias[3];
    uint8_t input_bias[3];
    uint8_t reserved3[2];
    int8_t reserved4[16];
} AippHead;

/* Of one image. */
typedef struct AippPart {
    int8_t crop_switch;
    int8_t scf_switch;
    int8_t padding_switch;
    int8_t rotate_switch;
    int8_t reserved1[4];
    int32_t crop_start_w;
    int32_t crop_start_h;
    int32_t crop_size_w;
    int32_t crop_size_h;
    int32_t scf_input_w;
    int32_t scf_input_h;
    int32_t scf_output_w;
    int32_t scf_output_h;
    int32_t padding_top;
    int32_t padding_bottom;
    int32_t padding_left;
    int32_t padding_right;
    int16_t mean[4];
    uint16_t min[4];            /* halves, as var_reci is */
    uint16_t var_reci[4];
    int8_t reserved2[16];
} AippPart;

_Static_assert(sizeof(AippHead) == 64 && sizeof(AippPart) == 96, "facts 13.5");

/* The object behind aclmdlAIPP. */
typedef struct AippSet {
    uint64_t batch;
    AippHead head;
    AippPart *part;             /* owned; batch of them */
} AippSet;

/* The set behind an argument that must not be NULL: 0, or a status. */
int aipp_set_need(const aclmdlAIPP *handle, AippSet **set);

/* aclAippInputFormat as the device counts it; 0: it has none. */
uint8_t aipp_device_format(int32_t input_format);

/* And back, of the four that AIPP here can read; 0: another. */
int32_t aipp_input_format(uint8_t device_format);

/* What a static record says. */
void aipp_of_record(const AippRecord *record, AippHead *head, AippPart *part);

/*
 * Bytes of the images that a set describes; 0 where its format is not set.
 * The sizes are those that its setter lets through.
 */
uint64_t aipp_source_bytes(const AippHead *head, uint64_t batch);

/* Width and height of what AIPP makes of an image: 0, or 100000. */
int aipp_output_size(const AippHead *head, const AippPart *part, int64_t *w, int64_t *h);

/*
 * Are all numbers such as the setters let through? Parameters in memory may
 * hold anything.
 */
bool aipp_in_range(const AippHead *head, const AippPart *part, uint64_t batch);

/*
 * Can AIPP do what parameters say? 0, or 100000 with a text, as ACL checks
 * it (facts 13.7). They are in range.
 */
int aipp_check(const AippHead *head, const AippPart *part, uint64_t batch);

#endif
