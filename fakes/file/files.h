/*
 * files: model files and model memory, as far as the model router and the
 * reading of a file go.
 *
 * ACL looks at the first four bytes of every model before the function that
 * was called makes its own checks; these here are the same, in its order.
 */
#ifndef FAKE_FILES_H
#define FAKE_FILES_H

#include <stdbool.h>

#include "base/reader.h"

/* Is this a model for the other loader, a ZIP file? */
typedef struct Route {
    bool om2;
} Route;

/* The router's checks of a path: 0, 100000, 145002, 145006, 500002: folder. */
int route_path(const char *path, Route *route);

/* The router's checks of memory: 0, 100000 or 145006. */
int route_memory(const void *model, size_t size, Route *route);

/* 200001 for a ZIP file: none of its calls is available here. */
int refuse_om2(void);

/*
 * Reads a whole file into memory that the caller frees: 0, 145002, 245000,
 * 500002 for a folder, or GE_FAILED when reading breaks off.
 */
int file_read(const char *path, unsigned char **data, size_t *size);

#endif
