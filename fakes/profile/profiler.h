/*
 * profiler: what the profiler is used for, and its one lock.
 *
 * Either aclprofInit begins it and aclprofStart writes files, or models are
 * subscribed to, or the configuration of aclInit turned it on: one of these
 * ways at a time (facts 12.1).
 */
#ifndef FAKE_PROFILER_H
#define FAKE_PROFILER_H

#include <stdbool.h>
#include <stdint.h>

enum { PROF_FAILED = -1 };      /* what its functions return that have no code of ACL */

/* The bits of dataTypeConfig, and what each of them is called. */
enum Switch {
    SWITCH_ACL_API = 0x1,
    SWITCH_TASK_TIME = 0x2,
    SWITCH_TRAINING_TRACE = 0x40,
    SWITCH_MSPROFTX = 0x80,
    SWITCH_RUNTIME_API = 0x100,
    SWITCH_TASK_TIME_L0 = 0x800
};

#define SWITCHES_KNOWN 0x40100fbffULL   /* all that acl_prof.h names */

typedef enum ProfilerMode {
    PROFILER_OFF,
    PROFILER_FILES,
    PROFILER_PIPES,
    PROFILER_CONFIGURED
} ProfilerMode;

/* Guards the mode and whatever the functions of both ways keep. */
void profiler_lock(void);
void profiler_unlock(void);

/* The lock is held. */
ProfilerMode profiler_mode(void);
void profiler_set_mode(ProfilerMode mode);

/* 0 unless the configuration of aclInit turned it on: then 100042. */
int profiler_check_configured(void);

/* Are marks of the program taken, as ACL_PROF_MSPROFTX asks? */
bool profiler_takes_marks(void);
void profiler_take_marks(bool on);

#endif
