/*
 * starved: what the fake says when the host has no memory left.
 *
 * The allocators below take the C library's place for the whole process; while
 * starving they give nothing. Prints "function status text" for calls that
 * need memory, then what the fake lists as unexplained.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "acl/acl_types.h"
#include "acl/acl_api.h"
#include "aclfake.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool starving;

void *malloc(size_t size)
{
    return starving ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return starving ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return starving ? NULL : __libc_realloc(old, size);
}

static void tell(const char *function, int status)
{
    starving = false;
    const char *text = aclGetRecentErrMsg();
    printf("%s %d %s\n", function, status, text != NULL ? text : "");
    starving = true;
}

#define TELL(name, ...) tell(#name, name(__VA_ARGS__))

int main(void)
{
    char bytes[64] = {0};
    char unexplained[8192];
    void *device = NULL;
    aclrtStream stream = NULL;
    aclrtEvent event = NULL;
    aclrtContext context = NULL;

    if (aclInit(NULL) != 0 || aclrtSetDevice(0) != 0 ||
        aclrtMalloc(&device, 64, 0) != 0 ||
        aclrtCreateStream(&stream) != 0)
        return 1;
    starving = true;
    TELL(aclrtMemsetAsync, device, 64, 0, 64, stream);
    TELL(aclrtMemcpyAsync, device, 64, device, 0, ACL_MEMCPY_DEFAULT, stream);
    TELL(aclrtCreateStream, &stream);
    TELL(aclrtCreateEvent, &event);
    TELL(aclrtCreateContext, &context, 0);
    TELL(aclrtLaunchHostFunc, stream, NULL, NULL);
    TELL(aclmdlLoadFromMem, bytes, sizeof bytes, (uint32_t *)bytes);
    starving = false;
    aclfakeRead("unexplained", unexplained, sizeof unexplained);
    printf("%s", unexplained);
    return 0;
}
