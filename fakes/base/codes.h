/*
 * codes: the statuses this library returns, under names of its own (ACL's
 * are taken where CANN's headers are present).
 *
 * GE_FAILED lies outside the ranges of public codes: ge_status() turns it
 * into E_GE everywhere but in the places where ACL forgets to: the reading of
 * a file by bundle functions, sizes of a bundle's models, and whether a file's
 * model is dynamic.
 */
#ifndef FAKE_CODES_H
#define FAKE_CODES_H

enum Code {
    E_NONE = 0,
    GE_FAILED = -1,
    E_PARAM = 100000,
    E_UNINITIALIZED = 100001,
    E_REPEAT_INIT = 100002,
    E_FILE = 100003,
    E_PARSE = 100006,
    E_DUMP_CONFIG = 100009,
    E_PROF_CONFIG = 100010,
    E_MODEL_ID = 100011,
    E_FORMAT = 100027,
    E_REPEAT_FINALIZE = 100037,
    E_PROF_RUNS = 100042,
    E_PROF_NOT_RUN = 100043,
    E_DUMP_NOT_RUN = 100045,
    E_RT_PARAM = 107000,
    E_RT_DEVICE = 107001,
    E_RT_CONTEXT = 107002,
    E_RT_STREAM_CONTEXT = 107003,
    E_RT_TIMESTAMP = 107006,
    E_RT_REVERSAL = 107007,
    E_RT_STREAM_SUBSCRIBE = 107011,
    E_RT_THREAD_SUBSCRIBE = 107012,
    E_RT_NO_CALLBACK = 107015,
    E_RT_MEMORY_TYPE = 107016,
    E_RT_HANDLE = 107017,
    E_RT_STREAM_ABORT = 107023,
    E_GE_PARAM = 145000,
    E_GE_NOT_INIT = 145001,
    E_GE_PATH = 145002,
    E_GE_MODEL_ID = 145003,
    E_GE_DATA_SIZE = 145006,
    E_GE_GEAR_LENGTH = 145012,
    E_GE_GEAR = 145013,
    E_GE_NO_AIPP = 145015,
    E_GE_FORMAT = 145020,
    E_GE_SHAPE = 145021,
    E_GE_DATA_TYPE = 145022,
    E_PROF_SUBSCRIBED = 148046,
    E_PROF_OTHER_WAY = 148047,
    E_BUNDLE_ID = 148053,
    E_BAD_ALLOC = 200000,
    E_NOT_SUPPORTED = 200001,
    E_FEATURE_UNSUPPORTED = 200006,
    E_PROF_UNSUPPORTED = 200007,
    E_RT_NOT_SUPPORTED = 207000,
    E_RT_MEMORY = 207001,
    E_RT_NO_DEVICE = 207004,
    E_RT_NO_STREAM = 207008,
    E_GE_MEMORY = 245000,
    E_OVER_LIMIT = 300000,
    E_INTERNAL = 500000,
    E_FAILURE = 500001,
    E_GE = 500002,
    E_PROF = 500005,
    E_RT_INTERNAL = 507000,
    E_RT_RELEASED = 507007,
    E_RT_EXECUTE = 507011,
    E_RT_REPORT_TIMEOUT = 507012,
    E_RT_AICPU = 507018,
    E_RT_STREAM_TIMEOUT = 507046,
    E_RT_EVENT_TIMEOUT = 507047,
    E_RT_DEVICE_MEMORY = 507053,
    E_RT_DRIVER = 507899,
    E_REGISTERED = 507910,
    E_NOT_REGISTERED = 507911,
    E_GE_TASK_PART = 545004     /* of queries; no load returns 5450xx */
};

/*
 * What a user sees of a status of the graph engine: public codes as they
 * are, everything else as E_GE (ACL_GET_ERRCODE_GE).
 */
static inline int ge_status(int code)
{
    if (code == E_NONE || (code >= 145000 && code <= 545999) || (code >= 107000 && code <= 507999))
        return code;
    return E_GE;
}

#endif
