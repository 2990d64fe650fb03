/*
 * execute_async: the functions that queue an execution.
 */
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "model/config.h"
#include "model/models.h"
#include "run/execution_queue.h"
#include "runtime/stream_need.h"

/* Only synchronous executions give memory to outputs that have none. */
static int check_memory(const Run *run)
{
    for (size_t i = 0; i < run->output->count; i++) {
        const DataBuffer *buffer = dataset_buffer(run->output, i, "output");
        if (buffer == NULL)
            return violation_status();
        if (buffer->data == NULL)
            return refuse(E_GE,
                          "output %zu has no memory, and an "
                          "asynchronous execution makes none",
                          i);
    }
    return E_NONE;
}

static int execute(const Wanted *wanted, aclrtStream handle)
{
    Run run = {0};
    Stream *stream = NULL;
    int status = execution_find(wanted, &run);

    if (status == E_NONE)
        status = stream_need(handle, "stream", &stream);
    if (status == E_NONE)
        status = check_memory(&run);
    if (status == E_NONE)
        status = execution_mode(run.model, MODE_ASYNC);
    if (status == E_NONE)
        status = execution_queue(wanted, &run, stream);
    model_let_go(run.model);
    return status;
}

aclError aclmdlExecuteAsync(uint32_t modelId, const aclmdlDataset *input, aclmdlDataset *output,
                            aclrtStream stream)
{
    ENTER(aclmdlExecuteAsync, "modelId=%u, input=%p, output=%p, stream=%p", modelId,
          (const void *)input, (void *)output, stream);
    LEAVE(execute(&(Wanted){modelId, input, output}, stream));
}

/* The stream's timeout of a configuration is for the call that waits. */
aclError aclmdlExecuteAsyncV2(uint32_t modelId, const aclmdlDataset *input, aclmdlDataset *output,
                              aclrtStream stream, const aclmdlExecConfigHandle *handle)
{
    ENTER(aclmdlExecuteAsyncV2,
          "modelId=%u, input=%p, output=%p, stream=%p, "
          "handle=%p",
          modelId, (const void *)input, (void *)output, stream, (const void *)handle);
    int status = exec_config_check(handle);
    LEAVE(status != E_NONE ? status : execute(&(Wanted){modelId, input, output}, stream));
}
