/*
 * copy_2d: copies of height rows of width bytes each; the rows of a side
 * begin a pitch apart, and what lies between them is not touched.
 */
#include <string.h>

#include "api/copy.h"
#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/written.h"
#include "runtime/context.h"
#include "runtime/stream_need.h"
#include "stream/order.h"
#include "stream/stream.h"

/* The arguments. */
typedef struct Rectangle {
    unsigned char *dst;
    size_t dpitch;
    const unsigned char *src;
    size_t spitch;
    size_t width;
    size_t height;
} Rectangle;

typedef struct Copy2d {
    Task task;
    Rectangle block;
} Copy2d;

/* Do all rows of a side lie within the addresses there are? */
static int check_extent(const void *start, size_t pitch, const Rectangle *block,
                        const char *argument)
{
    size_t steps = block->height - 1;
    size_t room = UINTPTR_MAX - (uintptr_t)start;

    if (block->width <= room && (steps == 0 || pitch <= (room - block->width) / steps))
        return E_NONE;
    return refuse(E_PARAM,
                  "%s %p, %zu rows of pitch %zu reach beyond all "
                  "addresses",
                  argument, start, block->height, pitch);
}

/* CANN's checks, in its order (CheckMemcpy2dParam). */
static int check_rows(const Rectangle *block)
{
    if (block->dst == NULL)
        return refuse(E_PARAM, "dst is NULL");
    if (block->src == NULL)
        return refuse(E_PARAM, "src is NULL");
    if (block->width > block->spitch || block->width > block->dpitch)
        return refuse(E_PARAM,
                      "width %zu is more than spitch %zu or dpitch "
                      "%zu",
                      block->width, block->spitch, block->dpitch);
    return E_NONE;
}

/* A synchronous one within the device is not for this function. */
static int check_kind(aclrtMemcpyKind kind, bool async)
{
    if (kind == ACL_MEMCPY_HOST_TO_DEVICE || kind == ACL_MEMCPY_DEVICE_TO_HOST ||
        kind == ACL_MEMCPY_DEFAULT || (async && kind == ACL_MEMCPY_DEVICE_TO_DEVICE))
        return E_NONE;
    return refuse(E_PARAM, "kind %d is not one of %s", (int)kind, async ? "1, 2, 3, 4" : "1, 2, 4");
}

static int check(const Rectangle *block, aclrtMemcpyKind kind, bool async)
{
    int status = check_rows(block);

    if (status == E_NONE)
        status = check_kind(kind, async);
    if (status == E_NONE)
        status = context_needed();
    if (status == E_NONE)
        status = check_extent(block->dst, block->dpitch, block, "dst");
    if (status == E_NONE)
        status = check_extent(block->src, block->spitch, block, "src");
    return status;
}

static unsigned char *dst_row(const Rectangle *block, size_t i)
{
    return block->dst + i * block->dpitch;
}

static const unsigned char *src_row(const Rectangle *block, size_t i)
{
    return block->src + i * block->spitch;
}

static Rows dst_rows(const Rectangle *block)
{
    return (Rows){(uintptr_t)block->dst, block->width, block->dpitch, block->height - 1};
}

static Rows src_rows(const Rectangle *block)
{
    return (Rows){(uintptr_t)block->src, block->width, block->spitch, block->height - 1};
}

static bool overlap(const Rectangle *block)
{
    Rows to = dst_rows(block);
    Rows from = src_rows(block);

    return rows_meet(&to, &from);
}

static size_t span_of(const Rectangle *block, size_t pitch)
{
    return (block->height - 1) * pitch + block->width;
}

/*
 * Rows behind a block of host memory would look like any other memory of the
 * host. So they are refused in both modes: there is no room to cut them to.
 */
static int check_host_span(const void *start, size_t pitch, const Rectangle *block,
                           const char *argument)
{
    size_t room = host_room(start);
    size_t span = span_of(block, pitch);
    char text[HISTORY_SIZE];

    if (span <= room)
        return E_NONE;
    return violate(V_HOST_OUT_OF_BOUNDS,
                   "%s %p has %zu bytes left, not %zu, "
                   "%s",
                   argument, start, room, span, host_history(start, text));
}

static int check_host_spans(const Rectangle *block)
{
    int status = check_host_span(block->dst, block->dpitch, block, "dst");

    return status != E_NONE ? status : check_host_span(block->src, block->spitch, block, "src");
}

/* The first and the last row lie in one allocation, or one of them does not. */
static int look(const Rectangle *block, aclrtMemcpyKind kind)
{
    size_t last = block->height - 1;
    size_t width = block->width;
    int status = copy_look(dst_row(block, 0), width, src_row(block, 0), width, kind);

    if (status == E_NONE && last > 0)
        status = copy_look(dst_row(block, last), width, src_row(block, last), width, kind);
    if (status == E_NONE)
        status = check_host_spans(block);
    if (status != E_NONE || !overlap(block))
        return status;
    status = violate(V_OVERLAP, "dst %p and src %p, %zu rows of %zu bytes", (void *)block->dst,
                     (const void *)block->src, block->height, width);
    return settings.strict ? status : E_NONE;
}

static int check_order(const Rectangle *block)
{
    Rows to = dst_rows(block);
    Rows from = src_rows(block);
    int status = order_check_rows(CLAIM_MEMORY, &to, true, "the copy writes");

    return status != E_NONE ? status
                            : order_check_rows(CLAIM_MEMORY, &from, false, "the copy reads");
}

/* Where both sides are found at once. False: row by row, then. */
static bool move_all(const Rectangle *block)
{
    unsigned char *to = copy_reach(block->dst, span_of(block, block->dpitch));
    unsigned char *from = copy_reach(block->src, span_of(block, block->spitch));

    if (to == NULL || from == NULL)
        return false;
    for (size_t i = 0; i < block->height; i++) {
        memmove(to + i * block->dpitch, from + i * block->spitch, block->width);
        device_copied(dst_row(block, i), src_row(block, i), block->width);
    }
    return true;
}

/* What a row has no room for is a violation, as of a copy of its own. */
static int move(const Rectangle *block)
{
    int status = E_NONE;

    if (move_all(block))
        return E_NONE;
    for (size_t i = 0; status == E_NONE && i < block->height; i++)
        status = copy_move(dst_row(block, i), src_row(block, i), block->width);
    return status;
}

static int copy_now(const Rectangle *block)
{
    int status = check_order(block);

    return status != E_NONE ? status : move(block);
}

aclError aclrtMemcpy2d(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width,
                       size_t height, aclrtMemcpyKind kind)
{
    ENTER(aclrtMemcpy2d,
          "dst=%p, dpitch=%zu, src=%p, spitch=%zu, width=%zu, "
          "height=%zu, kind=%d",
          dst, dpitch, src, spitch, width, height, (int)kind);
    Rectangle block = {dst, dpitch, src, spitch, width, height};
    if (width == 0 || height == 0)
        LEAVE(E_NONE);
    int status = check(&block, kind, false);
    if (status == E_NONE)
        status = look(&block, kind);
    if (status == E_NONE)
        status = copy_check_peer(dst, src, kind, false);
    call.bytes = width * height;
    LEAVE(status != E_NONE ? status : copy_now(&block));
}

static int copy_run(Task *task, Stream *stream)
{
    (void)stream;
    return move(&((const Copy2d *)task)->block);
}

static const TaskKind copying = {.run = copy_run};

static int submit(Stream *stream, const Rectangle *block)
{
    Copy2d *copy = task_new(sizeof *copy, &copying);

    if (copy == NULL)
        return E_BAD_ALLOC;
    copy->block = *block;
    copy->task.bytes = block->width * block->height;
    copy->task.failure = E_RT_DEVICE_MEMORY;
    task_claim_rows(&copy->task, CLAIM_MEMORY, dst_rows(block), true);
    task_claim_rows(&copy->task, CLAIM_MEMORY, src_rows(block), false);
    return stream_submit(stream, &copy->task);
}

/* As aclrtMemcpyAsync: only what a stream can reach is copied by one. */
static int queue(Stream *stream, const Rectangle *block)
{
    if (copy_is_reachable(block->dst) && copy_is_reachable(block->src))
        return submit(stream, block);
    int status = stream_wait(stream, -1);
    return status != E_NONE ? status : copy_now(block);
}

aclError aclrtMemcpy2dAsync(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width,
                            size_t height, aclrtMemcpyKind kind, aclrtStream stream)
{
    ENTER(aclrtMemcpy2dAsync,
          "dst=%p, dpitch=%zu, src=%p, spitch=%zu, "
          "width=%zu, height=%zu, kind=%d, stream=%p",
          dst, dpitch, src, spitch, width, height, (int)kind, stream);
    Rectangle block = {dst, dpitch, src, spitch, width, height};
    Stream *found = NULL;
    if (width == 0 || height == 0)
        LEAVE(E_NONE);
    int status = check(&block, kind, true);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &found);
    if (status == E_NONE)
        status = copy_check_async_kind(dst, src, kind);
    if (status == E_NONE)
        status = look(&block, kind);
    if (status == E_NONE)
        status = copy_check_peer(dst, src, kind, true);
    call.bytes = width * height;
    LEAVE(status != E_NONE ? status : queue(found, &block));
}
