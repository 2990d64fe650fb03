/*
 * load_config: aclmdlLoadWithConfig, every other load under one name.
 */
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "file/files.h"
#include "memory/host_memory.h"
#include "model/config.h"
#include "model/load.h"

enum { FROM_FILE = 1, FROM_FILE_WITH_MEM = 2, FROM_MEM = 3, FROM_QUEUE = 5 };

/* The router looks at the path, or without one, "" included, at the memory. */
static int route(const ConfigSource *source, Route *way)
{
    if (source->path != NULL && *source->path != '\0')
        return route_path(source->path, way);
    if (source->memory != NULL && source->size > 0)
        return route_memory(source->memory, source->size, way);
    return refuse(E_PARAM, "neither a path nor memory with a size is set");
}

/* Only the types "with memory" take the work and weight memory. */
static int load(const ConfigSource *source, const aclmdlConfigHandle *handle, uint32_t *modelId)
{
    LoadOptions options = {0};
    int status = config_memory(handle, &options);

    if (status != E_NONE)
        return status;
    if (source->type == FROM_FILE || source->type == FROM_MEM) {
        options.work = (Area){0};
        options.weights = (Area){0};
    }
    if (source->type <= FROM_FILE_WITH_MEM)
        return load_file(source->path, &options, modelId);
    return load_memory(source->memory, source->size, &options, modelId);
}

aclError aclmdlLoadWithConfig(const aclmdlConfigHandle *handle, uint32_t *modelId)
{
    ENTER(aclmdlLoadWithConfig, "handle=%p, modelId=%p", (const void *)handle, (void *)modelId);
    ConfigSource source;
    Route way = {0};
    int status = config_source(handle, &source);
    if (status == E_NONE)
        status = route(&source, &way);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelId);
    if (way.om2)
        LEAVE(refuse_om2());
    status = config_check(handle);
    if (status != E_NONE)
        LEAVE(status);
    if (source.type >= FROM_QUEUE)
        LEAVE(refuse(E_NOT_SUPPORTED,
                     "load type %zu, with queues, is not "
                     "simulated by the fake",
                     source.type));
    LEAVE(load(&source, handle, modelId));
}
