#include "image/layout.h"

#include <string.h>

#include "base/acl.h"
#include "call/settings.h"

#define READ (READ_OLD | READ_NEW)
#define WRITE (WRITE_OLD | WRITE_NEW)
#define SEMI(name, across, down, halves, u, v, uses) \
    {PIXEL_FORMAT_##name, #name, MODEL_YUV, PLACED_SEMI, 1, halves, across, down, \
     {0, u, v, -1},       uses}
#define PAIRS(name, y, u, v) \
    {PIXEL_FORMAT_##name, #name, MODEL_YUV, PLACED_PAIRS, 2, 2, 1, 0, {y, u, v, -1}, READ | ENCODE}
#define PACKED(name, model, row, a, b, c, alpha, uses) \
    {PIXEL_FORMAT_##name, #name, model, PLACED_PACKED, row, 2, 0, 0, {a, b, c, alpha}, uses}

static const Layout layouts[] = {
    {PIXEL_FORMAT_YUV_400,
     "YUV_400",
     MODEL_YUV,
     PLACED_ALONE,
     1,
     2,
     0,
     0,
     {0, -1, -1, -1},
     READ | WRITE_NEW},
    SEMI(YUV_SEMIPLANAR_420, 1, 1, 3, 0, 1, READ | WRITE | ENCODE),
    SEMI(YVU_SEMIPLANAR_420, 1, 1, 3, 1, 0, READ | WRITE | ENCODE),
    SEMI(YUV_SEMIPLANAR_422, 1, 0, 4, 0, 1, READ | WRITE_NEW),
    SEMI(YVU_SEMIPLANAR_422, 1, 0, 4, 1, 0, READ | WRITE_NEW),
    SEMI(YUV_SEMIPLANAR_444, 0, 0, 6, 0, 1, READ),
    SEMI(YVU_SEMIPLANAR_444, 0, 0, 6, 1, 0, READ),
    PAIRS(YUYV_PACKED_422, 0, 1, 3),
    PAIRS(UYVY_PACKED_422, 1, 0, 2),
    PAIRS(YVYU_PACKED_422, 0, 3, 1),
    PAIRS(VYUY_PACKED_422, 1, 2, 0),
    PACKED(YUV_PACKED_444, MODEL_YUV, 3, 0, 1, 2, -1, READ | WRITE_NEW),
    PACKED(RGB_888, MODEL_RGB, 3, 0, 1, 2, -1, READ | WRITE_NEW),
    PACKED(BGR_888, MODEL_RGB, 3, 2, 1, 0, -1, READ | WRITE_NEW),
    PACKED(ARGB_8888, MODEL_RGB, 4, 1, 2, 3, 0, READ | WRITE_NEW),
    PACKED(ABGR_8888, MODEL_RGB, 4, 3, 2, 1, 0, READ | WRITE_NEW),
    PACKED(RGBA_8888, MODEL_RGB, 4, 0, 1, 2, 3, READ | WRITE_NEW),
    PACKED(BGRA_8888, MODEL_RGB, 4, 2, 1, 0, 3, READ | WRITE_NEW),
    SEMI(YUV_SEMIPLANAR_440, 0, 1, 4, 0, 1, READ_NEW),
    SEMI(YVU_SEMIPLANAR_440, 0, 1, 4, 1, 0, READ_NEW),
};

const Layout *layout_of(uint32_t format)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (layouts[i].format == format)
            return &layouts[i];
    return NULL;
}

/* 310P and 310B, 910B and 910_93 are newer. */
bool chip_is_old(void)
{
    if (strcmp(settings.soc, "Ascend310") == 0)
        return true;
    return strncmp(settings.soc, "Ascend910", 9) == 0 && memchr("AP", settings.soc[9], 3) != NULL;
}

bool layout_is_read(const Layout *layout)
{
    return layout != NULL && (layout->uses & (chip_is_old() ? READ_OLD : READ_NEW)) != 0;
}

bool layout_is_written(const Layout *layout)
{
    return layout != NULL && (layout->uses & (chip_is_old() ? WRITE_OLD : WRITE_NEW)) != 0;
}

uint64_t layout_size(const Layout *layout, uint32_t width_stride, uint32_t height_stride)
{
    uint32_t halves = layout->placing == PLACED_ALONE && chip_is_old() ? 3 : layout->halves;

    return (uint64_t)width_stride * height_stride * halves / 2;
}
