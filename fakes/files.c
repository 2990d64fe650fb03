#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codes.h"
#include "host_memory.h"
#include "message.h"

enum { MAGIC_SIZE = 4 };

static const unsigned char zip[MAGIC_SIZE] = {'P', 'K', 3, 4};

/* A descriptor of a regular file and its size, or -1 after a message. */
static int open_file(const char *path, size_t *size)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would wait */

    if (file < 0) {
        refuse(E_GE_PATH, "cannot open \"%s\": %s", path, strerror(errno));
        return -1;
    }
    if (fstat(file, &about) == 0 && S_ISREG(about.st_mode)) {
        *size = (size_t)about.st_size;
        return file;
    }
    refuse(E_GE_PATH, "\"%s\" is no file", path);
    close(file);
    return -1;
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
    size_t size;
    int status = argument_check(path, "the path");

    if (status != E_NONE)
        return status;
    int file = open_file(path, &size);
    if (file < 0)
        return E_GE_PATH;
    if (size < MAGIC_SIZE || !read_all(file, first, MAGIC_SIZE))
        status = refuse(E_GE_DATA_SIZE, "\"%s\" has %zu bytes, which is no "
                        "model", path, size);
    close(file);
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
        return refuse(E_GE_DATA_SIZE, "modelSize is %zu, which is no model",
                      size);
    return route_bytes(model, route);
}

int refuse_om2(void)
{
    return refuse(E_NOT_SUPPORTED, "this is a ZIP file (an OM2 model), which "
                  "is not supported here");
}

int file_read(const char *path, unsigned char **data, size_t *size)
{
    int status = E_NONE;
    int file = open_file(path, size);

    if (file < 0)
        return E_GE_PATH;
    *data = malloc(*size + 1);
    if (*data == NULL)
        status = refuse(E_GE_MEMORY, "no memory for the %zu bytes of \"%s\"",
                        *size, path);
    else if (!read_all(file, *data, *size))
        status = refuse(GE_FAILED, "\"%s\" broke off while it was read",
                        path);
    close(file);
    if (status != E_NONE) {
        free(*data);
        *data = NULL;
    }
    return status;
}
