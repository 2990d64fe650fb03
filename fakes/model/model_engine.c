#include "model/model_engine.h"

#include <stdlib.h>

#include "base/codes.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/memory.h"
#include "model/engine_callback.h"

/* The bytes behind the device addresses of tensors, each of its size. */
static int reach(const Tensor *tensor, unsigned char *const *address, size_t count,
                 const char *what, unsigned char **bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (tensor[i].nbytes == 0)
            continue;
        bytes[i] = device_bytes(address[i], tensor[i].nbytes, what);
        if (bytes[i] == NULL)
            return violation_status();
    }
    return E_NONE;
}

/* The engine is given bytes it can touch, for addresses of the device. */
int model_make_engine(const Model *model, const char *times, Engine **engine)
{
    const Records *variables = &model->program.variables;
    const Records *constants = &model->program.constants;
    size_t count = variables->count + constants->count;
    unsigned char **bytes = calloc(count + 1, sizeof *bytes);
    if (bytes == NULL)
        return refuse(GE_FAILED, "no memory for %zu tensors", count);
    unsigned char **fixed = bytes + variables->count;
    int status = reach(variables->item, model->variable, variables->count, "varWeightPtr", bytes);
    if (status == E_NONE)
        status = reach(constants->item, model->constant, constants->count, "weights", fixed);
    if (status == E_NONE)
        status = engine_open(&model->program, fixed, bytes, times, engine);
    free(bytes);
    return status;
}

int model_open_engine(Model *model)
{
    if (model->program.kind == PROGRAM_CALLBACK)
        return callback_known(model->program.callback);
    if (model->program.kind != PROGRAM_ONNX)
        return E_NONE;
    return model_make_engine(model, NULL, &model->engine);
}

int model_renew(Model *model)
{
    if (!atomic_exchange(&model->stale, false))
        return E_NONE;
    engine_close(model->engine);
    model->engine = NULL;
    int status = model_open_engine(model);
    if (status != E_NONE)
        atomic_store(&model->stale, true);
    return status;
}
