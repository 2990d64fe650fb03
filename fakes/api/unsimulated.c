/*
 * The functions are defined without their parameters, which they never look
 * at: on x86-64 and aarch64 the caller alone knows what it passed, and takes
 * it back. Their types therefore need not be known here, and acl_api.h must
 * not declare them.
 */
#include "call/unsimulated.h"

#include "call/calls.h"
#include "call/message.h"

/* Says so, and gives what an aclError would be. */
static int answer(Call *call)
{
    call->status = E_NOT_SUPPORTED;
    message_add("%s is not simulated by the fake", functions[call->function].name);
    return call->status;
}

#define EXPORTED __attribute__((visibility("default")))

#define ANSWER_ERROR(name) \
    EXPORTED int name(void); \
    int name(void) \
    { \
        ENTER(name, NO_ARGS); \
        return answer(&call); \
    }

#define ANSWER_POINTER(name) \
    EXPORTED void *name(void); \
    void *name(void) \
    { \
        ENTER_AS(name, NULL, NO_ARGS); \
        answer(&call); \
        return NULL; \
    }

/* Whatever integer the caller expects, it finds it in this one. */
#define ANSWER_NUMBER(name) \
    EXPORTED uint64_t name(void); \
    uint64_t name(void) \
    { \
        ENTER_AS(name, 0, NO_ARGS); \
        answer(&call); \
        return 0; \
    }

#define ANSWER_NOTHING(name) \
    EXPORTED void name(void); \
    void name(void) \
    { \
        ENTER_AS(name, , NO_ARGS); \
        answer(&call); \
    }

#define ANSWER_SILENCE(name) \
    EXPORTED void name(void); \
    void name(void) \
    { \
        ENTER_AS(name, , NO_ARGS); \
    }

#define FUNCTION(name, result) ANSWER_##result(name)
UNSIMULATED(FUNCTION)
#undef FUNCTION
