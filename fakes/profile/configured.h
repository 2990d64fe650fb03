/*
 * configured: the profiler that the configuration of aclInit turns on, until
 * aclFinalize. It excludes the other two ways (facts 12.1).
 */
#ifndef FAKE_CONFIGURED_H
#define FAKE_CONFIGURED_H

#include <stdint.h>

/*
 * Starts it for all devices, into a folder below path, which is made too: 0,
 * or a status after a message.
 */
int configured_begin(const char *path, uint64_t switches);

/* Ends it; nothing where it does not run. */
void configured_end(void);

#endif
