/*
 * A lane runs one graph behind its callers' backs. Its model id is a second
 * one, because a static model keeps to the way it was first executed. It has
 * a few berths; each has a stream, datasets, device memory and page-locked
 * host memory of its own, and holds one run at a time:
 *
 *     copy in, [wait until the run before has executed], execute, mark, copy out
 *
 * all on the berth's stream. So copies overlap the neighbours' execute, the
 * id never runs twice at once, and a stream's failure belongs to one run.
 * acl_flight.c queues that; here is what becomes of it.
 *
 * A run that was launched is counted in the lane's seat until somebody has
 * seen the end of it: whoever wants the result (ab_flight_land), or else a
 * commit that waits for it (lane_land). Only one thread at a time waits for a
 * berth's stream, for a failure is told once. The result stays in the berth
 * until it is fetched.
 *
 * A run that is not over in time is given up: it is hung, and with it the
 * lane. Its berth is neither used nor freed, and nothing new is launched,
 * until its stream says that it is done.
 */

enum { BERTHS_MAX = 64, DRAIN_MS = 1000 };

static const size_t NO_BERTH = SIZE_MAX;

enum berth_state {
    BERTH_FREE,
    BERTH_FLYING, /* on the device, for all we know */
    BERTH_DOWN    /* over; the result waits */
};

typedef struct berth {
    ab_berth at;
    enum berth_state state;
    int attended; /* a thread waits for its stream */
    int orphan;   /* nobody will fetch the result */
    int hung;
    int64_t answer; /* the epoch it was launched at, or its failure */
} berth;

struct ab_lane {
    seat seat;
    ab_gate *gate;
    aclrtContext context;
    uint32_t modelId;
    aclrtMemcpyKind toDevice;
    aclrtMemcpyKind fromDevice;
    size_t inCount;
    size_t outCount;
    const berth *latest; /* the last launched, while it flies */
    size_t count;
    berth berths[BERTHS_MAX];
};

/* A run is over on the device; the mutex is held. */
static void berth_end(ab_lane *lane, berth *b, aclError status)
{
    if (status != ACL_SUCCESS && b->answer >= LOWEST_EPOCH) {
        b->answer = failure(AB_STEP_SYNCHRONIZE, 0, status);
    }
    lane->seat.inFlight--;
    lane->seat.hung -= b->hung ? 1 : 0;
    if (lane->latest == b) {
        lane->latest = NULL;
    }
    lane->seat.held += b->orphan ? 0 : 1;
    b->state = b->orphan ? BERTH_FREE : BERTH_DOWN;
    b->hung = b->orphan = 0;
    pthread_cond_broadcast(&lane->seat.landed);
}

/* Nobody needs a result any more; the mutex is held. */
static void berth_free(ab_lane *lane, berth *b)
{
    b->state = BERTH_FREE;
    lane->seat.held--;
    pthread_cond_broadcast(&lane->seat.landed);
}

/* Gives a run up, for a reason that becomes its answer; the mutex is held. */
static void berth_hang(ab_lane *lane, berth *b, int64_t reason)
{
    b->answer = reason;
    b->hung = 1;
    lane->seat.hung++;
    pthread_cond_broadcast(&lane->seat.landed);
}

/*
 * Waits for a run's stream, ms at most, without the mutex, which is held
 * before and after. Our context is current, and nobody else attends it.
 */
static void berth_attend(ab_lane *lane, berth *b, int ms)
{
    aclError status;
    int done;
    b->attended = 1;
    pthread_mutex_unlock(&lane->seat.mutex);
    status = aclrtSynchronizeStreamWithTimeout(b->at.stream, ms);
    done = status == ACL_SUCCESS
           || (status != STREAM_TIMEOUT && stream_done(b->at.stream));
    pthread_mutex_lock(&lane->seat.mutex);
    b->attended = 0;
    if (done) {
        berth_end(lane, b, status);
    } else if (status != STREAM_TIMEOUT && !b->hung) {
        berth_hang(lane, b, failure(AB_STEP_SYNCHRONIZE, 0, status));
    } else {
        pthread_cond_broadcast(&lane->seat.landed);
    }
}

/* Looks at runs that nobody waits for. Whether any has ended. */
static int lane_look(ab_lane *lane, const struct timespec *deadline)
{
    unsigned before = lane->seat.inFlight;
    for (size_t i = 0; i < lane->count; i++) {
        berth *b = &lane->berths[i];
        int ms = deadline != NULL && !b->hung ? gate_left(deadline) : 0;
        if (b->state != BERTH_FLYING || b->attended) {
            continue;
        }
        if (ms > 0) {
            berth_attend(lane, b, ms);
        } else if ((b->hung || b->orphan) && stream_drained(b->at.stream)) {
            berth_end(lane, b, ACL_SUCCESS);
        }
    }
    return lane->seat.inFlight < before;
}

/* The seat's land: see acl_gate.c. */
static int lane_land(seat *self, const struct timespec *deadline)
{
    ab_lane *lane = (ab_lane *)self;
    ab_visit visit;
    int ended;
    if (ab_context_enter(lane->context, &visit) != 0) {
        return 0;
    }
    ended = lane_look(lane, deadline);
    ab_context_leave(&visit);
    return ended;
}

/*
 * A lane without berths; NULL without memory. The gate frees it. graph: its
 * place in the file. onHost: the program runs beside the device, not on it.
 */
static ab_lane *ab_lane_new(ab_gate *gate, size_t graph, uint32_t modelId,
                            aclrtContext context, int onHost, size_t inCount,
                            size_t outCount)
{
    ab_lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL) {
        return NULL;
    }
    lane->gate = gate;
    lane->context = context;
    lane->modelId = modelId;
    lane->toDevice = onHost ? ACL_MEMCPY_HOST_TO_DEVICE
                            : ACL_MEMCPY_DEVICE_TO_DEVICE;
    lane->fromDevice = onHost ? ACL_MEMCPY_DEVICE_TO_HOST
                              : ACL_MEMCPY_DEVICE_TO_DEVICE;
    lane->inCount = inCount;
    lane->outCount = outCount;
    lane->seat.graph = graph;
    lane->seat.land = lane_land;
    gate_seat(gate, &lane->seat, 1);
    return lane;
}

/*
 * One more berth; what it points at is the caller's, and stays until the gate
 * is closed and nothing of the lane hangs. 0: there are BERTHS_MAX.
 */
static int ab_lane_add(ab_lane *lane, const ab_berth *at)
{
    int added;
    pthread_mutex_lock(&lane->seat.mutex);
    added = lane->count < BERTHS_MAX;
    if (added) {
        lane->berths[lane->count++].at = *at;
        pthread_cond_broadcast(&lane->seat.landed);
    }
    pthread_mutex_unlock(&lane->seat.mutex);
    return added;
}

/*
 * Looks for a free berth; the mutex is held and the gate is open. 0, with the
 * berth, or without one when there is none; or the failure that forbids runs.
 */
static int64_t lane_find(ab_lane *lane, berth **found)
{
    lane_look(lane, NULL);
    if (lane->seat.hung > 0) {
        return failure(AB_STEP_HUNG, lane->seat.graph, 0);
    }
    for (size_t i = 0; i < lane->count; i++) {
        if (lane->berths[i].state == BERTH_FREE) {
            *found = &lane->berths[i];
            return 0;
        }
    }
    return 0;
}

/*
 * Takes the seat's mutex with a berth free, and enters our context: 0, and
 * lane_leave ends it. Else the mutex is not held, and the failure says why. A
 * closed bundle's context may be gone: it is not touched.
 */
static int64_t lane_enter(ab_lane *lane, const struct timespec *deadline,
                          berth **found, ab_visit *visit)
{
    *found = NULL;
    for (;;) {
        int64_t result;
        if (!gate_enter_until(lane->gate, &lane->seat, deadline)) {
            return failure(AB_STEP_BUSY, 0, 0);
        }
        result = gate_refusal(lane->gate);
        if (result == 0) {
            result = ab_context_enter(lane->context, visit);
        }
        if (result == 0) {
            result = lane_find(lane, found);
            if (*found != NULL) {
                return 0;
            }
            ab_context_leave(visit);
        }
        if (result == 0
            && pthread_cond_timedwait(&lane->seat.landed, &lane->seat.mutex,
                                      deadline) != 0) {
            result = failure(AB_STEP_BUSY, 0, 0);
        }
        pthread_mutex_unlock(&lane->seat.mutex);
        if (result != 0) {
            return result;
        }
    }
}

/* Ends lane_enter. */
static void lane_leave(ab_lane *lane, const ab_visit *visit)
{
    pthread_mutex_unlock(&lane->seat.mutex);
    ab_context_leave(visit);
}

/* Waits until a run could be launched: 0, or as ab_flight_launch. */
static int64_t ab_lane_wait(ab_lane *lane, int waitMs)
{
    struct timespec deadline = gate_deadline(waitMs);
    ab_visit visit;
    berth *b;
    int64_t result;
    if (gate_is_foreign(lane->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = lane_enter(lane, &deadline, &b, &visit);
    if (result == 0) {
        lane_leave(lane, &visit);
    }
    return result;
}

/* How many runs were given up and are, even now, not over. */
static int ab_lane_hung(ab_lane *lane)
{
    unsigned hung;
    if (gate_is_foreign(lane->gate)) {
        return 0;
    }
    pthread_mutex_lock(&lane->seat.mutex);
    if (lane->seat.hung > 0) {
        lane_land(&lane->seat, NULL);
    }
    hung = lane->seat.hung;
    pthread_mutex_unlock(&lane->seat.mutex);
    return (int)hung;
}
