/*
 * aipp_record: what a program says of the AIPP in front of one of its inputs
 * (docs/program_format.md).
 *
 * A record that aipp_record_check() accepted fits the model's inputs, and a
 * static one says how to make whole tensors of images of one size.
 */
#ifndef FAKE_AIPP_RECORD_H
#define FAKE_AIPP_RECORD_H

#include "base/reader.h"
#include "file/inout.h"

#define AIPP_INPUT "ascend_dynamic_aipp_data"
#define NO_AIPP_INPUT UINT32_MAX

typedef enum AippMode { AIPP_STATIC = 1, AIPP_DYNAMIC = 2 } AippMode;

/* The fields of a static configuration that are integers, in the file's order. */
typedef struct AippNumbers {
    int32_t src_image_size_w;
    int32_t src_image_size_h;
    int32_t crop;
    int32_t load_start_pos_w;
    int32_t load_start_pos_h;
    int32_t crop_size_w;
    int32_t crop_size_h;
    int32_t resize;
    int32_t resize_output_w;
    int32_t resize_output_h;
    int32_t padding;
    int32_t left_padding_size;
    int32_t right_padding_size;
    int32_t top_padding_size;
    int32_t bottom_padding_size;
    int32_t csc_switch;
    int32_t rbuv_swap_switch;
    int32_t ax_swap_switch;
    int32_t single_line_mode;
    int32_t matrix[9];          /* row by row */
    int32_t output_bias[3];
    int32_t input_bias[3];
    int32_t mean[4];
} AippNumbers;

typedef struct AippFloats {
    float min[4];
    float var_reci[4];
    float padding_value;
} AippFloats;

typedef struct AippRecord {
    uint32_t input;             /* the image's */
    uint32_t parameters;        /* the input with its parameters, or NO_AIPP_INPUT */
    AippMode mode;
    int32_t input_format;       /* aclAippInputFormat; 0 where it is dynamic */
    bool nhwc;                  /* how the graph's tensor lies; NCHW if not */
    int32_t data_type;          /* of the graph's tensor, as dims are */
    int64_t dims[4];            /* -1 where gears say it: see aipp_gear.h */
    AippNumbers number;
    AippFloats real;
    uint32_t max_src_image_size;
} AippRecord;

/* False: the payload is damaged. */
bool aipp_record_read(Bytes payload, AippRecord *record);

/* Of the graph's tensor. */
size_t aipp_channels(const AippRecord *record);
size_t aipp_height(const AippRecord *record);
size_t aipp_width(const AippRecord *record);

/* Bytes of an image of a format, w * h; 0: none that AIPP here can read. */
size_t aipp_image_bytes(int32_t input_format, size_t w, size_t h);

/* Bytes of one image in the graph's tensor. */
size_t aipp_tensor_bytes(const AippRecord *record);

#endif
