#include "model/engine_callback.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/locks.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/memory.h"

enum { ERROR_SIZE = 2048 };

typedef struct Callback {
    struct Callback *next;
    uint64_t id;
    AclFakeFunction function;   /* NULL: taken back */
    void *user;
} Callback;

static struct {
    pthread_mutex_t lock;
    Callback *first;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

/* The entry of a number, or NULL. */
static Callback *find_locked(uint64_t id)
{
    Callback *found = state.first;

    while (found != NULL && found->id != id)
        found = found->next;
    return found;
}

/* A copy of the entry, without a function when there is none. */
static Callback callback_of(uint64_t id)
{
    Callback copy = {.id = id};

    pthread_mutex_lock(&state.lock);
    const Callback *found = find_locked(id);
    if (found != NULL)
        copy = *found;
    pthread_mutex_unlock(&state.lock);
    return copy;
}

bool callback_set(uint64_t id, AclFakeFunction function, void *user)
{
    pthread_mutex_lock(&state.lock);
    Callback *entry = find_locked(id);
    if (entry == NULL && (entry = calloc(1, sizeof *entry)) != NULL) {
        entry->id = id;
        entry->next = state.first;
        state.first = entry;
    }
    if (entry != NULL) {
        entry->function = function;
        entry->user = user;
    }
    pthread_mutex_unlock(&state.lock);
    return entry != NULL;
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    while (state.first != NULL) {
        Callback *first = state.first;
        state.first = first->next;
        free(first);
    }
    pthread_mutex_unlock(&state.lock);
}

int callback_known(uint64_t id)
{
    if (callback_of(id).function != NULL)
        return E_NONE;
    return refuse(E_GE,
                  "the model is callback program %llu, for which no "
                  "function is registered in this process (aclfakeCallback)",
                  (unsigned long long)id);
}

static AclFakeTensor tensor_of(const char *name, const Blob *blob)
{
    return (AclFakeTensor){name, blob->bytes, blob->size, blob->data_type, blob->rank, blob->dims};
}

static void add_list(AclFakeTensor *tensors, const TensorList *list, const Blob *blobs)
{
    for (size_t i = 0; i < list->count; i++)
        tensors[i] = tensor_of(list->tensor[i].name, &blobs[i]);
}

static int add_variables(AclFakeTensor *tensors, const Model *model)
{
    for (size_t i = 0; i < model->program.variables.count; i++) {
        const Tensor *variable = program_variable(&model->program, i);
        unsigned char *bytes = device_bytes(model->variable[i], variable->nbytes, variable->name);
        if (bytes == NULL)
            return violation_status();
        Blob blob = {bytes, variable->nbytes, variable->dims, variable->rank, variable->data_type};
        tensors[i] = tensor_of(variable->name, &blob);
    }
    return E_NONE;
}

/*
 * The function's own calls end the call that runs on this thread, which has
 * to be the execute again afterwards.
 */
static int call_function(const Model *model, const AclFakeTensor *inputs)
{
    Callback callback = callback_of(model->program.callback);
    size_t input_count = model->inout->inputs.count;
    size_t variable_count = model->program.variables.count;
    const AclFakeTensor *variables = inputs + input_count;
    char error[ERROR_SIZE] = "";
    Call *execute = current_call;

    if (callback.function == NULL)
        return refuse(E_RT_EXECUTE,
                      "callback program %llu has no function "
                      "any more",
                      (unsigned long long)callback.id);
    int failed = callback.function(callback.user, inputs, input_count, variables, variable_count,
                                   variables + variable_count, model->inout->outputs.count, error,
                                   sizeof error);
    current_call = execute;
    if (failed == 0)
        return E_NONE;
    error[sizeof error - 1] = '\0';
    return refuse(E_RT_EXECUTE, "callback program %llu failed with %d%s%s",
                  (unsigned long long)callback.id, failed, *error != '\0' ? ": " : "", error);
}

int callback_run(Model *model, const Blob *inputs, const Blob *outputs)
{
    const Inout *inout = model->inout;
    size_t taken = inout->inputs.count;
    size_t variables = model->program.variables.count;
    size_t count = taken + variables + inout->outputs.count;
    AclFakeTensor *tensors = calloc(count + 1, sizeof *tensors);

    if (tensors == NULL)
        return refuse(E_GE, "no memory for %zu tensors", count);
    add_list(tensors, &inout->inputs, inputs);
    add_list(tensors + taken + variables, &inout->outputs, outputs);
    int status = add_variables(tensors + taken, model);
    if (status == E_NONE)
        status = call_function(model, tensors);
    free(tensors);
    return status;
}

KEEPER(KEEPER_FUNCTIONS, forget_all, NULL)
