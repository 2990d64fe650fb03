/*
 * video: descriptions of video streams, decoders and encoders (facts 11.17).
 *
 * They are data. The channels themselves are not simulated.
 */
#include <string.h>

#include "dvpp/fields.h"
#include "memory/host_memory.h"

enum { CHANNELS = 32 };

typedef struct StreamDesc {
    void *data;
    uint32_t size;
    acldvppStreamFormat format;
    uint64_t timestamp;
    uint32_t ret_code;
    uint8_t eos;
} StreamDesc;

typedef struct Decoder {
    uint32_t channel;
    uint64_t thread;
    aclvdecCallback callback;
    acldvppStreamFormat type;
    acldvppPixelFormat format;
    uint32_t width;
    uint32_t height;
    uint32_t references;
    uint32_t depth;
    uint32_t mode;
} Decoder;

typedef struct Encoder {
    uint64_t thread;
    aclvencCallback callback;
    acldvppPixelFormat format;
    acldvppStreamFormat type;
    uint32_t width;
    uint32_t height;
    uint32_t interval;
    void *buffer;
    uint32_t buffer_size;
    uint32_t rate_control;
    uint32_t source_rate;
    uint32_t bit_rate;
    uint32_t proportion;
} Encoder;

typedef struct DecoderFrame {
    char unused;
} DecoderFrame;

typedef struct EncoderFrame {
    uint8_t force;
    uint8_t eos;
} EncoderFrame;

#define BOTH(set, get, type, kind, body, argument, value_type, value, member) \
    SETTER(set, type, argument, kind, body, value_type, value, member) \
    GETTER(get, type, argument, kind, body, value_type, member)

MAKER(acldvppCreateStreamDesc, acldvppStreamDesc, KIND_STREAM_DESC, StreamDesc)
DESTROYER(acldvppDestroyStreamDesc, acldvppStreamDesc, streamDesc, KIND_STREAM_DESC)

#define STREAM(name, value_type, value, member) \
    BOTH(acldvppSetStreamDesc##name, acldvppGetStreamDesc##name, acldvppStreamDesc, \
         KIND_STREAM_DESC, StreamDesc, streamDesc, value_type, value, member)

STREAM(Data, void *, dataDev, data)
STREAM(Size, uint32_t, size, size)
STREAM(Format, acldvppStreamFormat, format, format)
STREAM(Timestamp, uint64_t, timestamp, timestamp)
STREAM(RetCode, uint32_t, retCode, ret_code)
STREAM(Eos, uint8_t, eos, eos)

static int check_channel(uint32_t channel)
{
    if (channel < CHANNELS)
        return E_NONE;
    return refuse(E_PARAM, "channelId %u is not one of 0..%d", channel, CHANNELS - 1);
}

MAKER(aclvdecCreateChannelDesc, aclvdecChannelDesc, KIND_VDEC_CHANNEL, Decoder)
DESTROYER(aclvdecDestroyChannelDesc, aclvdecChannelDesc, channelDesc, KIND_VDEC_CHANNEL)
SETTER_IF(aclvdecSetChannelDescChannelId, aclvdecChannelDesc, channelDesc, KIND_VDEC_CHANNEL,
          Decoder, uint32_t, channelId, channel, check_channel(channelId))
GETTER(aclvdecGetChannelDescChannelId, aclvdecChannelDesc, channelDesc, KIND_VDEC_CHANNEL, Decoder,
       uint32_t, channel)

#define DECODER(name, value_type, value, member) \
    BOTH(aclvdecSetChannelDesc##name, aclvdecGetChannelDesc##name, aclvdecChannelDesc, \
         KIND_VDEC_CHANNEL, Decoder, channelDesc, value_type, value, member)

DECODER(ThreadId, uint64_t, threadId, thread)
DECODER(Callback, aclvdecCallback, callback, callback)
DECODER(EnType, acldvppStreamFormat, enType, type)
DECODER(OutPicFormat, acldvppPixelFormat, outPicFormat, format)
DECODER(OutPicWidth, uint32_t, outPicWidth, width)
DECODER(OutPicHeight, uint32_t, outPicHeight, height)
DECODER(RefFrameNum, uint32_t, refFrameNum, references)
DECODER(BitDepth, uint32_t, bitDepth, depth)
DECODER(OutMode, uint32_t, outMode, mode)

MAKER(aclvdecCreateFrameConfig, aclvdecFrameConfig, KIND_VDEC_FRAME, DecoderFrame)
DESTROYER(aclvdecDestroyFrameConfig, aclvdecFrameConfig, vdecFrameConfig, KIND_VDEC_FRAME)

MAKER(aclvencCreateChannelDesc, aclvencChannelDesc, KIND_VENC_CHANNEL, Encoder)
DESTROYER(aclvencDestroyChannelDesc, aclvencChannelDesc, channelDesc, KIND_VENC_CHANNEL)

#define ENCODER(name, value_type, value, member) \
    BOTH(aclvencSetChannelDesc##name, aclvencGetChannelDesc##name, aclvencChannelDesc, \
         KIND_VENC_CHANNEL, Encoder, channelDesc, value_type, value, member)

ENCODER(ThreadId, uint64_t, threadId, thread)
ENCODER(Callback, aclvencCallback, callback, callback)
ENCODER(EnType, acldvppStreamFormat, enType, type)
ENCODER(PicFormat, acldvppPixelFormat, picFormat, format)
ENCODER(PicWidth, uint32_t, picWidth, width)
ENCODER(PicHeight, uint32_t, picHeight, height)
ENCODER(KeyFrameInterval, uint32_t, keyFrameInterval, interval)
ENCODER(BufAddr, void *, bufAddr, buffer)
ENCODER(BufSize, uint32_t, bufSize, buffer_size)
ENCODER(RcMode, uint32_t, rcMode, rate_control)
ENCODER(SrcRate, uint32_t, srcRate, source_rate)
ENCODER(MaxBitRate, uint32_t, maxBitRate, bit_rate)

/* No channel has a number before it is created, and none is. */
uint32_t aclvencGetChannelDescChannelId(const aclvencChannelDesc *channelDesc)
{
    ENTER_AS(aclvencGetChannelDescChannelId, 0, "channelDesc=%p", (const void *)channelDesc);
    body_find(channelDesc, KIND_VENC_CHANNEL, "channelDesc", &call.status);
    return 0;
}

/* Where a parameter lies in the body, and how large it is. */
typedef struct Parameter {
    size_t offset;
    size_t size;
} Parameter;

static const Parameter parameters[] = {
#define PARAMETER(type, member) \
    [type] = {offsetof(Encoder, member), sizeof(((Encoder *)NULL)->member)}
    PARAMETER(ACL_VENC_THREAD_ID_UINT64, thread),
    PARAMETER(ACL_VENC_CALLBACK_PTR, callback),
    PARAMETER(ACL_VENC_PIXEL_FORMAT_UINT32, format),
    PARAMETER(ACL_VENC_ENCODE_TYPE_UINT32, type),
    PARAMETER(ACL_VENC_PIC_WIDTH_UINT32, width),
    PARAMETER(ACL_VENC_PIC_HEIGHT_UINT32, height),
    PARAMETER(ACL_VENC_KEY_FRAME_INTERVAL_UINT32, interval),
    PARAMETER(ACL_VENC_BUF_ADDR_PTR, buffer),
    PARAMETER(ACL_VENC_BUF_SIZE_UINT32, buffer_size),
    PARAMETER(ACL_VENC_RC_MODE_UINT32, rate_control),
    PARAMETER(ACL_VENC_SRC_RATE_UINT32, source_rate),
    PARAMETER(ACL_VENC_MAX_BITRATE_UINT32, bit_rate),
    PARAMETER(ACL_VENC_MAX_IP_PROP_UINT32, proportion),
#undef PARAMETER
};

static int check_parameter(aclvencChannelDescParamType type, size_t length, const void *param)
{
    if ((int)type < 0 || (size_t)type >= sizeof parameters / sizeof parameters[0])
        return refuse(E_PARAM, "paramType %d is not one of 0..12", (int)type);
    if (length < parameters[type].size)
        return refuse(E_PARAM, "length %zu is less than the parameter's %zu bytes", length,
                      parameters[type].size);
    return argument_check(param, "param");
}

aclError aclvencSetChannelDescParam(aclvencChannelDesc *channelDesc,
                                    aclvencChannelDescParamType paramType, size_t length,
                                    const void *param)
{
    ENTER(aclvencSetChannelDescParam, "channelDesc=%p, paramType=%d, length=%zu, param=%p",
          (void *)channelDesc, (int)paramType, length, param);
    int status;
    char *body = body_find(channelDesc, KIND_VENC_CHANNEL, "channelDesc", &status);
    if (status == E_NONE)
        status = check_parameter(paramType, length, param);
    if (status == E_NONE)
        memcpy(body + parameters[paramType].offset, param, parameters[paramType].size);
    LEAVE(status);
}

aclError aclvencGetChannelDescParam(const aclvencChannelDesc *channelDesc,
                                    aclvencChannelDescParamType paramType, size_t length,
                                    size_t *paramRetSize, void *param)
{
    ENTER(aclvencGetChannelDescParam, "channelDesc=%p, paramType=%d, length=%zu, param=%p",
          (const void *)channelDesc, (int)paramType, length, param);
    int status;
    const char *body = body_find(channelDesc, KIND_VENC_CHANNEL, "channelDesc", &status);
    if (status == E_NONE)
        status = check_parameter(paramType, length, param);
    if (status == E_NONE)
        status = argument_check(paramRetSize, "paramRetSize");
    if (status != E_NONE)
        LEAVE(status);
    *paramRetSize = parameters[paramType].size;
    memcpy(param, body + parameters[paramType].offset, parameters[paramType].size);
    LEAVE(E_NONE);
}

MAKER(aclvencCreateFrameConfig, aclvencFrameConfig, KIND_VENC_FRAME, EncoderFrame)
DESTROYER(aclvencDestroyFrameConfig, aclvencFrameConfig, config, KIND_VENC_FRAME)

#define FRAME(name, value, member) \
    BOTH(aclvencSetFrameConfig##name, aclvencGetFrameConfig##name, aclvencFrameConfig, \
         KIND_VENC_FRAME, EncoderFrame, config, uint8_t, value, member)

FRAME(ForceIFrame, forceIFrame, force)
FRAME(Eos, eos, eos)
