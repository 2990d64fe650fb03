/*
 * fault: what a program is told when the host itself touches device memory or
 * a handle, which ends it by SIGSEGV.
 */
#ifndef FAKE_FAULT_H
#define FAKE_FAULT_H

/*
 * Tells of it from now on, where violations are told as they happen and the
 * program has left the signal alone.
 */
void fault_watch(void);

#endif
