/* A runner and its slots, as a request sees them. */
#ifndef AB_RUNNER_H
#define AB_RUNNER_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "acl/acl_types.h"
#include "device/ab_context.h"
#include "gate/gate.h"
#include "serve/ab_runner.h"

enum slot_state {
    SLOT_FREE,
    SLOT_RUNNING, /* on the device, for all we know */
    SLOT_DONE     /* over; the result waits */
};

typedef struct slot {
    ab_slot at;
    enum slot_state state;
    int watched; /* a thread waits for its stream */
    int dropped; /* nobody will fetch the result */
    int hung;
    int64_t answer; /* the epoch it started at, or its failure */
} slot;

struct ab_runner {
    reader reader;
    ab_gate *gate;
    aclrtContext context;
    uint32_t modelId;
    aclrtMemcpyKind toDevice;
    aclrtMemcpyKind fromDevice;
    size_t inCount;
    size_t outCount;
    const slot *latest; /* the last that started, while it runs */
    size_t count;
    slot slots[AB_SLOTS_MAX];
};

void slot_free(ab_runner *runner, slot *s);
void slot_hang(ab_runner *runner, slot *s, int64_t reason);
void slot_watch(ab_runner *runner, slot *s, int ms);
int64_t runner_enter(ab_runner *runner, const struct timespec *deadline, slot **found,
                     ab_visit *visit);
void runner_leave(ab_runner *runner, const ab_visit *visit);

#endif
