/*
 * query_size: what a model will need before it is loaded.
 *
 * No partition has to be there, and neither MODEL_DEF nor MODEL_INOUT_INFO is
 * looked at: what can be queried need not load.
 */
#include "api/query_size.h"

#include <stdlib.h>

#include "base/acl.h"
#include "call/calls.h"
#include "file/files.h"
#include "file/om.h"
#include "file/program.h"
#include "memory/host_memory.h"
#include "runtime/initialised.h"

int query_need(Bytes model, Need *need)
{
    Om om;
    uint64_t work = 0;

    *need = (Need){0};
    int status = engine_needed();
    if (status == E_NONE)
        status = om_open_exactly(model, &om);
    if (status == E_NONE)
        status = program_work_size(&om, &work);
    if (status == E_NONE)
        *need = (Need){om.dynamic ? 0 : work, om.part[PART_WEIGHTS].size};
    return status;
}

static int query(Bytes model, size_t *work, size_t *weights)
{
    Need need;
    int status = query_need(model, &need);

    if (status == E_NONE) {
        *work = need.work;
        *weights = need.weights;
    }
    return ge_status(status);
}

aclError aclmdlQuerySize(const char *fileName, size_t *workSize, size_t *weightSize)
{
    ENTER(aclmdlQuerySize, "fileName=%p, workSize=%p, weightSize=%p", (const void *)fileName,
          (void *)workSize, (void *)weightSize);
    Route route;
    unsigned char *data = NULL;
    size_t size = 0;
    int status = route_path(fileName, &route);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(workSize);
    NOT_NULL(weightSize);
    if (route.om2)
        LEAVE(refuse_om2());
    status = ge_status(file_read(fileName, &data, &size));
    if (status == E_NONE)
        status = query((Bytes){data, size}, workSize, weightSize);
    free(data);
    LEAVE(status);
}

aclError aclmdlQuerySizeFromMem(const void *model, size_t modelSize, size_t *workSize,
                                size_t *weightSize)
{
    ENTER(aclmdlQuerySizeFromMem,
          "model=%p, modelSize=%zu, workSize=%p, "
          "weightSize=%p",
          model, modelSize, (void *)workSize, (void *)weightSize);
    Route route;
    int status = route_memory(model, modelSize, &route);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(workSize);
    NOT_NULL(weightSize);
    if (route.om2)
        LEAVE(refuse_om2());
    LEAVE(query((Bytes){model, modelSize}, workSize, weightSize));
}
