/*
 * message: the error queue behind aclGetRecentErrMsg, one per thread.
 *
 * Texts are appended, one per line, until they are read; a queue that is not
 * read keeps its newest lines. Reading hands out a second buffer of
 * the same thread, valid until the thread reads again, and empties the queue.
 */
#ifndef FAKE_MESSAGE_H
#define FAKE_MESSAGE_H

/* Appends "function: text" and returns code, so that callers can return it. */
int refuse(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends a line as it is, for what no function says. */
void message_add(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The queue as one text, or NULL when it is empty; empties it. */
const char *message_take(void);

/* The same text, and the queue stays as it is. */
const char *message_last(void);

#endif
