/*
 * libjpeg: the part of its binary interface that is needed here, version 62.
 *
 * libjpeg-turbo, as Pillow's wheel and every Debian have it, is opened when
 * the first JPEG is decoded or encoded. Its structs are the caller's memory:
 * here they have the size and the few members that matter, the rest is gaps.
 * The library compares version and size by itself when a struct is made.
 */
#ifndef FAKE_LIBJPEG_H
#define FAKE_LIBJPEG_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JPEG_VERSION = 62,
    JPEG_YCBCR = 3,             /* a colour space */
    JPEG_TEXT = 200             /* bytes of a message */
};

typedef struct JpegErrors {
    void (*error_exit)(void *codec);
    void (*emit_message)(void *codec, int level);
    void (*output_message)(void *codec);
    void (*format_message)(void *codec, char *text);
    char gap[96];
    long warnings;
    char rest[32];
} JpegErrors;

typedef struct JpegComponent {
    char gap[8];
    int across;                 /* sampling factors */
    int down;
    char gap2[12];
    uint32_t width_in_blocks;
    uint32_t height_in_blocks;
    char rest[60];
} JpegComponent;

typedef struct JpegDecoder {
    JpegErrors *errors;
    char gap[40];
    uint32_t width;
    uint32_t height;
    int components;
    int colour_space;
    int wanted_space;
    char gap2[24];
    int raw;                    /* wants samples as they are in the file */
    char gap3[72];
    uint32_t scanline;
    char gap4[132];
    JpegComponent *component;
    char gap5[96];
    int across;                 /* largest factors */
    int down;
    char rest[216];
} JpegDecoder;

typedef struct JpegEncoder {
    JpegErrors *errors;
    char gap[40];
    uint32_t width;
    uint32_t height;
    int components;
    int colour_space;
    char gap2[24];
    JpegComponent *component;
    char gap3[160];
    int raw;
    char gap4[44];
    uint32_t scanline;
    char rest[212];
} JpegEncoder;

_Static_assert(offsetof(JpegErrors, warnings) == 128 && sizeof(JpegErrors) == 168, "layout");
_Static_assert(offsetof(JpegComponent, width_in_blocks) == 28, "layout");
_Static_assert(sizeof(JpegComponent) == 96, "layout");
_Static_assert(offsetof(JpegDecoder, raw) == 92 && offsetof(JpegDecoder, scanline) == 168 &&
                   offsetof(JpegDecoder, component) == 304 && offsetof(JpegDecoder, down) == 412 &&
                   sizeof(JpegDecoder) == 632,
               "layout");
_Static_assert(offsetof(JpegEncoder, component) == 88 && offsetof(JpegEncoder, raw) == 256 &&
                   offsetof(JpegEncoder, scanline) == 304 && sizeof(JpegEncoder) == 520,
               "layout");

/* Functions: our name, result, parameters. */
#define LIBJPEG_FUNCTIONS(F) \
    F(std_error, JpegErrors *, (JpegErrors * errors)) \
    F(CreateDecompress, void, (JpegDecoder * decoder, int version, size_t size)) \
    F(mem_src, void, (JpegDecoder * decoder, const unsigned char *data, unsigned long size)) \
    F(read_header, int, (JpegDecoder * decoder, int require_image)) \
    F(start_decompress, int, (JpegDecoder * decoder)) \
    F(read_raw_data, uint32_t, (JpegDecoder * decoder, unsigned char ***rows, uint32_t count)) \
    F(finish_decompress, int, (JpegDecoder * decoder)) \
    F(destroy_decompress, void, (JpegDecoder * decoder)) \
    F(CreateCompress, void, (JpegEncoder * encoder, int version, size_t size)) \
    F(mem_dest, void, (JpegEncoder * encoder, unsigned char **data, unsigned long *size)) \
    F(set_defaults, void, (JpegEncoder * encoder)) \
    F(set_quality, void, (JpegEncoder * encoder, int quality, int baseline)) \
    F(start_compress, void, (JpegEncoder * encoder, int tables)) \
    F(write_raw_data, uint32_t, (JpegEncoder * encoder, unsigned char ***rows, uint32_t count)) \
    F(finish_compress, void, (JpegEncoder * encoder)) \
    F(destroy_compress, void, (JpegEncoder * encoder))

typedef struct Libjpeg {
#define F(name, result, parameters) result(*name) parameters;
    LIBJPEG_FUNCTIONS(F)
#undef F
} Libjpeg;

/* Where an error of the library goes, and its text. */
typedef struct JpegTrap {
    JpegErrors errors;          /* first: it is what the library hands back */
    jmp_buf back;
    char text[JPEG_TEXT];
} JpegTrap;

/* The library, opened at the first call; NULL after a message, which says what to install. */
const Libjpeg *libjpeg_open(void);

/* Errors go to the trap, whose caller sets `back`; warnings are its text too. */
void jpeg_trap(const Libjpeg *jpeg, JpegTrap *trap);

#endif
