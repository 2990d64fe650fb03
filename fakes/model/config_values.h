/*
 * config_values: what is in an aclmdlConfigHandle, for the two files that
 * look inside.
 */
#ifndef FAKE_CONFIG_VALUES_H
#define FAKE_CONFIG_VALUES_H

#include "base/acl.h"
#include "model/external.h"

enum { CONFIG_ATTRIBUTES = ACL_MDL_WITHOUT_GRAPH_INT32 + 1 };

/*
 * What a load configuration holds, one value for each attribute. Texts are
 * copied when they are set.
 */
typedef struct Config {
    bool set[CONFIG_ATTRIBUTES];
    ExternalWeight *external;   /* owned, and the names in it */
    size_t external_count;
    union {
        int32_t number;
        size_t size;
        void *pointer;
    } value[CONFIG_ATTRIBUTES];
} Config;

#endif
