/*
 * alias: two buffers of one execution that lie over each other.
 *
 * A device reads and writes the memory of a run in no order that is
 * promised, so nothing that a run writes may lie over anything else that it
 * uses: another output, a part of an input, work memory, weights, variables.
 * An output at the very address of an input is common, and only warned of.
 */
#ifndef FAKE_ALIAS_H
#define FAKE_ALIAS_H

#include "run/run.h"

/*
 * Checks the blobs of a run, whose bytes are found, against each other and
 * against the memory of the model: 0, or the status of a violation.
 */
int alias_check(const Run *run);

#endif
