/*
 * libFuzzer: whatever the configuration of aclInit says, the answer is a
 * status. The text goes through a file in memory, as a user's does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/acl.h"
#include "aclfake.h"

static void must(int good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    char path[64];

    if (file < 0)
        must((file = memfd_create("config", MFD_CLOEXEC)) >= 0);
    must(ftruncate(file, 0) == 0);
    must(pwrite(file, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    aclfakeReset();
    if (aclInit(path) == 0) {
        must(aclrtSetDevice(0) == 0);
        must(aclFinalize() == 0);
    }
    return 0;
}
