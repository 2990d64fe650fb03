/*
 * stream_need: the stream that an argument names.
 */
#ifndef FAKE_STREAM_NEED_H
#define FAKE_STREAM_NEED_H

#include "stream/stream.h"

/*
 * The stream of an argument; NULL is the default one of the current context.
 * 0, 107002, or the status of a violation: 107017 or 107003.
 */
int stream_need(aclrtStream handle, const char *argument, Stream **stream);

#endif
