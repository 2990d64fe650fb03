#include "file/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codes.h"
#include "call/message.h"
#include "memory/host_memory.h"

enum { MAGIC_SIZE = 4 };

static const unsigned char zip[MAGIC_SIZE] = {'P', 'K', 3, 4};

/* A file that was opened: its descriptor and size. */
typedef struct OpenFile {
    int file;
    size_t size;
} OpenFile;

/*
 * Opens a regular file, and never waits for a FIFO: 0, or a status. ACL reads
 * a folder's 0 bytes and fails on them.
 */
static int open_file(const char *path, OpenFile *opened)
{
    struct stat about = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (file < 0)
        return refuse(E_GE_PATH, "cannot open \"%s\": %s", path, strerror(errno));
    if (fstat(file, &about) == 0 && S_ISREG(about.st_mode)) {
        *opened = (OpenFile){file, (size_t)about.st_size};
        return E_NONE;
    }
    close(file);
    return S_ISDIR(about.st_mode) ? refuse(E_GE, "\"%s\" is a folder, not a file", path)
                                  : refuse(E_GE_PATH, "\"%s\" is no file", path);
}

/* Reads exactly size bytes. */
static bool read_all(int file, unsigned char *data, size_t size)
{
    while (size > 0) {
        ssize_t got = read(file, data, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        data += got;
        size -= (size_t)got;
    }
    return true;
}

static int route_bytes(const unsigned char *first, Route *route)
{
    route->om2 = memcmp(first, zip, MAGIC_SIZE) == 0;
    return E_NONE;
}

int route_path(const char *path, Route *route)
{
    unsigned char first[MAGIC_SIZE];
    OpenFile opened;
    int status = argument_check(path, "the path");

    if (status == E_NONE)
        status = open_file(path, &opened);
    if (status != E_NONE)
        return status;
    if (opened.size < MAGIC_SIZE || !read_all(opened.file, first, MAGIC_SIZE))
        status = refuse(E_GE_DATA_SIZE,
                        "\"%s\" has %zu bytes, which is no "
                        "model",
                        path, opened.size);
    close(opened.file);
    return status != E_NONE ? status : route_bytes(first, route);
}

int route_memory(const void *model, size_t size, Route *route)
{
    int status = argument_check(model, "model");

    if (status != E_NONE)
        return status;
    if (size == 0)
        return refuse(E_PARAM, "modelSize is 0");
    if (size < MAGIC_SIZE)
        return refuse(E_GE_DATA_SIZE, "modelSize is %zu, which is no model", size);
    return route_bytes(model, route);
}

int refuse_om2(void)
{
    return refuse(E_NOT_SUPPORTED, "this is a ZIP file (an OM2 model), which "
                                   "is not supported here");
}

int file_read(const char *path, unsigned char **data, size_t *size)
{
    OpenFile opened;
    int status = open_file(path, &opened);

    if (status != E_NONE)
        return status;
    *size = opened.size;
    *data = malloc(opened.size + 1);
    if (*data == NULL)
        status = refuse(E_GE_MEMORY, "no memory for the %zu bytes of \"%s\"", opened.size, path);
    else if (!read_all(opened.file, *data, opened.size))
        status = refuse(GE_FAILED, "\"%s\" broke off while it was read", path);
    close(opened.file);
    if (status != E_NONE) {
        free(*data);
        *data = NULL;
    }
    return status;
}
