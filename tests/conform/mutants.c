/*
 * mutants: libraries that are the fake but for one answer.
 *
 * Compiled once for each mutation (-DCRASHES_ON_NULL and so on) and linked with the fake, so what a
 * mutant does not define is the fake's. REAL is the fake's function of the same name.
 */
#include <dlfcn.h>
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

