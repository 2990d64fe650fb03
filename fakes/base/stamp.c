#include "base/stamp.h"

#include <stdatomic.h>
#include <sys/random.h>
#include <unistd.h>

enum { STAMPS = 0x3FFFFFFF };

uint64_t process_stamp(void)
{
    static atomic_uint_fast64_t made;       /* the number, and whose it is */
    uint_fast64_t before = atomic_load(&made);
    uint32_t number = 0;

    if ((uint32_t)before == (uint32_t)getpid())
        return before >> 32 << 32;
    while (getrandom(&number, sizeof number, 0) != sizeof number || (number & STAMPS) == 0)
        continue;
    uint64_t own = (uint64_t)(number & STAMPS) << 32 | (uint32_t)getpid();
    if (!atomic_compare_exchange_strong(&made, &before, own))
        own = before;           /* another thread was first */
    return own >> 32 << 32;
}
