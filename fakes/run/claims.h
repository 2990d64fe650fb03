/*
 * claims: all memory and objects that one execution uses.
 */
#ifndef FAKE_CLAIMS_H
#define FAKE_CLAIMS_H

#include "run/execution.h"

/* Lays the claims of an execution on its task. */
void execute_claim(Task *task, const Wanted *wanted, const Run *run);

#endif
