/*
 * visible: how many devices this process may use.
 *
 * As CANN's runtime reads ASCEND_RT_VISIBLE_DEVICES: numbers of devices,
 * ascending, with commas and nothing else between them. Reading ends, without
 * a word, at the first that is no device's. A list that does not ascend, or
 * names a device twice, is none at all. Device i of the process is the i-th
 * of the list. The variable is read when a device is first asked for, so a
 * program may set it after it has opened the library.
 */
#ifndef FAKE_VISIBLE_H
#define FAKE_VISIBLE_H

/* As many as there are, or as the list leaves. */
int visible_count(void);

/* Which device of the machine a device of this process is; -1: none. */
int visible_device(int device);

/* The list; NULL: there is none. Good until visible_reset(). */
const char *visible_list(void);

/* The variable is read again when it is next needed. */
void visible_reset(void);

#endif
