/*
 * aclfake: what a test may ask of the fake beyond AscendCL itself.
 *
 *     aclfakeReset();
 *     aclfakeSet("trace", "on");
 *     aclfakeFail("aclrtMemcpy", 3, 507899);
 *     ...run the program...
 *     size_t n = aclfakeRead("violations", NULL, 0);
 *
 * All are safe from any thread and are not themselves traced. What changes
 * something returns -2 in a process that was forked from one which had called
 * aclInit or opened a device, and aclGetRecentErrMsg says so; a fork made
 * before that is as good as its parent.
 */
#ifndef ACLFAKE_H
#define ACLFAKE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Puts the fake in the state of a fresh process: every object is forgotten,
 * device memory is returned, settings, faults, trace and violations are back
 * at their defaults. No other thread may be inside the library meanwhile.
 * Returns 0, or -2 in a fork of a process that had called aclInit.
 */
int aclfakeReset(void);

/*
 * Changes one setting. Returns 0, or -1 when the key is unknown or the value
 * does not fit it; nothing is changed then, and aclGetRecentErrMsg says why.
 *
 *     mode         strict | faithful
 *     trace        on | off | path         keep a record of every call and of
 *                                          every task of a stream, in memory
 *                                          or as JSON lines in a file
 *     devices      1..64                   how many devices there are; a
 *                                          process has those of them that
 *                                          ASCEND_RT_VISIBLE_DEVICES names
 *     memory       bytes per device
 *     run_mode     host | device
 *     soc          any name
 *     onnxruntime  path of libonnxruntime.so.1.*
 *     libjpeg      path of libjpeg.so.62, which decodes and encodes JPEG
 *     libpng       path of libpng16.so.16, which decodes PNG
 *     memory_ends  bytes | never           allocations fail once so many
 *                                          more were given, freed or not
 *     report       live | exit | off       what stderr is told: violations as
 *                                          they happen and all at exit; at
 *                                          exit alone; nothing
 *     fail_on      never | error,warning,leak    what makes the process end
 *                                          with 86 instead of 0; an error
 *                                          does with each of the three
 *     lines        on | off                also what is made and ended knows
 *                                          its line of Python
 *     hide         patterns                functions that do not exist, as
 *                                          in an older CANN; "" for none
 *     fail         function:nth:code,...   aclfakeFail() for each
 *     profile      none | atlas-300i | 910b    replaces all latencies, and
 *                                          soc and memory unless chosen
 *     latency      function:ns[:ns/byte],...   aclfakeLatency() for each
 *
 * Each is also a variable of the environment, ACL_FAKE_ and the key in
 * capitals, which a process begins with and aclfakeReset comes back to;
 * aclInit refuses a variable that is unknown or bad, a line on stderr says
 * so when the library is opened.
 *
 * hide empties entries of this library's symbol table: dlsym() finds the
 * function no more. A client that found it before, or was bound to it at start
 * (LD_BIND_NOW), keeps it; so hide first, then open the client. A client
 * that is linked against a hidden function ends, at its start or at the
 * call, with the dynamic loader's own "undefined symbol": as on that CANN.
 */
int aclfakeSet(const char *key, const char *value);

/*
 * Makes the nth call of a function from now on (1 = the next; 0 = every call)
 * return code without doing anything; factories return NULL. The function
 * "*" counts every call that can fail; "task" counts what runs on streams,
 * and the code (507000..507999) then comes out of the synchronisation. A
 * second fault for the same function replaces the first; code 0 removes it.
 * Returns 0, or -1 for a function the fake does not have.
 */
int aclfakeFail(const char *function, uint64_t nth, int code);

/*
 * Lets every call of a function sleep: fixed nanoseconds, and for copies so
 * many more per byte. A function that queues a task returns at once; its
 * task sleeps, before it does anything. Returns 0, or -1 for a function the
 * fake does not have.
 */
int aclfakeLatency(const char *function, uint64_t fixedNs, double nsPerByte);

/*
 * Writes one readout as JSON lines into text (NUL-terminated, cut to size)
 * and returns the bytes that the whole readout needs, NUL included; 0 for an
 * unknown name, and in a fork that was made while another thread was inside
 * this library and stayed there. Ask with size 0 first.
 *
 *     trace       {"seq","function","args","status","process","thread",
 *                  "thread_name","start_ns","ns"}   calls, as they ended
 *     tasks       {"task","seq","function","status","stream","device","model",
 *                  "bytes","queued_ns","queued_by","process","thread",
 *                  "thread_name","start_ns","ns"}   what streams did; seq and function are
 *                                      of the call that queued it
 *                 {"mark","type","device","model","stream","task",...}
 *                                      what aclprofMark and its like said
 *     calls       {"function","calls"}                   since reset
 *     live        {"kind","handle","created_by","seq","size","at"}
 *     violations  {"id","severity","message","function","seq","at"}
 *     settings    {"key","value"}               as aclfakeSet takes them
 *     unexplained {"function","status"}   refusals that left no text of their
 *                                         own, only what the code means
 *     profiles    {"profile","function","fixed_ns","ns_per_byte","source"}
 *     machines    {"profile","soc","memory","source"}
 *     report      no JSON: a table of what was created and destroyed, and
 *                 what is live with the call that made it
 *
 * "at" is the place of the call in the program: "app.py:12 in load" of
 * a Python program, else "load+0x1d (program+0x1189)", which
 * addr2line -e program takes; the function only where the program was linked
 * with -rdynamic.
 */
size_t aclfakeRead(const char *what, char *text, size_t size);

/*
 * Appends a line to what aclGetRecentErrMsg of this thread returns next: for
 * a library beside this one that reports its errors there, as GE does.
 */
void aclfakeTell(const char *text);

/*
 * Tells that a range of the program's own host memory has no owner any more,
 * or (owned not 0) that it has one again: for a layer that hands out pointers
 * into objects of its language. A call that is given such a pointer is carried
 * out, and keeps violation AB-RT-0030. Returns 0, or -1 when there is no memory.
 */
int aclfakeHost(const void *address, size_t size, int owned);

/*
 * One tensor of a callback program's run. Everything is this library's and
 * good until the function returns. data is memory of the host even where the
 * model's memory is a device's; NULL only when size is 0.
 */
typedef struct AclFakeTensor {
    const char *name;       /* as the model's file has it */
    void *data;
    size_t size;            /* bytes */
    int dataType;           /* aclDataType */
    size_t dimCount;
    const int64_t *dims;
} AclFakeTensor;

/*
 * Computes a callback program: reads inputs and variables, fills outputs,
 * all three in the order of the model's file. It runs on the thread that
 * executes the model and may call AscendCL, but not run the same model.
 * Returns 0; any other number fails the execution with 507011, and the text
 * it left in error (NUL-terminated, at most errorSize bytes, else empty)
 * goes to aclGetRecentErrMsg.
 */
typedef int (*AclFakeFunction)(void *user, const AclFakeTensor *inputs, size_t inputCount,
                               const AclFakeTensor *variables, size_t variableCount,
                               const AclFakeTensor *outputs, size_t outputCount, char *error,
                               size_t errorSize);

/*
 * Lets function compute every model whose program is callback number id (any
 * number but 0), from its next run on; NULL takes it back. A model loads only
 * while its id has a function, and fails its run when it has none. user is
 * handed through and must outlive the registration and any run begun under
 * it. aclfakeReset takes all back. Returns 0, or -1 for id 0 or when there is
 * no memory.
 */
int aclfakeCallback(uint64_t id, AclFakeFunction function, void *user);

#endif
