/*
 * jpeg_encode: a picture as a baseline JPEG.
 */
#ifndef FAKE_JPEG_ENCODE_H
#define FAKE_JPEG_ENCODE_H

#include "image/view.h"

/*
 * Encodes a view of YUV, with chroma as it lies, into memory that is to be
 * freed. quality is from 1 to 100. 0, or a status after a message.
 */
int jpeg_encode(const View *view, int quality, unsigned char **data, unsigned long *size);

#endif
