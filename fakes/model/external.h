/*
 * external: constants that lie in files of their own, not in WEIGHTS_DATA.
 *
 * Such files stand in the folder "weight" beside the model's file, or in the
 * one a load configuration names, or the user has put their bytes on the
 * device himself and tells where (aclmdlSetExternalWeightAddress).
 */
#ifndef FAKE_EXTERNAL_H
#define FAKE_EXTERNAL_H

#include "model/load_options.h"

/* The memory of one file, which the user has filled. */
struct ExternalWeight {
    char *name;                 /* owned by the list's maker */
    void *address;              /* on the device */
    size_t size;
};

/*
 * Finds the memory of every constant of a model whose WEIGHTS_DATA is on the
 * device: model->constant, and model->external for what it loaded. 0, or a
 * raw status; what was loaded so far is the model's to free.
 */
int external_take(Model *model, const LoadOptions *options);

#endif
