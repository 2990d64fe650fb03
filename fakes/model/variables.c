#include "model/variables.h"

#include <search.h>
#include <stdlib.h>

#include "base/codes.h"
#include "call/message.h"
#include "file/numeric.h"
#include "memory/memory.h"

enum { STEP = 512, PADDING = 1024, LEAD = 512 };

Variables *variables_new(void)
{
    Variables *variables = calloc(1, sizeof *variables);

    if (variables != NULL)
        variables->references = 1;
    return variables;
}

Variables *variables_share(Variables *variables)
{
    atomic_fetch_add(&variables->references, 1);
    return variables;
}

static void variable_free(Variable *variable)
{
    if (variable != NULL)
        free(variable->name);
    free(variable);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Variable *)a)->name, ((const Variable *)b)->name);
}

/* The list owns what the tree finds. */
static void leave(void *variable)
{
    (void)variable;
}

void variables_drop(Variables *variables)
{
    if (variables == NULL || atomic_fetch_sub(&variables->references, 1) > 1)
        return;
    tdestroy(variables->by_name, leave);
    for (size_t i = 0; i < variables->count; i++) {
        device_release(variables->list[i]->allocation);
        variable_free(variables->list[i]);
    }
    free(variables->list);
    free(variables);
}

static Variable *find(const Variables *variables, const char *name)
{
    const Variable key = {.name = (char *)name};
    Variable *const *found = tfind(&key, &variables->by_name, by_name);

    return found != NULL ? *found : NULL;
}

/* Two sub-models must mean the same when they say the same name. */
static int check_same(const Variable *known, const Tensor *tensor)
{
    if (known->offset == tensor->offset && known->nbytes == tensor->nbytes)
        return E_NONE;
    return refuse(GE_FAILED,
                  "variable \"%s\" lies at %llu and has "
                  "%llu bytes here, and %llu and %llu in another sub-model",
                  known->name, (unsigned long long)tensor->offset,
                  (unsigned long long)tensor->nbytes, (unsigned long long)known->offset,
                  (unsigned long long)known->nbytes);
}

static int place_in_area(const Variables *variables, Variable *variable)
{
    if (variable->offset > variables->area_size ||
        variable->nbytes > variables->area_size - variable->offset)
        return refuse(E_GE_PARAM,
                      "variable \"%s\" ends after the %zu bytes "
                      "of varWeightPtr",
                      variable->name, variables->area_size);
    variable->address = variables->area + variable->offset;
    return E_NONE;
}

static int place_apart(Variable *variable, int device)
{
    size_t size;

    if (add(variable->nbytes, STEP - 1, &size) && add(size / STEP * STEP, PADDING, &size))
        variable->allocation = device_alloc(device, size, size, PAGE_HUGE, OWNER_LIBRARY);
    if (variable->allocation == NULL)
        return refuse(E_GE_MEMORY,
                      "device %d has no memory for the %llu "
                      "bytes of variable \"%s\"",
                      device, (unsigned long long)variable->nbytes, variable->name);
    variable->address = (unsigned char *)variable->allocation + LEAD;
    return E_NONE;
}

/* Room for one more in the list, which has room for the next power of two. */
static bool has_room(Variables *variables)
{
    size_t count = variables->count;

    if ((count & (count - 1)) != 0)
        return true;
    Variable **list = realloc(variables->list, (count == 0 ? 1 : 2 * count) * sizeof *list);
    if (list != NULL)
        variables->list = list;
    return list != NULL;
}

/* Puts a variable into the list and the tree, which both have it, or neither. */
static int keep(Variables *variables, Variable *variable)
{
    if (!has_room(variables) || tsearch(variable, &variables->by_name, by_name) == NULL)
        return refuse(E_GE_MEMORY, "no memory for a variable");
    variables->list[variables->count++] = variable;
    return E_NONE;
}

static int make(Variables *variables, const Tensor *tensor, int device, Variable **made)
{
    Variable *variable = calloc(1, sizeof *variable);

    if (variable != NULL)
        variable->name = strdup(tensor->name);
    if (variable == NULL || variable->name == NULL) {
        variable_free(variable);
        return refuse(E_GE_MEMORY, "no memory for a variable");
    }
    variable->offset = tensor->offset;
    variable->nbytes = tensor->nbytes;
    int status = variables->area != NULL ? place_in_area(variables, variable)
                                         : place_apart(variable, device);
    if (status == E_NONE)
        status = keep(variables, variable);
    *made = variable;
    if (status != E_NONE) {
        device_release(variable->allocation);
        variable_free(variable);
    }
    return status;
}

int variables_bind(Variables *variables, const Program *program, int device,
                   unsigned char **address)
{
    for (size_t i = 0; i < program->variables.count; i++) {
        const Tensor *tensor = program_variable(program, i);
        Variable *known = find(variables, tensor->name);
        int status =
            known != NULL ? check_same(known, tensor) : make(variables, tensor, device, &known);
        if (status != E_NONE)
            return status;
        address[i] = known->address;
    }
    return E_NONE;
}

bool variables_enter(Variables *variables, bool writes)
{
    int users = atomic_load(&variables->users);

    do {
        if (writes ? users != 0 : users < 0)
            return false;
    } while (!atomic_compare_exchange_weak(&variables->users, &users, writes ? -1 : users + 1));
    return true;
}

void variables_leave(Variables *variables, bool writes)
{
    atomic_fetch_add(&variables->users, writes ? 1 : -1);
}
