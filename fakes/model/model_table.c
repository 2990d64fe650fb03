#include "model/model_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/locks.h"

#define FIRST_STATIC UINT32_C(1)
#define FIRST_SHARED UINT32_C(0x80000000)

/* Models of one counter, in the order of their ids. */
typedef struct Table {
    uint32_t next;              /* id */
    Model **model;              /* owned */
    size_t count;
    size_t room;
} Table;

static struct {
    pthread_mutex_t lock;
    Table fixed;
    Table shared;
} state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .fixed = {.next = FIRST_STATIC},
    .shared = {.next = FIRST_SHARED},
};

HELD_OVER_FORK(state.lock)

uint32_t table_next_static_id(void)
{
    return state.fixed.next < FIRST_SHARED ? state.fixed.next++ : 0;
}

uint32_t table_next_shared_id(void)
{
    return state.shared.next++;
}

static Table *table_of(uint32_t id)
{
    return id < FIRST_SHARED ? &state.fixed : &state.shared;
}

/* Where a model with that id stands, or would. */
static size_t position(const Table *table, uint32_t id)
{
    size_t low = 0;
    size_t high = table->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table->model[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool grow(Table *table)
{
    if (table->count < table->room)
        return true;
    size_t room = table->room == 0 ? 16 : table->room * 2;
    Model **model = realloc(table->model, room * sizeof(Model *));
    if (model == NULL)
        return false;
    table->model = model;
    table->room = room;
    return true;
}

bool table_add(Model *model)
{
    Table *table = table_of(model->id);

    pthread_mutex_lock(&state.lock);
    bool fits = grow(table);
    if (fits)
        table->model[table->count++] = model;
    pthread_mutex_unlock(&state.lock);
    return fits;
}

void table_remove(const Model *model)
{
    Table *table = table_of(model->id);

    pthread_mutex_lock(&state.lock);
    size_t at = position(table, model->id);
    memmove(&table->model[at], &table->model[at + 1], (--table->count - at) * sizeof(Model *));
    pthread_mutex_unlock(&state.lock);
}

Model *table_hold(uint32_t id)
{
    const Table *table = table_of(id);
    Model *model = NULL;

    pthread_mutex_lock(&state.lock);
    size_t at = position(table, id);
    if (at < table->count && table->model[at]->id == id)
        model = table->model[at];
    if (model != NULL)
        atomic_fetch_add_explicit(&model->holders, 1, memory_order_relaxed);
    pthread_mutex_unlock(&state.lock);
    return model;
}

void table_each(void (*act)(const Model *model, LiveVisitor *visit, void *to), LiveVisitor *visit,
                void *to)
{
    const Table *const tables[] = {&state.fixed, &state.shared};

    pthread_mutex_lock(&state.lock);
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            act(tables[t]->model[i], visit, to);
    pthread_mutex_unlock(&state.lock);
}

Model *table_any(void)
{
    const Table *table = state.fixed.count > 0 ? &state.fixed : &state.shared;

    return table->count > 0 ? table->model[table->count - 1] : NULL;
}

void table_reset(void)
{
    free(state.fixed.model);
    free(state.shared.model);
    state.fixed = (Table){.next = FIRST_STATIC};
    state.shared = (Table){.next = FIRST_SHARED};
}
