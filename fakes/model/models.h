/*
 * models: the loaded models.
 *
 * Looking an id up and holding the model is one step: who holds a model may
 * look at all of it until he lets it go, whoever unloads it meanwhile. The
 * last one to let go of an unloaded model takes it apart. The table of ids
 * is a holder, and so is every execution that is queued.
 *
 * A run claims the model it holds (IDLE to RUNNING) and so does an unload
 * (IDLE to DEAD): whoever comes second is told. Loading (model_load.h) and
 * unloading take models_lock().
 */
#ifndef FAKE_MODELS_H
#define FAKE_MODELS_H

#include "model/model.h"

/*
 * Holds the loaded model of an id, or NULL. Whoever holds one lets it go, and
 * has no lock then that a stream's end, a callback or a release may take.
 */
Model *model_hold(uint32_t id);

/* One more who holds a model that is held. */
void model_hold_again(Model *model);

/* Lets a model go; NULL is nothing. */
void model_let_go(Model *model);

/*
 * The loaded model of an id, or NULL, for who has models_lock(): it stays as
 * long as the lock is held.
 */
Model *model_find(uint32_t id);

/*
 * Claims a held model, and its variables, for a run: 0, or the status of a
 * violation.
 */
int model_claim(Model *model);

/* Ends a run. */
void model_release(Model *model);

/* Who loaded it, as history_text() writes it. */
const char *model_history(const Model *model, char *text);

/*
 * Unloads a loaded model; models_lock() is held. 0, or a violation's. The
 * table lets it go in models_unlock(), after the lock is dropped: its
 * stream's thread is joined then, in which a callback may want the lock.
 */
int model_unload(Model *model);

void models_lock(void);
void models_unlock(void);

#endif
