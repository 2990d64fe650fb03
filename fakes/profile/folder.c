#include "profile/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/codes.h"
#include "call/message.h"

enum { LINE_SIZE = 8192 };

static bool is_folder(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool make_one(const char *path)
{
    if (mkdir(path, 0750) == 0)
        return true;
    if (errno == EEXIST && !is_folder(path))
        errno = ENOTDIR;
    return is_folder(path);
}

bool folder_make(const char *path)
{
    char part[PATH_MAX];
    size_t length = strlen(path);

    if (length >= sizeof part)
        return errno = ENAMETOOLONG, false;
    memcpy(part, path, length + 1);
    for (char *at = part + 1; *at != '\0'; at++)
        if (*at == '/') {
            *at = '\0';
            if (!make_one(part))
                return false;
            *at = '/';
        }
    return make_one(part);
}

static int refuse_file(const char *path)
{
    return refuse(E_FILE, "%s cannot be made: %s", path, strerror(errno));
}

/* One file in a folder of its own: 0, or 100003. */
static int open_file(const char *folder, const char *name, const char *file, int *opened)
{
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path ||
        !folder_make(path))
        return refuse_file(path);
    size_t length = strlen(path);
    if ((size_t)snprintf(path + length, sizeof path - length, "/%s", file) >= sizeof path - length)
        return errno = ENAMETOOLONG, refuse_file(path);
    *opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    return *opened >= 0 ? E_NONE : refuse_file(path);
}

int folder_open(Folder *folder, const char *path, unsigned number, uint64_t devices)
{
    char whole[PATH_MAX];
    char name[64];
    char when[32];
    time_t now = time(NULL);
    struct tm parts;

    for (int i = 0; i < FILES_MAX; i++)
        folder->file[i] = -1;
    strftime(when, sizeof when, "%Y%m%d%H%M%S", localtime_r(&now, &parts));
    snprintf(name, sizeof name, "PROF_%06u_%s_%d", number, when, (int)getpid());
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s", path, name) >= sizeof whole)
        return errno = ENAMETOOLONG, refuse_file(path);
    int status = open_file(whole, "host", "calls.jsonl", &folder->file[HOST_FILE]);
    for (int i = 0; i < DEVICES_MAX && status == E_NONE; i++) {
        if ((devices >> i & 1) == 0)
            continue;
        snprintf(name, sizeof name, "device_%d", i);
        status = open_file(whole, name, "tasks.jsonl", &folder->file[i]);
    }
    for (int i = 0; i < FILES_MAX && status != E_NONE; i++)
        folder_close(folder, i);
    return status;
}

void folder_write(const Folder *folder, const Record *record)
{
    bool of_host = record->kind == RECORD_CALL || record->kind == RECORD_MARK;
    int file = folder->file[of_host ? HOST_FILE : record->device];
    char line[LINE_SIZE];
    Text text = text_in(line, sizeof line);

    if (file < 0)
        return;
    record_write(&text, record);
    if (text.length >= sizeof line)
        return;
    ssize_t written = write(file, line, text.length);
    (void)written;      /* a full disk ends the profile, not the program */
}

void folder_close(Folder *folder, int which)
{
    if (folder->file[which] >= 0)
        close(folder->file[which]);
    folder->file[which] = -1;
}
