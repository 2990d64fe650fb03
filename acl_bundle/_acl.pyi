"""The compiled shim: csrc/build.py makes it, csrc/stub.py this file.

`_binding.shim` imports it, and `om`. In `_binding.calls.acl` a function that
answers with an aclError has no answer: it raises.
"""
# ruff: noqa: N802, N803, N816

from collections.abc import Callable, Sequence
from typing import Any, NewType, TypeAlias, TypeVar

T = TypeVar("T")

class CData:
    """An object of cffi's: an address, or what lies there."""

    def __getattr__(self, name: str) -> Any: ...
    def __getitem__(self, index: Any) -> Any: ...
    def __setitem__(self, index: Any, value: Any) -> None: ...
    def __len__(self) -> int: ...

Pointer: TypeAlias = CData | Sequence[Any]
"""What a pointer is passed as: cffi copies a sequence for the time of the call."""

class FFI:
    NULL: Any
    def new(self, cdecl: str, init: Any = None) -> Any: ...
    def cast(self, cdecl: str, source: Any) -> Any: ...
    def from_buffer(self, *cdecl_and_buffer: Any) -> Any: ...
    def buffer(self, cdata: CData, size: int = -1) -> Any: ...
    def string(self, cdata: CData, maxlen: int = -1) -> bytes: ...
    def gc(self, cdata: T, destructor: Callable[[T], Any], size: int = 0) -> T: ...
    def release(self, cdata: CData) -> None: ...
    def typeof(self, of: Any) -> Any: ...

aclError = NewType("aclError", int)
aclrtStream = NewType("aclrtStream", CData)
aclrtEvent = NewType("aclrtEvent", CData)
aclrtContext = NewType("aclrtContext", CData)
aclDataBuffer = NewType("aclDataBuffer", CData)
aclTensorDesc = NewType("aclTensorDesc", CData)
aclmdlDesc = NewType("aclmdlDesc", CData)
aclmdlDataset = NewType("aclmdlDataset", CData)
aclmdlConfigHandle = NewType("aclmdlConfigHandle", CData)
aclmdlAIPP = NewType("aclmdlAIPP", CData)
aclmdlExecConfigHandle = NewType("aclmdlExecConfigHandle", CData)
aclmdlBundleQueryInfo = NewType("aclmdlBundleQueryInfo", CData)
aclrtExceptionInfo = NewType("aclrtExceptionInfo", CData)
aclAippExtendInfo = NewType("aclAippExtendInfo", CData)
aclrtUtilizationExtendInfo = NewType("aclrtUtilizationExtendInfo", CData)
aclprofConfig = NewType("aclprofConfig", CData)
aclprofAicoreEvents = NewType("aclprofAicoreEvents", CData)
aclprofSubscribeConfig = NewType("aclprofSubscribeConfig", CData)
aclprofStepInfo = NewType("aclprofStepInfo", CData)
ab_gate = NewType("ab_gate", CData)
ab_engine = NewType("ab_engine", CData)
ab_shapes = NewType("ab_shapes", CData)
ab_runner = NewType("ab_runner", CData)
ab_stage = NewType("ab_stage", CData)

class Lib:
    ACL_DT_UNDEFINED: int
    ACL_FLOAT: int
    ACL_FLOAT16: int
    ACL_INT8: int
    ACL_INT32: int
    ACL_UINT8: int
    ACL_INT16: int
    ACL_UINT16: int
    ACL_UINT32: int
    ACL_INT64: int
    ACL_UINT64: int
    ACL_DOUBLE: int
    ACL_BOOL: int
    ACL_STRING: int
    ACL_COMPLEX64: int
    ACL_COMPLEX128: int
    ACL_BF16: int
    ACL_INT4: int
    ACL_UINT1: int
    ACL_COMPLEX32: int
    ACL_HIFLOAT8: int
    ACL_FLOAT8_E5M2: int
    ACL_FLOAT8_E4M3FN: int
    ACL_FLOAT8_E8M0: int
    ACL_FLOAT6_E3M2: int
    ACL_FLOAT6_E2M3: int
    ACL_FLOAT4_E2M1: int
    ACL_FLOAT4_E1M2: int
    ACL_FORMAT_UNDEFINED: int
    ACL_FORMAT_NCHW: int
    ACL_FORMAT_NHWC: int
    ACL_FORMAT_ND: int
    ACL_FORMAT_NC1HWC0: int
    ACL_FORMAT_FRACTAL_Z: int
    ACL_FORMAT_NC1HWC0_C04: int
    ACL_FORMAT_HWCN: int
    ACL_FORMAT_NDHWC: int
    ACL_FORMAT_FRACTAL_NZ: int
    ACL_FORMAT_NCDHW: int
    ACL_FORMAT_NDC1HWC0: int
    ACL_FRACTAL_Z_3D: int
    ACL_FORMAT_NC: int
    ACL_FORMAT_NCL: int
    ACL_FORMAT_FRACTAL_NZ_C0_16: int
    ACL_FORMAT_FRACTAL_NZ_C0_32: int
    ACL_FORMAT_FRACTAL_NZ_C0_2: int
    ACL_FORMAT_FRACTAL_NZ_C0_4: int
    ACL_FORMAT_FRACTAL_NZ_C0_8: int
    ACL_MEMTYPE_DEVICE: int
    ACL_MEMTYPE_HOST: int
    ACL_MEMTYPE_HOST_COMPILE_INDEPENDENT: int
    ACL_DEVICE: int
    ACL_HOST: int
    ACL_PKG_NAME_CANN: int
    ACL_PKG_NAME_RUNTIME: int
    ACL_PKG_NAME_COMPILER: int
    ACL_PKG_NAME_HCCL: int
    ACL_PKG_NAME_TOOLKIT: int
    ACL_PKG_NAME_OPP: int
    ACL_PKG_NAME_OPP_KERNEL: int
    ACL_PKG_NAME_DRIVER: int
    ACL_DEV_ATTR_AICPU_CORE_NUM: int
    ACL_DEV_ATTR_AICORE_CORE_NUM: int
    ACL_DEV_ATTR_CUBE_CORE_NUM: int
    ACL_DEV_ATTR_VECTOR_CORE_NUM: int
    ACL_DEV_ATTR_WARP_SIZE: int
    ACL_DEV_ATTR_MAX_THREAD_PER_VECTOR_CORE: int
    ACL_DEV_ATTR_LOCAL_MEM_PER_VECTOR_CORE: int
    ACL_DEV_ATTR_UBUF_PER_VECTOR_CORE: int
    ACL_DEV_ATTR_MAX_GRID_DIM_X: int
    ACL_DEV_ATTR_MAX_GRID_DIM_Y: int
    ACL_DEV_ATTR_MAX_GRID_DIM_Z: int
    ACL_DEV_ATTR_MAX_BLOCK_PER_GRID: int
    ACL_DEV_ATTR_MAX_THREADS_PER_BLOCK: int
    ACL_DEV_ATTR_MAX_BLOCK_DIM_X: int
    ACL_DEV_ATTR_MAX_BLOCK_DIM_Y: int
    ACL_DEV_ATTR_MAX_BLOCK_DIM_Z: int
    ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE: int
    ACL_DEV_ATTR_L2_CACHE_SIZE: int
    ACL_DEV_ATTR_SMP_ID: int
    ACL_DEV_ATTR_PHY_CHIP_ID: int
    ACL_DEV_ATTR_SUPER_POD_DEVIDE_ID: int
    ACL_DEV_ATTR_SUPER_POD_DEVICE_ID: int
    ACL_DEV_ATTR_SUPER_POD_SERVER_ID: int
    ACL_DEV_ATTR_SUPER_POD_ID: int
    ACL_DEV_ATTR_CUST_OP_PRIVILEGE: int
    ACL_DEV_ATTR_MAINBOARD_ID: int
    ACL_DEV_ATTR_HD_CONNECT_TYPE: int
    ACL_DEV_ATTR_IS_VIRTUAL: int
    ACL_DEV_ATTR_NPU_ARCH: int
    ACL_HOST_REGISTER_MAPPED: int
    ACL_HOST_REGISTER_IOMEMORY: int
    ACL_HOST_REGISTER_READONLY: int
    ACL_MEM_LOCATION_TYPE_HOST: int
    ACL_MEM_LOCATION_TYPE_DEVICE: int
    ACL_MEM_LOCATION_TYPE_UNREGISTERED: int
    ACL_MEM_LOCATION_TYPE_HOST_NUMA: int
    ACL_RT_MEM_ATTR_RSV: int
    ACL_RT_MEM_ATTR_MODULE_ID: int
    ACL_RT_MEM_ATTR_DEVICE_ID: int
    ACL_RT_MEM_ATTR_VA_FLAG: int
    ACL_RT_THREAD_LEVEL: int
    ACL_EVENT_STATUS_COMPLETE: int
    ACL_EVENT_STATUS_NOT_READY: int
    ACL_EVENT_STATUS_RESERVED: int
    ACL_EVENT_RECORDED_STATUS_NOT_READY: int
    ACL_EVENT_RECORDED_STATUS_COMPLETE: int
    ACL_EVENT_WAIT_STATUS_COMPLETE: int
    ACL_EVENT_WAIT_STATUS_NOT_READY: int
    ACL_EVENT_WAIT_STATUS_RESERVED: int
    ACL_STREAM_STATUS_COMPLETE: int
    ACL_STREAM_STATUS_NOT_READY: int
    ACL_STREAM_STATUS_RESERVED: int
    ACL_CALLBACK_NO_BLOCK: int
    ACL_CALLBACK_BLOCK: int
    ACL_MEMCPY_HOST_TO_HOST: int
    ACL_MEMCPY_HOST_TO_DEVICE: int
    ACL_MEMCPY_DEVICE_TO_HOST: int
    ACL_MEMCPY_DEVICE_TO_DEVICE: int
    ACL_MEMCPY_DEFAULT: int
    ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE: int
    ACL_MEMCPY_INNER_DEVICE_TO_DEVICE: int
    ACL_MEMCPY_INTER_DEVICE_TO_DEVICE: int
    ACL_MEM_MALLOC_HUGE_FIRST: int
    ACL_MEM_MALLOC_HUGE_ONLY: int
    ACL_MEM_MALLOC_NORMAL_ONLY: int
    ACL_MEM_MALLOC_HUGE_FIRST_P2P: int
    ACL_MEM_MALLOC_HUGE_ONLY_P2P: int
    ACL_MEM_MALLOC_NORMAL_ONLY_P2P: int
    ACL_MEM_MALLOC_HUGE1G_ONLY: int
    ACL_MEM_MALLOC_HUGE1G_ONLY_P2P: int
    ACL_MEM_TYPE_LOW_BAND_WIDTH: int
    ACL_MEM_TYPE_HIGH_BAND_WIDTH: int
    ACL_MEM_ACCESS_USER_SPACE_READONLY: int
    ACL_DDR_MEM: int
    ACL_HBM_MEM: int
    ACL_DDR_MEM_HUGE: int
    ACL_DDR_MEM_NORMAL: int
    ACL_HBM_MEM_HUGE: int
    ACL_HBM_MEM_NORMAL: int
    ACL_DDR_MEM_P2P_HUGE: int
    ACL_DDR_MEM_P2P_NORMAL: int
    ACL_HBM_MEM_P2P_HUGE: int
    ACL_HBM_MEM_P2P_NORMAL: int
    ACL_HBM_MEM_HUGE1G: int
    ACL_HBM_MEM_P2P_HUGE1G: int
    ACL_MEM_NORMAL: int
    ACL_MEM_HUGE: int
    ACL_MEM_HUGE1G: int
    ACL_MEM_P2P_NORMAL: int
    ACL_MEM_P2P_HUGE: int
    ACL_MEM_P2P_HUGE1G: int
    ACL_MDL_PRIORITY_INT32: int
    ACL_MDL_LOAD_TYPE_SIZET: int
    ACL_MDL_PATH_PTR: int
    ACL_MDL_MEM_ADDR_PTR: int
    ACL_MDL_MEM_SIZET: int
    ACL_MDL_WEIGHT_ADDR_PTR: int
    ACL_MDL_WEIGHT_SIZET: int
    ACL_MDL_WORKSPACE_ADDR_PTR: int
    ACL_MDL_WORKSPACE_SIZET: int
    ACL_MDL_INPUTQ_NUM_SIZET: int
    ACL_MDL_INPUTQ_ADDR_PTR: int
    ACL_MDL_OUTPUTQ_NUM_SIZET: int
    ACL_MDL_OUTPUTQ_ADDR_PTR: int
    ACL_MDL_WORKSPACE_MEM_OPTIMIZE: int
    ACL_MDL_WEIGHT_PATH_PTR: int
    ACL_MDL_MODEL_DESC_PTR: int
    ACL_MDL_MODEL_DESC_SIZET: int
    ACL_MDL_KERNEL_PTR: int
    ACL_MDL_KERNEL_SIZET: int
    ACL_MDL_KERNEL_ARGS_PTR: int
    ACL_MDL_KERNEL_ARGS_SIZET: int
    ACL_MDL_STATIC_TASK_PTR: int
    ACL_MDL_STATIC_TASK_SIZET: int
    ACL_MDL_DYNAMIC_TASK_PTR: int
    ACL_MDL_DYNAMIC_TASK_SIZET: int
    ACL_MDL_MEM_MALLOC_POLICY_SIZET: int
    ACL_MDL_FIFO_PTR: int
    ACL_MDL_FIFO_SIZET: int
    ACL_MDL_WITHOUT_GRAPH_INT32: int
    ACL_MDL_STREAM_SYNC_TIMEOUT: int
    ACL_MDL_EVENT_SYNC_TIMEOUT: int
    ACL_MDL_WORK_ADDR_PTR: int
    ACL_MDL_WORK_SIZET: int
    ACL_MDL_MPAIMID_SIZET: int
    ACL_MDL_AICQOS_SIZET: int
    ACL_MDL_AICOST_SIZET: int
    ACL_MDL_MEC_TIMETHR_SIZET: int
    ACL_DATA_WITHOUT_AIPP: int
    ACL_DATA_WITH_STATIC_AIPP: int
    ACL_DATA_WITH_DYNAMIC_AIPP: int
    ACL_DYNAMIC_AIPP_NODE: int
    ACL_YUV420SP_U8: int
    ACL_XRGB8888_U8: int
    ACL_RGB888_U8: int
    ACL_YUV400_U8: int
    ACL_NC1HWC0DI_FP16: int
    ACL_NC1HWC0DI_S8: int
    ACL_ARGB8888_U8: int
    ACL_YUYV_U8: int
    ACL_YUV422SP_U8: int
    ACL_AYUV444_U8: int
    ACL_RAW10: int
    ACL_RAW12: int
    ACL_RAW16: int
    ACL_RAW24: int
    ACL_AIPP_RESERVED: int
    ACL_AICORE_ARITHMETIC_UTILIZATION: int
    ACL_AICORE_PIPE_UTILIZATION: int
    ACL_AICORE_MEMORY_BANDWIDTH: int
    ACL_AICORE_L0B_AND_WIDTH: int
    ACL_AICORE_RESOURCE_CONFLICT_RATIO: int
    ACL_AICORE_MEMORY_UB: int
    ACL_AICORE_L2_CACHE: int
    ACL_AICORE_PIPE_EXECUTE_UTILIZATION: int
    ACL_AICORE_MEMORY_ACCESS: int
    ACL_AICORE_NONE: int
    ACL_STEP_START: int
    ACL_STEP_END: int
    ACL_SUBSCRIBE_OP: int
    ACL_SUBSCRIBE_SUBGRAPH: int
    ACL_SUBSCRIBE_OP_THREAD: int
    ACL_SUBSCRIBE_NONE: int
    ACL_SUBSCRIBE_ATTRI_THREADID: int
    ACL_SUBSCRIBE_ATTRI_NONE: int
    ACL_PROF_ARGS_MIN: int
    ACL_PROF_STORAGE_LIMIT: int
    ACL_PROF_SYS_HARDWARE_MEM_FREQ: int
    ACL_PROF_LLC_MODE: int
    ACL_PROF_SYS_IO_FREQ: int
    ACL_PROF_SYS_INTERCONNECTION_FREQ: int
    ACL_PROF_DVPP_FREQ: int
    ACL_PROF_HOST_SYS: int
    ACL_PROF_HOST_SYS_USAGE: int
    ACL_PROF_HOST_SYS_USAGE_FREQ: int
    ACL_PROF_LOW_POWER_FREQ: int
    ACL_PROF_SYS_MEM_SERVICEFLOW: int
    ACL_PROF_SYS_CPU_FREQ: int
    ACL_PROF_OPTYPE: int
    ACL_PROF_NTS_METRICS: int
    ACL_PROF_PATH: int
    ACL_PROF_ARGS_MAX: int
    ACL_PROF_MESSAGE_TYPE_TENSOR_INFO: int
    ACL_SUCCESS: int
    ACL_ERROR_RT_CONTEXT_NULL: int
    ACL_ERROR_BAD_ALLOC: int
    ACL_ERROR_RT_STREAM_SYNC_TIMEOUT: int
    AB_STEP_SHIFT: int
    AB_INDEX_SHIFT: int
    AB_STEP_MASK: int
    AB_STEP_GET_CONTEXT: int
    AB_STEP_SET_CONTEXT: int
    AB_STEP_COPY_IN: int
    AB_STEP_EXECUTE: int
    AB_STEP_COPY_OUT: int
    AB_STEP_SET_BUFFER: int
    AB_STEP_SET_DESC: int
    AB_STEP_BUSY: int
    AB_STEP_CLOSED: int
    AB_STEP_POISONED: int
    AB_STEP_FORKED: int
    AB_STEP_SET_BATCH: int
    AB_STEP_SET_HW: int
    AB_STEP_SET_DIMS: int
    AB_STEP_NEW_DESC: int
    AB_STEP_GET_DIM: int
    AB_STEP_ALLOCATE: int
    AB_STEP_FREE: int
    AB_STEP_GET_DESC: int
    AB_STEP_SAVE: int
    AB_STEP_PUT_BACK: int
    AB_STEP_EXECUTE_ASYNC: int
    AB_STEP_SYNCHRONIZE: int
    AB_STEP_STREAM_QUERY: int
    AB_STEP_STREAM_WAIT: int
    AB_STEP_RECORD: int
    AB_STEP_QUEUE_IN: int
    AB_STEP_QUEUE_OUT: int
    AB_STEP_RUNNING: int
    AB_STEP_HUNG: int
    AB_STEP_HELD: int
    AB_STEP_BAD_RANK: int
    AB_STEP_BAD_SIZE: int
    AB_STEP_BAD_MEMORY: int
    AB_STEP_BAD_OUTPUT: int
    AB_GEAR_DIMS: int
    AB_GEAR_BATCH: int
    AB_GEAR_HW: int
    AB_RANK_MAX: int
    AB_MOVE_COPY: int
    AB_MOVE_HALF: int
    AB_MOVE_BFLOAT: int
    AB_MOVE_COPY_FLOAT16: int
    AB_MOVE_COPY_BFLOAT16: int
    AB_MOVE_COPY_FLOAT32: int
    AB_MOVE_COPY_FLOAT64: int
    AB_MOVE_COPY_COMPLEX64: int
    AB_MOVE_COPY_COMPLEX128: int
    AB_MOVE_COPY_FLOAT8_E4M3FN: int
    AB_MOVE_COPY_FLOAT8_E5M2: int
    AB_MOVE_COPY_FLOAT8_E8M0FNU: int
    AB_SLOTS_MAX: int
    AB_STAGE_SMALL: int
    AB_GATHER_RANK: int
    AB_GATHER_SLAB: int
    AB_STAGE_CHUNK: int
    AB_STAGE_MAX_THREADS: int
    AB_OTHER: int
    AB_THEN_DATA: int
    AB_DATA: int
    AB_CONST: int
    AB_WEIGHT: int
    AB_VARIABLE: int
    AB_NET_OUTPUT: int
    AB_FILE_CONSTANT: int
    AB_KINDS: int
    AB_NOTHING: int
    AB_WHOLE: int
    AB_OPEN: int
    AB_READ: int
    AB_DAMAGED: int
    AB_NO_MEMORY: int
    AB_GRAPHS: int
    AB_NODES: int
    AB_TENSORS: int
    AB_NUMBERS: int
    AB_LISTED: int
    AB_PAIRS: int
    def aclFloat16ToFloat(self, value: int, /) -> float: ...
    def aclFloatToFloat16(self, value: float, /) -> int: ...
    def aclCreateDataBuffer(self, data: Pointer, size: int, /) -> aclDataBuffer: ...
    def aclDestroyDataBuffer(self, dataBuffer: aclDataBuffer, /) -> aclError: ...
    def aclUpdateDataBuffer(
        self, dataBuffer: aclDataBuffer, data: Pointer, size: int, /
    ) -> aclError: ...
    def aclGetDataBufferAddr(self, dataBuffer: aclDataBuffer, /) -> CData: ...
    def aclGetDataBufferSize(self, dataBuffer: aclDataBuffer, /) -> int: ...
    def aclGetDataBufferSizeV2(self, dataBuffer: aclDataBuffer, /) -> int: ...
    def aclDataTypeSize(self, dataType: int, /) -> int: ...
    def aclrtGetSocName(self) -> CData: ...
    def aclInit(self, configPath: Pointer, /) -> aclError: ...
    def aclFinalize(self) -> aclError: ...
    def aclFinalizeReference(self, refCount: Pointer, /) -> aclError: ...
    def aclGetRecentErrMsg(self) -> CData: ...
    def aclsysGetCANNVersion(self, name: int, version: Pointer, /) -> aclError: ...
    def aclsysGetVersionStr(self, pkgName: Pointer, versionStr: Pointer, /) -> aclError: ...
    def aclrtPeekAtLastError(self, level: int, /) -> aclError: ...
    def aclrtGetLastError(self, level: int, /) -> aclError: ...
    def aclrtSetExceptionInfoCallback(self, callback: CData, /) -> aclError: ...
    def aclrtExceptionInfoCallbackRegister(self, callback: CData, /) -> aclError: ...
    def aclrtExceptionInfoCallbackUnregister(self, callback: CData, /) -> aclError: ...
    def aclrtGetTaskIdFromExceptionInfo(self, info: aclrtExceptionInfo, /) -> int: ...
    def aclrtGetStreamIdFromExceptionInfo(self, info: aclrtExceptionInfo, /) -> int: ...
    def aclrtGetThreadIdFromExceptionInfo(self, info: aclrtExceptionInfo, /) -> int: ...
    def aclrtGetDeviceIdFromExceptionInfo(self, info: aclrtExceptionInfo, /) -> int: ...
    def aclrtGetErrorCodeFromExceptionInfo(self, info: aclrtExceptionInfo, /) -> int: ...
    def aclrtSubscribeReport(self, threadId: int, stream: aclrtStream, /) -> aclError: ...
    def aclrtLaunchCallback(
        self, fn: CData, userData: Pointer, blockType: int, stream: aclrtStream, /
    ) -> aclError: ...
    def aclrtProcessReport(self, timeout: int, /) -> aclError: ...
    def aclrtUnSubscribeReport(self, threadId: int, stream: aclrtStream, /) -> aclError: ...
    def aclrtGetVersion(
        self, majorVersion: Pointer, minorVersion: Pointer, patchVersion: Pointer, /
    ) -> aclError: ...
    def aclrtCreateContext(self, context: Pointer, deviceId: int, /) -> aclError: ...
    def aclrtDestroyContext(self, context: aclrtContext, /) -> aclError: ...
    def aclrtSetCurrentContext(self, context: aclrtContext, /) -> aclError: ...
    def aclrtGetCurrentContext(self, context: Pointer, /) -> aclError: ...
    def aclrtSetDevice(self, deviceId: int, /) -> aclError: ...
    def aclrtResetDevice(self, deviceId: int, /) -> aclError: ...
    def aclrtResetDeviceForce(self, deviceId: int, /) -> aclError: ...
    def aclrtGetDevice(self, deviceId: Pointer, /) -> aclError: ...
    def aclrtGetRunMode(self, runMode: Pointer, /) -> aclError: ...
    def aclrtSynchronizeDevice(self) -> aclError: ...
    def aclrtSynchronizeDeviceWithTimeout(self, timeout: int, /) -> aclError: ...
    def aclrtGetDeviceUtilizationRate(
        self, deviceId: int, utilizationInfo: Pointer, /
    ) -> aclError: ...
    def aclrtGetDeviceCount(self, count: Pointer, /) -> aclError: ...
    def aclrtCreateEvent(self, event: Pointer, /) -> aclError: ...
    def aclrtCreateEventWithFlag(self, event: Pointer, flag: int, /) -> aclError: ...
    def aclrtCreateEventExWithFlag(self, event: Pointer, flag: int, /) -> aclError: ...
    def aclrtDestroyEvent(self, event: aclrtEvent, /) -> aclError: ...
    def aclrtRecordEvent(self, event: aclrtEvent, stream: aclrtStream, /) -> aclError: ...
    def aclrtResetEvent(self, event: aclrtEvent, stream: aclrtStream, /) -> aclError: ...
    def aclrtQueryEvent(self, event: aclrtEvent, status: Pointer, /) -> aclError: ...
    def aclrtQueryEventStatus(self, event: aclrtEvent, status: Pointer, /) -> aclError: ...
    def aclrtQueryEventWaitStatus(self, event: aclrtEvent, status: Pointer, /) -> aclError: ...
    def aclrtSynchronizeEvent(self, event: aclrtEvent, /) -> aclError: ...
    def aclrtSynchronizeEventWithTimeout(self, event: aclrtEvent, timeout: int, /) -> aclError: ...
    def aclrtEventElapsedTime(
        self, ms: Pointer, startEvent: aclrtEvent, endEvent: aclrtEvent, /
    ) -> aclError: ...
    def aclrtMalloc(self, devPtr: Pointer, size: int, policy: int, /) -> aclError: ...
    def aclrtMallocAlign32(self, devPtr: Pointer, size: int, policy: int, /) -> aclError: ...
    def aclrtMallocCached(self, devPtr: Pointer, size: int, policy: int, /) -> aclError: ...
    def aclrtMallocWithCfg(
        self, devPtr: Pointer, size: int, policy: int, cfg: Pointer, /
    ) -> aclError: ...
    def aclrtPointerGetAttributes(self, ptr: Pointer, attributes: Pointer, /) -> aclError: ...
    def aclrtHostRegister(
        self, ptr: Pointer, size: int, type: int, devPtr: Pointer, /
    ) -> aclError: ...
    def aclrtHostRegisterV2(self, ptr: Pointer, size: int, flag: int, /) -> aclError: ...
    def aclrtHostGetDevicePointer(
        self, pHost: Pointer, pDevice: Pointer, flag: int, /
    ) -> aclError: ...
    def aclrtHostUnregister(self, ptr: Pointer, /) -> aclError: ...
    def aclrtStreamGetId(self, stream: aclrtStream, streamId: Pointer, /) -> aclError: ...
    def aclrtFree(self, devPtr: Pointer, /) -> aclError: ...
    def aclrtMallocHost(self, hostPtr: Pointer, size: int, /) -> aclError: ...
    def aclrtMallocHostWithCfg(self, ptr: Pointer, size: int, cfg: Pointer, /) -> aclError: ...
    def aclrtFreeHost(self, hostPtr: Pointer, /) -> aclError: ...
    def aclrtMemcpy(
        self, dst: Pointer, destMax: int, src: Pointer, count: int, kind: int, /
    ) -> aclError: ...
    def aclrtMemset(
        self, devPtr: Pointer, maxCount: int, value: int, count: int, /
    ) -> aclError: ...
    def aclrtMemcpyAsync(
        self,
        dst: Pointer,
        destMax: int,
        src: Pointer,
        count: int,
        kind: int,
        stream: aclrtStream,
        /,
    ) -> aclError: ...
    def aclrtMemsetAsync(
        self, devPtr: Pointer, maxCount: int, value: int, count: int, stream: aclrtStream, /
    ) -> aclError: ...
    def aclrtMemsetD32(self, ptr: Pointer, memSize: int, value: int, N: int, /) -> aclError: ...
    def aclrtMemsetD32Async(
        self, ptr: Pointer, memSize: int, value: int, N: int, stream: aclrtStream, /
    ) -> aclError: ...
    def aclrtMemcpy2d(
        self,
        dst: Pointer,
        dpitch: int,
        src: Pointer,
        spitch: int,
        width: int,
        height: int,
        kind: int,
        /,
    ) -> aclError: ...
    def aclrtMemcpy2dAsync(
        self,
        dst: Pointer,
        dpitch: int,
        src: Pointer,
        spitch: int,
        width: int,
        height: int,
        kind: int,
        stream: aclrtStream,
        /,
    ) -> aclError: ...
    def aclrtCreateStream(self, stream: Pointer, /) -> aclError: ...
    def aclrtCreateStreamWithConfig(
        self, stream: Pointer, priority: int, flag: int, /
    ) -> aclError: ...
    def aclrtDestroyStream(self, stream: aclrtStream, /) -> aclError: ...
    def aclrtDestroyStreamForce(self, stream: aclrtStream, /) -> aclError: ...
    def aclrtSynchronizeStream(self, stream: aclrtStream, /) -> aclError: ...
    def aclrtSynchronizeStreamWithTimeout(
        self, stream: aclrtStream, timeout: int, /
    ) -> aclError: ...
    def aclrtStreamQuery(self, stream: aclrtStream, status: Pointer, /) -> aclError: ...
    def aclrtStreamWaitEvent(self, stream: aclrtStream, event: aclrtEvent, /) -> aclError: ...
    def aclrtGetMemInfo(self, attr: int, free: Pointer, total: Pointer, /) -> aclError: ...
    def aclrtDeviceCanAccessPeer(
        self, canAccessPeer: Pointer, deviceId: int, peerDeviceId: int, /
    ) -> aclError: ...
    def aclrtDeviceEnablePeerAccess(self, peerDeviceId: int, flags: int, /) -> aclError: ...
    def aclrtDeviceDisablePeerAccess(self, peerDeviceId: int, /) -> aclError: ...
    def aclrtDeviceGetBareTgid(self, pid: Pointer, /) -> aclError: ...
    def aclrtSetOpWaitTimeout(self, timeout: int, /) -> aclError: ...
    def aclrtSetOpExecuteTimeOut(self, timeout: int, /) -> aclError: ...
    def aclrtGetDeviceInfo(self, deviceId: int, attr: int, value: Pointer, /) -> aclError: ...
    def aclrtCtxGetCurrentDefaultStream(self, stream: Pointer, /) -> aclError: ...
    def aclrtGetPrimaryCtxState(
        self, deviceId: int, flags: Pointer, active: Pointer, /
    ) -> aclError: ...
    def aclrtLaunchHostFunc(self, stream: aclrtStream, fn: CData, args: Pointer, /) -> aclError: ...
    def aclrtIpcMemGetExportKey(
        self, devPtr: Pointer, size: int, key: Pointer, len: int, flags: int, /
    ) -> aclError: ...
    def aclrtIpcMemClose(self, key: Pointer, /) -> aclError: ...
    def aclrtIpcMemImportByKey(self, devPtr: Pointer, key: Pointer, flags: int, /) -> aclError: ...
    def aclrtIpcMemSetImportPid(self, key: Pointer, pid: Pointer, num: int, /) -> aclError: ...
    def aclrtDevicePeerAccessStatus(
        self, deviceId: int, peerDeviceId: int, status: Pointer, /
    ) -> aclError: ...
    def aclrtIpcGetEventHandle(self, event: aclrtEvent, handle: Pointer, /) -> aclError: ...
    def aclrtIpcOpenEventHandle(self, handle: int, event: Pointer, /) -> aclError: ...
    def aclmdlInitDump(self) -> aclError: ...
    def aclmdlSetDump(self, dumpCfgPath: Pointer, /) -> aclError: ...
    def aclmdlFinalizeDump(self) -> aclError: ...
    def aclprofInit(self, profilerResultPath: Pointer, length: int, /) -> aclError: ...
    def aclprofFinalize(self) -> aclError: ...
    def aclprofStart(self, profilerConfig: aclprofConfig, /) -> aclError: ...
    def aclprofCreateConfig(
        self,
        deviceIdList: Pointer,
        deviceNums: int,
        aicoreMetrics: int,
        aicoreEvents: aclprofAicoreEvents,
        dataTypeConfig: int,
        /,
    ) -> aclprofConfig: ...
    def aclprofDestroyConfig(self, profilerConfig: aclprofConfig, /) -> aclError: ...
    def aclprofStop(self, profilerConfig: aclprofConfig, /) -> aclError: ...
    def aclprofSetConfig(
        self, configType: int, config: Pointer, configLength: int, /
    ) -> aclError: ...
    def aclprofModelSubscribe(
        self, modelId: int, profSubscribeConfig: aclprofSubscribeConfig, /
    ) -> aclError: ...
    def aclprofModelUnSubscribe(self, modelId: int, /) -> aclError: ...
    def aclprofCreateSubscribeConfig(
        self, timeInfoSwitch: int, aicoreMetrics: int, fd: Pointer, /
    ) -> aclprofSubscribeConfig: ...
    def aclprofDestroySubscribeConfig(
        self, profSubscribeConfig: aclprofSubscribeConfig, /
    ) -> aclError: ...
    def aclprofGetOpDescSize(self, opDescSize: Pointer, /) -> aclError: ...
    def aclprofGetOpNum(
        self, opInfo: Pointer, opInfoLen: int, opNumber: Pointer, /
    ) -> aclError: ...
    def aclprofGetOpTypeLen(
        self, opInfo: Pointer, opInfoLen: int, index: int, opTypeLen: Pointer, /
    ) -> aclError: ...
    def aclprofGetOpType(
        self, opInfo: Pointer, opInfoLen: int, index: int, opType: Pointer, opTypeLen: int, /
    ) -> aclError: ...
    def aclprofGetOpNameLen(
        self, opInfo: Pointer, opInfoLen: int, index: int, opNameLen: Pointer, /
    ) -> aclError: ...
    def aclprofGetOpName(
        self, opInfo: Pointer, opInfoLen: int, index: int, opName: Pointer, opNameLen: int, /
    ) -> aclError: ...
    def aclprofGetOpStart(self, opInfo: Pointer, opInfoLen: int, index: int, /) -> int: ...
    def aclprofGetOpEnd(self, opInfo: Pointer, opInfoLen: int, index: int, /) -> int: ...
    def aclprofGetOpDuration(self, opInfo: Pointer, opInfoLen: int, index: int, /) -> int: ...
    def aclprofGetModelId(self, opInfo: Pointer, opInfoLen: int, index: int, /) -> int: ...
    def aclprofGetOpFlag(self, opInfo: Pointer, opInfoLen: int, index: int, /) -> int: ...
    def aclprofGetOpAttriValue(
        self, opInfo: Pointer, opInfoLen: int, index: int, attri: int, /
    ) -> CData: ...
    def aclprofGetStepTimestamp(
        self, stepInfo: aclprofStepInfo, tag: int, stream: aclrtStream, /
    ) -> aclError: ...
    def aclprofCreateStepInfo(self) -> aclprofStepInfo: ...
    def aclprofDestroyStepInfo(self, stepinfo: aclprofStepInfo, /) -> None: ...
    def aclprofCreateStamp(self) -> CData: ...
    def aclprofDestroyStamp(self, stamp: Pointer, /) -> None: ...
    def aclprofPush(self, stamp: Pointer, /) -> aclError: ...
    def aclprofPop(self) -> aclError: ...
    def aclprofRangeStart(self, stamp: Pointer, rangeId: Pointer, /) -> aclError: ...
    def aclprofRangeStop(self, rangeId: int, /) -> aclError: ...
    def aclprofRangePushEx(self, attr: Pointer, /) -> aclError: ...
    def aclprofRangePop(self) -> aclError: ...
    def aclprofSetStampTraceMessage(
        self, stamp: Pointer, msg: Pointer, msgLen: int, /
    ) -> aclError: ...
    def aclprofMark(self, stamp: Pointer, /) -> aclError: ...
    def aclprofMarkEx(self, msg: Pointer, msgLen: int, stream: aclrtStream, /) -> aclError: ...
    def aclprofStr2Id(self, message: Pointer, /) -> int: ...
    def aclCreateTensorDesc(
        self, dataType: int, numDims: int, dims: Pointer, format: int, /
    ) -> aclTensorDesc: ...
    def aclDestroyTensorDesc(self, desc: aclTensorDesc, /) -> None: ...
    def aclGetTensorDescType(self, desc: aclTensorDesc, /) -> int: ...
    def aclGetTensorDescFormat(self, desc: aclTensorDesc, /) -> int: ...
    def aclGetTensorDescSize(self, desc: aclTensorDesc, /) -> int: ...
    def aclGetTensorDescElementCount(self, desc: aclTensorDesc, /) -> int: ...
    def aclGetTensorDescNumDims(self, desc: aclTensorDesc, /) -> int: ...
    def aclGetTensorDescDim(self, desc: aclTensorDesc, index: int, /) -> int: ...
    def aclGetTensorDescDimV2(
        self, desc: aclTensorDesc, index: int, dimSize: Pointer, /
    ) -> aclError: ...
    def aclGetTensorDescDimRange(
        self, desc: aclTensorDesc, index: int, dimRangeNum: int, dimRange: Pointer, /
    ) -> aclError: ...
    def aclSetTensorDescName(self, desc: aclTensorDesc, name: Pointer, /) -> None: ...
    def aclGetTensorDescName(self, desc: aclTensorDesc, /) -> CData: ...
    def aclTransTensorDescFormat(
        self, srcDesc: aclTensorDesc, dstFormat: int, dstDesc: Pointer, /
    ) -> aclError: ...
    def aclSetTensorStorageFormat(self, desc: aclTensorDesc, format: int, /) -> aclError: ...
    def aclSetTensorStorageShape(
        self, desc: aclTensorDesc, numDims: int, dims: Pointer, /
    ) -> aclError: ...
    def aclSetTensorFormat(self, desc: aclTensorDesc, format: int, /) -> aclError: ...
    def aclSetTensorShape(
        self, desc: aclTensorDesc, numDims: int, dims: Pointer, /
    ) -> aclError: ...
    def aclSetTensorOriginFormat(self, desc: aclTensorDesc, format: int, /) -> aclError: ...
    def aclSetTensorOriginShape(
        self, desc: aclTensorDesc, numDims: int, dims: Pointer, /
    ) -> aclError: ...
    def aclGetTensorDescByIndex(self, desc: aclTensorDesc, index: int, /) -> aclTensorDesc: ...
    def aclSetTensorConst(
        self, desc: aclTensorDesc, dataBuffer: Pointer, length: int, /
    ) -> aclError: ...
    def aclSetTensorPlaceMent(self, desc: aclTensorDesc, memType: int, /) -> aclError: ...
    def aclmdlCreateDesc(self) -> aclmdlDesc: ...
    def aclmdlDestroyDesc(self, modelDesc: aclmdlDesc, /) -> aclError: ...
    def aclmdlGetDesc(self, modelDesc: aclmdlDesc, modelId: int, /) -> aclError: ...
    def aclmdlGetDescFromFile(self, modelDesc: aclmdlDesc, modelPath: Pointer, /) -> aclError: ...
    def aclmdlGetDescFromMem(
        self, modelDesc: aclmdlDesc, model: Pointer, modelSize: int, /
    ) -> aclError: ...
    def aclmdlGetNumInputs(self, modelDesc: aclmdlDesc, /) -> int: ...
    def aclmdlGetNumOutputs(self, modelDesc: aclmdlDesc, /) -> int: ...
    def aclmdlGetInputSizeByIndex(self, modelDesc: aclmdlDesc, index: int, /) -> int: ...
    def aclmdlGetOutputSizeByIndex(self, modelDesc: aclmdlDesc, index: int, /) -> int: ...
    def aclmdlCreateExecConfigHandle(self) -> aclmdlExecConfigHandle: ...
    def aclmdlDestroyExecConfigHandle(self, handle: aclmdlExecConfigHandle, /) -> aclError: ...
    def aclmdlCreateDataset(self) -> aclmdlDataset: ...
    def aclmdlDestroyDataset(self, dataset: aclmdlDataset, /) -> aclError: ...
    def aclmdlAddDatasetBuffer(
        self, dataset: aclmdlDataset, dataBuffer: aclDataBuffer, /
    ) -> aclError: ...
    def aclmdlSetDatasetTensorDesc(
        self, dataset: aclmdlDataset, tensorDesc: aclTensorDesc, index: int, /
    ) -> aclError: ...
    def aclmdlGetDatasetTensorDesc(
        self, dataset: aclmdlDataset, index: int, /
    ) -> aclTensorDesc: ...
    def aclmdlGetDatasetNumBuffers(self, dataset: aclmdlDataset, /) -> int: ...
    def aclmdlGetDatasetBuffer(self, dataset: aclmdlDataset, index: int, /) -> aclDataBuffer: ...
    def aclmdlLoadFromFile(self, modelPath: Pointer, modelId: Pointer, /) -> aclError: ...
    def aclmdlBundleLoadFromFile(self, modelPath: Pointer, bundleId: Pointer, /) -> aclError: ...
    def aclmdlBundleLoadFromMem(
        self, model: Pointer, modelSize: int, bundleId: Pointer, /
    ) -> aclError: ...
    def aclmdlBundleUnload(self, bundleId: int, /) -> aclError: ...
    def aclmdlBundleGetModelNum(self, bundleId: int, modelNum: Pointer, /) -> aclError: ...
    def aclmdlBundleGetModelId(
        self, bundleId: int, index: int, modelId: Pointer, /
    ) -> aclError: ...
    def aclmdlBundleCreateQueryInfo(self) -> aclmdlBundleQueryInfo: ...
    def aclmdlBundleDestroyQueryInfo(self, queryInfo: aclmdlBundleQueryInfo, /) -> aclError: ...
    def aclmdlBundleQueryInfoFromFile(
        self, fileName: Pointer, queryInfo: aclmdlBundleQueryInfo, /
    ) -> aclError: ...
    def aclmdlBundleQueryInfoFromMem(
        self, model: Pointer, modelSize: int, queryInfo: aclmdlBundleQueryInfo, /
    ) -> aclError: ...
    def aclmdlBundleGetQueryModelNum(
        self, queryInfo: aclmdlBundleQueryInfo, modelNum: Pointer, /
    ) -> aclError: ...
    def aclmdlBundleGetVarWeightSize(
        self, queryInfo: aclmdlBundleQueryInfo, variableWeightSize: Pointer, /
    ) -> aclError: ...
    def aclmdlBundleGetSize(
        self,
        queryInfo: aclmdlBundleQueryInfo,
        index: int,
        workSize: Pointer,
        constWeightSize: Pointer,
        /,
    ) -> aclError: ...
    def aclmdlBundleInitFromFile(
        self, modelPath: Pointer, varWeightPtr: Pointer, varWeightSize: int, bundleId: Pointer, /
    ) -> aclError: ...
    def aclmdlBundleInitFromMem(
        self,
        model: Pointer,
        modelSize: int,
        varWeightPtr: Pointer,
        varWeightSize: int,
        bundleId: Pointer,
        /,
    ) -> aclError: ...
    def aclmdlBundleLoadModel(self, bundleId: int, index: int, modelId: Pointer, /) -> aclError: ...
    def aclmdlBundleLoadModelWithMem(
        self,
        bundleId: int,
        index: int,
        workPtr: Pointer,
        workSize: int,
        weightPtr: Pointer,
        weightSize: int,
        modelId: Pointer,
        /,
    ) -> aclError: ...
    def aclmdlBundleLoadModelWithConfig(
        self, bundleId: int, index: int, handle: aclmdlConfigHandle, modelId: Pointer, /
    ) -> aclError: ...
    def aclmdlBundleUnloadModel(self, bundleId: int, modelId: int, /) -> aclError: ...
    def aclmdlLoadFromMem(
        self, model: Pointer, modelSize: int, modelId: Pointer, /
    ) -> aclError: ...
    def aclmdlLoadFromFileWithMem(
        self,
        modelPath: Pointer,
        modelId: Pointer,
        workPtr: Pointer,
        workSize: int,
        weightPtr: Pointer,
        weightSize: int,
        /,
    ) -> aclError: ...
    def aclmdlLoadFromMemWithMem(
        self,
        model: Pointer,
        modelSize: int,
        modelId: Pointer,
        workPtr: Pointer,
        workSize: int,
        weightPtr: Pointer,
        weightSize: int,
        /,
    ) -> aclError: ...
    def aclmdlExecute(
        self, modelId: int, input: aclmdlDataset, output: aclmdlDataset, /
    ) -> aclError: ...
    def aclmdlExecuteV2(
        self,
        modelId: int,
        input: aclmdlDataset,
        output: aclmdlDataset,
        stream: aclrtStream,
        handle: aclmdlExecConfigHandle,
        /,
    ) -> aclError: ...
    def aclmdlExecuteAsync(
        self, modelId: int, input: aclmdlDataset, output: aclmdlDataset, stream: aclrtStream, /
    ) -> aclError: ...
    def aclmdlExecuteAsyncV2(
        self,
        modelId: int,
        input: aclmdlDataset,
        output: aclmdlDataset,
        stream: aclrtStream,
        handle: aclmdlExecConfigHandle,
        /,
    ) -> aclError: ...
    def aclmdlUnload(self, modelId: int, /) -> aclError: ...
    def aclmdlQuerySize(
        self, fileName: Pointer, workSize: Pointer, weightSize: Pointer, /
    ) -> aclError: ...
    def aclmdlQuerySizeFromMem(
        self, model: Pointer, modelSize: int, workSize: Pointer, weightSize: Pointer, /
    ) -> aclError: ...
    def aclmdlSetDynamicBatchSize(
        self, modelId: int, dataset: aclmdlDataset, index: int, batchSize: int, /
    ) -> aclError: ...
    def aclmdlSetDynamicHWSize(
        self, modelId: int, dataset: aclmdlDataset, index: int, height: int, width: int, /
    ) -> aclError: ...
    def aclmdlSetInputDynamicDims(
        self, modelId: int, dataset: aclmdlDataset, index: int, dims: Pointer, /
    ) -> aclError: ...
    def aclmdlGetInputDims(
        self, modelDesc: aclmdlDesc, index: int, dims: Pointer, /
    ) -> aclError: ...
    def aclmdlGetInputDimsV2(
        self, modelDesc: aclmdlDesc, index: int, dims: Pointer, /
    ) -> aclError: ...
    def aclmdlGetInputDimsRange(
        self, modelDesc: aclmdlDesc, index: int, dimsRange: Pointer, /
    ) -> aclError: ...
    def aclmdlGetOutputDims(
        self, modelDesc: aclmdlDesc, index: int, dims: Pointer, /
    ) -> aclError: ...
    def aclmdlGetCurOutputDims(
        self, modelDesc: aclmdlDesc, index: int, dims: Pointer, /
    ) -> aclError: ...
    def aclmdlGetOpAttr(
        self, modelDesc: aclmdlDesc, opName: Pointer, attr: Pointer, /
    ) -> CData: ...
    def aclmdlGetInputNameByIndex(self, modelDesc: aclmdlDesc, index: int, /) -> CData: ...
    def aclmdlGetOutputNameByIndex(self, modelDesc: aclmdlDesc, index: int, /) -> CData: ...
    def aclmdlGetInputFormat(self, modelDesc: aclmdlDesc, index: int, /) -> int: ...
    def aclmdlGetOutputFormat(self, modelDesc: aclmdlDesc, index: int, /) -> int: ...
    def aclmdlGetInputDataType(self, modelDesc: aclmdlDesc, index: int, /) -> int: ...
    def aclmdlGetOutputDataType(self, modelDesc: aclmdlDesc, index: int, /) -> int: ...
    def aclmdlGetInputIndexByName(
        self, modelDesc: aclmdlDesc, name: Pointer, index: Pointer, /
    ) -> aclError: ...
    def aclmdlGetOutputIndexByName(
        self, modelDesc: aclmdlDesc, name: Pointer, index: Pointer, /
    ) -> aclError: ...
    def aclmdlGetDynamicBatch(self, modelDesc: aclmdlDesc, batch: Pointer, /) -> aclError: ...
    def aclmdlGetDynamicHW(self, modelDesc: aclmdlDesc, index: int, hw: Pointer, /) -> aclError: ...
    def aclmdlGetInputDynamicGearCount(
        self, modelDesc: aclmdlDesc, index: int, gearCount: Pointer, /
    ) -> aclError: ...
    def aclmdlGetInputDynamicDims(
        self, modelDesc: aclmdlDesc, index: int, dims: Pointer, gearCount: int, /
    ) -> aclError: ...
    def aclmdlCreateAIPP(self, batchSize: int, /) -> aclmdlAIPP: ...
    def aclmdlDestroyAIPP(self, aippParmsSet: aclmdlAIPP, /) -> aclError: ...
    def aclmdlGetAippDataSize(self, batchSize: int, size: Pointer, /) -> aclError: ...
    def aclmdlSetAIPPInputFormat(
        self, aippParmsSet: aclmdlAIPP, inputFormat: int, /
    ) -> aclError: ...
    def aclmdlSetAIPPCscParams(
        self,
        aippParmsSet: aclmdlAIPP,
        cscSwitch: int,
        cscMatrixR0C0: int,
        cscMatrixR0C1: int,
        cscMatrixR0C2: int,
        cscMatrixR1C0: int,
        cscMatrixR1C1: int,
        cscMatrixR1C2: int,
        cscMatrixR2C0: int,
        cscMatrixR2C1: int,
        cscMatrixR2C2: int,
        cscOutputBiasR0: int,
        cscOutputBiasR1: int,
        cscOutputBiasR2: int,
        cscInputBiasR0: int,
        cscInputBiasR1: int,
        cscInputBiasR2: int,
        /,
    ) -> aclError: ...
    def aclmdlSetAIPPRbuvSwapSwitch(
        self, aippParmsSet: aclmdlAIPP, rbuvSwapSwitch: int, /
    ) -> aclError: ...
    def aclmdlSetAIPPAxSwapSwitch(
        self, aippParmsSet: aclmdlAIPP, axSwapSwitch: int, /
    ) -> aclError: ...
    def aclmdlSetAIPPSrcImageSize(
        self, aippParmsSet: aclmdlAIPP, srcImageSizeW: int, srcImageSizeH: int, /
    ) -> aclError: ...
    def aclmdlSetAIPPScfParams(
        self,
        aippParmsSet: aclmdlAIPP,
        scfSwitch: int,
        scfInputSizeW: int,
        scfInputSizeH: int,
        scfOutputSizeW: int,
        scfOutputSizeH: int,
        batchIndex: int,
        /,
    ) -> aclError: ...
    def aclmdlSetAIPPCropParams(
        self,
        aippParmsSet: aclmdlAIPP,
        cropSwitch: int,
        cropStartPosW: int,
        cropStartPosH: int,
        cropSizeW: int,
        cropSizeH: int,
        batchIndex: int,
        /,
    ) -> aclError: ...
    def aclmdlSetAIPPPaddingParams(
        self,
        aippParmsSet: aclmdlAIPP,
        paddingSwitch: int,
        paddingSizeTop: int,
        paddingSizeBottom: int,
        paddingSizeLeft: int,
        paddingSizeRight: int,
        batchIndex: int,
        /,
    ) -> aclError: ...
    def aclmdlSetAIPPDtcPixelMean(
        self,
        aippParmsSet: aclmdlAIPP,
        dtcPixelMeanChn0: int,
        dtcPixelMeanChn1: int,
        dtcPixelMeanChn2: int,
        dtcPixelMeanChn3: int,
        batchIndex: int,
        /,
    ) -> aclError: ...
    def aclmdlSetAIPPDtcPixelMin(
        self,
        aippParmsSet: aclmdlAIPP,
        dtcPixelMinChn0: float,
        dtcPixelMinChn1: float,
        dtcPixelMinChn2: float,
        dtcPixelMinChn3: float,
        batchIndex: int,
        /,
    ) -> aclError: ...
    def aclmdlSetAIPPPixelVarReci(
        self,
        aippParmsSet: aclmdlAIPP,
        dtcPixelVarReciChn0: float,
        dtcPixelVarReciChn1: float,
        dtcPixelVarReciChn2: float,
        dtcPixelVarReciChn3: float,
        batchIndex: int,
        /,
    ) -> aclError: ...
    def aclmdlSetInputAIPP(
        self, modelId: int, dataset: aclmdlDataset, index: int, aippParmsSet: aclmdlAIPP, /
    ) -> aclError: ...
    def aclmdlSetAIPPByInputIndex(
        self, modelId: int, dataset: aclmdlDataset, index: int, aippParmsSet: aclmdlAIPP, /
    ) -> aclError: ...
    def aclmdlGetAippType(
        self, modelId: int, index: int, type: Pointer, dynamicAttachedDataIndex: Pointer, /
    ) -> aclError: ...
    def aclmdlGetFirstAippInfo(
        self, modelId: int, index: int, aippInfo: Pointer, /
    ) -> aclError: ...
    def aclmdlCreateAndGetOpDesc(
        self,
        deviceId: int,
        streamId: int,
        taskId: int,
        opName: Pointer,
        opNameLen: int,
        inputDesc: Pointer,
        numInputs: Pointer,
        outputDesc: Pointer,
        numOutputs: Pointer,
        /,
    ) -> aclError: ...
    def aclmdlLoadWithConfig(self, handle: aclmdlConfigHandle, modelId: Pointer, /) -> aclError: ...
    def aclmdlCreateConfigHandle(self) -> aclmdlConfigHandle: ...
    def aclmdlDestroyConfigHandle(self, handle: aclmdlConfigHandle, /) -> aclError: ...
    def aclmdlSetConfigOpt(
        self, handle: aclmdlConfigHandle, attr: int, attrValue: Pointer, valueSize: int, /
    ) -> aclError: ...
    def aclmdlSetExecConfigOpt(
        self, handle: aclmdlExecConfigHandle, attr: int, attrValue: Pointer, valueSize: int, /
    ) -> aclError: ...
    def aclmdlSetExternalWeightAddress(
        self, handle: aclmdlConfigHandle, weightFileName: Pointer, devPtr: Pointer, size: int, /
    ) -> aclError: ...
    def aclmdlGetTensorRealName(self, modelDesc: aclmdlDesc, name: Pointer, /) -> CData: ...
    def ab_context_hold(self, ours: aclrtContext, /) -> int: ...
    def ab_context_drop(self, ours: aclrtContext, /) -> None: ...
    def ab_context_look(self, visit: Pointer, /) -> int: ...
    def ab_context_entered(self, ours: aclrtContext, visit: Pointer, /) -> None: ...
    def ab_context_enter(self, ours: aclrtContext, visit: Pointer, /) -> int: ...
    def ab_context_leave(self, visit: Pointer, /) -> None: ...
    def ab_dlpack_maker(self) -> int: ...
    def ab_open(self, path: Pointer, second: Pointer, /) -> CData: ...
    def ab_has(self, function: Pointer, /) -> int: ...
    def ab_symbol(self, name: Pointer, /) -> int: ...
    def ab_gate_new(self, defined: int, /) -> ab_gate: ...
    def ab_gate_free(self, gate: ab_gate, /) -> None: ...
    def ab_gate_epoch(self, gate: ab_gate, /) -> int: ...
    def ab_gate_check(self, gate: ab_gate, /) -> int: ...
    def ab_gate_is_poisoned(self, gate: ab_gate, /) -> int: ...
    def ab_gate_is_torn(self, gate: ab_gate, /) -> int: ...
    def ab_gate_close(self, gate: ab_gate, /) -> int: ...
    def ab_gate_shut(self, gate: ab_gate, waitMs: int, /) -> int: ...
    def ab_gate_hold(self, gate: ab_gate, waitMs: int, /) -> int: ...
    def ab_gate_release(self, gate: ab_gate, /) -> None: ...
    def ab_gate_publish(self, gate: ab_gate, defines: int, /) -> int: ...
    def ab_gate_revert(self, gate: ab_gate, defined: int, /) -> None: ...
    def ab_gate_retract(self, gate: ab_gate, /) -> None: ...
    def ab_engine_new(
        self,
        gate: ab_gate,
        reads: int,
        modelId: int,
        context: aclrtContext,
        onHost: int,
        input: aclmdlDataset,
        in_: Pointer,
        inCount: int,
        output: aclmdlDataset,
        out: Pointer,
        outCount: int,
        /,
    ) -> ab_engine: ...
    def ab_engine_join(self, gate: ab_gate, count: int, engines: Pointer, /) -> int: ...
    def ab_engine_time(self, engine: ab_engine, stream: aclrtStream, timeoutMs: int, /) -> None: ...
    def ab_engine_drained(self, engine: ab_engine, /) -> int: ...
    def ab_call_maker(self) -> int: ...
    def ab_bound_maker(self) -> int: ...
    def ab_plan_close(self, plan: Pointer, waitMs: int, /) -> int: ...
    def ab_host_free(self, data: Pointer, /) -> None: ...
    def ab_shapes_new(self, engine: ab_engine, inCount: int, outCount: int, /) -> ab_shapes: ...
    def ab_shapes_input(
        self, shapes: ab_shapes, index: int, buffer: aclDataBuffer, type: int, /
    ) -> None: ...
    def ab_shapes_output(
        self, shapes: ab_shapes, index: int, buffer: aclDataBuffer, device: Pointer, room: int, /
    ) -> None: ...
    def ab_shapes_release(self, shapes: ab_shapes, /) -> aclError: ...
    def ab_shapes_free(self, shapes: ab_shapes, /) -> None: ...
    def ab_convert(
        self, move: int, dst: Pointer, src: Pointer, count: int, counts: Pointer, /
    ) -> None: ...
    def ab_nonfinite(self, move: int, src: Pointer, nbytes: int, /) -> int: ...
    def ab_convert_plain(
        self, move: int, dst: Pointer, src: Pointer, count: int, counts: Pointer, /
    ) -> None: ...
    def ab_pyacl_maker(self) -> int: ...
    def ab_runner_new(
        self,
        gate: ab_gate,
        graph: int,
        modelId: int,
        context: aclrtContext,
        onHost: int,
        inCount: int,
        outCount: int,
        /,
    ) -> ab_runner: ...
    def ab_runner_add(self, runner: ab_runner, slot: Pointer, /) -> int: ...
    def ab_runner_wait(self, runner: ab_runner, waitMs: int, /) -> int: ...
    def ab_runner_hung(self, runner: ab_runner, /) -> int: ...
    def ab_runner_idle(self, runner: ab_runner, /) -> int: ...
    def ab_request_start(self, request: Pointer, /) -> int: ...
    def ab_request_wait(self, request: Pointer, /) -> int: ...
    def ab_request_run(self, request: Pointer, /) -> int: ...
    def ab_request_drop(self, request: Pointer, /) -> None: ...
    def ab_save(self, to: Pointer, /) -> int: ...
    def ab_commit(self, plan: Pointer, /) -> int: ...
    def ab_write(self, engine: ab_engine, source: Pointer, /) -> int: ...
    def ab_stage_new(
        self,
        engine: ab_engine,
        input: aclmdlDataset,
        count: int,
        keepData: Pointer,
        keepDesc: aclTensorDesc,
        /,
    ) -> ab_stage: ...
    def ab_stage_free(self, stage: ab_stage, /) -> None: ...
    def ab_stage_weight(
        self,
        stage: ab_stage,
        index: int,
        buffer: aclDataBuffer,
        nbytes: int,
        desc: aclTensorDesc,
        /,
    ) -> None: ...
    def ab_stage_room(self, stage: ab_stage, index: int, /) -> int: ...
    def ab_stage_lay(
        self, stage: ab_stage, changed: Pointer, lent: Pointer, count: int, small: Pointer, /
    ) -> int: ...
    def ab_stage_describe(self, stage: ab_stage, area: Pointer, /) -> int: ...
    def ab_stage_gather(
        self,
        stage: ab_stage,
        area: Pointer,
        staging: Pointer,
        stagingSize: int,
        index: int,
        move: int,
        src: Pointer,
        itemsize: int,
        rank: int,
        dims: Pointer,
        strides: Pointer,
        counts: Pointer,
        /,
    ) -> int: ...
    def ab_stage_move(
        self,
        stage: ab_stage,
        area: Pointer,
        staging: Pointer,
        stagingSize: int,
        threads: int,
        changed: Pointer,
        moves: Pointer,
        src: Pointer,
        counts: Pointer,
        count: int,
        /,
    ) -> int: ...
    def ab_stage_piece(
        self, stage: ab_stage, area: Pointer, index: int, offset: int, src: Pointer, nbytes: int, /
    ) -> int: ...
    def ab_stage_copy(self, stage: ab_stage, area: Pointer, index: int, src: Pointer, /) -> int: ...
    def ab_stage_detail(self, stage: ab_stage, /) -> CData: ...
    def ab_encode_maker(self) -> int: ...
    def ab_objects_texts(self) -> int: ...
    def ab_objects_lists(self) -> int: ...
    def ab_objects_weights(self) -> int: ...
    def ab_objects_ends(self) -> int: ...
    def ab_objects_placed(self) -> int: ...
    def ab_tables_read(
        self, data: Pointer, size: int, with_ends: int, limits: Pointer, tables: Pointer, /
    ) -> int: ...
    def ab_tables_describe(
        self, data: Pointer, size: int, is_value: int, limits: Pointer, tables: Pointer, /
    ) -> int: ...
    def ab_tables_agree(self, nodes: Pointer, others: Pointer, /) -> int: ...
    def ab_tables_free(self, tables: Pointer, /) -> None: ...
    def ab_wire_fields(
        self, data: Pointer, size: int, set: int, at: Pointer, fields: Pointer, room: int, /
    ) -> int: ...
    def ab_wire_last(
        self, data: Pointer, size: int, set: int, at: Pointer, field: Pointer, /
    ) -> int: ...
    def ab_wire_entry(
        self,
        data: Pointer,
        size: int,
        number: int,
        at: Pointer,
        key: Pointer,
        key_size: int,
        value: Pointer,
        /,
    ) -> int: ...

ffi: FFI
lib: Lib
