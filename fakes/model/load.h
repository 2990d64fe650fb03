/*
 * load: the two ways in which a plain model comes: in a file, in memory.
 */
#ifndef FAKE_LOAD_H
#define FAKE_LOAD_H

#include "model/load_options.h"

/*
 * Loads a model, with what the options give beside it: 0 and its id, or the
 * status for the user. The caller has asked the router.
 */
int load_file(const char *path, const LoadOptions *options, uint32_t *id);
int load_memory(const void *model, size_t size, const LoadOptions *options, uint32_t *id);

#endif
