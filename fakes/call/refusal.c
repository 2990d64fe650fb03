#include "call/refusal.h"

#include "base/acl.h"
#include "call/code_meaning.h"
#include "call/keepers.h"
#include "call/message.h"

/* The status of the last such call of a function; E_NONE: none. */
static atomic_int unexplained[FUNCTION_COUNT];
static atomic_uint epoch;

static _Thread_local struct {
    unsigned epoch;
    int code;
} last;

static int *last_error(void)
{
    unsigned now = atomic_load_explicit(&epoch, memory_order_relaxed);

    if (last.epoch != now)
        last.code = E_NONE;
    last.epoch = now;
    return &last.code;
}

/* 107000..107999, 207000..207999, 507000..507999 */
static bool is_of_runtime(int code)
{
    return code > 0 && code % 100000 / 1000 == 7;
}

static void end_call(Call *call)
{
    if (call->status == E_NONE)
        return;
    if (is_of_runtime(call->status))
        *last_error() = call->status;
    if (call->told)
        return;
    atomic_store(&unexplained[call->function], call->status);
    const char *meaning = code_meaning(call->status);
    refuse(call->status, "status %d%s%s", call->status, meaning != NULL ? ": " : "",
           meaning != NULL ? meaning : "");
}

WATCHER(WATCHER_REFUSAL, .after = end_call)

void refusals_read(Text *text)
{
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        int status = atomic_load(&unexplained[i]);
        if (status != E_NONE)
            text_add(text, "{\"function\": \"%s\", \"status\": %d}\n", functions[i].name, status);
    }
}

static void forget_all(void)
{
    for (int i = 0; i < FUNCTION_COUNT; i++)
        atomic_store(&unexplained[i], E_NONE);
    atomic_fetch_add(&epoch, 1);
}

/* CANN knows one level only (ACL_REQUIRES_PARAM_EQUAL). */
static int check_level(aclrtLastErrLevel level)
{
    if (level == ACL_RT_THREAD_LEVEL)
        return E_NONE;
    return refuse(E_PARAM, "level %d is not ACL_RT_THREAD_LEVEL (0)", (int)level);
}

/* What these return is an answer, no failure of their own. */
aclError aclrtPeekAtLastError(aclrtLastErrLevel level)
{
    ENTER(aclrtPeekAtLastError, "level=%d", (int)level);
    int status = check_level(level);
    return status != E_NONE ? status : *last_error();
}

aclError aclrtGetLastError(aclrtLastErrLevel level)
{
    ENTER(aclrtGetLastError, "level=%d", (int)level);
    int status = check_level(level);
    if (status != E_NONE)
        return status;
    status = *last_error();
    *last_error() = E_NONE;
    return status;
}

KEEPER(KEEPER_REFUSALS, forget_all, NULL)
