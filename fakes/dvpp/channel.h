/*
 * channel: channel descriptions, and whether the channel behind one is there.
 */
#ifndef FAKE_CHANNEL_H
#define FAKE_CHANNEL_H

#include "base/acl.h"

/*
 * Checks the channel of an operation: 0, or a status. *matrix, where it is
 * asked for, gets the number of the channel's colour matrix.
 */
int channel_need(const acldvppChannelDesc *channelDesc, unsigned *matrix);

#endif
