/* The small weights of a transfer. */
#ifndef AB_PACK_H
#define AB_PACK_H

#include <stdint.h>

#include "update/send.h"

int64_t transfer_small(const transfer *t);

#endif
