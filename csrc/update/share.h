/* A share of a transfer: what one thread moves at once. */
#ifndef AB_SHARE_H
#define AB_SHARE_H

#include <stddef.h>

#include "acl/acl_types.h"
#include "numbers/ab_convert.h"
#include "update/send.h"

/* Some bytes of one large weight, counted on the device's side. */
typedef struct share {
    size_t item;
    size_t start;
    size_t nbytes;
} share;

aclError share_move(const transfer *t, const share *s, char *staging, size_t stagingSize,
                    ab_counts *counts);

#endif
