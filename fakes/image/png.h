/*
 * png: what a PNG says of itself, and its pixels.
 */
#ifndef FAKE_PNG_H
#define FAKE_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct PngHeader {
    uint32_t width;
    uint32_t height;
    int components;             /* 1 grey, 2 with alpha, 3 RGB, 4 RGBA; 0: a palette */
    int bits;
} PngHeader;

/* Reads it: NULL, or what is wrong. */
const char *png_header_read(const unsigned char *data, size_t size, PngHeader *header);

/* Is libpng there? 0, or a status after a message that says what to install. */
int png_open(void);

/*
 * Decodes to 8-bit RGBA, rows of 4 * width bytes, in memory that is to be freed. 0, or a status
 * after a message. The header is the file's.
 */
int png_decode(const unsigned char *data, size_t size, const PngHeader *header,
               unsigned char **pixels);

#endif
