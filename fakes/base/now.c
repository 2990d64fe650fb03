#include "base/now.h"

#include <time.h>

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 1;
}

uint64_t deadline_of(int32_t timeout_ms)
{
    return timeout_ms < 0 ? 0 : now_ns() + (uint64_t)timeout_ms * 1000000u;
}
