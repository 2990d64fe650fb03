/*
 * query_size: what a plain model will need before it is loaded.
 */
#include <stdlib.h>

#include "acl.h"
#include "calls.h"
#include "files.h"
#include "host_memory.h"
#include "init.h"
#include "message.h"
#include "om.h"
#include "program.h"

/* Whatever cannot be taken apart is 145000 here, a bundle included. */
static int parse(Bytes model, Om *om, Program *program)
{
    int status = om_parse(model, om);

    if (status == GE_FAILED)
        return E_GE_PARAM;
    if (status != E_NONE)
        return status;
    Inout *inout = inout_parse(om->part[PART_INOUT]);
    status = inout != NULL ? program_parse(om, inout, program) : E_GE_PARAM;
    inout_drop(inout);
    return status;
}

/* A model with dynamic shapes finds its work memory as it runs. */
static int query(Bytes model, size_t *work, size_t *weights)
{
    Om om;
    Program program;

    int status = engine_needed();
    if (status == E_NONE)
        status = parse(model, &om, &program);
    if (status != E_NONE)
        return status;
    *work = om.dynamic ? 0 : program.work_size;
    *weights = om.part[PART_WEIGHTS].size;
    program_free(&program);
    return E_NONE;
}

aclError aclmdlQuerySize(const char *fileName, size_t *workSize,
                         size_t *weightSize)
{
    ENTER(aclmdlQuerySize, "fileName=%p, workSize=%p, weightSize=%p",
          (const void *)fileName, (void *)workSize, (void *)weightSize);
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

aclError aclmdlQuerySizeFromMem(const void *model, size_t modelSize,
                                size_t *workSize, size_t *weightSize)
{
    ENTER(aclmdlQuerySizeFromMem, "model=%p, modelSize=%zu, workSize=%p, "
          "weightSize=%p", model, modelSize, (void *)workSize,
          (void *)weightSize);
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
