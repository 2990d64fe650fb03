/*
 * vpc: what all functions of VPC check of one move (facts 11.5-11.8).
 */
#ifndef FAKE_VPC_H
#define FAKE_VPC_H

#include "dvpp/operation.h"

/* What one move is made of, as a call gives it; NULL: not this function's. */
typedef struct MoveWanted {
    const acldvppPicDesc *input;
    const acldvppPicDesc *output;
    const acldvppRoiConfig *crop;
    const acldvppRoiConfig *paste;
    const acldvppBorderConfig *border;
    bool crops;
    bool pastes;
    bool borders;
} MoveWanted;

/* Takes and checks it: 0, or a status. Algorithm and matrix are the caller's. */
int move_take(const MoveWanted *wanted, Move *move);

#endif
