/*
 * ort: ONNX Runtime's C API, without its header.
 *
 * The API is an append-only table of functions, so a function is its place
 * in the table; the places below are those of API version 12, which every
 * runtime since 1.19 still offers. The library is looked for when the first
 * model needs it and stays open, with one environment, until the process
 * ends: it would not survive being unloaded, and aclfakeReset must not cost
 * the next test 30 ms.
 */
#ifndef FAKE_ORT_H
#define FAKE_ORT_H

#include <stddef.h>
#include <stdint.h>

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtTensorInfo OrtTensorInfo;
typedef struct OrtValue OrtValue;
typedef struct OrtAllocator OrtAllocator;

#define ORT_FUNCTIONS(F) \
    F(2, const char *, GetErrorMessage, (const OrtStatus *)) \
    F(3, OrtStatus *, CreateEnv, (int level, const char *name, OrtEnv **)) \
    F(8, OrtStatus *, CreateSessionFromArray, \
      (const OrtEnv *, const void *model, size_t size, const OrtSessionOptions *, OrtSession **)) \
    F(9, OrtStatus *, Run, \
      (OrtSession *, const OrtRunOptions *, const char *const *input_names, \
       const OrtValue *const *inputs, size_t input_count, const char *const *output_names, \
       size_t output_count, OrtValue **outputs)) \
    F(10, OrtStatus *, CreateSessionOptions, (OrtSessionOptions **)) \
    F(14, OrtStatus *, EnableProfiling, (OrtSessionOptions *, const char *prefix)) \
    F(23, OrtStatus *, SetSessionGraphOptimizationLevel, (OrtSessionOptions *, int level)) \
    F(24, OrtStatus *, SetIntraOpNumThreads, (OrtSessionOptions *, int)) \
    F(25, OrtStatus *, SetInterOpNumThreads, (OrtSessionOptions *, int)) \
    F(49, OrtStatus *, CreateTensorWithDataAsOrtValue, \
      (const OrtMemoryInfo *, void *data, size_t size, const int64_t *dims, size_t rank, \
       int element_type, OrtValue **)) \
    F(51, OrtStatus *, GetTensorMutableData, (OrtValue *, void **data)) \
    F(60, OrtStatus *, GetTensorElementType, (const OrtTensorInfo *, int *)) \
    F(61, OrtStatus *, GetDimensionsCount, (const OrtTensorInfo *, size_t *)) \
    F(62, OrtStatus *, GetDimensions, (const OrtTensorInfo *, int64_t *dims, size_t rank)) \
    F(65, OrtStatus *, GetTensorTypeAndShape, (const OrtValue *, OrtTensorInfo **)) \
    F(69, OrtStatus *, CreateCpuMemoryInfo, (int allocator, int memory, OrtMemoryInfo **)) \
    F(76, OrtStatus *, AllocatorFree, (OrtAllocator *, void *)) \
    F(78, OrtStatus *, GetAllocatorWithDefaultOptions, (OrtAllocator **)) \
    F(93, void, ReleaseStatus, (OrtStatus *)) \
    F(95, void, ReleaseSession, (OrtSession *)) \
    F(96, void, ReleaseValue, (OrtValue *)) \
    F(99, void, ReleaseTensorTypeAndShapeInfo, (OrtTensorInfo *)) \
    F(100, void, ReleaseSessionOptions, (OrtSessionOptions *)) \
    F(110, OrtStatus *, SessionEndProfiling, (OrtSession *, OrtAllocator *, char **file)) \
    F(130, OrtStatus *, AddSessionConfigEntry, \
      (OrtSessionOptions *, const char *key, const char *value)) \
    F(210, OrtStatus *, AddExternalInitializers, \
      (OrtSessionOptions *, const char *const *names, const OrtValue *const *values, \
       size_t count))

typedef struct Ort {
#define F(place, result, name, parameters) result(*name) parameters;
    ORT_FUNCTIONS(F)
#undef F
    OrtEnv *env;
    OrtMemoryInfo *memory;
} Ort;

/*
 * The runtime that the setting "onnxruntime" names or, without one, the
 * first that is found. NULL after a message that lists what was tried and
 * how to mend it.
 */
const Ort *ort_open(void);

/*
 * Passes a status on as a message that begins with what; 0 when it was
 * good, failure otherwise. Releases the status.
 */
int ort_check(const Ort *ort, OrtStatus *status, const char *what, int failure);

/* The element type that stands for an aclDataType, or 0. */
int ort_type(int data_type);

#endif
