/*
 * soak: a client that does everything at once, for as long as it is told.
 *
 *     soak <bundle.om> <failing.om> <seconds> <threads> <objects>
 *
 * It goes on until the time is up and so many objects of each kind have lived.
 * The first fifth of the time warms up: from then on the memory in use may not
 * grow. A thread of its own watches that the others get on.
 *
 * The bundle is y = x @ w (bundle.py writes it), graphs in the order infer,
 * init, update. One is shared: threads infer on it by turns, and some change
 * its weights; all weights of a version are equal, so an answer that mixes
 * two versions shows. Meanwhile each thread loads, runs and unloads bundles of
 * its own, and allocates and copies. Any status that should not be ends the
 * program with 1, and so does what is alive, or was violated, in the end.
 */
#ifndef SOAK_H
#define SOAK_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "acl/acl_api.h"

enum { ROWS = 4, COLUMNS = 2, GRAPHS = 3, INFER = 0, INIT = 1, UPDATE = 2 };

/* A loaded bundle. */
typedef struct Loaded {
    uint32_t bundle;
    uint32_t model[GRAPHS];
} Loaded;

/* Ends the program unless the status is 0. */
void must(aclError status, const char *what);

/* Ends the program with a text. */
void fail(const char *what, double found, double wanted);

/* Loads a bundle and sets its weights to 1, as the file has them. */
Loaded bundle_load(const char *path);

/* Computes with x all of one value; the answer must be of one weight. */
void bundle_infer(const Loaded *loaded, float x, float weight);

/* The same on a stream. */
void bundle_infer_async(const Loaded *loaded, float x, float weight);

/* Sets all weights to one value; 0 keeps them as they are. */
void bundle_update(const Loaded *loaded, float weight);

/* The same on a stream, with a limit that nothing comes near. */
void bundle_update_timed(const Loaded *loaded, float weight);

/* Datasets with room for an inference. */
typedef struct Pair {
    aclmdlDataset *input;
    aclmdlDataset *output;
} Pair;

Pair pair_of(const float *input);
void pair_end(Pair *pair);

/* Objects of every kind; model is one whose execution fails. */
void objects_begin(uint32_t model);
void objects_step(unsigned *seed);
void objects_end(void);

/* Of the kind that had the fewest lives, how many. */
unsigned long long objects_least(void);

void bundle_unload(const Loaded *loaded);

/* Allocates, copies there and back, and compares. */
void memory_round_trip(size_t size, unsigned char value);

/* A second process, which shares memory and events with this one. */
void sharing_begin(char *program);
void sharing_step(unsigned *seed);
void sharing_end(void);

/* Profiles into files and pipes, beside the other threads' ones. */
void profiling_begin(void);
void profiling_step(const char *path, unsigned *seed);
void profiling_end(void);

/* What the second process does, until the first one is over. */
int sharing_second(void);

/* Reads descriptions out of the file, without loading it. */
void file_look(const char *path);

#endif
