"""What lies in `acl.rt`; `acl_bundle.pyacl.table` says how a row is read."""

ROWS = """
set_device                   aclrtSetDevice              i>e
reset_device                 aclrtResetDevice            i>e
reset_device_force           aclrtResetDeviceForce       i>e
get_device                   aclrtGetDevice              D>e
get_device_count             aclrtGetDeviceCount         U>e
get_run_mode                 aclrtGetRunMode             D>e
set_ts_device                aclrtSetTsDevice            i>e
synchronize_device           aclrtSynchronizeDevice      >e
synchronize_device_with_timeout aclrtSynchronizeDeviceWithTimeout i>e!

create_context               aclrtCreateContext          Pi>e
destroy_context              aclrtDestroyContext         k>e
set_context                  aclrtSetCurrentContext      k>e
get_context                  aclrtGetCurrentContext      P>e
ctx_get_current_default_stream aclrtCtxGetCurrentDefaultStream P>e
get_primary_ctx_state        aclrtGetPrimaryCtxState     iUD>e       @i

malloc                       aclrtMalloc                 Pki>e
malloc_cached                aclrtMallocCached           Pki>e
malloc_align32               aclrtMallocAlign32          Pki>e
free                         aclrtFree                   k>e
malloc_host                  aclrtMallocHost             Pk>e
free_host                    aclrtFreeHost               k>e
memcpy                       aclrtMemcpy                 kkkki>e
memcpy_async                 aclrtMemcpyAsync            kkkkik>e
memset                       aclrtMemset                 kkik>e
memset_async                 aclrtMemsetAsync            kkikk>e
memcpy2d                     aclrtMemcpy2d               kkkkkki>e
memcpy2d_async               aclrtMemcpy2dAsync          kkkkkkik>e
memcpy_async_with_condition  aclrtMemcpyAsyncWithCondition kkkkik>e
get_memcpy_desc_size         aclrtGetMemcpyDescSize      iP>e
set_memcpy_desc              aclrtSetMemcpyDesc          kikkkk>m
memcpy_async_with_desc       aclrtMemcpyAsyncWithDesc    kik>e
cmo_async                    aclrtCmoAsync               kkik>e!
reduce_async                 aclrtReduceAsync            kkkiikk>e
value_write                  aclrtValueWrite             kkIk>e
value_wait                   aclrtValueWait              kkIk>e
mem_flush                    aclrtMemFlush               kk>e
mem_invalidate               aclrtMemInvalidate          kk>e
get_mem_info                 aclrtGetMemInfo             iPP>e
malloc_with_cfg              aclrtMallocWithCfg          Pkik>e!     @kid
malloc_host_with_cfg         aclrtMallocHostWithCfg      Pkk>e       @kd
malloc_for_task_scheduler    aclrtMallocForTaskScheduler Pkik>e!     @kid
host_register                aclrtHostRegister           kkiP>e
host_register_v2             aclrtHostRegisterV2         kkI>e
host_get_device_pointer      aclrtHostGetDevicePointer   kPI>e
host_unregister              aclrtHostUnregister         k>e
pointer_get_attributes       aclrtPointerGetAttributes   k{pointer}>e

create_stream                aclrtCreateStream           P>e
create_stream_with_config    aclrtCreateStreamWithConfig Pii>e
destroy_stream               aclrtDestroyStream          k>e
destroy_stream_force         aclrtDestroyStreamForce     k>e
stream_query                 aclrtStreamQuery            kD>e!
stream_abort                 aclrtStreamAbort            k>e
stream_get_id                aclrtStreamGetId            kD>e
get_stream_available_num     aclrtGetStreamAvailableNum  U>e
set_stream_overflow_switch   aclrtSetStreamOverflowSwitch kI>e
get_stream_overflow_switch   aclrtGetStreamOverflowSwitch kU>e
set_stream_failure_mode      aclrtSetStreamFailureMode   kI>e!
use_stream_res_in_current_thread aclrtUseStreamResInCurrentThread k>e
unuse_stream_res_in_current_thread aclrtUnuseStreamResInCurrentThread k>e
get_res_in_current_thread    aclrtGetResInCurrentThread  iU>e
synchronize_stream           aclrtSynchronizeStream      k>e
synchronize_stream_with_timeout aclrtSynchronizeStreamWithTimeout ki>e

create_event                 aclrtCreateEvent            P>e
create_event_with_flag       aclrtCreateEventWithFlag    PI>e
create_event_ex_with_flag    aclrtCreateEventExWithFlag  PI>e
destroy_event                aclrtDestroyEvent           k>e
record_event                 aclrtRecordEvent            kk>e
reset_event                  aclrtResetEvent             kk>e
query_event                  aclrtQueryEvent             kD>e
query_event_status           aclrtQueryEventStatus       kD>e
query_event_wait_status      aclrtQueryEventWaitStatus   kD>e
synchronize_event            aclrtSynchronizeEvent       k>e
synchronize_event_with_timeout aclrtSynchronizeEventWithTimeout ki>e!
event_elapsed_time           aclrtEventElapsedTime       Fkk>e
event_get_timestamp          aclrtEventGetTimestamp      kP>e
stream_wait_event            aclrtStreamWaitEvent        kk>e
get_event_id                 aclrtGetEventId             kU>e
get_event_avail_num          aclrtGetEventAvailNum       U>e
get_thread_last_task_id      aclrtGetThreadLastTaskId    U>e

subscribe_report             aclrtSubscribeReport        kk>e
unsubscribe_report           aclrtUnSubscribeReport      kk>e
process_report               aclrtProcessReport          i>e
launch_callback              aclrtLaunchCallback         kkik>e      @ooik

set_exception_info_callback  aclrtSetExceptionInfoCallback k>e       @?
get_error_code_from_exception_info aclrtGetErrorCodeFromExceptionInfo k>u
get_task_id_from_exception_info aclrtGetTaskIdFromExceptionInfo k>u
get_stream_id_from_exception_info aclrtGetStreamIdFromExceptionInfo k>u
get_thread_id_from_exception_info aclrtGetThreadIdFromExceptionInfo k>u
get_device_id_from_exception_info aclrtGetDeviceIdFromExceptionInfo k>u
peek_at_last_error           aclrtPeekAtLastError        i>e!
get_last_error               aclrtGetLastError           i>e!

device_can_access_peer       aclrtDeviceCanAccessPeer    Dii>e
device_enable_peer_access    aclrtDeviceEnablePeerAccess iI>e
device_disable_peer_access   aclrtDeviceDisablePeerAccess i>e
device_peer_access_status    aclrtDevicePeerAccessStatus iiD>e
get_device_utilization_rate  aclrtGetDeviceUtilizationRate i{utilization}>e
query_device_status          aclrtQueryDeviceStatus      iD>e
get_device_info              aclrtGetDeviceInfo          IID>e
get_device_capability        aclrtGetDeviceCapability    iID>e
device_get_stream_priority_range aclrtDeviceGetStreamPriorityRange DD>e
device_task_abort            aclrtDeviceTaskAbort        iI>e
device_get_bare_tgid         aclrtDeviceGetBareTgid      D>e
set_device_sat_mode          aclrtSetDeviceSatMode       i>e
get_device_sat_mode          aclrtGetDeviceSatMode       U>e
get_overflow_status          aclrtGetOverflowStatus      kkk>e!
reset_overflow_status        aclrtResetOverflowStatus    k>e!

set_op_wait_timeout          aclrtSetOpWaitTimeout       I>e!
set_op_execute_time_out      aclrtSetOpExecuteTimeOut    I>e!
set_op_execute_timeout_v2    aclrtSetOpExecuteTimeOutV2  kP>e!
get_op_timeout_interval      aclrtGetOpTimeOutInterval   P>e
get_op_execute_timeout       aclrtGetOpExecuteTimeout    U>e
set_sys_param_opt            aclrtSetSysParamOpt         il>e
get_sys_param_opt            aclrtGetSysParamOpt         iQ>e
ctx_set_sys_param_opt        aclrtCtxSetSysParamOpt      il>e
ctx_get_sys_param_opt        aclrtCtxGetSysParamOpt      iQ>e
"""
