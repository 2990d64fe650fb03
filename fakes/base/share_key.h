/*
 * share_key: the text by which a process finds a block that another one made, and the way to
 * the file behind it. See share.h.
 */
#ifndef FAKE_SHARE_KEY_H
#define FAKE_SHARE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum {
    SHARE_KEY = 65,             /* bytes of a key's text, NUL included */
    SHARE_TAG = 16              /* bytes that the block begins with */
};

/* What a block is for: a letter, which is part of its key. */
typedef enum ShareKind { SHARE_MEMORY = 'm', SHARE_EVENT = 'e' } ShareKind;

/* What a key says. */
typedef struct SharePlace {
    unsigned process;           /* that made the block */
    unsigned file;              /* its descriptor there */
    unsigned char tag[SHARE_TAG];
} SharePlace;

void share_key_write(ShareKind kind, const SharePlace *place, char key[SHARE_KEY]);

/* False: it is no key of this kind. */
bool share_key_read(ShareKind kind, const char *key, SharePlace *place);

/*
 * Opens the file of so many bytes that a place names, which is checked to be the right one; -1:
 * why not, as a part of a sentence. is_open says whether this process has a file open already: to
 * close such a one would end its locks.
 */
int share_key_open(const SharePlace *place, size_t size, bool (*is_open)(const struct stat *about),
                   const char **why);

#endif
