#include "image/jpeg_decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/acl.h"
#include "base/codes.h"
#include "call/message.h"
#include "image/libjpeg.h"

enum { BLOCK = 8, ROWS_MOST = 4 * BLOCK, PLANES = 3 };

/* One decoding: the library's decoder and where its samples go. */
typedef struct Decoding {
    JpegDecoder decoder;
    JpegTrap trap;
    unsigned char *plane[PLANES];  /* owned */
    size_t pitch[PLANES];
    size_t rows[PLANES];        /* that there is room for */
} Decoding;

static void planes_free(Decoding *decoding)
{
    for (int i = 0; i < PLANES; i++)
        free(decoding->plane[i]);
}

/* Whole units of blocks: what the library writes. */
static bool planes_allocate(Decoding *decoding)
{
    const JpegDecoder *decoder = &decoding->decoder;

    for (int i = 0; i < decoder->components; i++) {
        const JpegComponent *one = &decoder->component[i];
        size_t units = (decoder->width + (size_t)decoder->across * BLOCK - 1) /
                       ((size_t)decoder->across * BLOCK);
        size_t down =
            (decoder->height + (size_t)decoder->down * BLOCK - 1) / ((size_t)decoder->down * BLOCK);
        decoding->pitch[i] = units * (size_t)one->across * BLOCK;
        decoding->rows[i] = down * (size_t)one->down * BLOCK;
        decoding->plane[i] = malloc(decoding->pitch[i] * decoding->rows[i]);
        if (decoding->plane[i] == NULL)
            return false;
    }
    return true;
}

/* Reads one row of units into the planes. */
static void read_units(const Libjpeg *jpeg, Decoding *decoding)
{
    JpegDecoder *decoder = &decoding->decoder;
    unsigned char *row[PLANES][ROWS_MOST];
    unsigned char **rows[PLANES];
    size_t unit = decoder->scanline / ((size_t)decoder->down * BLOCK);

    for (int i = 0; i < decoder->components; i++) {
        size_t count = (size_t)decoder->component[i].down * BLOCK;
        for (size_t k = 0; k < count; k++)
            row[i][k] = decoding->plane[i] + (unit * count + k) * decoding->pitch[i];
        rows[i] = row[i];
    }
    jpeg->read_raw_data(decoder, rows, (uint32_t)decoder->down * BLOCK);
}

/* Does the library read the same header as jpeg_header_read()? Damage could part them. */
static bool agrees(const JpegDecoder *decoder, const JpegHeader *header)
{
    bool same = decoder->width == header->width && decoder->height == header->height &&
                decoder->components == header->components && header->components <= PLANES;

    for (int i = 0; same && i < header->components; i++)
        same = decoder->component[i].across == header->across[i] &&
               decoder->component[i].down == header->down[i];
    return same;
}

/* False: the library refused, or there was no memory; the trap has the text. */
static bool run(const Libjpeg *jpeg, Decoding *decoding, const unsigned char *data, size_t size,
                const JpegHeader *header)
{
    JpegDecoder *decoder = &decoding->decoder;

    if (setjmp(decoding->trap.back) != 0)
        return false;
    jpeg->CreateDecompress(decoder, JPEG_VERSION, sizeof *decoder);
    jpeg->mem_src(decoder, data, size);
    jpeg->read_header(decoder, 1);
    if (!agrees(decoder, header)) {
        strcpy(decoding->trap.text, "the header is not clear");
        return false;
    }
    decoder->raw = 1;
    decoder->wanted_space = decoder->colour_space;
    jpeg->start_decompress(decoder);
    if (!planes_allocate(decoding))
        return false;
    while (decoder->scanline < decoder->height)
        read_units(jpeg, decoding);
    jpeg->finish_decompress(decoder);
    return decoding->trap.errors.warnings == 0;
}

static View view_as_coded(const Decoding *decoding, const JpegHeader *header)
{
    View view = {.model = MODEL_YUV, .width = header->width, .height = header->height};

    for (int i = 0; i < header->components; i++) {
        unsigned across = header->across[0] / header->across[i] - 1u;
        unsigned down = header->down[0] / header->down[i] - 1u;
        view.component[i] = (Component){decoding->plane[i],
                                        1,
                                        decoding->pitch[i],
                                        (header->width + across) >> across,
                                        (header->height + down) >> down,
                                        (uint8_t)across,
                                        (uint8_t)down};
    }
    return view;
}

/* The sample of the picture as coded that lies at a place of the turned one. */
static const unsigned char *sample(const Component *coded, unsigned orientation, uint32_t x,
                                   uint32_t y)
{
    bool swaps = orientation >= 5;
    uint32_t column = swaps ? y : x;
    uint32_t row = swaps ? x : y;

    if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        column = coded->width - 1 - column;
    if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        row = coded->height - 1 - row;
    return coded->at + row * coded->pitch + column;
}

static Component component_turned(const Component *coded, bool swaps)
{
    Component turned = *coded;

    if (swaps) {
        turned.width = coded->height;
        turned.height = coded->width;
        turned.across = coded->down;
        turned.down = coded->across;
    }
    turned.pitch = turned.width;
    return turned;
}

/* Copies all components into one piece of memory, turned. */
static bool turn(const View *coded, unsigned orientation, View *view, unsigned char **memory)
{
    bool swaps = orientation >= 5;
    size_t size = 0;

    *view = (View){.model = coded->model,
                   .width = swaps ? coded->height : coded->width,
                   .height = swaps ? coded->width : coded->height};
    for (int i = 0; i < PLANES; i++)
        size += (size_t)coded->component[i].width * coded->component[i].height;
    unsigned char *into = *memory = malloc(size);
    for (int i = 0; into != NULL && i < PLANES && coded->component[i].at != NULL; i++) {
        Component one = component_turned(&coded->component[i], swaps);
        one.at = into;
        for (uint32_t y = 0; y < one.height; y++)
            for (uint32_t x = 0; x < one.width; x++)
                *into++ = *sample(&coded->component[i], orientation, x, y);
        view->component[i] = one;
    }
    return *memory != NULL;
}

int jpeg_decode(const unsigned char *data, size_t size, const JpegHeader *header, View *view,
                unsigned char **memory)
{
    const Libjpeg *jpeg = libjpeg_open();
    Decoding *decoding = jpeg != NULL ? calloc(1, sizeof *decoding) : NULL;
    int status = E_NONE;

    *memory = NULL;
    if (jpeg == NULL)
        return E_FEATURE_UNSUPPORTED;
    if (decoding == NULL)
        return refuse(E_RT_AICPU, "no memory to decode a JPEG");
    jpeg_trap(jpeg, &decoding->trap);
    decoding->decoder.errors = &decoding->trap.errors;
    if (!run(jpeg, decoding, data, size, header)) {
        const char *text = decoding->trap.text;
        status = refuse(E_RT_AICPU, "the JPEG is damaged: libjpeg says: %s",
                        text[0] != '\0' ? text : "no memory");
    }
    jpeg->destroy_decompress(&decoding->decoder);
    if (status == E_NONE) {
        View coded = view_as_coded(decoding, header);
        if (!turn(&coded, header->orientation, view, memory))
            status = refuse(E_RT_AICPU, "no memory for the picture of a JPEG");
    }
    planes_free(decoding);
    free(decoding);
    return status;
}
