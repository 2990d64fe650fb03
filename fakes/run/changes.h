/*
 * changes: that something is not what the checks of a run have looked at.
 */
#ifndef FAKE_CHANGES_H
#define FAKE_CHANGES_H

/* A dataset, a data buffer or a setting is not what it was. */
void changes_note(void);

/* A number that differs after each change. */
unsigned changes_count(void);

#endif
