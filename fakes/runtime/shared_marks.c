#include "runtime/shared_marks.h"

#include <stdatomic.h>

#include "base/codes.h"
#include "call/message.h"

enum {
    MARKS = 1024,               /* whose outcomes are remembered */
    TICKS = 256                 /* of a clock; more than that are forgotten */
};

/*
 * The number of a mark is a count; in its last bits are the member who queued it, and
 * the how manieth process to be that member: a process that ended may have left
 * its number to another.
 */
enum { COUNT_SHIFT = 24, LIFE_SHIFT = 8, LIVES = 1 << 16 };

typedef struct SharedMarks {
    atomic_uint_fast64_t queued;
    atomic_uint_fast64_t reached;
    atomic_uint life[SHARE_MEMBERS];
    atomic_uint_fast64_t outcome[MARKS];    /* the lower half of a count, and a status */
    uint32_t ticks;             /* of the last mark's clock */
    Tick tick[TICKS];
} SharedMarks;

_Static_assert(SHARE_MEMBERS <= 1 << LIFE_SHIFT, "a member has its bits in a mark's number");

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
 * A process that becomes a member may get the number of one that ended. The marks of
 * that one are the other's still, and will not be reached.
 */
static void begin_life(Share *share)
{
    if (share_is_open_once(share))
        atomic_fetch_add(&body_of(share)->life[share_member(share)], 1);
}

int shared_marks_open(const char *key, Share **share)
{
    const char *why = NULL;

    *share = share_open(SHARE_EVENT, key, sizeof(SharedMarks), &why);
    if (*share == NULL)
        return refuse(E_RT_DRIVER, "handle \"%s\" %s", key, why);
    int status = check_maker(*share);
    if (status == E_NONE)
        begin_life(*share);
    else
        share_close(*share);
    return status;
}

static unsigned life_of(const Share *share, unsigned member)
{
    return atomic_load(&body_of(share)->life[member]) % LIVES;
}

/* What a mark comes to, by the lower half of its count. */
static atomic_uint_fast64_t *outcome_of(const Share *share, uint64_t number)
{
    return &body_of(share)->outcome[(number >> COUNT_SHIFT) % MARKS];
}

static uint64_t outcome_as(uint64_t number, int status)
{
    return number >> COUNT_SHIFT << 32 | (uint32_t)status;
}

static void keep_clock(SharedMarks *body, const Clock *clock)
{
    body->ticks = 0;
    for (size_t i = 0; i < clock->count && i < TICKS; i++)
        body->tick[i] = clock->tick[i];
    body->ticks = clock->count < TICKS ? (uint32_t)clock->count : TICKS;
}

uint64_t shared_next(const Share *share, const Clock *clock)
{
    SharedMarks *body = body_of(share);
    unsigned member = share_member(share);

    share_lock(share);
    uint64_t count = (atomic_load(&body->queued) >> COUNT_SHIFT) + 1;
    uint64_t number = count << COUNT_SHIFT | life_of(share, member) << LIFE_SHIFT | member;
    keep_clock(body, clock);
    atomic_store(&body->queued, number);
    share_unlock(share);
    return number;
}

uint64_t shared_last(const Share *share)
{
    return atomic_load(&body_of(share)->queued);
}

uint64_t shared_last_clock(const Share *share, Clock *clock)
{
    const SharedMarks *body = body_of(share);

    share_lock(share);
    uint64_t number = shared_last(share);
    for (uint32_t i = 0; i < body->ticks && i < TICKS; i++)
        clock_raise(clock, body->tick[i]);
    share_unlock(share);
    return number;
}

void shared_reach(const Share *share, uint64_t number, int status)
{
    SharedMarks *body = body_of(share);
    uint_fast64_t reached = atomic_load(&body->reached);

    if (reached >= number)
        return;
    atomic_store(outcome_of(share, number), outcome_as(number, status));
    while (reached < number && !atomic_compare_exchange_weak(&body->reached, &reached, number))
        continue;
}

/* Is the process there that queued a mark? */
static bool has_maker(const Share *share, uint64_t number)
{
    unsigned member = number & ((1 << LIFE_SHIFT) - 1);

    return (number >> LIFE_SHIFT) % LIVES == life_of(share, member) &&
           share_has_member(share, member);
}

bool shared_passed(const Share *share, uint64_t number)
{
    return atomic_load(&body_of(share)->reached) >= number || !has_maker(share, number);
}

/* A mark that its stream never came by is passed where a later one is, as in one process. */
int shared_outcome(const Share *share, uint64_t number)
{
    if (atomic_load(&body_of(share)->reached) < number)
        return E_RT_STREAM_ABORT;
    uint64_t outcome = atomic_load(outcome_of(share, number));
    return outcome >> 32 == outcome_as(number, 0) >> 32 ? (int)(uint32_t)outcome : E_NONE;
}
