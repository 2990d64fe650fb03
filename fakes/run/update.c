#include "run/update.h"

#include <string.h>

#include "base/codes.h"
#include "call/settings.h"
#include "call/violations.h"
#include "memory/memory.h"
#include "memory/written.h"
#include "run/update_input.h"

/* The wish of one assignment; a constant is always assigned. */
static int wish_of(Model *model, const Dataset *input, const Assign *assign, Wish *wish)
{
    const Tensor *variable = program_variable(&model->program, assign->variable);

    if (assign->source == SOURCE_INPUT)
        return input_look(input, assign->index, variable, wish);
    const Tensor *constant = program_constant(&model->program, assign->index);
    *wish = (Wish){.assign = constant->nbytes > 0, .size = constant->nbytes};
    if (!wish->assign)
        return E_NONE;
    wish->from = model->constant[assign->index];
    wish->bytes = device_bytes(wish->from, constant->nbytes, "weights");
    return wish->bytes != NULL ? E_NONE : violation_status();
}

static int grant(Model *model, const Assign *assign, const Wish *wish)
{
    const Tensor *variable = program_variable(&model->program, assign->variable);
    size_t size = wish->size < variable->nbytes ? wish->size : variable->nbytes;

    if (!wish->assign || size == 0)
        return E_NONE;
    unsigned char *bytes = device_bytes(model->variable[assign->variable], size, variable->name);
    if (bytes == NULL)
        return violation_status();
    memmove(bytes, wish->bytes, size);
    device_copied(model->variable[assign->variable], wish->from, size);
    return E_NONE;
}

/* One pass over all assignments: looks, and if told to, assigns. */
static int pass(Model *model, const Dataset *input, bool assign)
{
    int status = E_NONE;

    for (size_t i = 0; status == E_NONE && i < model->program.assigns.count; i++) {
        const Assign *record = program_assign(&model->program, i);
        Wish wish;
        status = wish_of(model, input, record, &wish);
        if (status == E_NONE && assign)
            status = grant(model, record, &wish);
    }
    return status;
}

int update_look(Model *model, const Dataset *input)
{
    return settings.strict ? pass(model, input, false) : E_NONE;
}

int update_run(Model *model, const Dataset *input)
{
    int status = update_look(model, input);

    return status == E_NONE ? pass(model, input, true) : status;
}
