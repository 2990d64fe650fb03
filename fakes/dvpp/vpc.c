#include "dvpp/vpc.h"

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "dvpp/channel.h"
#include "dvpp/configs.h"

enum { PASTE_STEP = 16, SCALE_DOWN = 32, SCALE_UP = 16 };

static Region whole(const Picture *picture)
{
    return (Region){0, picture->width - 1, 0, picture->height - 1};
}

static int check_formats(const Move *move)
{
    if (!layout_is_read(move->from.layout))
        return refuse(E_FORMAT, "VPC does not read format %u of inputDesc", move->from.format);
    if (!layout_is_written(move->to.layout))
        return refuse(E_FORMAT, "VPC does not write format %u of outputDesc%s", move->to.format,
                      chip_is_old() ? ", on this chip" : "");
    return E_NONE;
}

static int take_pictures(const MoveWanted *wanted, Move *move)
{
    Limits reads = vpc_reads();
    Limits writes = vpc_writes();
    int status = picture_take(wanted->input, "inputDesc", &move->from);

    if (status == E_NONE)
        status = picture_take(wanted->output, "outputDesc", &move->to);
    if (status == E_NONE)
        status = check_formats(move);
    if (status == E_NONE)
        status = picture_check(&move->from, &reads);
    if (status != E_NONE)
        return status;
    picture_complete(&move->to, &writes);
    return picture_check(&move->to, &writes);
}

static int take_region(const acldvppRoiConfig *config, const char *argument, const Picture *picture,
                       Region *region)
{
    int status = roi_take(config, argument, region);

    return status != E_NONE ? status : region_check(region, argument, picture);
}

static int check_paste(const Region *region)
{
    if (region->left % PASTE_STEP == 0)
        return E_NONE;
    return violate(V_REGION, "pasteArea has left %u, not a multiple of %d", region->left,
                   PASTE_STEP);
}

static int take_regions(const MoveWanted *wanted, Move *move)
{
    int status = E_NONE;

    move->cut = whole(&move->from);
    move->paste = whole(&move->to);
    if (wanted->crops)
        status = take_region(wanted->crop, "cropArea", &move->from, &move->cut);
    if (status == E_NONE && wanted->pastes)
        status = take_region(wanted->paste, "pasteArea", &move->to, &move->paste);
    if (status == E_NONE && wanted->pastes)
        status = check_paste(&move->paste);
    return status;
}

static int take_border(const MoveWanted *wanted, Move *move)
{
    Border *border = &move->border;
    int status = wanted->borders ? border_take(wanted->border, "borderConfig", border) : E_NONE;

    if (status != E_NONE)
        return status;
    uint64_t across = (uint64_t)border->left + border->right;
    uint64_t down = (uint64_t)border->top + border->bottom;
    if (across >= move->to.width || down >= move->to.height)
        return violate(V_REGION, "borders of %u, %u, %u, %u leave nothing of outputDesc of %u * %u",
                       border->left, border->right, border->top, border->bottom, move->to.width,
                       move->to.height);
    if ((move->to.layout->across != 0 && border->left % 2 != 0) ||
        (move->to.layout->down != 0 && border->top % 2 != 0))
        return violate(V_REGION, "a border of left %u, top %u is odd where chroma is halved",
                       border->left, border->top);
    return E_NONE;
}

static bool scales(uint64_t from, uint64_t to)
{
    return to * SCALE_DOWN >= from && to <= from * SCALE_UP;
}

static int check_scale(const Move *move)
{
    uint32_t from[] = {region_width(&move->cut), region_height(&move->cut)};
    uint32_t to[] = {region_width(&move->paste) - move->border.left - move->border.right,
                     region_height(&move->paste) - move->border.top - move->border.bottom};

    if (scales(from[0], to[0]) && scales(from[1], to[1]))
        return E_NONE;
    return violate(V_SCALE, "%u * %u becomes %u * %u", from[0], from[1], to[0], to[1]);
}

int move_take(const MoveWanted *wanted, Move *move)
{
    int status = take_pictures(wanted, move);

    if (status == E_NONE)
        status = take_regions(wanted, move);
    if (status == E_NONE)
        status = take_border(wanted, move);
    return status != E_NONE ? status : check_scale(move);
}

/* resize: the function has an argument resizeConfig. */
static int one(const acldvppChannelDesc *channel, const MoveWanted *wanted, bool resize,
               const acldvppResizeConfig *config, aclrtStream stream)
{
    Move move = {.algorithm = RESIZE_DEFAULT};
    int status = channel_need(channel, &move.matrix);

    if (status == E_NONE && resize)
        status = resize_take(config, &move.algorithm);
    if (status == E_NONE)
        status = move_take(wanted, &move);
    return status != E_NONE ? status : moves_queue(channel, &move, 1, stream);
}

aclError acldvppVpcResizeAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                               acldvppPicDesc *outputDesc, acldvppResizeConfig *resizeConfig,
                               aclrtStream stream)
{
    ENTER(acldvppVpcResizeAsync,
          "channelDesc=%p, inputDesc=%p, outputDesc=%p, resizeConfig=%p, stream=%p",
          (void *)channelDesc, (void *)inputDesc, (void *)outputDesc, (void *)resizeConfig, stream);
    MoveWanted wanted = {.input = inputDesc, .output = outputDesc};
    LEAVE(one(channelDesc, &wanted, true, resizeConfig, stream));
}

aclError acldvppVpcCropAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                             acldvppPicDesc *outputDesc, acldvppRoiConfig *cropArea,
                             aclrtStream stream)
{
    ENTER(acldvppVpcCropAsync,
          "channelDesc=%p, inputDesc=%p, outputDesc=%p, cropArea=%p, stream=%p",
          (void *)channelDesc, (void *)inputDesc, (void *)outputDesc, (void *)cropArea, stream);
    MoveWanted wanted = {.input = inputDesc, .output = outputDesc, .crop = cropArea, .crops = true};
    LEAVE(one(channelDesc, &wanted, false, NULL, stream));
}

aclError acldvppVpcCropResizeAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                   acldvppPicDesc *outputDesc, acldvppRoiConfig *cropArea,
                                   acldvppResizeConfig *resizeConfig, aclrtStream stream)
{
    ENTER(acldvppVpcCropResizeAsync,
          "channelDesc=%p, inputDesc=%p, outputDesc=%p, cropArea=%p, resizeConfig=%p, stream=%p",
          (void *)channelDesc, (void *)inputDesc, (void *)outputDesc, (void *)cropArea,
          (void *)resizeConfig, stream);
    MoveWanted wanted = {.input = inputDesc, .output = outputDesc, .crop = cropArea, .crops = true};
    LEAVE(one(channelDesc, &wanted, true, resizeConfig, stream));
}

aclError acldvppVpcCropAndPasteAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                     acldvppPicDesc *outputDesc, acldvppRoiConfig *cropArea,
                                     acldvppRoiConfig *pasteArea, aclrtStream stream)
{
    ENTER(acldvppVpcCropAndPasteAsync,
          "channelDesc=%p, inputDesc=%p, outputDesc=%p, cropArea=%p, pasteArea=%p, stream=%p",
          (void *)channelDesc, (void *)inputDesc, (void *)outputDesc, (void *)cropArea,
          (void *)pasteArea, stream);
    MoveWanted wanted = {.input = inputDesc,
                         .output = outputDesc,
                         .crop = cropArea,
                         .paste = pasteArea,
                         .crops = true,
                         .pastes = true};
    LEAVE(one(channelDesc, &wanted, false, NULL, stream));
}

aclError acldvppVpcCropResizePasteAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                        acldvppPicDesc *outputDesc, acldvppRoiConfig *cropArea,
                                        acldvppRoiConfig *pasteArea,
                                        acldvppResizeConfig *resizeConfig, aclrtStream stream)
{
    ENTER(acldvppVpcCropResizePasteAsync,
          "channelDesc=%p, inputDesc=%p, outputDesc=%p, cropArea=%p, pasteArea=%p, "
          "resizeConfig=%p, stream=%p",
          (void *)channelDesc, (void *)inputDesc, (void *)outputDesc, (void *)cropArea,
          (void *)pasteArea, (void *)resizeConfig, stream);
    MoveWanted wanted = {.input = inputDesc,
                         .output = outputDesc,
                         .crop = cropArea,
                         .paste = pasteArea,
                         .crops = true,
                         .pastes = true};
    LEAVE(one(channelDesc, &wanted, true, resizeConfig, stream));
}
