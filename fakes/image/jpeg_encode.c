#include "image/jpeg_encode.h"

#include <stdlib.h>

#include "base/codes.h"
#include "call/message.h"
#include "image/libjpeg.h"

enum { BLOCK = 8, ROWS_MOST = 2 * BLOCK, PLANES = 3 };

/* One encoding, and a row of units whose edges are filled. */
typedef struct Encoding {
    JpegEncoder encoder;
    JpegTrap trap;
    const View *view;
    unsigned char *rows;        /* owned: ROWS_MOST rows for each plane */
    size_t pitch;
    unsigned char **data;
    unsigned long *size;
} Encoding;

/* Chroma has factors of 1, so luma's are 1, or 2 where chroma is halved. */
static void set_sampling(Encoding *encoding)
{
    const Component *chroma = &encoding->view->component[1];

    for (int i = 0; i < PLANES; i++) {
        encoding->encoder.component[i].across = i == 0 ? chroma->across + 1 : 1;
        encoding->encoder.component[i].down = i == 0 ? chroma->down + 1 : 1;
    }
}

/* One row of a component, to the end of the last unit. */
static void fill_row(const Component *from, uint32_t y, unsigned char *into, size_t count)
{
    const unsigned char *row = from->at + (y < from->height ? y : from->height - 1) * from->pitch;

    for (size_t x = 0; x < count; x++)
        into[x] = row[(x < from->width ? x : from->width - 1) * from->step];
}

static void write_units(const Libjpeg *jpeg, Encoding *encoding)
{
    unsigned char *row[PLANES][ROWS_MOST];
    unsigned char **rows[PLANES];
    uint32_t lines = BLOCK * (encoding->view->component[1].down + 1u);
    uint32_t unit = encoding->encoder.scanline / lines;

    for (int i = 0; i < PLANES; i++) {
        const Component *one = &encoding->view->component[i];
        uint32_t count = lines >> one->down;
        for (uint32_t k = 0; k < count; k++) {
            row[i][k] = encoding->rows + ((size_t)i * ROWS_MOST + k) * encoding->pitch;
            fill_row(one, unit * count + k, row[i][k], encoding->pitch);
        }
        rows[i] = row[i];
    }
    jpeg->write_raw_data(&encoding->encoder, rows, lines);
}

static bool run(const Libjpeg *jpeg, Encoding *encoding, int quality)
{
    JpegEncoder *encoder = &encoding->encoder;

    if (setjmp(encoding->trap.back) != 0)
        return false;
    jpeg->CreateCompress(encoder, JPEG_VERSION, sizeof *encoder);
    jpeg->mem_dest(encoder, encoding->data, encoding->size);
    encoder->width = encoding->view->width;
    encoder->height = encoding->view->height;
    encoder->components = PLANES;
    encoder->colour_space = JPEG_YCBCR;
    jpeg->set_defaults(encoder);
    jpeg->set_quality(encoder, quality, 1);
    encoder->raw = 1;
    set_sampling(encoding);
    jpeg->start_compress(encoder, 1);
    while (encoder->scanline < encoder->height)
        write_units(jpeg, encoding);
    jpeg->finish_compress(encoder);
    return true;
}

int jpeg_encode(const View *view, int quality, unsigned char **data, unsigned long *size)
{
    const Libjpeg *jpeg = libjpeg_open();
    Encoding *encoding = jpeg != NULL ? calloc(1, sizeof *encoding) : NULL;
    int status = E_NONE;

    *data = NULL;
    *size = 0;
    if (jpeg == NULL)
        return E_FEATURE_UNSUPPORTED;
    if (encoding == NULL)
        return refuse(E_RT_AICPU, "no memory to encode a JPEG");
    encoding->view = view;
    encoding->data = data;
    encoding->size = size;
    encoding->pitch = ((size_t)view->width + 2 * BLOCK - 1) / (2 * BLOCK) * (2 * BLOCK);
    encoding->rows = malloc(PLANES * ROWS_MOST * encoding->pitch);
    jpeg_trap(jpeg, &encoding->trap);
    encoding->encoder.errors = &encoding->trap.errors;
    if (encoding->rows == NULL)
        status = refuse(E_RT_AICPU, "no memory to encode a JPEG");
    else if (!run(jpeg, encoding, quality)) {
        *data = NULL;           /* the library may have freed it */
        status = refuse(E_RT_AICPU, "libjpeg says: %s", encoding->trap.text);
    }
    if (encoding->rows != NULL)
        jpeg->destroy_compress(&encoding->encoder);
    free(encoding->rows);
    free(encoding);
    return status;
}
