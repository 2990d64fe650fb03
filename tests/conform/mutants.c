/*
 * mutants: libraries that are the fake but for one answer.
 *
 * Compiled once for each mutation (-DCRASHES_ON_NULL and so on) and linked with the fake, so what a
 * mutant does not define is the fake's. REAL is the fake's function of the same name.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acl/acl.h"

#define REAL(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

#ifdef FREES_NULL
aclError aclrtFree(void *p) { return p == NULL ? 0 : REAL(aclrtFree)(p); }
#endif

#ifdef FREES_TWICE
aclError aclrtFree(void *p)
{
    aclError status = REAL(aclrtFree)(p);
    return status == 107000 ? 0 : status;
}
#endif

#ifdef CRASHES_ON_NULL
aclError aclrtGetDevice(int32_t *device)
{
    aclError status = REAL(aclrtGetDevice)(device != NULL ? device : &(int32_t){0});
    *(volatile int32_t *)device += 0;
    return status;
}
#endif

#ifdef HANGS
aclError aclrtProcessReport(int32_t timeout)
{
    while (timeout == 0) {
        pause();
    }
    return REAL(aclrtProcessReport)(timeout);
}
#endif

#ifdef EXITS
aclError aclrtMemset(void *p, size_t most, int32_t value, size_t count)
{
    if (p == NULL && count != 0) {
        _exit(3);
    }
    return REAL(aclrtMemset)(p, most, value, count);
}
#endif

#ifdef COPIES_NOTHING
aclError aclrtMemcpy(void *to, size_t most, const void *from, size_t count, aclrtMemcpyKind kind)
{
    return kind == ACL_MEMCPY_DEVICE_TO_DEVICE && count <= most && from != NULL && to != NULL
               ? 0
               : REAL(aclrtMemcpy)(to, most, from, count, kind);
}
#endif

#ifdef KEEPS_TEXTS
const char *aclGetRecentErrMsg(void)
{
    REAL(aclGetRecentErrMsg)();
    return "something failed";
}
#endif

#ifdef KILLS_ITS_PARENT
aclError aclrtFree(void *p)
{
    while (p == NULL) {
        kill(getppid(), SIGKILL);
        pause();
    }
    return REAL(aclrtFree)(p);
}
#endif

#ifdef KILLS_AT_UNLOAD
aclError aclmdlBundleUnload(uint32_t id)
{
    kill(getppid(), SIGKILL);
    pause();
    return REAL(aclmdlBundleUnload)(id);
}
#endif

#ifdef BROKEN
aclError aclrtGetDevice(int32_t *device)
{
    aclError status = REAL(aclrtGetDevice)(device != NULL ? device : &(int32_t){0});
    *(volatile int32_t *)device += 0;
    return status;
}

aclError aclrtProcessReport(int32_t timeout)
{
    while (timeout == 0) {
        pause();
    }
    return REAL(aclrtProcessReport)(timeout);
}

const char *aclmdlGetInputNameByIndex(const aclmdlDesc *desc, size_t index)
{
    static const char rubbish[] = "\xff\xfe\x01";
    return desc != NULL && index == 0 ? rubbish : (const char *)(size_t)(index + 8);
}

aclError aclmdlGetInputDims(const aclmdlDesc *desc, size_t index, aclmdlIODims *dims)
{
    memset(dims, 0xa5, sizeof *dims);
    return desc != NULL && index == 0 ? 0 : -559038737;
}
#endif

#ifdef CRASHES_AT_THE_END
aclError aclFinalize(void)
{
    REAL(aclFinalize)();
    abort();
}
#endif

#ifdef NO_EXPORT
aclError aclrtIpcMemGetExportKey(void *p, size_t size, char *key, size_t length, uint64_t flags)
{
    return p != NULL && size + length + flags != 0 && key != NULL ? 207000 : 100000;
}
#endif

#ifdef COUNTS_FINALIZE
aclError aclFinalize(void) { return REAL(aclFinalizeReference)(NULL); }
#endif

#ifdef WIDE_BF16
size_t aclDataTypeSize(aclDataType dtype) { return dtype == ACL_BF16 ? 4 : REAL(aclDataTypeSize)(dtype); }
#endif

#ifdef NULL_NAMES
const char *aclmdlGetInputNameByIndex(const aclmdlDesc *desc, size_t index)
{
    const char *name = REAL(aclmdlGetInputNameByIndex)(desc, index);
    return *name == '\0' ? NULL : name;
}
#endif

#ifdef EMPTY_ASSIGNS
aclTensorDesc *aclCreateTensorDesc(aclDataType dtype, int rank, const int64_t *dims, aclFormat format)
{
    static const int64_t four = 4;
    return REAL(aclCreateTensorDesc)(dtype, rank, rank == 1 && *dims == 0 ? &four : dims, format);
}
#endif

#ifdef ANY_GEAR
aclError aclmdlSetDynamicBatchSize(uint32_t id, aclmdlDataset *dataset, size_t index, uint64_t batch)
{
    aclError status = REAL(aclmdlSetDynamicBatchSize)(id, dataset, index, batch);
    return status == 145013 ? 0 : status;
}
#endif

#ifdef UNLOADS_TWICE
aclError aclmdlBundleUnload(uint32_t id)
{
    aclError status = REAL(aclmdlBundleUnload)(id);
    return status == 148053 ? 0 : status;
}
#endif

#ifdef THREADS_HAVE_CONTEXTS
aclError aclrtMalloc(void **p, size_t size, aclrtMemMallocPolicy policy)
{
    aclError status = REAL(aclrtMalloc)(p, size, policy);
    if (status == 107002) {
        aclrtSetDevice(0);
        status = REAL(aclrtMalloc)(p, size, policy);
        aclrtResetDevice(0);
    }
    return status;
}
#endif

#ifdef ANY_STREAM
aclError aclrtSynchronizeStream(aclrtStream stream)
{
    aclError status = REAL(aclrtSynchronizeStream)(stream);
    return status == 107003 ? 0 : status;
}
#endif

#ifdef ONE_ID
aclError aclmdlBundleLoadModel(uint32_t bundle, size_t index, uint32_t *id)
{
    static uint32_t first;
    aclError status = REAL(aclmdlBundleLoadModel)(bundle, index, id);
    first = first == 0 && status == 0 ? *id : first;
    if (status == 0) {
        *id = first;
    }
    return status;
}
#endif

#ifdef ANOTHER_CODE
aclError aclmdlExecute(uint32_t id, const aclmdlDataset *in, aclmdlDataset *out)
{
    aclError status = REAL(aclmdlExecute)(id, in, out);
    return status == 500002 ? 100000 : status;
}
#endif

#ifdef NO_DEVICE
aclError aclrtSetDevice(int32_t device)
{
    (void)device;
    return 507033;
}
#endif


/* What breaks an assumption of docs/architecture.md. */

#ifdef A1
/* A device that keeps what the variables are elsewhere: they cannot be copied back. */
static void *variables;
aclError aclmdlBundleInitFromFile(const char *path, void *p, size_t size, uint32_t *id)
{
    variables = p;
    return REAL(aclmdlBundleInitFromFile)(path, p, size, id);
}
aclError aclrtMemcpy(void *to, size_t most, const void *from, size_t count, aclrtMemcpyKind kind)
{
    return to == variables ? 0 : REAL(aclrtMemcpy)(to, most, from, count, kind);
}
#endif

#ifdef A2
/* A copy that another stream sees half of. */
aclError aclrtMemcpy(void *to, size_t most, const void *from, size_t count, aclrtMemcpyKind kind)
{
    size_t done = kind == ACL_MEMCPY_DEVICE_TO_DEVICE && count > 4096 ? count - 4096 : count;
    return REAL(aclrtMemcpy)(to, most, from, done, kind);
}
#endif

#ifdef A4
/* An update that spills over into the next bytes. */
static char *variables;
aclError aclmdlBundleInitFromFile(const char *path, void *p, size_t size, uint32_t *id)
{
    variables = p;
    return REAL(aclmdlBundleInitFromFile)(path, p, size, id);
}
aclError aclmdlExecute(uint32_t id, const aclmdlDataset *in, aclmdlDataset *out)
{
    static int times;
    aclError status = REAL(aclmdlExecute)(id, in, out);
    if (aclmdlGetDatasetNumBuffers(out) == 0 && aclmdlGetDatasetNumBuffers(in) != 0) {
        REAL(aclrtMemset)(variables + 1024, 64, ++times, 64);
    }
    return status;
}
#endif

#ifdef A5
/* An update that looks at the memory behind an empty tensor. */
aclError aclmdlExecute(uint32_t id, const aclmdlDataset *in, aclmdlDataset *out)
{
    for (size_t at = 0; at < aclmdlGetDatasetNumBuffers(in); at++) {
        if (aclGetDataBufferSizeV2(aclmdlGetDatasetBuffer(in, at)) < 2) {
            return 500002;
        }
    }
    return REAL(aclmdlExecute)(id, in, out);
}
#endif

#ifdef A6
/* Every third update is seen by the inference after the next alone. */
aclError aclmdlExecute(uint32_t id, const aclmdlDataset *in, aclmdlDataset *out)
{
    static int updates;
    if (aclmdlGetDatasetNumBuffers(out) == 0 && ++updates > 4 && updates % 3 == 0) {
        return 0;
    }
    return REAL(aclmdlExecute)(id, in, out);
}
#endif

#ifdef A7
static void *variables;
aclError aclmdlBundleInitFromFile(const char *path, void *p, size_t size, uint32_t *id)
{
    variables = p;
    return REAL(aclmdlBundleInitFromFile)(path, p, size, id);
}
aclError aclrtFree(void *p) { return p == variables ? 507899 : REAL(aclrtFree)(p); }
#endif

#ifdef A8
/* A graph that is loaded again gets variables of its own. */
static char path_of[4096];
aclError aclmdlBundleInitFromFile(const char *path, void *p, size_t size, uint32_t *id)
{
    strncpy(path_of, path, sizeof path_of - 1);
    return REAL(aclmdlBundleInitFromFile)(path, p, size, id);
}
aclError aclmdlBundleLoadModel(uint32_t bundle, size_t index, uint32_t *id)
{
    static int loads;
    if (index == 0 && ++loads > 1) {
        REAL(aclmdlBundleInitFromFile)(path_of, NULL, 0, &bundle);
    }
    return REAL(aclmdlBundleLoadModel)(bundle, index, id);
}
#endif

#ifdef A9
const char *aclmdlGetInputNameByIndex(const aclmdlDesc *desc, size_t index)
{
    (void)desc;
    return index == 0 ? "input_0" : "input_1";
}
#endif

#ifdef A11
static _Thread_local int mine;
aclError aclmdlBundleInitFromFile(const char *path, void *p, size_t size, uint32_t *id)
{
    mine = 1;
    return REAL(aclmdlBundleInitFromFile)(path, p, size, id);
}
aclError aclmdlExecute(uint32_t id, const aclmdlDataset *in, aclmdlDataset *out)
{
    return mine ? REAL(aclmdlExecute)(id, in, out) : 507000;
}
#endif

#ifdef A12
aclError aclmdlExecute(uint32_t id, const aclmdlDataset *in, aclmdlDataset *out)
{
    return aclmdlGetDatasetNumBuffers(in) == 2 && aclmdlGetDatasetNumBuffers(out) == 1
               ? 500002 : REAL(aclmdlExecute)(id, in, out);
}
#endif

#ifdef A12_LISTED
aclError aclmdlGetDynamicBatch(const aclmdlDesc *desc, aclmdlBatch *batch)
{
    aclError status = REAL(aclmdlGetDynamicBatch)(desc, batch);
    batch->batch[0]++;
    return status;
}
#endif

#ifdef A12_DIMS
aclError aclmdlGetCurOutputDims(const aclmdlDesc *desc, size_t index, aclmdlIODims *dims)
{
    aclError status = REAL(aclmdlGetCurOutputDims)(desc, index, dims);
    dims->dims[0] *= 2;
    return status;
}
#endif

#ifdef A12_PART
/* A run that always takes the smallest gear: outputs of the largest are written in part. */
aclError aclmdlSetDynamicBatchSize(uint32_t id, aclmdlDataset *in, size_t index, uint64_t size)
{
    return REAL(aclmdlSetDynamicBatchSize)(id, in, index, size > 2 ? 2 : size);
}
#endif

#if defined(A13) || defined(A14) || defined(A15)
aclError aclmdlExecute(uint32_t id, const aclmdlDataset *in, aclmdlDataset *out)
{
    for (size_t at = 0; at < aclmdlGetDatasetNumBuffers(in) && aclmdlGetDatasetNumBuffers(out); at++) {
        const aclDataBuffer *buffer = aclmdlGetDatasetBuffer(in, at);
        size_t size = aclGetDataBufferSizeV2(buffer);
        size_t place = (size_t)aclGetDataBufferAddr(buffer);
#ifdef A13
        if (size > 4096) {
#elif defined(A14)
        if (place % 128 == 64 && size < 64) {
#else
        if (place % 128 == 64 && size > 64) {
#endif
            return 500002;
        }
        (void)place;
        (void)size;
    }
    return REAL(aclmdlExecute)(id, in, out);
}
#endif

#ifdef A16
/* The first memory of an input is kept. */
aclError aclUpdateDataBuffer(aclDataBuffer *buffer, void *data, size_t size)
{
    (void)buffer, (void)data, (void)size;
    return 0;
}
#endif

#ifdef A17
aclError aclrtPointerGetAttributes(const void *p, aclrtPtrAttributes *attributes)
{
    aclError status = REAL(aclrtPointerGetAttributes)(p, attributes);
    attributes->location.id += 4;
    return status;
}
#endif

#ifdef A21
aclError aclrtIpcMemImportByKey(void **p, const char *key, uint64_t flags)
{
    aclError status = REAL(aclrtIpcMemImportByKey)(p, key, flags);
    return status == 507899 ? 107000 : status;
}
#endif

#ifdef A22
aclError aclrtIpcMemImportByKey(void **p, const char *key, uint64_t flags)
{
    (void)flags, (void)key;
    return REAL(aclrtMalloc)(p, 1 << 21, 0);
}
aclError aclrtIpcMemClose(const char *key) { REAL(aclrtIpcMemClose)(key); return 0; }
#endif

#ifdef A23
static void *exported;
aclError aclrtIpcMemGetExportKey(void *p, size_t size, char *key, size_t room, uint64_t flags)
{
    exported = p;
    return REAL(aclrtIpcMemGetExportKey)(p, size, key, room, flags);
}
aclError aclrtFree(void *p) { return p == exported ? 507899 : REAL(aclrtFree)(p); }
#endif
