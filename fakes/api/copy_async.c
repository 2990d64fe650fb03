/*
 * copy_async: copies and fills that a stream makes.
 *
 * Only memory of aclrtMallocHost is copied behind the program's back. With
 * any other host memory the call first waits for the stream and then copies,
 * as a device's runtime does.
 */
#include "api/copy.h"
#include "api/fill.h"
#include "base/acl.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "memory/memory.h"
#include "runtime/stream_need.h"
#include "stream/stream.h"

typedef struct Copy {
    Task task;
    void *dst;
    const void *src;
    size_t count;
} Copy;

typedef struct Fill {
    Task task;
    void *at;
    int32_t value;
    size_t count;
} Fill;

bool copy_is_reachable(const void *address)
{
    return device_owns(address) || host_room(address) != SIZE_MAX;
}

static int copy_run(Task *task, Stream *stream)
{
    const Copy *copy = (const Copy *)task;

    (void)stream;
    return copy_move(copy->dst, copy->src, copy->count);
}

static const TaskKind copying = {.run = copy_run};

static int submit(Stream *stream, void *dst, const void *src, size_t count)
{
    Copy *copy = task_new(sizeof *copy, &copying);

    if (copy == NULL)
        return E_BAD_ALLOC;
    copy->dst = dst;
    copy->src = src;
    copy->count = count;
    copy->task.bytes = count;
    copy->task.failure = E_RT_DEVICE_MEMORY;
    task_claim(&copy->task, CLAIM_MEMORY, dst, count, true);
    task_claim(&copy->task, CLAIM_MEMORY, src, count, false);
    return stream_submit(stream, &copy->task);
}

static int copy_now(Stream *stream, void *dst, const void *src, size_t count)
{
    int status = stream_wait(stream, -1);

    if (status == E_NONE)
        status = copy_check_order(dst, src, count);
    return status != E_NONE ? status : copy_move(dst, src, count);
}

int copy_check_async_kind(const void *dst, const void *src, aclrtMemcpyKind kind)
{
    if (kind != ACL_MEMCPY_HOST_TO_HOST &&
        (kind != ACL_MEMCPY_DEFAULT || device_owns(dst) || device_owns(src)))
        return E_NONE;
    return refuse(E_RT_NOT_SUPPORTED, "host to host is not asynchronous");
}

static int copy(Stream *stream, void *dst, size_t destMax, const void *src, size_t count,
                aclrtMemcpyKind kind)
{
    if (dst == src && count <= destMax)
        return E_NONE;
    int status = copy_look(dst, destMax, src, count, kind);
    if (status == E_NONE)
        status = copy_check_peer(dst, src, kind, true);
    if (status != E_NONE)
        return status;
    return copy_is_reachable(dst) && copy_is_reachable(src) ? submit(stream, dst, src, count)
                                                            : copy_now(stream, dst, src, count);
}

aclError aclrtMemcpyAsync(void *dst, size_t destMax, const void *src, size_t count,
                          aclrtMemcpyKind kind, aclrtStream stream)
{
    ENTER(aclrtMemcpyAsync,
          "dst=%p, destMax=%zu, src=%p, count=%zu, "
          "kind=%d, stream=%p",
          dst, destMax, src, count, (int)kind, stream);
    Stream *found = NULL;
    if (count == 0)
        LEAVE(E_NONE);
    int status = copy_check(dst, src, kind);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &found);
    if (status == E_NONE)
        status = copy_check_async_kind(dst, src, kind);
    call.bytes = count;
    LEAVE(status != E_NONE ? status : copy(found, dst, destMax, src, count, kind));
}

static int fill_run(Task *task, Stream *stream)
{
    const Fill *fill = (const Fill *)task;

    (void)stream;
    return fill_move(fill->at, fill->value, fill->count);
}

static const TaskKind filling = {.run = fill_run};

aclError aclrtMemsetAsync(void *devPtr, size_t maxCount, int32_t value, size_t count,
                          aclrtStream stream)
{
    ENTER(aclrtMemsetAsync,
          "devPtr=%p, maxCount=%zu, value=%d, count=%zu, "
          "stream=%p",
          devPtr, maxCount, value, count, stream);
    Stream *found = NULL;
    if (count == 0)
        LEAVE(E_NONE);
    int status = fill_look(devPtr, maxCount, count);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &found);
    if (status != E_NONE)
        LEAVE(status);
    Fill *fill = task_new(sizeof *fill, &filling);
    if (fill == NULL)
        LEAVE(E_BAD_ALLOC);
    fill->at = devPtr;
    fill->value = value;
    fill->count = count;
    fill->task.bytes = count;
    fill->task.failure = E_RT_DEVICE_MEMORY;
    task_claim(&fill->task, CLAIM_MEMORY, devPtr, count, true);
    LEAVE(stream_submit(found, &fill->task));
}
