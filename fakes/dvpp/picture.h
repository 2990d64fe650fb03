/*
 * picture: what a picture description says, and whether a unit can work on it.
 *
 * An operation takes a copy of the descriptions when it is queued; when it is
 * done, the output's is written back (facts 11.4).
 */
#ifndef FAKE_PICTURE_H
#define FAKE_PICTURE_H

#include <stdatomic.h>

#include "base/acl.h"
#include "image/view.h"

/* The body of a description. A worker writes it while others may read it. */
typedef struct PicDesc {
    _Atomic(void *) data;
    atomic_uint size;
    atomic_uint format;
    atomic_uint width;
    atomic_uint height;
    atomic_uint width_stride;
    atomic_uint height_stride;
    atomic_uint ret_code;
} PicDesc;

typedef struct Picture {
    const void *handle;         /* of the description */
    const char *argument;       /* its name in the call */
    void *data;
    uint32_t size;
    uint32_t format;
    uint32_t width;
    uint32_t height;
    uint32_t width_stride;
    uint32_t height_stride;
    const Layout *layout;       /* NULL: no unit knows the format */
} Picture;

/* What a unit demands. */
typedef struct Limits {
    uint32_t width[2];          /* least and most */
    uint32_t height[2];
    uint32_t alignment;         /* of the address */
    uint32_t stride;            /* of which the strides are multiples */
    uint32_t rows;
} Limits;

/* Those of VPC for what it reads and what it writes (facts 11.5, 11.6). */
Limits vpc_reads(void);
Limits vpc_writes(void);

/* Copies a description: 0, or a status. */
int picture_describe(const acldvppPicDesc *handle, const char *argument, Picture *picture);

/* The same for an operation: data NULL is refused. */
int picture_take(const acldvppPicDesc *handle, const char *argument, Picture *picture);

/*
 * Fills strides that are 0 with the least that a unit can use, as it does for
 * pictures that it writes.
 */
void picture_complete(Picture *picture, const Limits *limits);

/* Checks a picture and its memory: 0, or the status of a violation. */
int picture_check(const Picture *picture, const Limits *limits);

/*
 * Checks a region of a picture, of a call's argument, and ends it at odd
 * numbers, as the unit does (facts 11.7): 0, or the status of a violation.
 */
int region_check(Region *region, const char *argument, const Picture *picture);

/* The bytes from the picture's first on, of its strides: NULL after a violation. */
unsigned char *picture_bytes(const Picture *picture);

/* The descriptions of a batch: 0, or a status. */
int batch_need(const acldvppBatchPicDesc *handle, const char *argument, uint32_t *count,
               acldvppPicDesc *const **pictures);

/* Writes back what an operation has made of a picture. */
void picture_give_back(const Picture *picture, uint32_t ret_code);

static inline uint32_t rounded_up(uint32_t size, uint32_t step)
{
    return (size + step - 1) / step * step;
}

#endif
