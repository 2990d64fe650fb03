/* How a run comes past the gate, and the times it waits until. */
#ifndef AB_CLAIM_H
#define AB_CLAIM_H

#include <time.h>

#include "gate/gate.h"

struct timespec gate_deadline(int ms);
int gate_left(const struct timespec *deadline);
int gate_is_own(ab_gate *gate);
int gate_try(ab_gate *gate, reader *engine);
int gate_enter_until(ab_gate *gate, reader *engine, const struct timespec *deadline);

#endif
