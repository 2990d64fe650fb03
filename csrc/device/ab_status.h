/* The answers of AscendCL that the shim tells apart, by their names in CANN. */
#ifndef AB_STATUS_CALLS_H
#define AB_STATUS_CALLS_H

enum ab_status {
    ACL_SUCCESS = 0,
    ACL_ERROR_RT_CONTEXT_NULL = 107002,
    ACL_ERROR_BAD_ALLOC = 200000,
    ACL_ERROR_RT_STREAM_SYNC_TIMEOUT = 507046
};

#endif
