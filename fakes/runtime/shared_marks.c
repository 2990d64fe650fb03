#include "runtime/shared_marks.h"

#include <stdatomic.h>

#include "base/codes.h"
#include "call/message.h"

enum { MARKS = 1024 };          /* whose failures are remembered */

/*
 * The number of a mark is a count, and in its last eight bits the member who
 * queued it: both change in one step.
 */
typedef struct SharedMarks {
    atomic_uint_fast64_t queued;
    atomic_uint_fast64_t reached;
    atomic_int failure[MARKS];
} SharedMarks;

_Static_assert(SHARE_MEMBERS <= 256, "a member is a byte of a mark's number");

static SharedMarks *body_of(const Share *share)
{
    return share_body(share);
}

Share *shared_marks_make(void)
{
    return share_make(SHARE_EVENT, sizeof(SharedMarks));
}

/* Is it another process's, which is still there? 0, or a status. */
static int check_maker(const Share *share)
{
    if (share_member(share) == 0)
        return refuse(E_RT_DRIVER, "this process has made the event itself; another one opens it");
    if (!share_has_member(share, 0))
        return refuse(E_RT_DRIVER, "the process that made the event has ended");
    return E_NONE;
}

/*
 * A process that becomes a member may get the number of one that ended. A last
 * mark of that number, not reached, is the other's and never will be: nothing of
 * this process's is pending where it has just come in.
 */
static void end_predecessor(Share *share)
{
    uint64_t last = shared_last(share);

    if (share_is_open_once(share) && (last & 0xFF) == share_member(share))
        shared_reach(share, last, E_RT_STREAM_ABORT);
}

int shared_marks_open(const char *key, Share **share)
{
    const char *why = NULL;

    *share = share_open(SHARE_EVENT, key, sizeof(SharedMarks), &why);
    if (*share == NULL)
        return refuse(E_RT_DRIVER, "handle \"%s\" %s", key, why);
    int status = check_maker(*share);
    if (status == E_NONE)
        end_predecessor(*share);
    else
        share_close(*share);
    return status;
}

static atomic_int *failure_of(const Share *share, uint64_t number)
{
    return &body_of(share)->failure[(number >> 8) % MARKS];
}

uint64_t shared_next(const Share *share)
{
    SharedMarks *body = body_of(share);
    uint_fast64_t before = atomic_load(&body->queued);
    uint64_t number = 0;

    do
        number = ((before >> 8) + 1) << 8 | share_member(share);
    while (!atomic_compare_exchange_weak(&body->queued, &before, number));
    atomic_store(failure_of(share, number), E_NONE);
    return number;
}

uint64_t shared_last(const Share *share)
{
    return atomic_load(&body_of(share)->queued);
}

void shared_reach(const Share *share, uint64_t number, int status)
{
    SharedMarks *body = body_of(share);
    uint_fast64_t reached = atomic_load(&body->reached);

    if (reached >= number)
        return;
    atomic_store(failure_of(share, number), status);
    while (reached < number && !atomic_compare_exchange_weak(&body->reached, &reached, number))
        continue;
}

bool shared_passed(const Share *share, uint64_t number)
{
    if (atomic_load(&body_of(share)->reached) >= number)
        return true;
    return !share_has_member(share, number & 0xFF);
}

int shared_outcome(const Share *share, uint64_t number)
{
    if (atomic_load(&body_of(share)->reached) < number)
        return E_RT_STREAM_ABORT;
    return atomic_load(failure_of(share, number));
}
