#include "model/models.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/codes.h"
#include "base/locks.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/violations.h"
#include "model/model_table.h"
#include "stream/order.h"

static struct {
    pthread_mutex_t lock;
    Model *ended;               /* unloaded, and the table still holds them */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

void models_lock(void)
{
    pthread_mutex_lock(&state.lock);
}

/* What was unloaded is let go now that the lock is free. */
void models_unlock(void)
{
    Model *ended = state.ended;

    state.ended = NULL;
    pthread_mutex_unlock(&state.lock);
    while (ended != NULL) {
        Model *model = ended;
        ended = model->next;
        model_let_go(model);
    }
}

Model *model_hold(uint32_t id)
{
    return table_hold(id);
}

void model_hold_again(Model *model)
{
    atomic_fetch_add_explicit(&model->holders, 1, memory_order_relaxed);
}

void model_let_go(Model *model)
{
    if (model == NULL || atomic_fetch_sub(&model->holders, 1) > 1)
        return;
    model->strip(model);
    free(model);
}

/* The table holds the model, and the lock keeps it there. */
Model *model_find(uint32_t id)
{
    Model *model = table_hold(id);

    model_let_go(model);
    return model;
}

static bool writes_variables(const Model *model)
{
    return model->program.kind == PROGRAM_ASSIGN;
}

const char *model_history(const Model *model, char *text)
{
    static const Origin alive;

    return history_text(model->loaded, alive, text);
}

static int claim_variables(Model *model)
{
    if (model->program.variables.count == 0 ||
        variables_enter(model->variables, writes_variables(model)))
        return E_NONE;
    atomic_store(&model->state, MODEL_IDLE);
    char text[HISTORY_SIZE];
    return violate(V_VARIABLE_RACE, "model %u of bundle %u, %s", model->id, model->bundle,
                   model_history(model, text));
}

int model_claim(Model *model)
{
    int idle = MODEL_IDLE;
    char text[HISTORY_SIZE];

    if (atomic_compare_exchange_strong(&model->state, &idle, MODEL_RUNNING))
        return claim_variables(model);
    if (idle == MODEL_RUNNING)
        return violate(V_CONCURRENT_EXECUTE, "model %u, %s", model->id, model_history(model, text));
    return refuse(E_GE_MODEL_ID, "model %u was unloaded meanwhile", model->id);
}

void model_release(Model *model)
{
    if (model->program.variables.count > 0)
        variables_leave(model->variables, writes_variables(model));
    atomic_store(&model->state, MODEL_IDLE);
}

int model_unload(Model *model)
{
    int idle = MODEL_IDLE;
    int status = order_check_end(CLAIM_MODEL, model, 1, "model at");
    char text[HISTORY_SIZE];

    if (status != E_NONE)
        return status;
    if (!atomic_compare_exchange_strong(&model->state, &idle, MODEL_DEAD))
        return violate(V_UNLOAD_WHILE_RUNNING, "model %u, %s", model->id,
                       model_history(model, text));
    table_remove(model);
    model->next = state.ended;
    state.ended = model;
    return E_NONE;
}

static void show(const Model *model, LiveVisitor *visit, void *to)
{
    visit(&(Live){"model", model->id, model->loaded, model->work.size + model->weights.size}, to);
}

static void list_live(LiveVisitor *visit, void *to)
{
    table_each(show, visit, to);
}

static void forget_all(void)
{
    Model *model;

    while ((model = table_any()) != NULL) {
        table_remove(model);
        model_let_go(model);
    }
    table_reset();
}

KEEPER(KEEPER_MODELS, forget_all, list_live)
