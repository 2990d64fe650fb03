#include "run/update.h"

#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "call/message.h"
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

/* The assignments that are to be carried out, by number. */
typedef struct Asked {
    size_t *number; /* owned */
    size_t count;
    size_t room;
} Asked;

static int asked_add(Asked *asked, size_t number)
{
    if (asked->count == asked->room) {
        size_t room = asked->room == 0 ? 16 : asked->room * 2;
        size_t *grown = realloc(asked->number, room * sizeof *grown);
        if (grown == NULL)
            return refuse(E_BAD_ALLOC, "no memory for an update");
        asked->number = grown;
        asked->room = room;
    }
    asked->number[asked->count++] = number;
    return E_NONE;
}

/* Looks at every assignment, and notes those that the inputs ask for. */
static int look(Model *model, const Dataset *input, Asked *asked)
{
    int status = E_NONE;

    for (size_t i = 0; status == E_NONE && i < model->program.assigns.count; i++) {
        Wish wish;
        status = wish_of(model, input, program_assign(&model->program, i), &wish);
        if (status == E_NONE && wish.assign)
            status = asked_add(asked, i);
    }
    return status;
}

static int assign(Model *model, const Dataset *input, size_t number)
{
    const Assign *record = program_assign(&model->program, number);
    Wish wish;
    int status = wish_of(model, input, record, &wish);

    return status == E_NONE ? grant(model, record, &wish) : status;
}

int update_look(Model *model, const Dataset *input)
{
    Asked asked = {0};
    int status = settings.strict ? look(model, input, &asked) : E_NONE;

    free(asked.number);
    return status;
}

/* Looks at all, and changes nothing before that. */
static int run_strictly(Model *model, const Dataset *input)
{
    Asked asked = {0};
    int status = look(model, input, &asked);

    for (size_t i = 0; status == E_NONE && i < asked.count; i++)
        status = assign(model, input, asked.number[i]);
    free(asked.number);
    return status;
}

int update_run(Model *model, const Dataset *input)
{
    int status = E_NONE;

    if (settings.strict)
        return run_strictly(model, input);
    for (size_t i = 0; status == E_NONE && i < model->program.assigns.count; i++)
        status = assign(model, input, i);
    return status;
}
