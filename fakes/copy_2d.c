/*
 * copy_2d: copies of height rows of width bytes each; the rows of a side
 * begin a pitch apart, and what lies between them is not touched.
 */
#include "acl.h"
#include "calls.h"
#include "copy.h"
#include "device.h"
#include "host_memory.h"
#include "message.h"
#include "settings.h"
#include "stream.h"
#include "violations.h"

typedef struct Rows {
    unsigned char *dst;
    size_t dpitch;
    const unsigned char *src;
    size_t spitch;
    size_t width;
    size_t height;
} Rows;

typedef struct Copy2d {
    Task task;
    Rows rows;
} Copy2d;

/* Do all rows of a side lie within the addresses there are? */
static int check_extent(const void *start, size_t pitch, const Rows *rows,
                        const char *argument)
{
    size_t steps = rows->height - 1;
    size_t room = UINTPTR_MAX - (uintptr_t)start;

    if (rows->width <= room &&
        (steps == 0 || pitch <= (room - rows->width) / steps))
        return E_NONE;
    return refuse(E_PARAM, "%s %p, %zu rows of pitch %zu reach beyond all "
                  "addresses", argument, start, rows->height, pitch);
}

/* CANN's checks, in its order (CheckMemcpy2dParam). */
static int check_rows(const Rows *rows)
{
    if (rows->dst == NULL)
        return refuse(E_PARAM, "dst is NULL");
    if (rows->src == NULL)
        return refuse(E_PARAM, "src is NULL");
    if (rows->width > rows->spitch || rows->width > rows->dpitch)
        return refuse(E_PARAM, "width %zu is more than spitch %zu or dpitch "
                      "%zu", rows->width, rows->spitch, rows->dpitch);
    return E_NONE;
}

/* A synchronous one within the device is not for this function. */
static int check_kind(aclrtMemcpyKind kind, bool async)
{
    if (kind == ACL_MEMCPY_HOST_TO_DEVICE ||
        kind == ACL_MEMCPY_DEVICE_TO_HOST || kind == ACL_MEMCPY_DEFAULT ||
        (async && kind == ACL_MEMCPY_DEVICE_TO_DEVICE))
        return E_NONE;
    return refuse(E_PARAM, "kind %d is not one of %s", (int)kind,
                  async ? "1, 2, 3, 4" : "1, 2, 4");
}

static int check(const Rows *rows, aclrtMemcpyKind kind, bool async)
{
    int status = check_rows(rows);

    if (status == E_NONE)
        status = check_kind(kind, async);
    if (status == E_NONE)
        status = context_needed();
    if (status == E_NONE)
        status = check_extent(rows->dst, rows->dpitch, rows, "dst");
    if (status == E_NONE)
        status = check_extent(rows->src, rows->spitch, rows, "src");
    return status;
}

static unsigned char *dst_row(const Rows *rows, size_t i)
{
    return rows->dst + i * rows->dpitch;
}

static const unsigned char *src_row(const Rows *rows, size_t i)
{
    return rows->src + i * rows->spitch;
}

/* Rows of both sides ascend: whichever ends first cannot meet a later one. */
static bool overlap(const Rows *rows)
{
    size_t i = 0;
    size_t j = 0;

    while (i < rows->height && j < rows->height) {
        uintptr_t to = (uintptr_t)dst_row(rows, i);
        uintptr_t from = (uintptr_t)src_row(rows, j);
        if (to < from + rows->width && from < to + rows->width)
            return true;
        i += to < from;
        j += to >= from;
    }
    return false;
}

/*
 * Rows behind a block of host memory would look like any other memory of the
 * host. So they are refused in both modes: there is no room to cut them to.
 */
static int check_host_span(const void *start, size_t pitch, const Rows *rows,
                           const char *argument)
{
    size_t room = host_room(start);
    size_t span = (rows->height - 1) * pitch + rows->width;
    char text[HISTORY_SIZE];

    if (span <= room)
        return E_NONE;
    return violate(V_HOST_OUT_OF_BOUNDS, "%s %p has %zu bytes left, not %zu, "
                   "%s", argument, start, room, span,
                   host_history(start, text));
}

static int check_host_spans(const Rows *rows)
{
    int status = check_host_span(rows->dst, rows->dpitch, rows, "dst");

    return status != E_NONE ? status
                            : check_host_span(rows->src, rows->spitch, rows,
                                              "src");
}

/* The first and the last row lie in one allocation, or one of them does not. */
static int look(const Rows *rows, aclrtMemcpyKind kind)
{
    size_t last = rows->height - 1;
    size_t width = rows->width;
    int status = copy_look(dst_row(rows, 0), width, src_row(rows, 0), width,
                           kind);

    if (status == E_NONE && last > 0)
        status = copy_look(dst_row(rows, last), width, src_row(rows, last),
                           width, kind);
    if (status == E_NONE)
        status = check_host_spans(rows);
    if (status != E_NONE || !overlap(rows))
        return status;
    status = violate(V_OVERLAP, "dst %p and src %p, %zu rows of %zu bytes",
                     (void *)rows->dst, (const void *)rows->src,
                     rows->height, width);
    return settings.strict ? status : E_NONE;
}

static int check_order(const Rows *rows)
{
    int status = E_NONE;

    for (size_t i = 0; status == E_NONE && i < rows->height; i++)
        status = copy_check_order(dst_row(rows, i), src_row(rows, i),
                                  rows->width);
    return status;
}

static int move(const Rows *rows)
{
    int status = E_NONE;

    for (size_t i = 0; status == E_NONE && i < rows->height; i++)
        status = copy_move(dst_row(rows, i), src_row(rows, i), rows->width);
    return status;
}

static int copy_now(const Rows *rows)
{
    int status = check_order(rows);

    return status != E_NONE ? status : move(rows);
}

aclError aclrtMemcpy2d(void *dst, size_t dpitch, const void *src,
                       size_t spitch, size_t width, size_t height,
                       aclrtMemcpyKind kind)
{
    ENTER(aclrtMemcpy2d, "dst=%p, dpitch=%zu, src=%p, spitch=%zu, width=%zu, "
          "height=%zu, kind=%d", dst, dpitch, src, spitch, width, height,
          (int)kind);
    Rows rows = {dst, dpitch, src, spitch, width, height};
    if (width == 0 || height == 0)
        LEAVE(E_NONE);
    int status = check(&rows, kind, false);
    if (status == E_NONE)
        status = look(&rows, kind);
    call.bytes = width * height;
    LEAVE(status != E_NONE ? status : copy_now(&rows));
}

static int copy_run(Task *task, Stream *stream)
{
    (void)stream;
    return move(&((const Copy2d *)task)->rows);
}

static const TaskKind copying = {.run = copy_run};

static int submit(Stream *stream, const Rows *rows)
{
    Copy2d *copy = task_new(sizeof *copy, &copying);

    if (copy == NULL)
        return E_BAD_ALLOC;
    copy->rows = *rows;
    copy->task.bytes = rows->width * rows->height;
    copy->task.failure = E_RT_DEVICE_MEMORY;
    for (size_t i = 0; i < rows->height; i++) {
        task_claim(&copy->task, CLAIM_MEMORY, dst_row(rows, i), rows->width,
                   true);
        task_claim(&copy->task, CLAIM_MEMORY, src_row(rows, i), rows->width,
                   false);
    }
    return stream_submit(stream, &copy->task);
}

/* As aclrtMemcpyAsync: only what a stream can reach is copied by one. */
static int queue(Stream *stream, const Rows *rows)
{
    if (copy_is_reachable(rows->dst) && copy_is_reachable(rows->src))
        return submit(stream, rows);
    int status = stream_wait(stream, -1);
    return status != E_NONE ? status : copy_now(rows);
}

aclError aclrtMemcpy2dAsync(void *dst, size_t dpitch, const void *src,
                            size_t spitch, size_t width, size_t height,
                            aclrtMemcpyKind kind, aclrtStream stream)
{
    ENTER(aclrtMemcpy2dAsync, "dst=%p, dpitch=%zu, src=%p, spitch=%zu, "
          "width=%zu, height=%zu, kind=%d, stream=%p", dst, dpitch, src,
          spitch, width, height, (int)kind, stream);
    Rows rows = {dst, dpitch, src, spitch, width, height};
    Stream *found = NULL;
    if (width == 0 || height == 0)
        LEAVE(E_NONE);
    int status = check(&rows, kind, true);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &found);
    if (status == E_NONE)
        status = copy_check_async_kind(dst, src, kind);
    if (status == E_NONE)
        status = look(&rows, kind);
    call.bytes = width * height;
    LEAVE(status != E_NONE ? status : queue(found, &rows));
}
