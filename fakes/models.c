#include "models.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "fork.h"
#include "message.h"
#include "model_build.h"
#include "order.h"
#include "tally.h"
#include "violations.h"

enum { CHUNK = 256, CHUNKS = 4096, REMEMBERED = 1024 };

#define FIRST_STATIC UINT32_C(1)
#define FIRST_SHARED UINT32_C(0x80000000)

/* A table of models by id - first, grown by chunks that never move. */
typedef struct Table {
    uint32_t first;
    uint32_t next;
    _Atomic(Model *) *_Atomic chunk[CHUNKS];
} Table;

static struct {
    pthread_mutex_t lock;
    Table fixed;
    Table shared;
    Model *ended;               /* unloaded, and not yet stripped */
    Model *dead[REMEMBERED];    /* stripped: the last so many, in a ring */
    size_t deaths;
} state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .fixed = {.first = FIRST_STATIC, .next = FIRST_STATIC},
    .shared = {.first = FIRST_SHARED, .next = FIRST_SHARED},
};

HELD_OVER_FORK(state.lock)

void models_lock(void)
{
    pthread_mutex_lock(&state.lock);
}

uint32_t models_next_shared_id(void)
{
    return state.shared.next++;
}

/* The place of an id, or NULL when no model was ever kept near it. */
static _Atomic(Model *) *place_of(uint32_t id)
{
    Table *table = id < FIRST_SHARED ? &state.fixed : &state.shared;
    uint32_t index = id - table->first;

    if (id == 0 || index / CHUNK >= CHUNKS)
        return NULL;
    _Atomic(Model *) *chunk = atomic_load_explicit(
        &table->chunk[index / CHUNK], memory_order_acquire);
    return chunk == NULL ? NULL : &chunk[index % CHUNK];
}

/*
 * Whoever found a model by its id a moment ago may still look at it, so an
 * entry is freed REMEMBERED deaths later, and the id is nobody's then.
 */
static void bury(Model *model)
{
    pthread_mutex_lock(&state.lock);
    Model **grave = &state.dead[state.deaths++ % REMEMBERED];
    Model *before = *grave;
    *grave = model;
    if (before != NULL)
        atomic_store(place_of(before->id), NULL);
    pthread_mutex_unlock(&state.lock);
    free(before);
}

/* What was unloaded is taken apart now that the lock is free. */
void models_unlock(void)
{
    Model *ended = state.ended;

    state.ended = NULL;
    pthread_mutex_unlock(&state.lock);
    while (ended != NULL) {
        Model *model = ended;
        ended = model->next;
        model_strip(model);
        bury(model);
    }
}

/* Puts a model at its id. False when the table or memory is used up. */
static bool keep(Model *model)
{
    Table *table = model->id < FIRST_SHARED ? &state.fixed : &state.shared;
    uint32_t index = model->id - table->first;

    if (index / CHUNK >= CHUNKS)
        return false;
    if (place_of(model->id) == NULL)
        atomic_store(&table->chunk[index / CHUNK],
                     calloc(CHUNK, sizeof(_Atomic(Model *))));
    _Atomic(Model *) *place = place_of(model->id);
    if (place != NULL)
        atomic_store_explicit(place, model, memory_order_release);
    return place != NULL;
}

Model *model_find(uint32_t id)
{
    _Atomic(Model *) *place = place_of(id);
    Model *model = place == NULL ? NULL
                                 : atomic_load_explicit(
                                       place, memory_order_acquire);

    if (model == NULL || atomic_load(&model->state) == MODEL_DEAD)
        return NULL;
    return model;
}

/* Every load takes a static id, even one that then gets another or fails. */
int model_load(Bytes file, const LoadOptions *options, uint32_t *id)
{
    Model *model = NULL;
    int status = model_may_load(file);

    if (status != E_NONE)
        return status;
    uint32_t taken = state.fixed.next++;
    status = model_build(file, options, &model);
    if (status != E_NONE)
        return status;
    model->id = model->dynamic ? models_next_shared_id() : taken;
    if (!keep(model)) {
        model_strip(model);
        free(model);
        return refuse(GE_FAILED, "there is no room for another model");
    }
    tally_made("model");
    atomic_store(&model->state, MODEL_IDLE);
    *id = model->id;
    return E_NONE;
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
    return violate(V_VARIABLE_RACE, "model %u of bundle %u, %s", model->id,
                   model->bundle, model_history(model, text));
}

int model_claim(Model *model)
{
    int idle = MODEL_IDLE;
    char text[HISTORY_SIZE];

    if (atomic_compare_exchange_strong(&model->state, &idle, MODEL_RUNNING))
        return claim_variables(model);
    if (idle == MODEL_RUNNING)
        return violate(V_CONCURRENT_EXECUTE, "model %u, %s", model->id,
                       model_history(model, text));
    return refuse(E_GE_MODEL_ID, "model %u was unloaded meanwhile",
                  model->id);
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
    model->unloaded = call_origin();
    model->next = state.ended;
    state.ended = model;
    return E_NONE;
}

/* Calls with every model ever kept, oldest first in each table. */
static void each_model(void (*act)(Model *model, LiveVisitor *visit, void *to),
                       LiveVisitor *visit, void *to)
{
    Table *tables[] = {&state.fixed, &state.shared};

    for (size_t t = 0; t < 2; t++)
        for (uint32_t id = tables[t]->first; id < tables[t]->next; id++) {
            _Atomic(Model *) *place = place_of(id);
            Model *model = place != NULL ? atomic_load(place) : NULL;
            if (model != NULL)
                act(model, visit, to);
        }
}

static void show(Model *model, LiveVisitor *visit, void *to)
{
    if (atomic_load(&model->state) != MODEL_DEAD)
        visit(&(Live){"model", model->id, model->loaded,
                      model->work.size + model->weights.size}, to);
}

void models_live(LiveVisitor *visit, void *to)
{
    models_lock();
    each_model(show, visit, to);
    models_unlock();
}

static void destroy(Model *model, LiveVisitor *visit, void *to)
{
    (void)visit;
    (void)to;
    if (atomic_load(&model->state) != MODEL_DEAD)
        model_strip(model);
    free(model);
}

static void table_reset(Table *table)
{
    for (size_t i = 0; i < CHUNKS; i++)
        free(atomic_exchange(&table->chunk[i], NULL));
    table->next = table->first;
}

void models_reset(void)
{
    each_model(destroy, NULL, NULL);
    memset(state.dead, 0, sizeof state.dead);
    table_reset(&state.fixed);
    table_reset(&state.shared);
}
