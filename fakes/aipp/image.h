/*
 * image: the pixels that AIPP makes, in its order: crop, channel swap, colour
 * conversion, mean, minimum and variance, padding (facts 13.8).
 */
#ifndef FAKE_AIPP_IMAGE_H
#define FAKE_AIPP_IMAGE_H

#include "aipp/parameters.h"

/*
 * Does AIPP make the graph's tensor of images with these parameters, which
 * aipp_check() accepted? 0, or 100000 with a text.
 */
int aipp_fits(const AippHead *head, const AippPart *part, uint64_t batch, const AippRecord *record);

/* Does a static record say what AIPP can do for its tensor? 0, or a status of a load. */
int aipp_record_fits(const AippRecord *record);

/*
 * Makes one image of the graph's tensor, at to, of an image at from. The
 * parameters fit the record.
 */
void aipp_image(const AippHead *head, const AippPart *part, const AippRecord *record,
                const unsigned char *from, unsigned char *to);

#endif
