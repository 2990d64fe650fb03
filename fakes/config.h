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

#endif
