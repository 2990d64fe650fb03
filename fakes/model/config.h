/*
 * config: aclmdlConfigHandle and aclmdlExecConfigHandle.
 */
#ifndef FAKE_CONFIG_H
#define FAKE_CONFIG_H

#include "base/acl.h"
#include "model/load_options.h"

/* Where a load configuration says that the model is. */
typedef struct ConfigSource {
    size_t type;                /* 1..6; 0: never set */
    const char *path;
    const void *memory;
    size_t size;
} ConfigSource;

/*
 * What a load configuration gives beside a model: its work and weight memory
 * and where its external weights are. 0, or a status.
 */
int config_memory(const aclmdlConfigHandle *handle, LoadOptions *options);

/* What it says of the model itself: 0, or a status. */
int config_source(const aclmdlConfigHandle *handle, ConfigSource *source);

/* Has it all that its load type needs, and nothing that it forbids? */
int config_check(const aclmdlConfigHandle *handle);

/* Is this an execution configuration? 0, or a status. */
int exec_config_check(const aclmdlExecConfigHandle *handle);

/* The milliseconds after which an execution shall give up; -1: never. */
int32_t exec_config_timeout(const aclmdlExecConfigHandle *handle);

#endif
