/*
 * border_config: the functions of acldvppBorderConfig.
 */
#include <math.h>

#include "dvpp/configs.h"
#include "dvpp/fields.h"

typedef struct BorderConfig {
    double value[COMPONENTS];
    uint32_t type;
    uint32_t top;
    uint32_t bottom;
    uint32_t left;
    uint32_t right;
} BorderConfig;

static int need_newer_chip(void)
{
    return chip_is_old() ? refuse(E_FEATURE_UNSUPPORTED, "this chip makes no borders") : E_NONE;
}

acldvppBorderConfig *acldvppCreateBorderConfig(void)
{
    ENTER_AS(acldvppCreateBorderConfig, NULL, NO_ARGS);
    call.status = need_newer_chip();
    if (call.status != E_NONE)
        return NULL;
    return body_new(KIND_BORDER_CONFIG, sizeof(BorderConfig), &call.status);
}

DESTROYER(acldvppDestroyBorderConfig, acldvppBorderConfig, borderConfig, KIND_BORDER_CONFIG)

static int check_type(acldvppBorderType type)
{
    if ((int)type >= BORDER_CONSTANT && type <= BORDER_REFLECT_101)
        return E_NONE;
    return refuse(E_PARAM, "borderType %d is not one of 0..3", (int)type);
}

SETTER_IF(acldvppSetBorderConfigBorderType, acldvppBorderConfig, borderConfig, KIND_BORDER_CONFIG,
          BorderConfig, acldvppBorderType, borderType, type, check_type(borderType))
GETTER(acldvppGetBorderConfigBorderType, acldvppBorderConfig, borderConfig, KIND_BORDER_CONFIG,
       BorderConfig, acldvppBorderType, type)

#define SIDE(name, side) \
    SETTER(acldvppSetBorderConfig##name, acldvppBorderConfig, borderConfig, KIND_BORDER_CONFIG, \
           BorderConfig, uint32_t, side, side) \
    GETTER(acldvppGetBorderConfig##name, acldvppBorderConfig, borderConfig, KIND_BORDER_CONFIG, \
           BorderConfig, uint32_t, side)

SIDE(Top, top)
SIDE(Bottom, bottom)
SIDE(Left, left)
SIDE(Right, right)

aclError acldvppSetBorderConfigValue(acldvppBorderConfig *borderConfig, uint32_t index,
                                     double value)
{
    ENTER(acldvppSetBorderConfigValue, "borderConfig=%p, index=%u, value=%g", (void *)borderConfig,
          index, value);
    int status;
    BorderConfig *found = body_find(borderConfig, KIND_BORDER_CONFIG, "borderConfig", &status);
    if (status == E_NONE && index >= COMPONENTS)
        status = refuse(E_PARAM, "index %u is not one of 0..%d", index, COMPONENTS - 1);
    if (status == E_NONE && !(value >= 0 && value <= 255))
        status = refuse(E_PARAM, "value %g is not from 0 to 255", value);
    if (status == E_NONE)
        found->value[index] = value;
    LEAVE(status);
}

double acldvppGetBorderConfigValue(const acldvppBorderConfig *borderConfig, uint32_t index)
{
    ENTER_AS(acldvppGetBorderConfigValue, -1, "borderConfig=%p, index=%u",
             (const void *)borderConfig, index);
    const BorderConfig *found =
        body_find(borderConfig, KIND_BORDER_CONFIG, "borderConfig", &call.status);
    if (found != NULL && index >= COMPONENTS)
        call.status = refuse(E_PARAM, "index %u is not one of 0..%d", index, COMPONENTS - 1);
    return call.status == E_NONE ? found->value[index] : -1;
}

int border_take(const acldvppBorderConfig *handle, const char *argument, Border *border)
{
    int status;
    const BorderConfig *found = body_find(handle, KIND_BORDER_CONFIG, argument, &status);

    if (status != E_NONE)
        return status;
    *border =
        (Border){found->left, found->right, found->top, found->bottom, (Edge)found->type, {0}};
    for (int i = 0; i < COMPONENTS; i++)
        border->value[i] = (unsigned char)lrint(found->value[i]);
    return E_NONE;
}
