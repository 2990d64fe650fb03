/*
 * folder: the files that one aclprofStart writes (docs/profiling.md).
 *
 *     PROF_000001_20260131120000_4711/
 *         host/calls.jsonl        calls of functions, and marks
 *         device_0/tasks.jsonl    tasks of streams, operators of models
 *
 * Each line is a record, as a trace has it; it is written when what it tells
 * of has ended.
 */
#ifndef FAKE_PROFILE_FOLDER_H
#define FAKE_PROFILE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "call/record.h"
#include "call/settings.h"

enum { HOST_FILE = DEVICES_MAX, FILES_MAX };

typedef struct Folder {
    int file[FILES_MAX];        /* by device, and the host's; -1: none */
} Folder;

/*
 * Makes the folder of the number-th start below path, which is made too, and
 * the files of these devices and of the host: 0, or 100003 after a message.
 */
int folder_open(Folder *folder, const char *path, unsigned number, uint64_t devices);

/* Makes a folder and those above it; false with errno. */
bool folder_make(const char *path);

void folder_write(const Folder *folder, const Record *record);

/* Ends the file of a device or of the host. */
void folder_close(Folder *folder, int which);

#endif
