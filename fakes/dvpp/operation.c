#include "dvpp/operation.h"

#include <stdlib.h>
#include <string.h>

#include "call/message.h"
#include "memory/memory.h"
#include "memory/written.h"
#include "runtime/stream_need.h"
#include "stream/stream.h"

typedef struct Moves {
    Task task;
    Move *move;                 /* owned */
    size_t count;
} Moves;

typedef struct Coding {
    Task task;
    Coded code;
    Coder *coder;
} Coding;

static View picture_view(const Picture *picture, unsigned char *bytes)
{
    return view_of(picture->layout, bytes, picture->width, picture->height, picture->width_stride,
                   picture->height_stride);
}

/* The part of the target that is not border. */
static Region inner(const Move *move)
{
    return (Region){move->paste.left + move->border.left, move->paste.right - move->border.right,
                    move->paste.top + move->border.top, move->paste.bottom - move->border.bottom};
}

/* What has become of the memory meanwhile is looked at once more. */
static int move_run(const Move *move)
{
    unsigned char *from = picture_bytes(&move->from);
    unsigned char *to = picture_bytes(&move->to);
    Region region = inner(move);

    if (from == NULL || to == NULL)
        return E_RT_AICPU;
    View source = picture_view(&move->from, from);
    View target = picture_view(&move->to, to);
    View cut = view_part(&source, &move->cut);
    View paste = view_part(&target, &region);
    if (!view_move(&cut, &paste, move->algorithm, move->matrix))
        return refuse(E_RT_AICPU, "no memory for an image");
    View whole = view_part(&target, &move->paste);
    view_border(&whole, &move->border);
    device_written(move->to.data, (size_t)layout_size(move->to.layout, move->to.width_stride,
                                                      move->to.height_stride));
    return E_NONE;
}

static int moves_run(Task *task, Stream *stream)
{
    const Moves *moves = (const Moves *)task;
    int first = E_NONE;

    (void)stream;
    for (size_t i = 0; i < moves->count; i++) {
        int status = move_run(&moves->move[i]);
        picture_give_back(&moves->move[i].to, (uint32_t)status);
        first = first != E_NONE ? first : status;
    }
    return first;
}

static void moves_release(Task *task)
{
    free(((Moves *)task)->move);
}

static void moves_fail(Task *task, Stream *stream, int status)
{
    const Moves *moves = (const Moves *)task;

    (void)stream;
    for (size_t i = 0; i < moves->count; i++)
        picture_give_back(&moves->move[i].to, (uint32_t)status);
}

static const TaskKind moving = {.run = moves_run, .fail = moves_fail, .release = moves_release};

static void claim_picture(Task *task, const Picture *picture, bool writes)
{
    size_t size =
        (size_t)layout_size(picture->layout, picture->width_stride, picture->height_stride);

    task_claim(task, CLAIM_MEMORY, picture->data, size, writes);
    task_claim(task, CLAIM_DESC, picture->handle, 1, writes);
}

static int submit(const acldvppChannelDesc *channel, Task *task, Stream *stream)
{
    task->failure = E_RT_AICPU;
    task_claim(task, CLAIM_DESC, channel, 1, false);
    return stream_submit(stream, task);
}

int moves_queue(const acldvppChannelDesc *channel, const Move *moves, size_t count,
                aclrtStream stream)
{
    Stream *found = NULL;
    int status = stream_need(stream, "stream", &found);
    Moves *made = status == E_NONE ? task_new(sizeof *made, &moving) : NULL;

    if (made == NULL)
        return status != E_NONE ? status : E_BAD_ALLOC;
    made->move = malloc(count * sizeof *moves);
    if (made->move == NULL) {
        stream_abandon(&made->task);
        return refuse(E_BAD_ALLOC, "no memory for %zu operations", count);
    }
    memcpy(made->move, moves, count * sizeof *moves);
    made->count = count;
    for (size_t i = 0; i < count; i++) {
        claim_picture(&made->task, &moves[i].from, false);
        claim_picture(&made->task, &moves[i].to, true);
        made->task.bytes += moves[i].from.size;
    }
    return submit(channel, &made->task, found);
}

static int coding_run(Task *task, Stream *stream)
{
    Coding *coding = (Coding *)task;
    Coded *code = &coding->code;
    unsigned char *bytes = device_bytes(code->data, code->size, "data");

    (void)stream;
    int status = bytes != NULL ? coding->coder(code, bytes) : E_RT_AICPU;
    if (code->written == NULL)
        picture_give_back(&code->picture, (uint32_t)status);
    return status;
}

static void coding_fail(Task *task, Stream *stream, int status)
{
    const Coded *code = &((Coding *)task)->code;

    (void)stream;
    if (code->written == NULL)
        picture_give_back(&code->picture, (uint32_t)status);
}

static const TaskKind kind_of_coding = {.run = coding_run, .fail = coding_fail};

int code_queue(const acldvppChannelDesc *channel, const Coded *code, Coder *coder,
               aclrtStream stream)
{
    Stream *found = NULL;
    bool encodes = code->written != NULL;
    int status = stream_need(stream, "stream", &found);
    Coding *made = status == E_NONE ? task_new(sizeof *made, &kind_of_coding) : NULL;

    if (made == NULL)
        return status != E_NONE ? status : E_BAD_ALLOC;
    made->code = *code;
    made->coder = coder;
    made->task.bytes = code->size;
    task_claim(&made->task, CLAIM_MEMORY, code->data, code->size, encodes);
    if (encodes)
        task_claim(&made->task, CLAIM_MEMORY, code->written, sizeof *code->written, true);
    task_claim(&made->task, CLAIM_MEMORY, code->picture.data, code->picture.size, !encodes);
    task_claim(&made->task, CLAIM_DESC, code->picture.handle, 1, !encodes);
    return submit(channel, &made->task, found);
}
