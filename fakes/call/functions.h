/*
 * functions: every exported function of AscendCL, by name, once.
 *
 * One list, many uses: the enum below, the names that aclfakeFail() knows,
 * the counters, and what a call returns when it is refused. The second
 * column says how a function can fail (STATUS: an aclError; FACTORY: NULL;
 * VALUE: it cannot), the third which of ACL's libraries it belongs to, and
 * so which code a violation turns into where ACL has none of its own.
 * Behind these come the functions of unsimulated.h.
 */
#ifndef FAKE_FUNCTIONS_H
#define FAKE_FUNCTIONS_H

#include <stdint.h>

#include "call/functions_dvpp.h"
#include "call/unsimulated.h"

#define FUNCTIONS(FUNCTION) \
    FUNCTION(aclFloat16ToFloat, VALUE, RT) \
    FUNCTION(aclFloatToFloat16, VALUE, RT) \
    FUNCTION(aclCreateDataBuffer, FACTORY, RT) \
    FUNCTION(aclDestroyDataBuffer, STATUS, RT) \
    FUNCTION(aclUpdateDataBuffer, STATUS, RT) \
    FUNCTION(aclGetDataBufferAddr, VALUE, RT) \
    FUNCTION(aclGetDataBufferSize, VALUE, RT) \
    FUNCTION(aclGetDataBufferSizeV2, VALUE, RT) \
    FUNCTION(aclDataTypeSize, VALUE, RT) \
    FUNCTION(aclrtGetSocName, VALUE, RT) \
    FUNCTION(aclInit, STATUS, RT) \
    FUNCTION(aclFinalize, STATUS, RT) \
    FUNCTION(aclFinalizeReference, STATUS, RT) \
    FUNCTION(aclGetRecentErrMsg, VALUE, RT) \
    FUNCTION(aclrtGetVersion, STATUS, RT) \
    FUNCTION(aclrtCreateContext, STATUS, RT) \
    FUNCTION(aclrtDestroyContext, STATUS, RT) \
    FUNCTION(aclrtSetCurrentContext, STATUS, RT) \
    FUNCTION(aclrtGetCurrentContext, STATUS, RT) \
    FUNCTION(aclrtSetDevice, STATUS, RT) \
    FUNCTION(aclrtResetDevice, STATUS, RT) \
    FUNCTION(aclrtResetDeviceForce, STATUS, RT) \
    FUNCTION(aclrtGetDevice, STATUS, RT) \
    FUNCTION(aclrtGetRunMode, STATUS, RT) \
    FUNCTION(aclrtSynchronizeDevice, STATUS, RT) \
    FUNCTION(aclrtSynchronizeDeviceWithTimeout, STATUS, RT) \
    FUNCTION(aclrtGetDeviceCount, STATUS, RT) \
    FUNCTION(aclrtMalloc, STATUS, RT) \
    FUNCTION(aclrtMallocAlign32, STATUS, RT) \
    FUNCTION(aclrtMallocCached, STATUS, RT) \
    FUNCTION(aclrtFree, STATUS, RT) \
    FUNCTION(aclrtMallocHost, STATUS, RT) \
    FUNCTION(aclrtFreeHost, STATUS, RT) \
    FUNCTION(aclrtMemcpy, STATUS, RT) \
    FUNCTION(aclrtMemset, STATUS, RT) \
    FUNCTION(aclrtMemcpyAsync, STATUS, RT) \
    FUNCTION(aclrtGetMemInfo, STATUS, RT) \
    FUNCTION(aclprofInit, STATUS, RT) \
    FUNCTION(aclprofFinalize, STATUS, RT) \
    FUNCTION(aclprofStart, STATUS, RT) \
    FUNCTION(aclprofCreateConfig, FACTORY, RT) \
    FUNCTION(aclprofDestroyConfig, STATUS, RT) \
    FUNCTION(aclprofStop, STATUS, RT) \
    FUNCTION(aclprofSetConfig, STATUS, RT) \
    FUNCTION(aclprofModelSubscribe, STATUS, RT) \
    FUNCTION(aclprofModelUnSubscribe, STATUS, RT) \
    FUNCTION(aclprofCreateSubscribeConfig, FACTORY, RT) \
    FUNCTION(aclprofDestroySubscribeConfig, STATUS, RT) \
    FUNCTION(aclprofGetOpDescSize, STATUS, RT) \
    FUNCTION(aclprofGetOpNum, STATUS, RT) \
    FUNCTION(aclprofGetOpTypeLen, STATUS, RT) \
    FUNCTION(aclprofGetOpType, STATUS, RT) \
    FUNCTION(aclprofGetOpNameLen, STATUS, RT) \
    FUNCTION(aclprofGetOpName, STATUS, RT) \
    FUNCTION(aclprofGetOpStart, VALUE, RT) \
    FUNCTION(aclprofGetOpEnd, VALUE, RT) \
    FUNCTION(aclprofGetOpDuration, VALUE, RT) \
    FUNCTION(aclprofGetModelId, VALUE, RT) \
    FUNCTION(aclprofGetOpFlag, VALUE, RT) \
    FUNCTION(aclprofGetOpAttriValue, VALUE, RT) \
    FUNCTION(aclprofGetStepTimestamp, STATUS, RT) \
    FUNCTION(aclprofCreateStepInfo, FACTORY, RT) \
    FUNCTION(aclprofDestroyStepInfo, VALUE, RT) \
    FUNCTION(aclprofCreateStamp, FACTORY, RT) \
    FUNCTION(aclprofDestroyStamp, VALUE, RT) \
    FUNCTION(aclprofPush, STATUS, RT) \
    FUNCTION(aclprofPop, STATUS, RT) \
    FUNCTION(aclprofRangeStart, STATUS, RT) \
    FUNCTION(aclprofRangeStop, STATUS, RT) \
    FUNCTION(aclprofRangePushEx, STATUS, RT) \
    FUNCTION(aclprofRangePop, STATUS, RT) \
    FUNCTION(aclprofSetStampTraceMessage, STATUS, RT) \
    FUNCTION(aclprofMark, STATUS, RT) \
    FUNCTION(aclprofMarkEx, STATUS, RT) \
    FUNCTION(aclprofStr2Id, VALUE, RT) \
    FUNCTION(aclCreateTensorDesc, FACTORY, MDL) \
    FUNCTION(aclDestroyTensorDesc, VALUE, MDL) \
    FUNCTION(aclGetTensorDescType, VALUE, MDL) \
    FUNCTION(aclGetTensorDescFormat, VALUE, MDL) \
    FUNCTION(aclGetTensorDescSize, VALUE, MDL) \
    FUNCTION(aclGetTensorDescElementCount, VALUE, MDL) \
    FUNCTION(aclGetTensorDescNumDims, VALUE, MDL) \
    FUNCTION(aclGetTensorDescDim, VALUE, MDL) \
    FUNCTION(aclGetTensorDescDimV2, STATUS, MDL) \
    FUNCTION(aclGetTensorDescDimRange, STATUS, MDL) \
    FUNCTION(aclSetTensorDescName, VALUE, MDL) \
    FUNCTION(aclGetTensorDescName, VALUE, MDL) \
    FUNCTION(aclTransTensorDescFormat, STATUS, MDL) \
    FUNCTION(aclSetTensorStorageFormat, STATUS, MDL) \
    FUNCTION(aclSetTensorStorageShape, STATUS, MDL) \
    FUNCTION(aclSetTensorFormat, STATUS, MDL) \
    FUNCTION(aclSetTensorShape, STATUS, MDL) \
    FUNCTION(aclSetTensorOriginFormat, STATUS, MDL) \
    FUNCTION(aclSetTensorOriginShape, STATUS, MDL) \
    FUNCTION(aclSetTensorConst, STATUS, MDL) \
    FUNCTION(aclSetTensorPlaceMent, STATUS, MDL) \
    FUNCTION(aclmdlCreateDesc, FACTORY, MDL) \
    FUNCTION(aclmdlDestroyDesc, STATUS, MDL) \
    FUNCTION(aclmdlGetDesc, STATUS, MDL) \
    FUNCTION(aclmdlGetDescFromFile, STATUS, MDL) \
    FUNCTION(aclmdlGetDescFromMem, STATUS, MDL) \
    FUNCTION(aclmdlGetNumInputs, VALUE, MDL) \
    FUNCTION(aclmdlGetNumOutputs, VALUE, MDL) \
    FUNCTION(aclmdlGetInputSizeByIndex, VALUE, MDL) \
    FUNCTION(aclmdlGetOutputSizeByIndex, VALUE, MDL) \
    FUNCTION(aclmdlCreateExecConfigHandle, FACTORY, MDL) \
    FUNCTION(aclmdlDestroyExecConfigHandle, STATUS, MDL) \
    FUNCTION(aclmdlCreateDataset, FACTORY, MDL) \
    FUNCTION(aclmdlDestroyDataset, STATUS, MDL) \
    FUNCTION(aclmdlAddDatasetBuffer, STATUS, MDL) \
    FUNCTION(aclmdlSetDatasetTensorDesc, STATUS, MDL) \
    FUNCTION(aclmdlGetDatasetTensorDesc, VALUE, MDL) \
    FUNCTION(aclmdlGetDatasetNumBuffers, VALUE, MDL) \
    FUNCTION(aclmdlGetDatasetBuffer, VALUE, MDL) \
    FUNCTION(aclmdlLoadFromFile, STATUS, MDL) \
    FUNCTION(aclmdlBundleLoadFromFile, STATUS, MDL) \
    FUNCTION(aclmdlBundleLoadFromMem, STATUS, MDL) \
    FUNCTION(aclmdlBundleUnload, STATUS, MDL) \
    FUNCTION(aclmdlBundleGetModelNum, STATUS, MDL) \
    FUNCTION(aclmdlBundleGetModelId, STATUS, MDL) \
    FUNCTION(aclmdlBundleCreateQueryInfo, FACTORY, MDL) \
    FUNCTION(aclmdlBundleDestroyQueryInfo, STATUS, MDL) \
    FUNCTION(aclmdlBundleQueryInfoFromFile, STATUS, MDL) \
    FUNCTION(aclmdlBundleQueryInfoFromMem, STATUS, MDL) \
    FUNCTION(aclmdlBundleGetQueryModelNum, STATUS, MDL) \
    FUNCTION(aclmdlBundleGetVarWeightSize, STATUS, MDL) \
    FUNCTION(aclmdlBundleGetSize, STATUS, MDL) \
    FUNCTION(aclmdlBundleInitFromFile, STATUS, MDL) \
    FUNCTION(aclmdlBundleInitFromMem, STATUS, MDL) \
    FUNCTION(aclmdlBundleLoadModel, STATUS, MDL) \
    FUNCTION(aclmdlBundleLoadModelWithMem, STATUS, MDL) \
    FUNCTION(aclmdlBundleLoadModelWithConfig, STATUS, MDL) \
    FUNCTION(aclmdlBundleUnloadModel, STATUS, MDL) \
    FUNCTION(aclmdlLoadFromMem, STATUS, MDL) \
    FUNCTION(aclmdlExecute, STATUS, MDL) \
    FUNCTION(aclmdlExecuteV2, STATUS, MDL) \
    FUNCTION(aclmdlUnload, STATUS, MDL) \
    FUNCTION(aclmdlGetInputDims, STATUS, MDL) \
    FUNCTION(aclmdlGetInputDimsV2, STATUS, MDL) \
    FUNCTION(aclmdlGetInputDimsRange, STATUS, MDL) \
    FUNCTION(aclmdlGetOutputDims, STATUS, MDL) \
    FUNCTION(aclmdlGetCurOutputDims, STATUS, MDL) \
    FUNCTION(aclmdlGetInputNameByIndex, VALUE, MDL) \
    FUNCTION(aclmdlGetOutputNameByIndex, VALUE, MDL) \
    FUNCTION(aclmdlGetInputFormat, VALUE, MDL) \
    FUNCTION(aclmdlGetOutputFormat, VALUE, MDL) \
    FUNCTION(aclmdlGetInputDataType, VALUE, MDL) \
    FUNCTION(aclmdlGetOutputDataType, VALUE, MDL) \
    FUNCTION(aclmdlGetInputIndexByName, STATUS, MDL) \
    FUNCTION(aclmdlGetOutputIndexByName, STATUS, MDL) \
    FUNCTION(aclmdlCreateConfigHandle, FACTORY, MDL) \
    FUNCTION(aclmdlDestroyConfigHandle, STATUS, MDL) \
    FUNCTION(aclmdlSetConfigOpt, STATUS, MDL) \
    FUNCTION(aclmdlSetExecConfigOpt, STATUS, MDL) \
    FUNCTION(aclmdlGetTensorRealName, VALUE, MDL) \
    FUNCTION(aclrtSetExceptionInfoCallback, STATUS, RT) \
    FUNCTION(aclrtExceptionInfoCallbackRegister, STATUS, RT) \
    FUNCTION(aclrtExceptionInfoCallbackUnregister, STATUS, RT) \
    FUNCTION(aclrtGetTaskIdFromExceptionInfo, VALUE, RT) \
    FUNCTION(aclrtGetStreamIdFromExceptionInfo, VALUE, RT) \
    FUNCTION(aclrtGetThreadIdFromExceptionInfo, VALUE, RT) \
    FUNCTION(aclrtGetDeviceIdFromExceptionInfo, VALUE, RT) \
    FUNCTION(aclrtGetErrorCodeFromExceptionInfo, VALUE, RT) \
    FUNCTION(aclrtSubscribeReport, STATUS, RT) \
    FUNCTION(aclrtLaunchCallback, STATUS, RT) \
    FUNCTION(aclrtProcessReport, STATUS, RT) \
    FUNCTION(aclrtUnSubscribeReport, STATUS, RT) \
    FUNCTION(aclrtCreateEvent, STATUS, RT) \
    FUNCTION(aclrtCreateEventWithFlag, STATUS, RT) \
    FUNCTION(aclrtDestroyEvent, STATUS, RT) \
    FUNCTION(aclrtRecordEvent, STATUS, RT) \
    FUNCTION(aclrtResetEvent, STATUS, RT) \
    FUNCTION(aclrtQueryEvent, STATUS, RT) \
    FUNCTION(aclrtQueryEventStatus, STATUS, RT) \
    FUNCTION(aclrtQueryEventWaitStatus, STATUS, RT) \
    FUNCTION(aclrtSynchronizeEvent, STATUS, RT) \
    FUNCTION(aclrtSynchronizeEventWithTimeout, STATUS, RT) \
    FUNCTION(aclrtEventElapsedTime, STATUS, RT) \
    FUNCTION(aclrtMemsetAsync, STATUS, RT) \
    FUNCTION(aclrtCreateStream, STATUS, RT) \
    FUNCTION(aclrtCreateStreamWithConfig, STATUS, RT) \
    FUNCTION(aclrtDestroyStream, STATUS, RT) \
    FUNCTION(aclrtDestroyStreamForce, STATUS, RT) \
    FUNCTION(aclrtSynchronizeStream, STATUS, RT) \
    FUNCTION(aclrtSynchronizeStreamWithTimeout, STATUS, RT) \
    FUNCTION(aclrtStreamQuery, STATUS, RT) \
    FUNCTION(aclrtStreamWaitEvent, STATUS, RT) \
    FUNCTION(aclrtCtxGetCurrentDefaultStream, STATUS, RT) \
    FUNCTION(aclrtLaunchHostFunc, STATUS, RT) \
    FUNCTION(aclmdlExecuteAsync, STATUS, MDL) \
    FUNCTION(aclmdlCreateAndGetOpDesc, STATUS, MDL) \
    FUNCTION(aclGetTensorDescByIndex, VALUE, MDL) \
    FUNCTION(aclmdlSetDynamicBatchSize, STATUS, MDL) \
    FUNCTION(aclmdlSetDynamicHWSize, STATUS, MDL) \
    FUNCTION(aclmdlSetInputDynamicDims, STATUS, MDL) \
    FUNCTION(aclmdlGetDynamicBatch, STATUS, MDL) \
    FUNCTION(aclmdlGetDynamicHW, STATUS, MDL) \
    FUNCTION(aclmdlGetInputDynamicGearCount, STATUS, MDL) \
    FUNCTION(aclmdlGetInputDynamicDims, STATUS, MDL) \
    FUNCTION(aclmdlGetOpAttr, VALUE, MDL) \
    FUNCTION(aclmdlQuerySize, STATUS, MDL) \
    FUNCTION(aclmdlQuerySizeFromMem, STATUS, MDL) \
    FUNCTION(aclmdlLoadFromFileWithMem, STATUS, MDL) \
    FUNCTION(aclmdlLoadFromMemWithMem, STATUS, MDL) \
    FUNCTION(aclmdlLoadWithConfig, STATUS, MDL) \
    FUNCTION(aclmdlSetExternalWeightAddress, STATUS, MDL) \
    FUNCTION(aclrtPeekAtLastError, VALUE, RT) \
    FUNCTION(aclrtGetLastError, VALUE, RT) \
    FUNCTION(aclsysGetCANNVersion, STATUS, RT) \
    FUNCTION(aclsysGetVersionStr, STATUS, RT) \
    FUNCTION(aclrtGetDeviceUtilizationRate, STATUS, RT) \
    FUNCTION(aclrtMallocWithCfg, STATUS, RT) \
    FUNCTION(aclrtPointerGetAttributes, STATUS, RT) \
    FUNCTION(aclrtHostRegister, STATUS, RT) \
    FUNCTION(aclrtHostUnregister, STATUS, RT) \
    FUNCTION(aclrtStreamGetId, STATUS, RT) \
    FUNCTION(aclrtMemsetD32, STATUS, RT) \
    FUNCTION(aclrtMemcpy2d, STATUS, RT) \
    FUNCTION(aclrtMemcpy2dAsync, STATUS, RT) \
    FUNCTION(aclrtSetOpWaitTimeout, STATUS, RT) \
    FUNCTION(aclrtSetOpExecuteTimeOut, STATUS, RT) \
    FUNCTION(aclrtGetDeviceInfo, STATUS, RT) \
    FUNCTION(aclrtGetPrimaryCtxState, STATUS, RT) \
    FUNCTION(aclmdlInitDump, STATUS, RT) \
    FUNCTION(aclmdlSetDump, STATUS, RT) \
    FUNCTION(aclmdlFinalizeDump, STATUS, RT) \
    FUNCTION(aclmdlExecuteAsyncV2, STATUS, MDL) \
    FUNCTION(aclmdlCreateAIPP, FACTORY, MDL) \
    FUNCTION(aclmdlDestroyAIPP, STATUS, MDL) \
    FUNCTION(aclmdlGetAippDataSize, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPInputFormat, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPCscParams, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPRbuvSwapSwitch, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPAxSwapSwitch, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPSrcImageSize, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPScfParams, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPCropParams, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPPaddingParams, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPDtcPixelMean, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPDtcPixelMin, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPPixelVarReci, STATUS, MDL) \
    FUNCTION(aclmdlSetInputAIPP, STATUS, MDL) \
    FUNCTION(aclmdlSetAIPPByInputIndex, STATUS, MDL) \
    FUNCTION(aclmdlGetAippType, STATUS, MDL) \
    FUNCTION(aclmdlGetFirstAippInfo, STATUS, MDL) \
    FUNCTION(aclrtMallocHostWithCfg, STATUS, RT) \
    FUNCTION(aclrtHostRegisterV2, STATUS, RT) \
    FUNCTION(aclrtHostGetDevicePointer, STATUS, RT) \
    FUNCTION(aclrtMemsetD32Async, STATUS, RT) \
    FUNCTION(aclrtDeviceCanAccessPeer, STATUS, RT) \
    FUNCTION(aclrtDeviceEnablePeerAccess, STATUS, RT) \
    FUNCTION(aclrtDeviceDisablePeerAccess, STATUS, RT) \
    FUNCTION(aclrtDevicePeerAccessStatus, STATUS, RT) \
    FUNCTION(aclrtDeviceGetBareTgid, STATUS, RT) \
    FUNCTION(aclrtIpcMemGetExportKey, STATUS, RT) \
    FUNCTION(aclrtIpcMemSetImportPid, STATUS, RT) \
    FUNCTION(aclrtIpcMemImportByKey, STATUS, RT) \
    FUNCTION(aclrtIpcMemClose, STATUS, RT) \
    FUNCTION(aclrtCreateEventExWithFlag, STATUS, RT) \
    FUNCTION(aclrtIpcGetEventHandle, STATUS, RT) \
    FUNCTION(aclrtIpcOpenEventHandle, STATUS, RT) \
    FUNCTIONS_DVPP(FUNCTION)

/* clang-format off */
typedef enum FunctionId {
#define FUNCTION(name, returns, layer) FN_##name,
    FUNCTIONS(FUNCTION)
#undef FUNCTION
#define FUNCTION(name, result) FN_##name,
    UNSIMULATED(FUNCTION)
#undef FUNCTION
    FUNCTION_COUNT
} FunctionId;
/* clang-format on */

typedef enum Returns { STATUS, FACTORY, VALUE } Returns;
typedef enum Layer { RT, MDL, DVPP } Layer;

typedef struct Function {
    const char *name;
    Returns returns;
    Layer layer;
} Function;

extern const Function functions[FUNCTION_COUNT];

/* What made an object: one call of one function. */
typedef struct Origin {
    FunctionId function;
    uint32_t line;              /* of Python, where it is kept (call/lines.h); 0: none */
    uint64_t seq;
    const void *caller;         /* the return address; NULL when it is not known */
} Origin;

/* The function of that name, or FUNCTION_COUNT. */
FunctionId function_named(const char *name);

#endif
