/* What a run does with its gear. */
#ifndef AB_GEAR_H
#define AB_GEAR_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "infer/ab_gear.h"

int64_t gear_set(uint32_t modelId, const aclmdlDataset *dataset, const ab_gear *gear);

#endif
