/*
 * start: what runs between aclprofStart and aclprofStop.
 *
 * A start has one folder, and each of its devices, and the host, runs until
 * it is stopped. profiler_lock() is held in all calls.
 */
#ifndef FAKE_PROFILE_START_H
#define FAKE_PROFILE_START_H

#include "profile/config.h"

/* Starts what a configuration names, into a folder below path: 0, or a status. */
int start_begin(const ProfConfig *config, const char *path);

/* Ends what a configuration names, which was started alike: 0, or a status. */
int start_end(const ProfConfig *config);

/* Ends all that runs. */
void start_end_all(void);

#endif
