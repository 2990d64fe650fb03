/*
 * config: aclmdlConfigHandle and aclmdlExecConfigHandle.
 */
#ifndef FAKE_CONFIG_H
#define FAKE_CONFIG_H

#include "acl.h"
#include "models.h"

/* The work and weight memory of a load configuration: 0, or a status. */
int config_memory(const aclmdlConfigHandle *handle, LoadOptions *options);

/* Is this an execution configuration? 0, or a status. */
int exec_config_check(const aclmdlExecConfigHandle *handle);

/* The milliseconds after which an execution shall give up; -1: never. */
int32_t exec_config_timeout(const aclmdlExecConfigHandle *handle);

#endif
