/*
 * jpeg_decode: the samples of a JPEG, as they are in the file.
 */
#ifndef FAKE_JPEG_DECODE_H
#define FAKE_JPEG_DECODE_H

#include "image/jpeg_header.h"
#include "image/view.h"

/*
 * Decodes into memory of its own, turned as the orientation says: *memory is
 * to be freed. 0, or a status after a message. The header is the file's.
 */
int jpeg_decode(const unsigned char *data, size_t size, const JpegHeader *header, View *view,
                unsigned char **memory);

#endif
