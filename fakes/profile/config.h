/*
 * config: what a program asks of the profiler, behind handles.
 */
#ifndef FAKE_PROFILE_CONFIG_H
#define FAKE_PROFILE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/acl.h"
#include "call/settings.h"

typedef struct ProfConfig {
    uint64_t devices;           /* bits */
    bool host;                  /* for marks of the program */
    uint64_t switches;          /* dataTypeConfig */
} ProfConfig;

typedef struct SubscribeConfig {
    bool times;
    int metrics;
    int *fd;                    /* the caller's, which the profiler closes */
} SubscribeConfig;

/* What is behind a handle; NULL after a message. */
const ProfConfig *prof_config_find(const aclprofConfig *handle);
const SubscribeConfig *subscribe_config_find(const aclprofSubscribeConfig *handle);

#endif
