/*
 * decode: what all decoders have in common.
 *
 * Where no library is found that could decode, a call says so at once.
 */
#ifndef FAKE_DECODE_H
#define FAKE_DECODE_H

#include "dvpp/operation.h"

/* The checks that a decoder's call makes of its arguments: 0, or a status. */
int decode_take(const acldvppChannelDesc *channel, const void *data, uint32_t size,
                const acldvppPicDesc *output, Coded *coded);

/* Puts decoded pixels into the picture's memory: 0, or a status. */
int decode_put(const View *from, const Picture *picture);

#endif
