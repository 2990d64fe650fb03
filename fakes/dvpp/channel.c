#include "dvpp/channel.h"

#include <stdatomic.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "image/colour.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "runtime/context.h"
#include "stream/order.h"

enum { MODES = DVPP_CHNMODE_VPC | DVPP_CHNMODE_JPEGD | DVPP_CHNMODE_JPEGE | DVPP_CHNMODE_PNGD };

typedef struct Channel {
    atomic_bool open;
    atomic_uint mode;
    atomic_uint matrix;
    uint64_t id;
} Channel;

static Channel *channel_find(const acldvppChannelDesc *channelDesc, int *status)
{
    if (channelDesc == NULL) {
        *status = refuse(E_PARAM, "channelDesc is NULL");
        return NULL;
    }
    Channel *found = object_find(channelDesc, KIND_DVPP_CHANNEL, "channelDesc");
    *status = found != NULL ? E_NONE : violation_status();
    return found;
}

acldvppChannelDesc *acldvppCreateChannelDesc(void)
{
    ENTER_AS(acldvppCreateChannelDesc, NULL, NO_ARGS);
    static atomic_uint_fast64_t last;
    void *handle = NULL;
    call.status = context_needed();
    if (call.status != E_NONE)
        return NULL;
    Channel *made = object_new(KIND_DVPP_CHANNEL, sizeof *made, NULL, NULL, &handle);
    if (made == NULL) {
        call.status = E_BAD_ALLOC;
        return NULL;
    }
    made->mode = MODES;
    made->id = ++last;
    return handle;
}

/* A channel that is still there is ended with its description. */
aclError acldvppDestroyChannelDesc(acldvppChannelDesc *channelDesc)
{
    ENTER(acldvppDestroyChannelDesc, "channelDesc=%p", (void *)channelDesc);
    if (channelDesc == NULL)
        LEAVE(E_NONE);
    order_note_end(CLAIM_DESC, channelDesc);
    bool ended = object_destroy(channelDesc, KIND_DVPP_CHANNEL, "channelDesc");
    LEAVE(ended ? E_NONE : violation_status());
}

aclError acldvppCreateChannel(acldvppChannelDesc *channelDesc)
{
    ENTER(acldvppCreateChannel, "channelDesc=%p", (void *)channelDesc);
    int status;
    Channel *channel = channel_find(channelDesc, &status);
    if (status == E_NONE)
        status = context_needed();
    if (status == E_NONE && atomic_exchange(&channel->open, true))
        status = refuse(E_INTERNAL, "the channel of channelDesc was created before");
    LEAVE(status);
}

aclError acldvppDestroyChannel(acldvppChannelDesc *channelDesc)
{
    ENTER(acldvppDestroyChannel, "channelDesc=%p", (void *)channelDesc);
    int status;
    Channel *channel = channel_find(channelDesc, &status);
    if (status != E_NONE)
        LEAVE(status);
    order_note_end(CLAIM_DESC, channelDesc);
    if (!atomic_exchange(&channel->open, false))
        status = refuse(E_PARAM, "the channel of channelDesc was not created, or was destroyed");
    LEAVE(status);
}

uint64_t acldvppGetChannelDescChannelId(const acldvppChannelDesc *channelDesc)
{
    ENTER_AS(acldvppGetChannelDescChannelId, 0, "channelDesc=%p", (const void *)channelDesc);
    const Channel *channel = channel_find(channelDesc, &call.status);
    return channel != NULL ? channel->id : 0;
}

aclError acldvppSetChannelDescMode(acldvppChannelDesc *channelDesc, uint32_t mode)
{
    ENTER(acldvppSetChannelDescMode, "channelDesc=%p, mode=%u", (void *)channelDesc, mode);
    int status;
    Channel *channel = channel_find(channelDesc, &status);
    if (status == E_NONE && chip_is_old())
        status = refuse(E_FEATURE_UNSUPPORTED, "this chip has no modes of channels");
    if (status == E_NONE && (mode == 0 || (mode & ~(uint32_t)MODES) != 0))
        status =
            refuse(E_PARAM, "mode %u is no sum of 1 (VPC), 2 (JPEGD), 4 (JPEGE), 8 (PNGD)", mode);
    if (status == E_NONE)
        channel->mode = mode;
    LEAVE(status);
}

static int check_param(acldvppChannelDescParamType type, size_t length, const void *param)
{
    if (type != ACL_DVPP_CSC_MATRIX_UINT32)
        return refuse(E_PARAM, "paramType %d is not ACL_DVPP_CSC_MATRIX_UINT32 (0)", (int)type);
    if (length < sizeof(uint32_t))
        return refuse(E_PARAM, "length %zu is less than the parameter's 4 bytes", length);
    return argument_check(param, "param");
}

aclError acldvppSetChannelDescParam(acldvppChannelDesc *channelDesc,
                                    acldvppChannelDescParamType paramType, size_t length,
                                    const void *param)
{
    ENTER(acldvppSetChannelDescParam, "channelDesc=%p, paramType=%d, length=%zu, param=%p",
          (void *)channelDesc, (int)paramType, length, param);
    int status;
    Channel *channel = channel_find(channelDesc, &status);
    if (status == E_NONE)
        status = check_param(paramType, length, param);
    if (status != E_NONE)
        LEAVE(status);
    uint32_t matrix = *(const uint32_t *)param;
    if (matrix >= MATRICES)
        LEAVE(refuse(E_PARAM, "matrix %u is not one of 0..%d", matrix, MATRICES - 1));
    channel->matrix = matrix;
    LEAVE(E_NONE);
}

aclError acldvppGetChannelDescParam(const acldvppChannelDesc *channelDesc,
                                    acldvppChannelDescParamType paramType, size_t length,
                                    size_t *paramRetSize, void *param)
{
    ENTER(acldvppGetChannelDescParam, "channelDesc=%p, paramType=%d, length=%zu, param=%p",
          (const void *)channelDesc, (int)paramType, length, param);
    int status;
    const Channel *channel = channel_find(channelDesc, &status);
    if (status == E_NONE)
        status = check_param(paramType, length, param);
    if (status == E_NONE)
        status = argument_check(paramRetSize, "paramRetSize");
    if (status != E_NONE)
        LEAVE(status);
    *(uint32_t *)param = channel->matrix;
    *paramRetSize = sizeof(uint32_t);
    LEAVE(E_NONE);
}

int channel_need(const acldvppChannelDesc *channelDesc, unsigned *matrix)
{
    int status;
    const Channel *channel = channel_find(channelDesc, &status);

    if (status == E_NONE && !channel->open)
        status = refuse(E_PARAM, "the channel of channelDesc is not there; acldvppCreateChannel "
                                 "makes it");
    if (status == E_NONE && matrix != NULL)
        *matrix = channel->matrix;
    return status;
}
