/* What a stream says of the work that is queued on it. */

#include "device/stream.h"

#include "acl/pointers.h"
#include "device/ab_status.h"

/* Whether a stream says that it is done. Our context is current. */
int stream_done(aclrtStream stream)
{
    aclrtStreamStatus status = ACL_STREAM_STATUS_NOT_READY;
    return aclrtStreamQuery(stream, &status) == ACL_SUCCESS && status == ACL_STREAM_STATUS_COMPLETE;
}

/*
 * Whether a stream is done with what was given up. A failure that it still had
 * to tell belongs to that: it is taken, so that the next run does not get it.
 */
int stream_drained(aclrtStream stream)
{
    int done = stream_done(stream);
    if (done) {
        aclrtSynchronizeStreamWithTimeout(stream, 1);
    }
    return done;
}
