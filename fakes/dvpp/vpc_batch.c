/*
 * vpc_batch: many regions of many pictures in one call (facts 11.14).
 */
#include <stdlib.h>

#include "call/calls.h"
#include "call/message.h"
#include "dvpp/channel.h"
#include "dvpp/configs.h"
#include "dvpp/vpc.h"
#include "memory/host_memory.h"

enum { REGIONS_MOST = 256 };

/* A call, as it comes in; the arrays that a function does not have are NULL. */
typedef struct BatchWanted {
    const acldvppBatchPicDesc *from;
    const uint32_t *counts;     /* of regions, for each input */
    uint32_t size;
    const acldvppBatchPicDesc *to;
    acldvppRoiConfig *const *crops;
    acldvppRoiConfig *const *pastes;
    acldvppBorderConfig *const *borders;
    const acldvppResizeConfig *resize;
    bool pasting;
    bool bordering;
    bool resizing;
} BatchWanted;

/* The pictures of both sides, and how many moves there are. */
typedef struct Pictures {
    acldvppPicDesc *const *from;
    acldvppPicDesc *const *to;
    uint32_t total;
} Pictures;

static int count_regions(const BatchWanted *wanted, uint32_t *total)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < wanted->size; i++) {
        if (wanted->counts[i] == 0)
            return refuse(E_PARAM, "roiNums[%u] is 0", i);
        sum += wanted->counts[i];
    }
    *total = (uint32_t)sum;
    return sum <= REGIONS_MOST ? E_NONE
                               : refuse(E_PARAM, "roiNums make %llu regions, more than %d",
                                        (unsigned long long)sum, REGIONS_MOST);
}

static int check_arrays(const BatchWanted *wanted)
{
    int status = argument_check(wanted->crops, "cropAreas");

    if (status == E_NONE && wanted->pasting)
        status = argument_check(wanted->pastes, "pasteAreas");
    if (status == E_NONE && wanted->bordering)
        status = argument_check(wanted->borders, "borderCfgs");
    return status != E_NONE ? status : argument_check(wanted->counts, "roiNums");
}

static int find_pictures(const BatchWanted *wanted, Pictures *pictures)
{
    uint32_t inputs = 0;
    uint32_t outputs = 0;
    int status = batch_need(wanted->from, "srcBatchPicDescs", &inputs, &pictures->from);

    if (status == E_NONE)
        status = batch_need(wanted->to, "dstBatchPicDescs", &outputs, &pictures->to);
    if (status == E_NONE)
        status = check_arrays(wanted);
    if (status == E_NONE && (wanted->size == 0 || wanted->size > inputs))
        status = refuse(E_PARAM, "size %u is not from 1 to the %u inputs", wanted->size, inputs);
    if (status == E_NONE)
        status = count_regions(wanted, &pictures->total);
    if (status == E_NONE && pictures->total > outputs)
        status = refuse(E_PARAM, "roiNums make %u regions, and dstBatchPicDescs has %u pictures",
                        pictures->total, outputs);
    return status;
}

static int take_move(const BatchWanted *wanted, const Pictures *pictures, uint32_t input,
                     uint32_t region, Move *move)
{
    MoveWanted one = {.input = pictures->from[input],
                      .output = pictures->to[region],
                      .crop = wanted->crops[region],
                      .crops = true,
                      .pastes = wanted->pasting,
                      .borders = wanted->bordering};

    if (wanted->pasting)
        one.paste = wanted->pastes[region];
    if (wanted->bordering)
        one.border = wanted->borders[region];
    return move_take(&one, move);
}

static int take_moves(const BatchWanted *wanted, const Pictures *pictures, const Move *like,
                      Move *moves)
{
    uint32_t region = 0;

    for (uint32_t input = 0; input < wanted->size; input++)
        for (uint32_t i = 0; i < wanted->counts[input]; i++, region++) {
            moves[region] = *like;
            int status = take_move(wanted, pictures, input, region, &moves[region]);
            if (status != E_NONE)
                return status;
        }
    return E_NONE;
}

static int batch(const acldvppChannelDesc *channel, const BatchWanted *wanted, aclrtStream stream)
{
    Move like = {.algorithm = RESIZE_DEFAULT};
    Pictures pictures;
    int status = channel_need(channel, &like.matrix);

    if (status == E_NONE)
        status = find_pictures(wanted, &pictures);
    if (status == E_NONE && wanted->resizing)
        status = resize_take(wanted->resize, &like.algorithm);
    if (status != E_NONE)
        return status;
    Move *moves = malloc(pictures.total * sizeof *moves);
    if (moves == NULL)
        return refuse(E_BAD_ALLOC, "no memory for %u operations", pictures.total);
    status = take_moves(wanted, &pictures, &like, moves);
    if (status == E_NONE)
        status = moves_queue(channel, moves, pictures.total, stream);
    free(moves);
    return status;
}

#define TRACED \
    "channelDesc=%p, srcBatchPicDescs=%p, roiNums=%p, size=%u, dstBatchPicDescs=%p, stream=%p", \
        (void *)channelDesc, (void *)srcBatchPicDescs, (void *)roiNums, size, \
        (void *)dstBatchPicDescs, stream
#define WANTED(...) \
    BatchWanted wanted = {.from = srcBatchPicDescs, \
                          .counts = roiNums, \
                          .size = size, \
                          .to = dstBatchPicDescs, \
                          .crops = cropAreas, \
                          __VA_ARGS__}

aclError acldvppVpcBatchCropAsync(acldvppChannelDesc *channelDesc,
                                  acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
                                  uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs,
                                  acldvppRoiConfig *cropAreas[], aclrtStream stream)
{
    ENTER(acldvppVpcBatchCropAsync, TRACED);
    WANTED(.resizing = false);
    LEAVE(batch(channelDesc, &wanted, stream));
}

aclError acldvppVpcBatchCropResizeAsync(acldvppChannelDesc *channelDesc,
                                        acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
                                        uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs,
                                        acldvppRoiConfig *cropAreas[],
                                        acldvppResizeConfig *resizeConfig, aclrtStream stream)
{
    ENTER(acldvppVpcBatchCropResizeAsync, TRACED);
    WANTED(.resize = resizeConfig, .resizing = true);
    LEAVE(batch(channelDesc, &wanted, stream));
}

aclError acldvppVpcBatchCropAndPasteAsync(acldvppChannelDesc *channelDesc,
                                          acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
                                          uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs,
                                          acldvppRoiConfig *cropAreas[],
                                          acldvppRoiConfig *pasteAreas[], aclrtStream stream)
{
    ENTER(acldvppVpcBatchCropAndPasteAsync, TRACED);
    WANTED(.pastes = pasteAreas, .pasting = true);
    LEAVE(batch(channelDesc, &wanted, stream));
}

aclError acldvppVpcBatchCropResizePasteAsync(
    acldvppChannelDesc *channelDesc, acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
    uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs, acldvppRoiConfig *cropAreas[],
    acldvppRoiConfig *pasteAreas[], acldvppResizeConfig *resizeConfig, aclrtStream stream)
{
    ENTER(acldvppVpcBatchCropResizePasteAsync, TRACED);
    WANTED(.pastes = pasteAreas, .pasting = true, .resize = resizeConfig, .resizing = true);
    LEAVE(batch(channelDesc, &wanted, stream));
}

aclError acldvppVpcBatchCropResizeMakeBorderAsync(
    acldvppChannelDesc *channelDesc, acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
    uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs, acldvppRoiConfig *cropAreas[],
    acldvppBorderConfig *borderCfgs[], acldvppResizeConfig *resizeConfig, aclrtStream stream)
{
    ENTER(acldvppVpcBatchCropResizeMakeBorderAsync, TRACED);
    WANTED(.borders = borderCfgs, .bordering = true, .resize = resizeConfig, .resizing = true);
    if (chip_is_old())
        LEAVE(refuse(E_FEATURE_UNSUPPORTED, "this chip makes no borders"));
    LEAVE(batch(channelDesc, &wanted, stream));
}
