/*
 * event_ipc: the functions that give an event to another process.
 */
#include <string.h>

#include "base/acl.h"
#include "base/share.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "runtime/context.h"
#include "runtime/event.h"
#include "runtime/shared_marks.h"

_Static_assert(sizeof(aclrtIpcEventHandle) == SHARE_KEY - 1, "a handle is a key without its NUL");

aclError aclrtIpcGetEventHandle(aclrtEvent event, aclrtIpcEventHandle *handle)
{
    ENTER(aclrtIpcGetEventHandle, "event=%p, handle=%p", event, (void *)handle);
    Event *found = NULL;
    NOT_NULL(handle);
    streams_lock();
    int status = event_need(event, "event", &found);
    if (status == E_NONE && found->share == NULL)
        status = refuse(E_RT_PARAM, "event %p was not made with ACL_EVENT_IPC alone", event);
    if (status == E_NONE) {
        *handle = (aclrtIpcEventHandle){{0}};
        memcpy(handle->reserved, share_key(found->share), strlen(share_key(found->share)));
    }
    streams_unlock();
    LEAVE(status);
}

static int open_event(const char *key, aclrtEvent *event)
{
    Share *share = NULL;

    streams_lock();
    int status = shared_marks_open(key, &share);
    streams_unlock();
    if (status != E_NONE)
        return status;
    status = event_open(event, share);
    if (status != E_NONE)
        share_close(share);
    return status;
}

aclError aclrtIpcOpenEventHandle(aclrtIpcEventHandle handle, aclrtEvent *event)
{
    ENTER(aclrtIpcOpenEventHandle, "handle=%.64s, event=%p", handle.reserved, (void *)event);
    char key[SHARE_KEY] = {0};
    NOT_NULL(event);
    int status = context_needed();
    memcpy(key, handle.reserved, sizeof handle.reserved);
    LEAVE(status != E_NONE ? status : open_event(key, event));
}
