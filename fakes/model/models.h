/*
 * models: the loaded models.
 *
 * One step looks an id up and holds the model. The table of ids is a holder,
 * and so is every execution that is queued. T1 runs a model, T2 unloads it:
 *
 *     1. T1 looks the id up, and holds the model
 *     2. T2 takes the model out of the table, and lets go of it
 *     3. T1 looks at the model, which is whole
 *     4. T1 lets go of it; T1 was the last holder, and takes the model apart
 *
 * Before a run begins T1 claims the model (IDLE to RUNNING). Before step 2 T2
 * claims it, too (IDLE to DEAD). The second claim is refused, so a model that
 * runs is not unloaded. Loading (model_load.h) and unloading take
 * models_lock().
 */
#ifndef FAKE_MODELS_H
#define FAKE_MODELS_H

#include "model/model.h"

/*
 * Holds the loaded model of an id, or NULL. The caller lets the model go, and
 * has no lock then that a stream's end, a callback or a release may take.
 */
Model *model_hold(uint32_t id);

/* Holds a model once more that is held already. */
void model_hold_again(Model *model);

/* Ends one hold; NULL is nothing. */
void model_let_go(Model *model);

/*
 * The loaded model of an id, or NULL. The caller has models_lock(); the model
 * stays as long as the lock is held.
 */
Model *model_find(uint32_t id);

/*
 * Claims a held model, and its variables, for a run: 0, or the status of a
 * violation.
 */
int model_claim(Model *model);

/* Ends a run. */
void model_release(Model *model);

/* The call that loaded the model, as history_text() writes it. */
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
