/*
 * query: aclmdlBundleQueryInfo, what a bundle will need before it is loaded.
 *
 * A second query on the same object adds its sub-models to those of the
 * first: so does ACL. Statuses of the graph engine reach the user raw.
 */
#include <stdlib.h>

#include "api/query_size.h"
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/files.h"
#include "file/om.h"
#include "memory/host_memory.h"
#include "memory/objects.h"

typedef struct QueryInfo {
    uint64_t variable_size;
    Need *need;                 /* owned; one for each sub-model */
    size_t count;
} QueryInfo;

static void release(void *body)
{
    QueryInfo *info = body;

    free(info->need);
}

static int find(const aclmdlBundleQueryInfo *handle, QueryInfo **info)
{
    if (handle == NULL)
        return refuse(E_PARAM, "queryInfo is NULL");
    *info = object_find(handle, KIND_QUERY_INFO, "queryInfo");
    return *info != NULL ? E_NONE : violation_status();
}

aclmdlBundleQueryInfo *aclmdlBundleCreateQueryInfo(void)
{
    ENTER_AS(aclmdlBundleCreateQueryInfo, NULL, NO_ARGS);
    void *handle = NULL;
    if (object_new(KIND_QUERY_INFO, sizeof(QueryInfo), release, NULL, &handle) == NULL)
        call.status = E_BAD_ALLOC;
    return handle;
}

aclError aclmdlBundleDestroyQueryInfo(aclmdlBundleQueryInfo *queryInfo)
{
    ENTER(aclmdlBundleDestroyQueryInfo, "queryInfo=%p", (void *)queryInfo);
    if (queryInfo == NULL)
        LEAVE(refuse(E_PARAM, "queryInfo is NULL"));
    if (!object_destroy(queryInfo, KIND_QUERY_INFO, "queryInfo"))
        LEAVE(violation_status());
    LEAVE(E_NONE);
}

/* A model with dynamic shapes says that it needs nothing. */
static int need_of(Bytes model, Need *need)
{
    *need = (Need){0};
    if (model.size < OM_HEADER)
        return refuse(E_PARAM, "a sub-model has %zu bytes, not even a header", model.size);
    return om_is_dynamic(model) ? E_NONE : query_need(model, need);
}

static int query(QueryInfo *info, Bytes bytes)
{
    BundleFile file;
    int status = bundle_file_parse(bytes, &file);

    if (status != E_NONE)
        return status;
    info->variable_size = file.variable_size;
    Need *need = realloc(info->need, (info->count + file.count + 1) * sizeof *need);
    if (need == NULL)
        status = refuse(E_BAD_ALLOC, "no memory for the query");
    else
        info->need = need;
    for (size_t i = 0; status == E_NONE && i < file.count; i++) {
        status = need_of(file.model[i], &info->need[info->count]);
        info->count += status == E_NONE;
    }
    bundle_file_free(&file);
    return status;
}

aclError aclmdlBundleQueryInfoFromFile(const char *fileName, aclmdlBundleQueryInfo *queryInfo)
{
    ENTER(aclmdlBundleQueryInfoFromFile, "fileName=%p, queryInfo=%p", (const void *)fileName,
          (void *)queryInfo);
    Route route;
    QueryInfo *info = NULL;
    unsigned char *data = NULL;
    size_t size = 0;
    int status = route_path(fileName, &route);
    if (status == E_NONE && route.om2)
        status = refuse_om2();
    if (status == E_NONE)
        status = find(queryInfo, &info);
    if (status == E_NONE)
        status = ge_status(file_read(fileName, &data, &size));
    if (status == E_NONE)
        status = query(info, (Bytes){data, size});
    free(data);
    LEAVE(status);
}

aclError aclmdlBundleQueryInfoFromMem(const void *model, size_t modelSize,
                                      aclmdlBundleQueryInfo *queryInfo)
{
    ENTER(aclmdlBundleQueryInfoFromMem,
          "model=%p, modelSize=%zu, "
          "queryInfo=%p",
          model, modelSize, (void *)queryInfo);
    Route route;
    QueryInfo *info = NULL;
    int status = route_memory(model, modelSize, &route);
    if (status == E_NONE && route.om2)
        status = refuse_om2();
    if (status == E_NONE)
        status = find(queryInfo, &info);
    if (status == E_NONE)
        status = query(info, (Bytes){model, modelSize});
    LEAVE(status);
}

aclError aclmdlBundleGetQueryModelNum(const aclmdlBundleQueryInfo *queryInfo, size_t *modelNum)
{
    ENTER(aclmdlBundleGetQueryModelNum, "queryInfo=%p, modelNum=%p", (const void *)queryInfo,
          (void *)modelNum);
    QueryInfo *info = NULL;
    int status = find(queryInfo, &info);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(modelNum);
    *modelNum = info->count;
    LEAVE(E_NONE);
}

aclError aclmdlBundleGetVarWeightSize(const aclmdlBundleQueryInfo *queryInfo,
                                      size_t *variableWeightSize)
{
    ENTER(aclmdlBundleGetVarWeightSize,
          "queryInfo=%p, "
          "variableWeightSize=%p",
          (const void *)queryInfo, (void *)variableWeightSize);
    QueryInfo *info = NULL;
    int status = find(queryInfo, &info);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(variableWeightSize);
    *variableWeightSize = info->variable_size;
    LEAVE(E_NONE);
}

aclError aclmdlBundleGetSize(const aclmdlBundleQueryInfo *queryInfo, size_t index, size_t *workSize,
                             size_t *constWeightSize)
{
    ENTER(aclmdlBundleGetSize,
          "queryInfo=%p, index=%zu, workSize=%p, "
          "constWeightSize=%p",
          (const void *)queryInfo, index, (void *)workSize, (void *)constWeightSize);
    QueryInfo *info = NULL;
    int status = find(queryInfo, &info);
    if (status != E_NONE)
        LEAVE(status);
    NOT_NULL(workSize);
    NOT_NULL(constWeightSize);
    if (index >= info->count)
        LEAVE(refuse(E_PARAM, "index %zu, the query has %zu models", index, info->count));
    *workSize = info->need[index].work;
    *constWeightSize = info->need[index].weights;
    LEAVE(E_NONE);
}
