#include "image/png.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "base/locks.h"
#include "base/text.h"
#include "call/message.h"
#include "call/settings.h"
#include "image/library.h"

/* The functions of libpng 1.6: our name, result, parameters. Its structs are opaque. */
#define LIBPNG_FUNCTIONS(F) \
    F(get_libpng_ver, const char *, (const void *reader)) \
    F(create_read_struct, void *, \
      (const char *version, void *to, void (*fail)(void *reader, const char *text), \
       void (*warn)(void *reader, const char *text))) \
    F(create_info_struct, void *, (const void *reader)) \
    F(destroy_read_struct, void, (void **reader, void **info, void **end)) \
    F(get_error_ptr, void *, (const void *reader)) \
    F(set_read_fn, void, \
      (void *reader, void *from, void (*read)(void *reader, unsigned char *into, size_t count))) \
    F(get_io_ptr, void *, (const void *reader)) \
    F(read_info, void, (void *reader, void *info)) \
    F(get_image_width, uint32_t, (const void *reader, const void *info)) \
    F(get_image_height, uint32_t, (const void *reader, const void *info)) \
    F(set_expand, void, (void *reader)) \
    F(set_strip_16, void, (void *reader)) \
    F(set_gray_to_rgb, void, (void *reader)) \
    F(set_add_alpha, void, (void *reader, uint32_t filler, int behind)) \
    F(set_interlace_handling, int, (void *reader)) \
    F(read_update_info, void, (void *reader, void *info)) \
    F(get_rowbytes, size_t, (const void *reader, const void *info)) \
    F(read_image, void, (void *reader, unsigned char **rows)) \
    F(read_end, void, (void *reader, void *info))

typedef struct Libpng {
#define F(name, result, parameters) result(*name) parameters;
    LIBPNG_FUNCTIONS(F)
#undef F
} Libpng;

/* One decoding: what is left of the file, and where an error goes. */
typedef struct PngDecoding {
    const Libpng *png;
    void *reader;
    void *info;
    const unsigned char *data;
    size_t left;
    unsigned char **rows;       /* owned, into the pixels */
    jmp_buf back;
    char text[200];
} PngDecoding;

static struct {
    pthread_mutex_t lock;
    bool opened;
    char setting[sizeof settings.libpng];
    Libpng png;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static bool open_locked(void)
{
    const ImageLibrary wanted = {"libpng", settings.libpng, "ACL_FAKE_LIBPNG", "libpng16-*.so.16*",
                                 "libpng16.so.16"};
    Libpng *png = &state.png;
    const ImageSymbol symbols[] = {
#define F(name, result, parameters) {"png_" #name, &png->name},
        LIBPNG_FUNCTIONS(F)
#undef F
    };

    if (state.opened && strcmp(state.setting, settings.libpng) == 0)
        return true;
    state.opened = image_library_open(&wanted, symbols, sizeof symbols / sizeof symbols[0]);
    memcpy(state.setting, settings.libpng, sizeof state.setting);
    return state.opened;
}

static const Libpng *libpng_open(void)
{
    pthread_mutex_lock(&state.lock);
    bool opened = open_locked();
    pthread_mutex_unlock(&state.lock);
    return opened ? &state.png : NULL;
}

int png_open(void)
{
    return libpng_open() != NULL ? E_NONE : E_FEATURE_UNSUPPORTED;
}

static uint32_t big(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

const char *png_header_read(const unsigned char *data, size_t size, PngHeader *header)
{
    static const unsigned char begins[16] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                             0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    static const int components[] = {1, -1, 3, 0, 2, -1, 4};

    if (size < 33 || memcmp(data, begins, sizeof begins) != 0)
        return "it does not begin as a PNG does";
    *header = (PngHeader){big(data + 16), big(data + 20), -1, data[24]};
    if (data[25] < sizeof components / sizeof components[0])
        header->components = components[data[25]];
    if (header->components < 0)
        return "its colour type is none of PNG's";
    return NULL;
}

static void fail(void *reader, const char *text)
{
    PngDecoding *decoding = state.png.get_error_ptr(reader);

    strncpy(decoding->text, text, sizeof decoding->text - 1);
    longjmp(decoding->back, 1);
}

/* Chunks that are no pixels may be as they like. */
static void warn(void *reader, const char *text)
{
    (void)reader;
    (void)text;
}

static void read_bytes(void *reader, unsigned char *into, size_t count)
{
    PngDecoding *decoding = state.png.get_io_ptr(reader);

    if (count > decoding->left)
        fail(reader, "the file is cut");
    memcpy(into, decoding->data, count);
    decoding->data += count;
    decoding->left -= count;
}

static bool run(PngDecoding *decoding, const PngHeader *header)
{
    const Libpng *png = decoding->png;
    void *reader = decoding->reader;

    if (setjmp(decoding->back) != 0)
        return false;
    png->set_read_fn(reader, decoding, read_bytes);
    png->read_info(reader, decoding->info);
    png->set_expand(reader);
    png->set_strip_16(reader);
    png->set_gray_to_rgb(reader);
    png->set_add_alpha(reader, 255, 1);
    png->set_interlace_handling(reader);
    png->read_update_info(reader, decoding->info);
    if (png->get_image_width(reader, decoding->info) != header->width ||
        png->get_image_height(reader, decoding->info) != header->height ||
        png->get_rowbytes(reader, decoding->info) != (size_t)header->width * 4)
        fail(reader, "the header is not clear");
    png->read_image(reader, decoding->rows);
    png->read_end(reader, decoding->info);
    return true;
}

static bool begin(PngDecoding *decoding, const PngHeader *header, unsigned char *pixels)
{
    const Libpng *png = decoding->png;

    decoding->rows = malloc(header->height * sizeof *decoding->rows);
    decoding->reader = png->create_read_struct(png->get_libpng_ver(NULL), decoding, fail, warn);
    if (decoding->reader == NULL || decoding->rows == NULL)
        return false;
    decoding->info = png->create_info_struct(decoding->reader);
    for (uint32_t y = 0; y < header->height; y++)
        decoding->rows[y] = pixels + (size_t)header->width * 4 * y;
    return decoding->info != NULL;
}

int png_decode(const unsigned char *data, size_t size, const PngHeader *header,
               unsigned char **pixels)
{
    const Libpng *png = libpng_open();
    PngDecoding *decoding = png != NULL ? calloc(1, sizeof *decoding) : NULL;
    int status = E_NONE;

    *pixels = decoding != NULL ? malloc((size_t)header->width * header->height * 4) : NULL;
    if (png == NULL)
        return E_FEATURE_UNSUPPORTED;
    if (*pixels == NULL) {
        free(decoding);
        return refuse(E_RT_AICPU, "no memory to decode a PNG");
    }
    decoding->png = png;
    decoding->data = data;
    decoding->left = size;
    if (!begin(decoding, header, *pixels))
        status = refuse(E_RT_AICPU, "no memory to decode a PNG");
    else if (!run(decoding, header))
        status = refuse(E_RT_AICPU, "the PNG is damaged: libpng says: %s", decoding->text);
    if (decoding->reader != NULL)
        png->destroy_read_struct(&decoding->reader, &decoding->info, NULL);
    free(decoding->rows);
    free(decoding);
    return status;
}
