#include "base/share_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "acl-fake-%c-%08x-%08x-"

void share_key_write(ShareKind kind, const SharePlace *place, char key[SHARE_KEY])
{
    int at = snprintf(key, SHARE_KEY, FORMAT, (char)kind, place->process, place->file);

    for (size_t i = 0; i < SHARE_TAG && at + 2 < SHARE_KEY; i++)
        at += snprintf(key + at, SHARE_KEY - (size_t)at, "%02x", place->tag[i]);
}

bool share_key_read(ShareKind kind, const char *key, SharePlace *place)
{
    char letter = 0;
    int at = 0;

    if (strnlen(key, SHARE_KEY) >= SHARE_KEY ||
        sscanf(key, FORMAT "%n", &letter, &place->process, &place->file, &at) != 3 ||
        letter != (char)kind || strlen(key + at) != (size_t)SHARE_TAG * 2)
        return false;
    for (size_t i = 0; i < SHARE_TAG; i++)
        if (sscanf(key + at + 2 * i, "%2hhx", &place->tag[i]) != 1)
            return false;
    return true;
}

static const char *reason_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "is of a process that this one may not look into: it is another user's";
    case EMFILE:
    case ENFILE:
        return "cannot be opened: this process has no file descriptor left";
    default:
        return "is no longer there: the process that made it has closed it or has ended";
    }
}

static int open_path(unsigned process, unsigned file, int flags, const char **why)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%u/fd/%u", process, file);
    int opened = open(path, flags | O_CLOEXEC);
    if (opened < 0)
        *why = reason_of(errno);
    return opened;
}

static bool may_be(int opened, size_t size, bool (*is_open)(const struct stat *about))
{
    struct stat about;

    return fstat(opened, &about) == 0 && S_ISREG(about.st_mode) && about.st_size == (off_t)size &&
           !is_open(&about);
}

static bool has_tag(int file, const SharePlace *place)
{
    unsigned char tag[SHARE_TAG];

    return pread(file, tag, SHARE_TAG, 0) == SHARE_TAG && memcmp(tag, place->tag, SHARE_TAG) == 0;
}

/*
 * Of this process no file is tried, and of another one its place alone is opened first: with
 * O_PATH, which stands for the same file from then on, and whose close ends no lock.
 */
int share_key_open(const SharePlace *place, size_t size, bool (*is_open)(const struct stat *about),
                   const char **why)
{
    int file = -1;

    *why = reason_of(0);
    if (place->process == (unsigned)getpid())
        return -1;
    int opened = open_path(place->process, place->file, O_PATH, why);
    if (opened < 0)
        return -1;
    if (may_be(opened, size, is_open))
        file = open_path((unsigned)getpid(), (unsigned)opened, O_RDWR, why);
    close(opened);
    if (file < 0 || has_tag(file, place))
        return file;
    close(file);
    return -1;
}
