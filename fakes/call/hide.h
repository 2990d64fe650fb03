/*
 * hide: functions that this process shall not find, as in an older CANN.
 *
 * Hiding empties a function's entry in this library's own symbol table, in
 * this process's memory. From then on the dynamic loader says that the
 * function does not exist: to dlsym, and to the first call of a client that
 * binds lazily. A client that found the function before keeps it.
 */
#ifndef FAKE_HIDE_H
#define FAKE_HIDE_H

/*
 * Hides exactly the functions that a list of names and shell patterns,
 * parted by commas, matches ("aclmdlBundleInit*"); "" hides none. NULL, or
 * what would have been right when a pattern matches nothing; nothing changes
 * then.
 */
const char *hide_only(const char *patterns);

#endif
