/*
 * What every call into the device begins and ends with: our context is the
 * thread's in between.
 *
 * A thread that had no context keeps ours, for there is no way to have none
 * again. So what a later call finds may be ours, of another device, and that
 * device may be closed before the call ends:
 *
 *     1. T1 infers on device 0, and keeps the context of device 0
 *     2. T1 begins an inference on device 1, and remembers the context of 0
 *     3. T2 closes device 0, whose context is dead
 *     4. T1 ends the inference, and would put a dead context back
 *
 * Hence the list of the contexts that our devices hold. A context of ours is
 * put back only while it is on the list, and leaves the list before its device
 * is reset. A context that the caller had before we came is the caller's,
 * whatever the list says: a count of the caller's own keeps it alive.
 */

#include "device/ab_context.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "acl/pointers.h"
#include "device/ab_status.h"
#include "gate/gate.h"

typedef struct held {
    aclrtContext context;
    size_t count;
    struct held *next;
} held;

static struct {
    pthread_mutex_t mutex;
    held *first;
} contexts = {PTHREAD_MUTEX_INITIALIZER, NULL};

/* The last of ours that this thread got when it had none, or had ours. */
static _Thread_local aclrtContext thread_left;

/* The link to a context on the list, or to the list's end; locked. */
static held **context_link(aclrtContext context)
{
    held **link = &contexts.first;
    while (*link != NULL && (*link)->context != context) {
        link = &(*link)->next;
    }
    return link;
}

/* Counts a context among ours. 0: there is no memory for it. */
int ab_context_hold(aclrtContext ours)
{
    pthread_mutex_lock(&contexts.mutex);
    held **link = context_link(ours);
    if (*link == NULL && (*link = calloc(1, sizeof **link)) != NULL) {
        (*link)->context = ours;
    }
    int counted = *link != NULL;
    if (counted) {
        (*link)->count++;
    }
    pthread_mutex_unlock(&contexts.mutex);
    return counted;
}

/* Ends ab_context_hold; called before the device is reset. */
void ab_context_drop(aclrtContext ours)
{
    pthread_mutex_lock(&contexts.mutex);
    held **link = context_link(ours), *found = *link;
    if (found != NULL && --found->count == 0) {
        *link = found->next;
        free(found);
    }
    pthread_mutex_unlock(&contexts.mutex);
}

/* Whether a context that the thread has is there because of us alone. */
static int context_is_ours(aclrtContext context)
{
    int listed;
    if (thread_left == NULL || thread_left == context) {
        return thread_left != NULL;
    }
    pthread_mutex_lock(&contexts.mutex);
    listed = *context_link(context) != NULL;
    pthread_mutex_unlock(&contexts.mutex);
    return listed;
}

/* A failure that is none to us must not begin the text of the next one. */
static void forget_text(void)
{
    if (aclGetRecentErrMsg != NULL) {
        aclGetRecentErrMsg();
    }
}

/* Notes what the thread has, before ours is made current. 0 or a failure. */
int64_t ab_context_look(ab_visit *visit)
{
    aclError status = aclrtGetCurrentContext(&visit->previous);
    visit->ours = 0;
    if (status != ACL_SUCCESS) {
        visit->previous = NULL;
        if (status != ACL_ERROR_RT_CONTEXT_NULL) {
            return failure(AB_STEP_GET_CONTEXT, 0, status);
        }
        forget_text();
    }
    return 0;
}

/* Notes that ours is the thread's context. This function cannot fail. */
void ab_context_entered(aclrtContext ours, ab_visit *visit)
{
    visit->entered = ours;
    if (visit->previous == ours) {
        visit->previous = NULL;
    } else if (visit->previous != NULL) {
        visit->ours = context_is_ours(visit->previous);
    } else {
        thread_left = ours;
    }
}

/*
 * Makes ours the thread's context. 0, and ab_context_leave ends it; or a
 * failure, and the thread has what it had.
 */
int64_t ab_context_enter(aclrtContext ours, ab_visit *visit)
{
    aclError status = ACL_SUCCESS;
    int64_t result = ab_context_look(visit);
    if (result != 0) {
        return result;
    }
    if (visit->previous != ours) {
        status = aclrtSetCurrentContext(ours);
    }
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_CONTEXT, 0, status);
    }
    ab_context_entered(ours, visit);
    return 0;
}

/*
 * Puts back a context of ours, unless its device was closed since the visit
 * began. The device cannot be reset before the mutex is free.
 */
static void context_leave_for_ours(const ab_visit *visit)
{
    thread_left = visit->entered;
    pthread_mutex_lock(&contexts.mutex);
    if (*context_link(visit->previous) != NULL &&
        aclrtSetCurrentContext(visit->previous) == ACL_SUCCESS) {
        thread_left = visit->previous;
    }
    pthread_mutex_unlock(&contexts.mutex);
}

/*
 * Puts the thread's context back. That it cannot be put back, as its owner
 * ended it, takes nothing from what was done: it is not told.
 */
void ab_context_leave(const ab_visit *visit)
{
    if (visit->previous != NULL && visit->ours) {
        context_leave_for_ours(visit);
    } else if (visit->previous != NULL) {
        aclrtSetCurrentContext(visit->previous);
    }
}
