/*
 * jpeg_header: what a JPEG says of itself before its first scan.
 */
#ifndef FAKE_JPEG_HEADER_H
#define FAKE_JPEG_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum JpegSpace { JPEG_GREY, JPEG_YUV, JPEG_OTHER } JpegSpace;

typedef struct JpegHeader {
    uint32_t width;             /* as the samples lie, */
    uint32_t height;            /* before they are turned */
    int components;
    int process;                /* 0xC0 baseline, 0xC2 progressive, ... */
    int precision;              /* bits of a sample */
    JpegSpace space;
    uint8_t across[4];          /* sampling factors */
    uint8_t down[4];
    unsigned orientation;       /* of Exif: 1..8; 1 where it says nothing */
} JpegHeader;

/* Reads it: NULL, or what is wrong. */
const char *jpeg_header_read(const unsigned char *data, size_t size, JpegHeader *header);

/* Do width and height change places when the picture is turned? */
static inline bool jpeg_is_turned(const JpegHeader *header)
{
    return header->orientation >= 5;
}

/* acldvppJpegFormat of the samples, before they are turned. */
int jpeg_subsampling(const JpegHeader *header);

/* And of the picture that is decoded: what was halved across is halved down when it is turned. */
int jpeg_turned_subsampling(const JpegHeader *header);

#endif
