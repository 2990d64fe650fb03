/* What a stream says of the work that is queued on it. */
#ifndef AB_STREAM_H
#define AB_STREAM_H

#include "acl/acl_types.h"

int stream_done(aclrtStream stream);
int stream_drained(aclrtStream stream);

#endif
