#include "profile/op_desc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/acl.h"
#include "base/locks.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"
#include "memory/host_memory.h"

/* What an operator is called; NULL: read, or never there. */
typedef struct Texts {
    char *name;
    char *type;
} Texts;

static struct {
    pthread_mutex_t lock;
    Texts *texts;               /* of index 1 and so on */
    size_t count;
    size_t room;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static bool texts_grow(void)
{
    size_t room = state.room == 0 ? 256 : state.room * 2;
    Texts *texts = realloc(state.texts, room * sizeof *texts);

    if (texts == NULL)
        return false;
    state.texts = texts;
    state.room = room;
    return true;
}

/* The index of two texts, which are copied; 0: no memory. */
static uint64_t texts_keep(const char *name, const char *type)
{
    Texts made = {strdup(name), strdup(type)};
    uint64_t index = 0;

    pthread_mutex_lock(&state.lock);
    if (made.name != NULL && made.type != NULL && (state.count < state.room || texts_grow())) {
        state.texts[state.count++] = made;
        index = state.count;
    }
    pthread_mutex_unlock(&state.lock);
    if (index == 0) {
        free(made.name);
        free(made.type);
    }
    return index;
}

/* Of all fields behind the sum. */
static uint32_t sum_of(const OpDesc *desc)
{
    const unsigned char *bytes = (const unsigned char *)desc;
    uint32_t sum = 2166136261u;

    for (size_t i = sizeof desc->sum; i < sizeof *desc; i++)
        sum = (sum ^ bytes[i]) * 16777619u;
    return sum;
}

bool op_desc_make(const Record *record, OpDesc *desc)
{
    memset(desc, 0, sizeof *desc);
    desc->model = record->model;
    desc->flag = ACL_SUBSCRIBE_OP;
    desc->thread = (uint32_t)record->thread;
    desc->index = texts_keep(record->text, record->type);
    desc->start = record->start_ns / 1000;
    desc->end = (record->start_ns + record->ns) / 1000;
    desc->duration = desc->end - desc->start;
    desc->execution = desc->duration;
    desc->device = (uint32_t)record->device;
    desc->sum = sum_of(desc);
    return desc->index != 0;
}

/* The record at an index, read from wherever it lies: 0, or 100000. */
static int find(const void *data, size_t length, uint32_t index, OpDesc *desc)
{
    size_t size = sizeof *desc;

    if (data == NULL)
        return refuse(E_PARAM, "opInfo is NULL");
    int status = host_check(data, "opInfo");
    if (status != E_NONE)
        return status;
    if (length % size != 0)
        return refuse(E_PARAM, "opInfoLen %zu is not a multiple of %zu, an operator's size", length,
                      size);
    for (size_t i = 0; i < length / size; i++) {
        memcpy(desc, (const char *)data + i * size, size);
        if (desc->sum != sum_of(desc))
            return refuse(E_PARAM, "opInfo: operator %zu is none that a subscription wrote", i);
    }
    if (index >= length / size)
        return refuse(E_PARAM, "index %u is not one of the %zu operators", index, length / size);
    memcpy(desc, (const char *)data + index * size, size);
    return E_NONE;
}

aclError aclprofGetOpDescSize(size_t *opDescSize)
{
    ENTER(aclprofGetOpDescSize, "opDescSize=%p", (void *)opDescSize);
    NOT_NULL(opDescSize);
    *opDescSize = sizeof(OpDesc);
    LEAVE(E_NONE);
}

aclError aclprofGetOpNum(const void *opInfo, size_t opInfoLen, uint32_t *opNumber)
{
    ENTER(aclprofGetOpNum, "opInfo=%p, opInfoLen=%zu, opNumber=%p", opInfo, opInfoLen,
          (void *)opNumber);
    OpDesc last;
    NOT_NULL(opNumber);
    size_t count = opInfoLen / sizeof last;
    int status = E_NONE;
    if (count > 0 || opInfo == NULL || opInfoLen % sizeof last != 0)
        status = find(opInfo, opInfoLen, 0, &last);
    if (status == E_NONE)
        *opNumber = (uint32_t)count;
    LEAVE(status);
}

typedef enum Which { NAME, TYPE } Which;

static char **text_at(uint64_t index, Which which)
{
    Texts *texts = index >= 1 && index <= state.count ? &state.texts[index - 1] : NULL;

    if (texts == NULL)
        return NULL;
    return which == NAME ? &texts->name : &texts->type;
}

static int refuse_read(uint32_t index, Which which)
{
    return refuse(E_PARAM, "the %s of operator %u was read before: each can be read once",
                  which == NAME ? "name" : "type", index);
}

static int text_length(const OpDesc *desc, uint32_t index, Which which, size_t *length)
{
    pthread_mutex_lock(&state.lock);
    char **text = text_at(desc->index, which);
    bool there = text != NULL && *text != NULL;
    if (there)
        *length = strlen(*text) + 1;
    pthread_mutex_unlock(&state.lock);
    return there ? E_NONE : refuse_read(index, which);
}

/* Cuts the last character where there is no room for the NUL, as ACL does. */
static int text_take(const OpDesc *desc, uint32_t index, Which which, char *to, size_t room)
{
    int status = E_NONE;

    pthread_mutex_lock(&state.lock);
    char **text = text_at(desc->index, which);
    if (text == NULL || *text == NULL) {
        status = refuse_read(index, which);
    } else if (strlen(*text) > room) {
        status = refuse(E_PARAM, "%zu bytes are too few for the %s of operator %u, which has %zu",
                        room, which == NAME ? "name" : "type", index, strlen(*text) + 1);
    } else {
        memcpy(to, *text, strlen(*text) < room ? strlen(*text) + 1 : room);
        to[room - 1] = '\0';
        free(*text);
        *text = NULL;
    }
    pthread_mutex_unlock(&state.lock);
    return status;
}

static int get_length(const void *data, size_t length, uint32_t index, Which which, size_t *to)
{
    OpDesc desc;
    int status = find(data, length, index, &desc);

    return status == E_NONE ? text_length(&desc, index, which, to) : status;
}

static int get_text(const void *data, size_t length, uint32_t index, Which which, char *to,
                    size_t room)
{
    OpDesc desc;

    if (room == 0)
        return refuse(E_PARAM, "there is no room for a text: its length is 0");
    int status = find(data, length, index, &desc);
    return status == E_NONE ? text_take(&desc, index, which, to, room) : status;
}

aclError aclprofGetOpTypeLen(const void *opInfo, size_t opInfoLen, uint32_t index,
                             size_t *opTypeLen)
{
    ENTER(aclprofGetOpTypeLen, "opInfo=%p, opInfoLen=%zu, index=%u, opTypeLen=%p", opInfo,
          opInfoLen, index, (void *)opTypeLen);
    NOT_NULL(opTypeLen);
    LEAVE(get_length(opInfo, opInfoLen, index, TYPE, opTypeLen));
}

aclError aclprofGetOpType(const void *opInfo, size_t opInfoLen, uint32_t index, char *opType,
                          size_t opTypeLen)
{
    ENTER(aclprofGetOpType, "opInfo=%p, opInfoLen=%zu, index=%u, opType=%p, opTypeLen=%zu", opInfo,
          opInfoLen, index, (void *)opType, opTypeLen);
    NOT_NULL(opType);
    LEAVE(get_text(opInfo, opInfoLen, index, TYPE, opType, opTypeLen));
}

aclError aclprofGetOpNameLen(const void *opInfo, size_t opInfoLen, uint32_t index,
                             size_t *opNameLen)
{
    ENTER(aclprofGetOpNameLen, "opInfo=%p, opInfoLen=%zu, index=%u, opNameLen=%p", opInfo,
          opInfoLen, index, (void *)opNameLen);
    NOT_NULL(opNameLen);
    LEAVE(get_length(opInfo, opInfoLen, index, NAME, opNameLen));
}

aclError aclprofGetOpName(const void *opInfo, size_t opInfoLen, uint32_t index, char *opName,
                          size_t opNameLen)
{
    ENTER(aclprofGetOpName, "opInfo=%p, opInfoLen=%zu, index=%u, opName=%p, opNameLen=%zu", opInfo,
          opInfoLen, index, (void *)opName, opNameLen);
    NOT_NULL(opName);
    LEAVE(get_text(opInfo, opInfoLen, index, NAME, opName, opNameLen));
}

uint64_t aclprofGetOpStart(const void *opInfo, size_t opInfoLen, uint32_t index)
{
    ENTER_AS(aclprofGetOpStart, 0, "opInfo=%p, opInfoLen=%zu, index=%u", opInfo, opInfoLen, index);
    OpDesc desc;
    return find(opInfo, opInfoLen, index, &desc) == E_NONE ? desc.start : 0;
}

uint64_t aclprofGetOpEnd(const void *opInfo, size_t opInfoLen, uint32_t index)
{
    ENTER_AS(aclprofGetOpEnd, 0, "opInfo=%p, opInfoLen=%zu, index=%u", opInfo, opInfoLen, index);
    OpDesc desc;
    return find(opInfo, opInfoLen, index, &desc) == E_NONE ? desc.end : 0;
}

uint64_t aclprofGetOpDuration(const void *opInfo, size_t opInfoLen, uint32_t index)
{
    ENTER_AS(aclprofGetOpDuration, 0, "opInfo=%p, opInfoLen=%zu, index=%u", opInfo, opInfoLen,
             index);
    OpDesc desc;
    return find(opInfo, opInfoLen, index, &desc) == E_NONE ? desc.duration : 0;
}

/* What is wrong comes back as if it were an id. */
size_t aclprofGetModelId(const void *opInfo, size_t opInfoLen, uint32_t index)
{
    ENTER_AS(aclprofGetModelId, 0, "opInfo=%p, opInfoLen=%zu, index=%u", opInfo, opInfoLen, index);
    OpDesc desc;
    int status = find(opInfo, opInfoLen, index, &desc);
    return status == E_NONE ? desc.model : (size_t)status;
}

aclprofSubscribeOpFlag aclprofGetOpFlag(const void *opInfo, size_t opInfoLen, uint32_t index)
{
    ENTER_AS(aclprofGetOpFlag, ACL_SUBSCRIBE_NONE, "opInfo=%p, opInfoLen=%zu, index=%u", opInfo,
             opInfoLen, index);
    OpDesc desc;
    return find(opInfo, opInfoLen, index, &desc) == E_NONE ? (aclprofSubscribeOpFlag)desc.flag
                                                           : ACL_SUBSCRIBE_NONE;
}

/* Only an operator that several threads share has one, and none is here. */
const char *aclprofGetOpAttriValue(const void *opInfo, size_t opInfoLen, uint32_t index,
                                   aclprofSubscribeOpAttri attri)
{
    ENTER_AS(aclprofGetOpAttriValue, NULL, "opInfo=%p, opInfoLen=%zu, index=%u, attri=%d", opInfo,
             opInfoLen, index, (int)attri);
    OpDesc desc;
    if (find(opInfo, opInfoLen, index, &desc) == E_NONE)
        message_add("aclprofGetOpAttriValue: operator %u has flag %u, and attribute %d is of "
                    "operators with flag %d",
                    index, desc.flag, (int)attri, (int)ACL_SUBSCRIBE_OP_THREAD);
    return NULL;
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < state.count; i++) {
        free(state.texts[i].name);
        free(state.texts[i].type);
    }
    free(state.texts);
    state.texts = NULL;
    state.count = 0;
    state.room = 0;
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_OP_NAMES, forget_all, NULL)
