/* Runs, as those make them who look after Python's signals while a run waits. */
#ifndef AB_RUN_H
#define AB_RUN_H

#include <stdint.h>

#include "infer/ab_engine.h"
#include "infer/ab_run.h"
#include "infer/line.h"

int64_t engine_run(ab_engine *engine, const ab_run *run, waiter *w);
int64_t plan_run(ab_plan *plan, waiter *w);

#endif
