/* A program whose host touches what only the device can, or what is no memory at all. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "prelude.h"

static void own(int number)
{
    static const char text[] = "own handler\n";

    (void)number;
    fwrite(text, 1, sizeof text - 1, stdout);
    fflush(stdout);
    _Exit(3);
}

/* Not inlined, so that it has its place. */
__attribute__((noinline)) int touch(const volatile char *address)
{
    return *address;
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";
    void *device = NULL;

    if (strcmp(what, "own") == 0)
        signal(SIGSEGV, own);
    aclInit(NULL);
    aclrtSetDevice(0);
    aclrtMalloc(&device, 64, ACL_MEM_MALLOC_HUGE_FIRST);
    if (strcmp(what, "freed") == 0)
        aclrtFree(device);
    if (strcmp(what, "handle") == 0)
        device = aclmdlCreateDataset();
    if (strcmp(what, "null") == 0)
        device = NULL;
    printf("touches\n");
    fflush(stdout);
    if (strcmp(what, "sent") == 0)
        raise(SIGSEGV);
    return touch(device);
}
