#include "image/jpeg_header.h"

#include <string.h>

#include "base/acl.h"

enum {
    SOI = 0xd8,
    SOS = 0xda,
    EOI = 0xd9,
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP14 = 0xee,
    TEM = 0x01,
    RST0 = 0xd0,
    RST7 = 0xd7
};

enum { ORIENTATION_TAG = 0x0112, SHORT = 3, ENTRY = 12, TIFF = 8 };

/* What says which colours a JPEG has. */
typedef struct Colours {
    bool jfif;
    int adobe;                  /* its transform; -1: not said */
    uint8_t id[4];
} Colours;

static uint32_t big(const unsigned char *bytes, int count)
{
    uint32_t value = 0;

    for (int i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static uint32_t number(const unsigned char *bytes, int count, bool little)
{
    uint32_t value = 0;

    if (!little)
        return big(bytes, count);
    for (int i = count; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

/* The orientation in a TIFF directory; 1: none, or one that makes no sense. */
static unsigned orientation_in(const unsigned char *tiff, size_t size)
{
    bool little = size >= TIFF && memcmp(tiff, "II*\0", 4) == 0;

    if (!little && (size < TIFF || memcmp(tiff, "MM\0*", 4) != 0))
        return 1;
    size_t at = number(tiff + 4, 4, little);
    if (at > size - 2)
        return 1;
    size_t entries = number(tiff + at, 2, little);
    for (at += 2; entries-- > 0 && at + ENTRY <= size; at += ENTRY) {
        const unsigned char *entry = tiff + at;
        if (number(entry, 2, little) != ORIENTATION_TAG)
            continue;
        unsigned found = number(entry + 8, 2, little);
        bool good = number(entry + 2, 2, little) == SHORT && number(entry + 4, 4, little) == 1;
        return good && found >= 1 && found <= 8 ? found : 1;
    }
    return 1;
}

static bool is_frame(int marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static const char *read_frame(int marker, const unsigned char *body, size_t size,
                              JpegHeader *header, Colours *colours)
{
    if (header->process != 0)
        return "it has two frames";
    if (size < 6 || size < 6 + 3u * body[5])
        return "its frame header is cut";
    header->process = marker;
    header->precision = body[0];
    header->height = big(body + 1, 2);
    header->width = big(body + 3, 2);
    header->components = body[5];
    if (header->width == 0 || header->height == 0)
        return "it has no width or no height";
    if (header->components < 1 || header->components > 4)
        return "it has no component or more than 4";
    for (int i = 0; i < header->components; i++) {
        const unsigned char *one = body + 6 + 3 * i;
        colours->id[i] = one[0];
        header->across[i] = one[1] >> 4;
        header->down[i] = one[1] & 15;
        if (one[1] >> 4 < 1 || one[1] >> 4 > 4 || (one[1] & 15) < 1 || (one[1] & 15) > 4)
            return "it has a sampling factor that is not from 1 to 4";
    }
    return NULL;
}

/* As libjpeg guesses it. */
static JpegSpace space_of(const JpegHeader *header, const Colours *colours)
{
    if (header->components == 1)
        return JPEG_GREY;
    if (header->components != 3)
        return JPEG_OTHER;
    if (colours->jfif || colours->adobe > 0)
        return JPEG_YUV;
    if (colours->adobe == 0 || memcmp(colours->id, "RGB", 3) == 0)
        return JPEG_OTHER;
    return JPEG_YUV;
}

static const char *read_segment(int marker, const unsigned char *body, size_t size,
                                JpegHeader *header, Colours *colours)
{
    if (is_frame(marker))
        return read_frame(marker, body, size, header, colours);
    if (marker == APP0 && size >= 5 && memcmp(body, "JFIF\0", 5) == 0)
        colours->jfif = true;
    if (marker == APP14 && size >= 12 && memcmp(body, "Adobe", 5) == 0)
        colours->adobe = body[11];
    if (marker == APP1 && size >= 6 && memcmp(body, "Exif\0\0", 6) == 0)
        header->orientation = orientation_in(body + 6, size - 6);
    return NULL;
}

static const char *finish(JpegHeader *header, const Colours *colours)
{
    if (header->process == 0)
        return "it has no frame before its first scan";
    header->space = space_of(header, colours);
    return NULL;
}

const char *jpeg_header_read(const unsigned char *data, size_t size, JpegHeader *header)
{
    Colours colours = {.adobe = -1};
    size_t at = 2;

    *header = (JpegHeader){.orientation = 1};
    if (size < 4 || data[0] != 0xff || data[1] != SOI)
        return "it does not begin as a JPEG does";
    while (at + 1 < size) {
        int marker = data[at + 1];
        if (data[at] != 0xff || marker == 0xff) {
            at++;
            continue;
        }
        at += 2;
        if (marker == 0 || marker == TEM || (marker >= RST0 && marker <= RST7))
            continue;
        if (marker == SOS)
            return finish(header, &colours);
        if (marker == EOI)
            break;
        size_t length = at + 2 <= size ? big(data + at, 2) : 0;
        if (length < 2 || length > size - at)
            return "a segment of its header is cut";
        const char *wrong = read_segment(marker, data + at + 2, length - 2, header, &colours);
        if (wrong != NULL)
            return wrong;
        at += length;
    }
    return "it ends before its first scan";
}

int jpeg_subsampling(const JpegHeader *header)
{
    const uint8_t *across = header->across;
    const uint8_t *down = header->down;

    if (header->space == JPEG_GREY)
        return ACL_JPEG_CSS_GRAY;
    if (header->space != JPEG_YUV || across[1] != across[2] || down[1] != down[2])
        return ACL_JPEG_CSS_UNKNOWN;
    if (across[0] == 2 * across[1] && down[0] == 2 * down[1])
        return ACL_JPEG_CSS_420;
    if (across[0] == 2 * across[1] && down[0] == down[1])
        return ACL_JPEG_CSS_422;
    if (across[0] == across[1] && down[0] == 2 * down[1])
        return ACL_JPEG_CSS_440;
    return across[0] == across[1] && down[0] == down[1] ? ACL_JPEG_CSS_444 : ACL_JPEG_CSS_UNKNOWN;
}

int jpeg_turned_subsampling(const JpegHeader *header)
{
    int sampling = jpeg_subsampling(header);

    if (!jpeg_is_turned(header))
        return sampling;
    return sampling == ACL_JPEG_CSS_422   ? ACL_JPEG_CSS_440
           : sampling == ACL_JPEG_CSS_440 ? ACL_JPEG_CSS_422
                                          : sampling;
}
