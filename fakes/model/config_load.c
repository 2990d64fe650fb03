/*
 * config_load: what a load configuration means for a load.
 */
#include <stdlib.h>
#include <string.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "model/config.h"
#include "model/config_values.h"

enum { WEIGHT_ALIGNMENT = 32, FROM_FILE_WITH_MEM = 2, FROM_MEM_WITH_MEM = 4, FROM_FILE_WITH_Q = 5 };

static int find(const aclmdlConfigHandle *handle, const Config **config)
{
    if (handle == NULL)
        return refuse(E_PARAM, "handle is NULL");
    *config = object_find(handle, KIND_CONFIG, "handle");
    return *config != NULL ? E_NONE : violation_status();
}

int config_memory(const aclmdlConfigHandle *handle, LoadOptions *options)
{
    const Config *config = NULL;
    int status = find(handle, &config);

    if (status != E_NONE)
        return status;
    options->weight_folder = config->value[ACL_MDL_WEIGHT_PATH_PTR].pointer;
    options->external = config->external;
    options->external_count = config->external_count;
    options->work = (Area){config->value[ACL_MDL_WORKSPACE_ADDR_PTR].pointer,
                           config->value[ACL_MDL_WORKSPACE_SIZET].size, false};
    options->weights = (Area){config->value[ACL_MDL_WEIGHT_ADDR_PTR].pointer,
                              config->value[ACL_MDL_WEIGHT_SIZET].size, false};
    return E_NONE;
}

int config_source(const aclmdlConfigHandle *handle, ConfigSource *source)
{
    const Config *config = NULL;
    int status = find(handle, &config);

    if (status == E_NONE)
        *source = (ConfigSource){
            config->value[ACL_MDL_LOAD_TYPE_SIZET].size, config->value[ACL_MDL_PATH_PTR].pointer,
            config->value[ACL_MDL_MEM_ADDR_PTR].pointer, config->value[ACL_MDL_MEM_SIZET].size};
    return status;
}

static int check_set(const Config *config, const int *attr, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!config->set[attr[i]])
            return refuse(E_PARAM,
                          "load type %zu needs attribute %d, which "
                          "is not set",
                          config->value[ACL_MDL_LOAD_TYPE_SIZET].size, attr[i]);
    return E_NONE;
}

/* Weights beside a file are found there: no other folder may be named. */
int config_check(const aclmdlConfigHandle *handle)
{
    static const int file[] = {ACL_MDL_PATH_PTR};
    static const int memory[] = {ACL_MDL_MEM_ADDR_PTR, ACL_MDL_MEM_SIZET};
    static const int queues[] = {ACL_MDL_INPUTQ_ADDR_PTR, ACL_MDL_INPUTQ_NUM_SIZET,
                                 ACL_MDL_OUTPUTQ_ADDR_PTR, ACL_MDL_OUTPUTQ_NUM_SIZET};
    const Config *config = NULL;
    int status = find(handle, &config);

    if (status != E_NONE)
        return status;
    if (!config->set[ACL_MDL_LOAD_TYPE_SIZET])
        return refuse(E_PARAM, "the load type is not set");
    size_t type = config->value[ACL_MDL_LOAD_TYPE_SIZET].size;
    bool from_file = type <= FROM_FILE_WITH_MEM || type == FROM_FILE_WITH_Q;
    status = from_file ? check_set(config, file, 1) : check_set(config, memory, 2);
    if (status == E_NONE && from_file && config->set[ACL_MDL_WEIGHT_PATH_PTR])
        status = refuse(E_PARAM,
                        "load type %zu finds its weights beside the "
                        "model; ACL_MDL_WEIGHT_PATH_PTR is not for it",
                        type);
    if (status == E_NONE && type > FROM_MEM_WITH_MEM)
        status = check_set(config, queues, 4);
    return status;
}

/* Replaces what was given for the file before, or appends. */
static int keep_external(Config *config, const char *name, void *address, size_t size)
{
    for (size_t i = 0; i < config->external_count; i++)
        if (strcmp(config->external[i].name, name) == 0) {
            config->external[i].address = address;
            config->external[i].size = size;
            return E_NONE;
        }
    ExternalWeight *list = realloc(config->external, (config->external_count + 1) * sizeof *list);
    char *copy = list != NULL ? strdup(name) : NULL;
    if (list != NULL)
        config->external = list;
    if (copy == NULL)
        return refuse(E_BAD_ALLOC, "no memory for another file of weights");
    list[config->external_count++] = (ExternalWeight){copy, address, size};
    return E_NONE;
}

aclError aclmdlSetExternalWeightAddress(aclmdlConfigHandle *handle, const char *weightFileName,
                                        void *devPtr, size_t size)
{
    ENTER(aclmdlSetExternalWeightAddress,
          "handle=%p, weightFileName=%p, "
          "devPtr=%p, size=%zu",
          (void *)handle, (const void *)weightFileName, devPtr, size);
    if (handle == NULL)
        LEAVE(refuse(E_PARAM, "handle is NULL"));
    Config *config = object_find(handle, KIND_CONFIG, "handle");
    if (config == NULL)
        LEAVE(violation_status());
    NOT_NULL(weightFileName);
    if (devPtr == NULL)
        LEAVE(refuse(E_PARAM, "devPtr is NULL"));
    if (size == 0 || size % WEIGHT_ALIGNMENT != 0)
        LEAVE(refuse(E_PARAM, "size is %zu, not a multiple of %d", size, WEIGHT_ALIGNMENT));
    LEAVE(keep_external(config, weightFileName, devPtr, size));
}
