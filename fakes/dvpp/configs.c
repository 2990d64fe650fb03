#include "dvpp/configs.h"

#include "dvpp/fields.h"

typedef struct ResizeConfig {
    uint32_t interpolation;
} ResizeConfig;

typedef struct JpegeConfig {
    uint32_t level;
} JpegeConfig;

acldvppRoiConfig *acldvppCreateRoiConfig(uint32_t left, uint32_t right, uint32_t top,
                                         uint32_t bottom)
{
    ENTER_AS(acldvppCreateRoiConfig, NULL, "left=%u, right=%u, top=%u, bottom=%u", left, right, top,
             bottom);
    void *handle = NULL;
    Region *region = object_new(KIND_ROI_CONFIG, sizeof *region, NULL, NULL, &handle);
    if (region == NULL)
        call.status = E_BAD_ALLOC;
    else
        *region = (Region){left, right, top, bottom};
    return handle;
}

DESTROYER(acldvppDestroyRoiConfig, acldvppRoiConfig, roiConfig, KIND_ROI_CONFIG)

#define SIDE(name, side) \
    SETTER(acldvppSetRoiConfig##name, acldvppRoiConfig, config, KIND_ROI_CONFIG, Region, uint32_t, \
           side, side)

SIDE(Left, left)
SIDE(Right, right)
SIDE(Top, top)
SIDE(Bottom, bottom)

aclError acldvppSetRoiConfig(acldvppRoiConfig *config, uint32_t left, uint32_t right, uint32_t top,
                             uint32_t bottom)
{
    ENTER(acldvppSetRoiConfig, "config=%p, left=%u, right=%u, top=%u, bottom=%u", (void *)config,
          left, right, top, bottom);
    int status;
    Region *region = body_find(config, KIND_ROI_CONFIG, "config", &status);
    if (status == E_NONE)
        *region = (Region){left, right, top, bottom};
    LEAVE(status);
}

int roi_take(const acldvppRoiConfig *handle, const char *argument, Region *region)
{
    int status;
    const Region *found = body_find(handle, KIND_ROI_CONFIG, argument, &status);

    if (status == E_NONE)
        *region = *found;
    return status;
}

static int check_algorithm(uint32_t interpolation)
{
    uint32_t most = chip_is_old() ? RESIZE_NEAREST_TF : RESIZE_NEAREST;

    if (interpolation <= most)
        return E_NONE;
    return refuse(E_PARAM, "interpolation %u is not one of 0..%u", interpolation, most);
}

MAKER(acldvppCreateResizeConfig, acldvppResizeConfig, KIND_RESIZE_CONFIG, ResizeConfig)
DESTROYER(acldvppDestroyResizeConfig, acldvppResizeConfig, resizeConfig, KIND_RESIZE_CONFIG)
SETTER_IF(acldvppSetResizeConfigInterpolation, acldvppResizeConfig, resizeConfig,
          KIND_RESIZE_CONFIG, ResizeConfig, uint32_t, interpolation, interpolation,
          check_algorithm(interpolation))
GETTER(acldvppGetResizeConfigInterpolation, acldvppResizeConfig, resizeConfig, KIND_RESIZE_CONFIG,
       ResizeConfig, uint32_t, interpolation)

int resize_take(const acldvppResizeConfig *handle, Algorithm *algorithm)
{
    int status;
    const ResizeConfig *found = body_find(handle, KIND_RESIZE_CONFIG, "resizeConfig", &status);

    if (status == E_NONE)
        *algorithm = (Algorithm)found->interpolation;
    return status;
}

static int check_level(uint32_t level)
{
    return level <= 100 ? E_NONE : refuse(E_PARAM, "level %u is not from 0 to 100", level);
}

MAKER(acldvppCreateJpegeConfig, acldvppJpegeConfig, KIND_JPEGE_CONFIG, JpegeConfig)
DESTROYER(acldvppDestroyJpegeConfig, acldvppJpegeConfig, jpegeConfig, KIND_JPEGE_CONFIG)
SETTER_IF(acldvppSetJpegeConfigLevel, acldvppJpegeConfig, jpegeConfig, KIND_JPEGE_CONFIG,
          JpegeConfig, uint32_t, level, level, check_level(level))
GETTER(acldvppGetJpegeConfigLevel, acldvppJpegeConfig, jpegeConfig, KIND_JPEGE_CONFIG, JpegeConfig,
       uint32_t, level)

int jpege_take(const acldvppJpegeConfig *handle, uint32_t *level)
{
    int status;
    const JpegeConfig *found = body_find(handle, KIND_JPEGE_CONFIG, "config", &status);

    if (status == E_NONE)
        *level = found->level;
    return status;
}
