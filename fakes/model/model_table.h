/*
 * model_table: the living models, by id.
 *
 * An id is given once and never again. Static models count from 1, in a
 * counter of their own that failed loads advance too; models with dynamic
 * shapes and bundles share another, from 0x80000000. An id whose model has
 * gone costs nothing.
 *
 * The lock here is held for moments, never while a model is built or taken
 * apart. Ids are given, models put in and taken out under models_lock().
 */
#ifndef FAKE_MODEL_TABLE_H
#define FAKE_MODEL_TABLE_H

#include "call/keepers.h"
#include "model/model.h"

/* The next id of static models; 0: none is left. */
uint32_t table_next_static_id(void);

/* The next id of those that bundles and dynamic models share. */
uint32_t table_next_shared_id(void);

/* Puts a model at its id, the last of its counter. False without memory. */
bool table_add(Model *model);

/* Takes a model out. */
void table_remove(const Model *model);

/* The model of an id, held once more, or NULL. */
Model *table_hold(uint32_t id);

/* Calls with every model, oldest first in each counter, under the lock. */
void table_each(void (*act)(const Model *model, LiveVisitor *visit, void *to), LiveVisitor *visit,
                void *to);

/* Any model, or NULL when there is none. */
Model *table_any(void);

/* Begins the counters anew; no model is in. */
void table_reset(void);

#endif
