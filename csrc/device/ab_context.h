/*
 * The thread's context: ours while a call works on the device.
 */
#ifndef AB_CONTEXT_CALLS_H
#define AB_CONTEXT_CALLS_H

#include <stdint.h>

#include "acl/acl_types.h"

/* What a thread had before, for ab_context_leave. */
typedef struct ab_visit {
    aclrtContext previous; /* NULL: there is nothing to put back */
    aclrtContext entered;
    int ours; /* previous is there because of us alone */
} ab_visit;

int ab_context_hold(aclrtContext ours);
void ab_context_drop(aclrtContext ours);
int64_t ab_context_look(ab_visit *visit);
void ab_context_entered(aclrtContext ours, ab_visit *visit);
int64_t ab_context_enter(aclrtContext ours, ab_visit *visit);
void ab_context_leave(const ab_visit *visit);

#endif
