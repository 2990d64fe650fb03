/*
 * load_options: what a load is given beside the file.
 */
#ifndef FAKE_LOAD_OPTIONS_H
#define FAKE_LOAD_OPTIONS_H

#include "model/model.h"

typedef struct LoadOptions {
    Area work;
    Area weights;
    Variables *variables;       /* of the bundle, or NULL: its own */
    uint32_t bundle;
    const char *path;           /* of the file, or NULL */
    const char *weight_folder;  /* of external weights; NULL: beside path */
    const ExternalWeight *external;
    size_t external_count;
} LoadOptions;

#endif
