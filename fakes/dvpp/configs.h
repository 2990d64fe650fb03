/*
 * configs: what the configurations of operations hold.
 */
#ifndef FAKE_CONFIGS_H
#define FAKE_CONFIGS_H

#include "base/acl.h"
#include "image/move.h"

/* Each: 0, or a status for what is no such configuration. */
int roi_take(const acldvppRoiConfig *handle, const char *argument, Region *region);
int resize_take(const acldvppResizeConfig *handle, Algorithm *algorithm);
int jpege_take(const acldvppJpegeConfig *handle, uint32_t *level);
int border_take(const acldvppBorderConfig *handle, const char *argument, Border *border);

#endif
