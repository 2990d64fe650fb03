/*
 * at_exit: what a process leaves behind, told when it ends.
 *
 *     acl fake 77: 12 violations at 2 places (ACL_FAKE_REPORT=off silences this)
 *          11  AB-RT-0007 error in aclrtFree (call 9): devPtr 0x80000200: ...
 *         at release+0x1d (program+0x1189)
 *         made at setup+0x12 (program+0x1150)
 *         ended at release+0x10 (program+0x117c)
 *     ...
 *     acl fake 77: 27 things were not given back
 *           1  device, made by aclrtSetDevice (call 2)
 *         at main+0x12 (program+0x1101)
 *           1  bundle of 4096 bytes with 3 models, made by ...
 *
 * An end is exit(), or the return from main: after all handlers of atexit and
 * the destructors of static objects. A process that ends by _exit, quick_exit
 * or a signal, and so by abort, ends without a table, and with its own status;
 * with the setting "report" at live each violation was told before. A fork
 * tells what it did itself, and nothing of its parent.
 */
#ifndef FAKE_AT_EXIT_H
#define FAKE_AT_EXIT_H

enum { FAILED_STATUS = 86 };    /* where "fail_on" fails a process that would end with 0 */

/* Lets the end of this process be watched, and that of its forks. */
void at_exit_watch(void);

#endif
