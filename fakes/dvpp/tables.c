/*
 * tables: lookup tables and histograms, as data; nothing here fills them.
 */
#include "dvpp/fields.h"
#include "image/layout.h"
#include "memory/host_memory.h"

#include <string.h>

enum { DIMS = 3, LEVELS = 256 };

typedef struct LutMap {
    uint8_t value[DIMS][LEVELS];
} LutMap;

typedef struct Hist {
    uint32_t count[DIMS][LEVELS];
    uint32_t ret_code;
} Hist;

static void *make(Kind kind, size_t size, int *status)
{
    if (chip_is_old()) {
        *status = refuse(E_FEATURE_UNSUPPORTED, "this chip has no histograms and lookup tables");
        return NULL;
    }
    return body_new(kind, size, status);
}

acldvppLutMap *acldvppCreateLutMap(void)
{
    ENTER_AS(acldvppCreateLutMap, NULL, NO_ARGS);
    return make(KIND_LUT_MAP, sizeof(LutMap), &call.status);
}

DESTROYER(acldvppDestroyLutMap, acldvppLutMap, lutMap, KIND_LUT_MAP)

static uint32_t dims_of(const void *handle, Kind kind, const char *argument, int *status)
{
    return body_find(handle, kind, argument, status) != NULL ? DIMS : 0;
}

uint32_t acldvppGetLutMapDims(const acldvppLutMap *lutMap)
{
    ENTER_AS(acldvppGetLutMapDims, 0, "lutMap=%p", (const void *)lutMap);
    return dims_of(lutMap, KIND_LUT_MAP, "lutMap", &call.status);
}

/* What both getters of data check besides the handle. */
static int check_data(uint32_t dim, const void *data, const void *len)
{
    if (dim >= DIMS)
        return refuse(E_PARAM, "dim %u is not one of 0..%d", dim, DIMS - 1);
    int status = argument_check(data, "data");
    return status != E_NONE ? status : argument_check(len, "len");
}

aclError acldvppGetLutMapData(const acldvppLutMap *lutMap, uint32_t dim, uint8_t **data,
                              uint32_t *len)
{
    ENTER(acldvppGetLutMapData, "lutMap=%p, dim=%u, data=%p, len=%p", (const void *)lutMap, dim,
          (void *)data, (void *)len);
    int status;
    LutMap *found = body_find(lutMap, KIND_LUT_MAP, "lutMap", &status);
    if (status == E_NONE)
        status = check_data(dim, data, len);
    if (status != E_NONE)
        LEAVE(status);
    *data = found->value[dim];
    *len = LEVELS;
    LEAVE(E_NONE);
}

acldvppHist *acldvppCreateHist(void)
{
    ENTER_AS(acldvppCreateHist, NULL, NO_ARGS);
    return make(KIND_HIST, sizeof(Hist), &call.status);
}

DESTROYER(acldvppDestroyHist, acldvppHist, hist, KIND_HIST)

uint32_t acldvppGetHistDims(acldvppHist *hist)
{
    ENTER_AS(acldvppGetHistDims, 0, "hist=%p", (void *)hist);
    return dims_of(hist, KIND_HIST, "hist", &call.status);
}

aclError acldvppGetHistData(acldvppHist *hist, uint32_t dim, uint32_t **data, uint16_t *len)
{
    ENTER(acldvppGetHistData, "hist=%p, dim=%u, data=%p, len=%p", (void *)hist, dim, (void *)data,
          (void *)len);
    int status;
    Hist *found = body_find(hist, KIND_HIST, "hist", &status);
    if (status == E_NONE)
        status = check_data(dim, data, len);
    if (status != E_NONE)
        LEAVE(status);
    *data = found->count[dim];
    *len = LEVELS;
    LEAVE(E_NONE);
}

uint32_t acldvppGetHistRetCode(acldvppHist *hist)
{
    ENTER_AS(acldvppGetHistRetCode, 0, "hist=%p", (void *)hist);
    const Hist *found = body_find(hist, KIND_HIST, "hist", &call.status);
    return found != NULL ? found->ret_code : 0;
}

aclError acldvppClearHist(acldvppHist *hist)
{
    ENTER(acldvppClearHist, "hist=%p", (void *)hist);
    int status;
    Hist *found = body_find(hist, KIND_HIST, "hist", &status);
    if (status == E_NONE)
        memset(found, 0, sizeof *found);
    LEAVE(status);
}
