/*
 * A library that lies: the fake, but one function (LIE) answers what cannot
 * be. The rest is found in the fake, which this is linked with.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_types.h"
#include "acl/acl_api.h"

static int lies(const char *name)
{
    const char *which = getenv("LIE");
    return which != NULL && strcmp(which, name) == 0;
}

/* The fake's own function. */
static void *real(const char *name)
{
    return dlsym(dlopen(getenv("FAKE"), RTLD_NOW | RTLD_LOCAL), name);
}

#define REAL(name) ((__typeof__(&name))real(#name))

aclError aclrtMalloc(void **p, size_t n, aclrtMemMallocPolicy policy)
{
    return lies("aclrtMalloc") ? (*p = NULL, 0)
                               : REAL(aclrtMalloc)(p, n, policy);
}

aclError aclrtMallocHost(void **p, size_t n)
{
    return lies("aclrtMallocHost") ? (*p = NULL, 0)
                                   : REAL(aclrtMallocHost)(p, n);
}

aclError aclrtCreateStream(aclrtStream *p)
{
    return lies("aclrtCreateStream") ? (*p = NULL, 0)
                                     : REAL(aclrtCreateStream)(p);
}

aclError aclrtCreateEvent(aclrtEvent *p)
{
    return lies("aclrtCreateEvent") ? (*p = NULL, 0)
                                    : REAL(aclrtCreateEvent)(p);
}

aclError aclrtGetCurrentContext(aclrtContext *p)
{
    return lies("aclrtGetCurrentContext") ? (*p = NULL, 0)
                                          : REAL(aclrtGetCurrentContext)(p);
}

aclError aclrtGetRunMode(aclrtRunMode *mode)
{
    aclError status = REAL(aclrtGetRunMode)(mode);
    if (lies("aclrtGetRunMode")) {
        *mode = (aclrtRunMode)7;
    }
    return status;
}

size_t aclmdlGetNumInputs(aclmdlDesc *desc)
{
    return lies("aclmdlGetNumInputs") ? SIZE_MAX
                                      : REAL(aclmdlGetNumInputs)(desc);
}

size_t aclmdlGetNumOutputs(aclmdlDesc *desc)
{
    return lies("aclmdlGetNumOutputs") ? SIZE_MAX
                                       : REAL(aclmdlGetNumOutputs)(desc);
}

size_t aclmdlGetInputSizeByIndex(aclmdlDesc *desc, size_t index)
{
    return lies("aclmdlGetInputSizeByIndex")
               ? SIZE_MAX : REAL(aclmdlGetInputSizeByIndex)(desc, index);
}

size_t aclmdlGetOutputSizeByIndex(aclmdlDesc *desc, size_t index)
{
    return lies("aclmdlGetOutputSizeByIndex")
               ? 8 : REAL(aclmdlGetOutputSizeByIndex)(desc, index);
}

aclError aclmdlGetInputDimsV2(const aclmdlDesc *desc, size_t index,
                            aclmdlIODims *dims)
{
    aclError status = REAL(aclmdlGetInputDimsV2)(desc, index, dims);
    if (lies("aclmdlGetInputDimsV2")) {
        dims->dimCount = 200;
    }
    return status;
}

aclError aclmdlGetOutputDims(const aclmdlDesc *desc, size_t index,
                             aclmdlIODims *dims)
{
    aclError status = REAL(aclmdlGetOutputDims)(desc, index, dims);
    if (lies("aclmdlGetOutputDims")) {
        dims->dims[0] = -9;
    }
    return status;
}

aclDataType aclmdlGetInputDataType(const aclmdlDesc *desc, size_t index)
{
    return lies("aclmdlGetInputDataType")
               ? (aclDataType)999 : REAL(aclmdlGetInputDataType)(desc, index);
}

const char *aclmdlGetInputNameByIndex(const aclmdlDesc *desc, size_t index)
{
    return lies("aclmdlGetInputNameByIndex")
               ? NULL : REAL(aclmdlGetInputNameByIndex)(desc, index);
}

const char *aclmdlGetOutputNameByIndex(const aclmdlDesc *desc, size_t index)
{
    static char endless[8192];
    memset(endless, 'x', sizeof endless);
    return lies("aclmdlGetOutputNameByIndex")
               ? endless : REAL(aclmdlGetOutputNameByIndex)(desc, index);
}

aclError aclmdlBundleGetModelNum(uint32_t bundle, size_t *count)
{
    return lies("aclmdlBundleGetModelNum")
               ? (*count = SIZE_MAX, 0)
               : REAL(aclmdlBundleGetModelNum)(bundle, count);
}

aclError aclmdlBundleGetVarWeightSize(const aclmdlBundleQueryInfo *info,
                                      size_t *size)
{
    return lies("aclmdlBundleGetVarWeightSize")
               ? (*size = 1, 0)
               : REAL(aclmdlBundleGetVarWeightSize)(info, size);
}

aclError aclmdlBundleLoadModel(uint32_t bundle, size_t index, uint32_t *model)
{
    aclError status = REAL(aclmdlBundleLoadModel)(bundle, index, model);
    static uint32_t first;
    if (lies("aclmdlBundleLoadModel")) {
        first = first == 0 ? *model : first;
        *model = first;
    }
    return status;
}

size_t aclGetTensorDescNumDims(const aclTensorDesc *desc)
{
    return lies("aclGetTensorDescNumDims")
               ? 200 : REAL(aclGetTensorDescNumDims)(desc);
}

size_t aclGetTensorDescSize(const aclTensorDesc *desc)
{
    return lies("aclGetTensorDescSize") ? (size_t)1 << 40
                                        : REAL(aclGetTensorDescSize)(desc);
}

aclError aclGetTensorDescDimV2(const aclTensorDesc *desc, size_t index,
                               int64_t *dim)
{
    return lies("aclGetTensorDescDimV2")
               ? (*dim = 1000000, 0)
               : REAL(aclGetTensorDescDimV2)(desc, index, dim);
}
