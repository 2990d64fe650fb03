/*
 * vpc_new: what only newer chips do (facts 11.15).
 */
#include "call/calls.h"
#include "call/message.h"
#include "dvpp/channel.h"
#include "dvpp/vpc.h"

/* The output's size is the input's, or 0, which means the same (facts 11.9). */
static int take_converted(const acldvppPicDesc *input, const acldvppPicDesc *output, Move *move)
{
    Limits reads = vpc_reads();
    Limits writes = vpc_writes();
    Picture *to = &move->to;
    int status = picture_take(input, "inputDesc", &move->from);

    if (status == E_NONE)
        status = picture_take(output, "outputDesc", to);
    if (status == E_NONE && !(layout_is_read(move->from.layout) && layout_is_written(to->layout)))
        status = refuse(E_FORMAT, "VPC does not make format %u of format %u", to->format,
                        move->from.format);
    if (status == E_NONE)
        status = picture_check(&move->from, &reads);
    if (status != E_NONE)
        return status;
    to->width = to->width == 0 ? move->from.width : to->width;
    to->height = to->height == 0 ? move->from.height : to->height;
    if (to->width != move->from.width || to->height != move->from.height)
        return refuse(E_PARAM, "outputDesc is %u * %u, and inputDesc %u * %u", to->width,
                      to->height, move->from.width, move->from.height);
    picture_complete(to, &writes);
    move->cut = (Region){0, to->width - 1, 0, to->height - 1};
    move->paste = move->cut;
    return picture_check(to, &writes);
}

aclError acldvppVpcConvertColorAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                     acldvppPicDesc *outputDesc, aclrtStream stream)
{
    ENTER(acldvppVpcConvertColorAsync, "channelDesc=%p, inputDesc=%p, outputDesc=%p, stream=%p",
          (void *)channelDesc, (void *)inputDesc, (void *)outputDesc, stream);
    Move move = {.algorithm = RESIZE_BILINEAR};
    if (chip_is_old())
        LEAVE(refuse(E_FEATURE_UNSUPPORTED, "this chip converts no colours"));
    int status = channel_need(channelDesc, &move.matrix);
    if (status == E_NONE)
        status = take_converted(inputDesc, outputDesc, &move);
    LEAVE(status != E_NONE ? status : moves_queue(channelDesc, &move, 1, stream));
}

/* The picture inside the border has the input's size. */
static int check_bordered(const Move *move)
{
    const Border *border = &move->border;

    if (move->from.width + border->left + border->right == move->to.width &&
        move->from.height + border->top + border->bottom == move->to.height)
        return E_NONE;
    return refuse(E_PARAM,
                  "outputDesc is %u * %u; inputDesc of %u * %u with borders of %u, %u, %u, %u is "
                  "not",
                  move->to.width, move->to.height, move->from.width, move->from.height,
                  border->left, border->right, border->top, border->bottom);
}

aclError acldvppVpcMakeBorderAsync(const acldvppChannelDesc *channelDesc,
                                   const acldvppPicDesc *inputDesc, acldvppPicDesc *outputDesc,
                                   const acldvppBorderConfig *borderConfig, aclrtStream stream)
{
    ENTER(acldvppVpcMakeBorderAsync,
          "channelDesc=%p, inputDesc=%p, outputDesc=%p, borderConfig=%p, stream=%p",
          (const void *)channelDesc, (const void *)inputDesc, (void *)outputDesc,
          (const void *)borderConfig, stream);
    MoveWanted wanted = {
        .input = inputDesc, .output = outputDesc, .border = borderConfig, .borders = true};
    Move move = {.algorithm = RESIZE_BILINEAR};
    if (chip_is_old())
        LEAVE(refuse(E_FEATURE_UNSUPPORTED, "this chip makes no borders"));
    int status = channel_need(channelDesc, &move.matrix);
    if (status == E_NONE)
        status = move_take(&wanted, &move);
    if (status == E_NONE)
        status = check_bordered(&move);
    LEAVE(status != E_NONE ? status : moves_queue(channelDesc, &move, 1, stream));
}
