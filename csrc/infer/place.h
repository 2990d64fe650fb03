/* Where an input of a dynamic graph lies. */
#ifndef AB_PLACE_H
#define AB_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "infer/ab_engine.h"
#include "infer/ab_run.h"

/* An input's place on the device, and what its dataset says of it. */
typedef struct ab_input_place {
    aclDataBuffer *buffer;
    aclDataType type;
    void *device;
    size_t room;
    size_t nbytes;
    int rank; /* -1: not described yet */
    int64_t dims[AB_RANK_MAX];
} ab_input_place;

int64_t place_take(ab_input_place *place, const ab_engine *e, size_t index, const ab_array *array);
aclError place_release(ab_input_place *place);

#endif
