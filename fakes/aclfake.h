/*
 * aclfake: what a test may ask of the fake beyond AscendCL itself.
 *
 *     aclfakeReset();
 *     aclfakeSet("trace", "on");
 *     aclfakeFail("aclrtMemcpy", 3, 507899);
 *     ...run the program...
 *     size_t n = aclfakeRead("violations", NULL, 0);
 *
 * All four are safe from any thread and are not themselves traced.
 */
#ifndef ACLFAKE_H
#define ACLFAKE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Puts the fake in the state of a fresh process: every object is forgotten,
 * device memory is returned, settings, faults, trace and violations are back
 * at their defaults. No other thread may be inside the library meanwhile.
 * Returns 0; this function cannot fail.
 */
int aclfakeReset(void);

/*
 * Changes one setting. Returns 0, or -1 when the key is unknown or the value
 * does not fit it; nothing is changed then, and aclGetRecentErrMsg says why.
 *
 *     mode         strict | faithful
 *     trace        on | off                keep a record of every call
 *     devices      1..64                   how many devices there are
 *     memory       bytes per device
 *     run_mode     host | device
 *     soc          any name
 *     onnxruntime  path of libonnxruntime.so.1.*
 */
int aclfakeSet(const char *key, const char *value);

/*
 * Makes the nth call of a function from now on (1 = the next; 0 = every call)
 * return code without doing anything; factories return NULL. The function
 * "*" counts every call that can fail; "task" counts what runs on streams,
 * and the code (507000..507999) then comes out of the synchronisation. A
 * second fault for the same function
 * replaces the first; code 0 removes it. Returns 0, or -1 for a function the
 * fake does not have.
 */
int aclfakeFail(const char *function, uint64_t nth, int code);

/*
 * Lets every call of a function sleep: fixed nanoseconds, and for copies so
 * many more per byte. A function that queues a task returns at once; its
 * task sleeps, before it does anything. Returns 0, or -1 for a function the fake does not have.
 */
int aclfakeLatency(const char *function, uint64_t fixedNs, double nsPerByte);

/*
 * Writes one readout as JSON lines into text (NUL-terminated, cut to size)
 * and returns the bytes that the whole readout needs, NUL included; 0 for an
 * unknown name. Ask with size 0 first.
 *
 *     trace       {"seq","function","args","status","thread","start_ns","ns"}
 *     calls       {"function","calls"}                   since reset
 *     live        {"kind","handle","created_by","seq","size"}
 *     violations  {"id","severity","message","function","seq"}
 */
size_t aclfakeRead(const char *what, char *text, size_t size);

#endif
