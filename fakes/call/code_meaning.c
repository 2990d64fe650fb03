/*
 * code_meaning: what each code means, for calls that say no more. The compiler
 * finds a code that is missing here.
 */
#include "call/code_meaning.h"

#include <stddef.h>

#include "base/codes.h"

const char *code_meaning(int code)
{
    switch ((enum Code)code) {
    case E_NONE:
        return NULL;
    case GE_FAILED:
        return "the graph engine failed, and the code is unmapped";
    case E_PARAM:
        return "an argument is not valid";
    case E_UNINITIALIZED:
        return "aclInit was not called before this";
    case E_REPEAT_INIT:
        return "aclInit was called before";
    case E_FILE:
        return "a file cannot be used";
    case E_PARSE:
        return "a file cannot be parsed";
    case E_DUMP_CONFIG:
        return "the configuration of dumps is not valid";
    case E_PROF_CONFIG:
        return "the configuration of the profiler is not valid";
    case E_MODEL_ID:
        return "there is no such model";
    case E_PROF_RUNS:
        return "the profiler runs";
    case E_PROF_NOT_RUN:
        return "the profiler does not run";
    case E_FORMAT:
        return "a picture's format does not fit";
    case E_REPEAT_FINALIZE:
        return "aclFinalize was called before";
    case E_DUMP_NOT_RUN:
        return "aclmdlInitDump was not called";
    case E_RT_PARAM:
        return "an argument is not valid for the runtime";
    case E_RT_DEVICE:
        return "there is no such device";
    case E_RT_CONTEXT:
        return "there is no such context, or none is current";
    case E_RT_STREAM_CONTEXT:
        return "the stream is of another context";
    case E_RT_TIMESTAMP:
        return "the event has no time";
    case E_RT_REVERSAL:
        return "the start event is later than the end event";
    case E_RT_STREAM_SUBSCRIBE:
        return "the stream's subscription is wrong";
    case E_RT_THREAD_SUBSCRIBE:
        return "the thread's subscription is wrong";
    case E_RT_NO_CALLBACK:
        return "nobody subscribed to the stream";
    case E_RT_MEMORY_TYPE:
        return "there is no such type of memory";
    case E_RT_HANDLE:
        return "the handle is not valid";
    case E_RT_STREAM_ABORT:
        return "the stream was ended";
    case E_GE_PARAM:
        return "the graph engine refuses an argument or model";
    case E_GE_NOT_INIT:
        return "aclInit was not called";
    case E_GE_PATH:
        return "the model's path cannot be opened";
    case E_GE_MODEL_ID:
        return "no loaded model has this id";
    case E_GE_DATA_SIZE:
        return "the model's data is too short";
    case E_GE_GEAR_LENGTH:
        return "a gear has the wrong number of dims";
    case E_GE_GEAR:
        return "the model has no such gear";
    case E_GE_NO_AIPP:
        return "no AIPP stands in front of this input";
    case E_GE_FORMAT:
        return "the format does not fit";
    case E_GE_SHAPE:
        return "the shape does not fit";
    case E_GE_DATA_TYPE:
        return "the data type does not fit";
    case E_PROF_SUBSCRIBED:
        return "the model is subscribed to";
    case E_PROF_OTHER_WAY:
        return "the profiler is used another way";
    case E_BUNDLE_ID:
        return "no bundle has this id";
    case E_PROF_UNSUPPORTED:
        return "the profiler has no such switch";
    case E_FEATURE_UNSUPPORTED:
        return "the feature is not supported";
    case E_BAD_ALLOC:
        return "the host has no memory left";
    case E_NOT_SUPPORTED:
        return "this call is not supported here";
    case E_RT_NOT_SUPPORTED:
        return "the device does not support this";
    case E_RT_MEMORY:
        return "there is not so much memory left";
    case E_RT_NO_DEVICE:
        return "no device is present";
    case E_RT_NO_STREAM:
        return "there are no streams left";
    case E_GE_MEMORY:
        return "the graph engine has no memory left";
    case E_OVER_LIMIT:
        return "the answer does not fit the structure";
    case E_INTERNAL:
        return "something inside failed";
    case E_FAILURE:
        return "the call failed";
    case E_GE:
        return "the graph engine failed";
    case E_PROF:
        return "the profiler failed";
    case E_RT_INTERNAL:
        return "the runtime failed inside";
    case E_RT_RELEASED:
        return "the device or context was released";
    case E_RT_EXECUTE:
        return "a model failed while it ran";
    case E_RT_REPORT_TIMEOUT:
        return "no callback came in time";
    case E_RT_AICPU:
        return "a kernel of the AI CPU failed";
    case E_RT_STREAM_TIMEOUT:
        return "the stream was not done in time";
    case E_RT_EVENT_TIMEOUT:
        return "the event was not recorded in time";
    case E_RT_DRIVER:
        return "the driver refuses";
    case E_REGISTERED:
        return "the host memory is registered already";
    case E_NOT_REGISTERED:
        return "the host memory is not registered";
    case E_RT_DEVICE_MEMORY:
        return "a task touched memory it must not";
    case E_GE_TASK_PART:
        return "the file's task partition is not usable";
    }
    return NULL;
}
