/*
 * operation: work of a unit, in a stream's queue.
 *
 * One task does one piece of work or, for the batch functions, many.
 */
#ifndef FAKE_OPERATION_H
#define FAKE_OPERATION_H

#include "image/move.h"
#include "dvpp/picture.h"

/* A part of one picture moves to a part of another. */
typedef struct Move {
    Picture from;
    Picture to;
    Region cut;
    Region paste;
    Border border;              /* inside of paste; all sides 0: none */
    Algorithm algorithm;
    unsigned matrix;
} Move;

/* Bytes of a file become a picture, or a picture such bytes. */
typedef struct Coded {
    const void *data;
    uint32_t size;
    uint32_t *written;          /* encoding: where the size goes */
    uint32_t level;
    Picture picture;
} Coded;

/* Does a piece of work: 0, or a status, after a message. */
typedef int Coder(Coded *code, unsigned char *bytes);

/* Queues the moves, of which a copy is taken, and the channel's use. */
int moves_queue(const acldvppChannelDesc *channel, const Move *moves, size_t count,
                aclrtStream stream);

/* Queues a decoder or an encoder, which gets the bytes of code->data. */
int code_queue(const acldvppChannelDesc *channel, const Coded *code, Coder *coder,
               aclrtStream stream);

#endif
