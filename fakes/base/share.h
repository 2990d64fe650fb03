/*
 * share: a block of memory that several processes have, found by a key.
 *
 * The block lies in a memfd. Its key names the process that made it, the file
 * descriptor there, and a random tag that the block begins with: another
 * process of the same user opens the file by way of /proc, and sees whether it
 * is the right one. Nothing has a name in a file system, so nothing is left of
 * a process that was killed.
 *
 * Each process that has the block is a member, and holds a lock on the byte of
 * the file whose number is the member's; the maker is member 0. The kernel ends
 * the lock with the process, however that ends, and a fork does not inherit it.
 * So who is still there can be asked at any time.
 *
 * Such locks of a process go when it closes any descriptor of the file: a
 * process opens a block once, and counts. What a stale key names may by now be
 * a block that is open here: that is seen before the file is opened.
 */
#ifndef FAKE_SHARE_H
#define FAKE_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/share_key.h"

enum { SHARE_MEMBERS = 256 };

typedef struct Share Share;

/* Makes a zeroed block of so many bytes; NULL without memory or descriptors. */
Share *share_make(ShareKind kind, size_t size);

/*
 * Opens the block of a key: of this process too, whose own it may be. NULL,
 * and in *why what is wrong with the key, as a part of a sentence.
 */
Share *share_open(ShareKind kind, const char *key, size_t size, const char **why);

/* Gives one opening back. */
void share_close(Share *share);

/* The bytes of the block, and its key. */
void *share_body(const Share *share);
const char *share_key(const Share *share);

/* Has this process it open once only? So it has after the opening that made it a member. */
bool share_is_open_once(Share *share);

/* The process that made it. */
long share_maker(const Share *share);

/*
 * For who changes more than one word of the block: no other process is at it meanwhile. Threads
 * of one process keep apart by themselves. A process that ends lets go.
 */
void share_lock(const Share *share);
void share_unlock(const Share *share);

/* Which member this process is. */
unsigned share_member(const Share *share);

/* Is a member's process still there, with the block open? */
bool share_has_member(const Share *share, unsigned member);

/* The process number of some other member than the maker and this one, or 0. */
long share_other(const Share *share);

#endif
