/* The large weights of a transfer. */
#ifndef AB_POOL_H
#define AB_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "update/send.h"

int64_t transfer_large(const transfer *t, size_t threads);

#endif
