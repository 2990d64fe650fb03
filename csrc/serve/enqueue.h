/* How a run comes onto its slot's stream. */
#ifndef AB_ENQUEUE_H
#define AB_ENQUEUE_H

#include <stdint.h>

#include "infer/ab_run.h"
#include "serve/ab_runner.h"
#include "serve/runner.h"

int64_t slot_enqueue(const ab_runner *runner, const slot *s, const ab_run *run);

#endif
