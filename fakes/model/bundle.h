/*
 * bundle: the live bundles, by id.
 *
 * A bundle is a file with several sub-models, and the session in which they
 * share variables. aclmdlBundleLoad* makes one and loads every sub-model;
 * aclmdlBundleInit* makes one and loads nothing. A bundle keeps where its
 * bytes can be found again: in a copy of its own, in memory borrowed from
 * the user, or in the file, which is then read anew.
 *
 * Everything here happens under models_lock().
 */
#ifndef FAKE_BUNDLE_H
#define FAKE_BUNDLE_H

#include "base/ids.h"
#include "model/load_options.h"

typedef struct Bundle {
    struct Bundle *next;
    uint32_t id;
    Origin made;
    char *path;                 /* owned; to be read anew, or NULL */
    unsigned char *copy;        /* owned; NULL when borrowed or in a file */
    Bytes file;
    size_t model_count;         /* in the file */
    bool listed;                /* made by Load: has ids to list */
    Ids listed_ids;             /* of Load, dead ones included */
    Ids loaded_ids;             /* living ones, of Load and LoadModel */
    Variables *variables;       /* shared with its models */
} Bundle;

/* The living bundle of an id, or NULL after a message. */
Bundle *bundle_find(uint32_t id);

/* Gives a bundle an id, and its place among the living. */
void bundle_enter(Bundle *bundle);

/* Frees a bundle that is not among the living, or takes it from there. */
void bundle_free(Bundle *bundle);
void bundle_forget(Bundle *bundle);

/*
 * Loads sub-model index of a bundle's parsed bytes, with the memory that was
 * given for it: 0 and its id, or the status for the user.
 */
int bundle_load_part(Bundle *bundle, const BundleFile *file, size_t index,
                     const LoadOptions *memory, uint32_t *id);

/* Unloads every sub-model: 0, or the status of the last that stays. */
int bundle_unload_parts(Bundle *bundle);

#endif
