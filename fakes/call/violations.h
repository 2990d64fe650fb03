/*
 * violations: what a program did that the device would not forgive.
 *
 * Where a device corrupts memory or hangs, this library answers with a
 * status and keeps a violation, so that a test cannot pass by ignoring the
 * status. Ids are stable: a test may name them. New ones go to the end of
 * their family; a number is never used again.
 *
 *     error    the call was refused, or would have been in strict mode
 *     warning  the call was carried out; that it does no harm is not promised
 *     leak     something was still alive at aclFinalize; no call failed
 */
#ifndef FAKE_VIOLATIONS_H
#define FAKE_VIOLATIONS_H

#include "base/text.h"

#define VIOLATIONS(VIOLATION) \
    VIOLATION(UNKNOWN_HANDLE, "AB-RT-0001", "error", "this library never handed out this handle") \
    VIOLATION(DEAD_HANDLE, "AB-RT-0002", "error", "this handle was destroyed") \
    VIOLATION(WRONG_KIND, "AB-RT-0003", "error", "this handle is of another kind") \
    VIOLATION(DOUBLE_DESTROY, "AB-RT-0004", "error", "this handle was destroyed before") \
    VIOLATION(NOT_OWNER, "AB-RT-0005", "error", \
              "this object belongs to another one, which destroys it") \
    VIOLATION(UNKNOWN_ADDRESS, "AB-RT-0006", "error", \
              "no device memory was ever allocated at this address") \
    VIOLATION(DOUBLE_FREE, "AB-RT-0007", "error", "this memory was freed before") \
    VIOLATION(INTERIOR_FREE, "AB-RT-0008", "error", \
              "this address lies inside an allocation, not at its start") \
    VIOLATION(LIBRARY_MEMORY, "AB-RT-0009", "error", "this memory belongs to a loaded model") \
    VIOLATION(FREED_MEMORY, "AB-RT-0010", "error", "this device memory was freed") \
    VIOLATION(OUT_OF_BOUNDS, "AB-RT-0011", "error", \
              "this range reaches past the end of its allocation") \
    VIOLATION(WRONG_DIRECTION, "AB-RT-0012", "error", \
              "the copy's kind does not fit where its memory lies") \
    VIOLATION(OVERLAP, "AB-RT-0013", "error", "source and destination overlap") \
    VIOLATION(NOT_HOST_MEMORY, "AB-RT-0014", "error", "the host cannot reach this address") \
    VIOLATION(NOT_DEVICE_MEMORY, "AB-RT-0015", "error", "the device cannot reach this address") \
    VIOLATION(UNKNOWN_HOST_MEMORY, "AB-RT-0016", "error", \
              "this is not memory from aclrtMallocHost") \
    VIOLATION(DOUBLE_HOST_FREE, "AB-RT-0017", "error", "this host memory was freed before") \
    VIOLATION(HOST_OUT_OF_BOUNDS, "AB-RT-0018", "error", \
              "this range reaches past the end of its host allocation") \
    VIOLATION(LIVE_AT_FINALIZE, "AB-RT-0019", "leak", "still alive at aclFinalize") \
    VIOLATION(INIT_ENDS, "AB-RT-0020", "error", "with CANN this call of aclInit ends the process") \
    VIOLATION(IMPOSSIBLE_SHAPE, "AB-RT-0021", "error", \
              "a shape that no device can compute with: open dims, no dims, " \
              "or more than 25") \
    VIOLATION(OUTPUT_BEYOND, "AB-RT-0022", "error", \
              "an output without memory that the model does not have") \
    VIOLATION(EXPORTED_MEMORY, "AB-RT-0023", "error", \
              "memory is freed whose export key was not closed before") \
    VIOLATION(KEY_IMPORTED, "AB-RT-0024", "error", \
              "an export key is closed while another process has it imported") \
    VIOLATION(KEY_CLOSED, "AB-RT-0025", "error", "this key was closed before") \
    VIOLATION(UNKNOWN_KEY, "AB-RT-0026", "error", \
              "this process neither exported nor imported this key") \
    VIOLATION(IMPORTED_MEMORY, "AB-RT-0027", "error", \
              "this memory is another process's: aclrtIpcMemClose gives it back") \
    VIOLATION(EXPORTER_GONE, "AB-RT-0028", "error", \
              "imported memory is touched whose exporter closed the key, freed it or ended") \
    VIOLATION(PEER_COPY, "AB-RT-0029", "error", \
              "memory imported from another card takes only asynchronous copies " \
              "from device to device") \
    VIOLATION(OWNER_GONE, "AB-RT-0030", "warning", \
              "host memory is used whose owner the program has dropped; keep the object in a " \
              "variable until the call is over") \
    VIOLATION(DEAD_BUFFER, "AB-MDL-0001", "error", \
              "the dataset holds a data buffer that was destroyed") \
    VIOLATION(UPDATE_WITHOUT_DESC, "AB-MDL-0002", "error", \
              "an input of a weight update has no tensor description") \
    VIOLATION(UPDATE_SHAPE, "AB-MDL-0003", "error", \
              "the shape given to a weight update is not the weight's") \
    VIOLATION(UPDATE_SIZE, "AB-MDL-0004", "error", \
              "the buffer given to a weight update is too small") \
    VIOLATION(UPDATE_HALF_SCALAR, "AB-MDL-0005", "error", \
              "a weight of rank 0 in half precision cannot be updated") \
    VIOLATION(EMPTY_WITHOUT_MEMORY, "AB-MDL-0006", "error", \
              "even an empty tensor needs a byte of device memory") \
    VIOLATION(CONCURRENT_EXECUTE, "AB-MDL-0007", "error", "one model runs on two threads at once") \
    VIOLATION(UNLOAD_WHILE_RUNNING, "AB-MDL-0008", "error", "the model is unloaded while it runs") \
    VIOLATION(FOREIGN_CONTEXT, "AB-MDL-0009", "error", \
              "the model runs in another context than it was loaded in") \
    VIOLATION(SHORT_BUFFER, "AB-MDL-0010", "error", \
              "the memory behind a data buffer ends before the tensor does") \
    VIOLATION(MISALIGNED, "AB-MDL-0011", "error", \
              "the address is not aligned for the tensor's elements") \
    VIOLATION(VARIABLE_RACE, "AB-MDL-0012", "error", \
              "the weights change while another model of the bundle runs") \
    VIOLATION(UPDATE_STALE, "AB-MDL-0013", "error", \
              "new bytes for a weight, but its old description keeps it") \
    VIOLATION(FOREIGN_STREAM, "AB-STR-0001", "error", "the stream belongs to another context") \
    VIOLATION(QUEUED_MEMORY, "AB-STR-0002", "error", \
              "memory is freed that a stream may still be using; " \
              "synchronise first") \
    VIOLATION(QUEUED_OBJECT, "AB-STR-0003", "warning", \
              "an object is destroyed that a stream may still be using; " \
              "synchronise first") \
    VIOLATION(UNSYNCHRONISED, "AB-STR-0004", "error", \
              "memory is touched that a stream may still be using; " \
              "synchronise first, or let the stream wait for an event") \
    VIOLATION(DATASET_SHARED, "AB-STR-0005", "error", \
              "one dataset is used by two executions at once") \
    VIOLATION(EVENT_IN_USE, "AB-STR-0006", "error", \
              "the event is destroyed while a stream records it or waits " \
              "for it") \
    VIOLATION(EVENT_NOT_RECORDED, "AB-STR-0007", "error", \
              "the event was not recorded since it was made or reset") \
    VIOLATION(CALLBACKS_MIXED, "AB-STR-0008", "error", \
              "one stream has callbacks in a subscribed thread and host " \
              "functions in the library's") \
    VIOLATION(INSIDE_CALLBACK, "AB-STR-0009", "error", \
              "a callback must not allocate, free, synchronise or launch") \
    VIOLATION(NOT_WAITED_FOR, "AB-STR-0010", "error", \
              "after aclmdlExecuteV2 with a stream, aclmdlExecute runs on " \
              "that stream and does not wait") \
    VIOLATION(EVENT_CYCLE, "AB-STR-0011", "error", \
              "the record stands behind a wait for itself: neither would " \
              "ever end") \
    VIOLATION(NO_GEAR, "AB-MDL-0014", "error", "the gear input holds no gear of the model") \
    VIOLATION(OTHER_GEAR, "AB-MDL-0015", "error", \
              "the gear input holds another gear than the dataset was given") \
    VIOLATION(ALIASED, "AB-MDL-0016", "error", \
              "an execution writes memory that it also uses for something " \
              "else") \
    VIOLATION(IN_PLACE, "AB-MDL-0017", "warning", "an output has the address of an input") \
    VIOLATION(VARIABLES_UNSET, "AB-MDL-0018", "error", \
              "these variables hold what nobody ever wrote: no init, update " \
              "or copy set them to bytes that somebody had") \
    VIOLATION(WORK_SHARED, "AB-MDL-0019", "error", "two runs at once use one work memory") \
    VIOLATION(AIPP_UNSET, "AB-MDL-0020", "error", \
              "the input with dynamic AIPP's parameters holds none that " \
              "the model can run with") \
    VIOLATION(WRONG_FREE, "AB-DVPP-0001", "error", \
              "memory of acldvppMalloc is for acldvppFree, all other for aclrtFree") \
    VIOLATION(STRIDE, "AB-DVPP-0002", "error", \
              "a stride that the unit cannot use, or that is less than a row") \
    VIOLATION(PICTURE_SIZE, "AB-DVPP-0003", "error", \
              "a picture smaller or larger than the unit takes") \
    VIOLATION(PICTURE_BYTES, "AB-DVPP-0004", "error", \
              "the size of a picture description is less than its strides need") \
    VIOLATION(PICTURE_ALIGNMENT, "AB-DVPP-0005", "error", \
              "a picture lies where the unit cannot begin") \
    VIOLATION(REGION, "AB-DVPP-0006", "error", \
              "a region that is empty, reaches beyond its picture, or begins or ends " \
              "where the unit cannot") \
    VIOLATION(SCALE, "AB-DVPP-0007", "error", "width and height are scaled by 1/32 to 16") \
    VIOLATION(ODD_SIZE, "AB-DVPP-0008", "warning", \
              "a width or height is odd where chroma is halved") \
    VIOLATION(EVEN_END, "AB-DVPP-0009", "warning", \
              "a region's right or bottom is even; right and bottom belong to it, and are odd")

typedef enum ViolationId {
#define VIOLATION(name, id, severity, sentence) V_##name,
    VIOLATIONS(VIOLATION)
#undef VIOLATION
        VIOLATION_COUNT
} ViolationId;

/*
 * Keeps a violation of the running call: its sentence, and the details that
 * format gives. The text also goes to the thread's error queue. Returns what
 * the call shall return where ACL has no code of its own: 107000 from the
 * runtime's functions, 500002 from the model's, 100000 from those of media.
 */
int violate(ViolationId id, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Keeps a violation whose call succeeds all the same, in every mode. */
void violate_mildly(ViolationId id, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for what is an error in general, and here a warning. */
void violate_as_warning(ViolationId id, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What violate() returns in the running call. */
int violation_status(void);

/* A number that changes with every violation, whether it is kept or not. */
unsigned violations_told(void);

/* The violations since reset, as JSON lines. */
void violations_read(Text *text);

#endif
