/*
 * gear_choose: the gear of one run.
 */
#ifndef FAKE_GEAR_CHOOSE_H
#define FAKE_GEAR_CHOOSE_H

#include "run/run.h"

/* Fits the model's tensors to the gear of a run: 0, or a status. */
int gear_choose(const Run *run);

#endif
