/*
 * fill_words: aclrtMemsetD32 and aclrtMemsetD32Async.
 */
#include <string.h>

#include "api/copy.h"
#include "api/fill.h"
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "memory/memory.h"
#include "memory/written.h"
#include "runtime/context.h"
#include "runtime/stream_need.h"
#include "stream/order.h"
#include "stream/stream.h"

/* CANN's checks, in its order; then only memory that is known is filled. */
static int check(const void *ptr, size_t memSize, size_t count)
{
    if (ptr == NULL)
        return refuse(E_PARAM, "ptr is NULL");
    if ((uintptr_t)ptr % sizeof(uint32_t) != 0)
        return refuse(E_PARAM, "ptr %p is not aligned to 4 bytes", ptr);
    if (count > SIZE_MAX / sizeof(uint32_t))
        return refuse(E_PARAM, "N %zu times 4 is too much", count);
    if (memSize < count * sizeof(uint32_t))
        return refuse(E_PARAM, "N %zu times 4 is more than memSize %zu", count, memSize);
    int status = context_needed();
    if (status == E_NONE && !copy_is_reachable(ptr))
        status = refuse(E_PARAM,
                        "ptr %p is not of aclrtMalloc, "
                        "aclrtMallocHost or aclrtHostRegister",
                        ptr);
    return status;
}

static int fill(void *ptr, uint32_t value, size_t count)
{
    unsigned char *bytes = ptr;
    size_t room = host_room(ptr);

    if (device_owns(ptr))
        bytes = device_peek(ptr, &room);
    if (bytes == NULL)
        return device_complain(ptr, "ptr");
    if (count > room / sizeof value)
        count = room / sizeof value;    /* in faithful mode */
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * sizeof value, &value, sizeof value);
    device_written(ptr, count * sizeof value);
    return E_NONE;
}

aclError aclrtMemsetD32(void *ptr, size_t memSize, uint32_t value, size_t N)
{
    ENTER(aclrtMemsetD32, "ptr=%p, memSize=%zu, value=0x%x, N=%zu", ptr, memSize, value, N);
    if (N == 0)
        LEAVE(E_NONE);
    int status = check(ptr, memSize, N);
    if (status == E_NONE)
        status = fill_look(ptr, memSize, N * sizeof value);
    if (status == E_NONE)
        status =
            order_check_host(CLAIM_MEMORY, ptr, N * sizeof value, true, "aclrtMemsetD32 writes");
    call.bytes = N * sizeof value;
    LEAVE(status != E_NONE ? status : fill(ptr, value, N));
}

typedef struct FillWords {
    Task task;
    void *at;
    uint32_t value;
    size_t count;
} FillWords;

static int fill_run(Task *task, Stream *stream)
{
    const FillWords *words = (const FillWords *)task;

    (void)stream;
    return fill(words->at, words->value, words->count);
}

static const TaskKind filling = {.run = fill_run};

static int submit(Stream *stream, void *ptr, uint32_t value, size_t count)
{
    FillWords *words = task_new(sizeof *words, &filling);

    if (words == NULL)
        return E_BAD_ALLOC;
    words->at = ptr;
    words->value = value;
    words->count = count;
    words->task.bytes = count * sizeof value;
    words->task.failure = E_RT_DEVICE_MEMORY;
    task_claim(&words->task, CLAIM_MEMORY, ptr, words->task.bytes, true);
    return stream_submit(stream, &words->task);
}

/* Nothing to fill is refused, and by aclrtMemsetD32 it is not. */
aclError aclrtMemsetD32Async(void *ptr, size_t memSize, uint32_t value, size_t N,
                             aclrtStream stream)
{
    ENTER(aclrtMemsetD32Async,
          "ptr=%p, memSize=%zu, value=0x%x, N=%zu, "
          "stream=%p",
          ptr, memSize, value, N, stream);
    Stream *found = NULL;
    if (ptr == NULL)
        LEAVE(refuse(E_PARAM, "ptr is NULL"));
    if (N == 0)
        LEAVE(refuse(E_PARAM, "N is 0"));
    int status = check(ptr, memSize, N);
    if (status == E_NONE)
        status = fill_look(ptr, memSize, N * sizeof value);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &found);
    LEAVE(status != E_NONE ? status : submit(found, ptr, value, N));
}
