/*
 * An inference as a function that Python calls without cffi between.
 */
#ifndef AB_CALL_CALLS_H
#define AB_CALL_CALLS_H

#include <stdint.h>

uintptr_t ab_call_maker(void);
uintptr_t ab_bound_maker(void);

#endif
