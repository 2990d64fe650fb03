/*
 * What every call into the device begins and ends with: our context is the
 * thread's in between, and a stream tells whether it is done.
 */

enum { CONTEXT_NULL = 107002, STREAM_TIMEOUT = 507046, ACL_SUCCESS = 0 };

/*
 * Makes ours the thread's context. *previous is what context_leave needs:
 * NULL when there was none or it was ours already.
 */
static int64_t context_enter(aclrtContext ours, aclrtContext *previous)
{
    aclError status = aclrtGetCurrentContext(previous);
    if (status == CONTEXT_NULL) {
        *previous = NULL;
    } else if (status != ACL_SUCCESS) {
        return failure(AB_STEP_GET_CONTEXT, 0, status);
    } else if (*previous == ours) {
        *previous = NULL;
        return 0;
    }
    status = aclrtSetCurrentContext(ours);
    return status == ACL_SUCCESS ? 0
                                 : failure(AB_STEP_SET_CONTEXT, 0, status);
}

/*
 * Puts the thread's context back. result is the operation's own answer and
 * wins over a failure to restore, which could only hide it.
 */
static int64_t context_leave(aclrtContext previous, int64_t result)
{
    if (previous != NULL) {
        aclError status = aclrtSetCurrentContext(previous);
        if (status != ACL_SUCCESS && result >= LOWEST_EPOCH) {
            return failure(AB_STEP_SET_CONTEXT, 1, status);
        }
    }
    return result;
}

/* Whether a stream says that it is done. Our context is current. */
static int stream_done(aclrtStream stream)
{
    aclrtStreamStatus status = ACL_STREAM_STATUS_NOT_READY;
    return aclrtStreamQuery(stream, &status) == ACL_SUCCESS
           && status == ACL_STREAM_STATUS_COMPLETE;
}

