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

/* Whether a stream says that it is done. Our context is current. */
static int stream_done(aclrtStream stream)
{
    aclrtStreamStatus status = ACL_STREAM_STATUS_NOT_READY;
    return aclrtStreamQuery(stream, &status) == ACL_SUCCESS
           && status == ACL_STREAM_STATUS_COMPLETE;
}

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
        } else if ((b->hung || b->orphan) && stream_done(b->at.stream)) {
            berth_end(lane, b, ACL_SUCCESS);
        }
    }
    return lane->seat.inFlight < before;
}

/* The seat's land: see acl_gate.c. */
static int lane_land(seat *self, const struct timespec *deadline)
{
    ab_lane *lane = (ab_lane *)self;
    aclrtContext previous;
    int ended;
    if (context_enter(lane->context, &previous) != 0) {
        return 0;
    }
    ended = lane_look(lane, deadline);
    context_leave(previous, 0);
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
                          berth **found, aclrtContext *previous)
{
    *found = NULL;
    for (;;) {
        int64_t result;
        if (!gate_enter_until(lane->gate, &lane->seat, deadline)) {
            return failure(AB_STEP_BUSY, 0, 0);
        }
        result = gate_refusal(lane->gate);
        if (result == 0) {
            result = context_enter(lane->context, previous);
        }
        if (result == 0) {
            result = lane_find(lane, found);
            if (*found != NULL) {
                return 0;
            }
            result = context_leave(*previous, result);
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

/* Ends lane_enter; result is the operation's own answer. */
static int64_t lane_leave(ab_lane *lane, aclrtContext previous,
                          int64_t result)
{
    pthread_mutex_unlock(&lane->seat.mutex);
    return context_leave(previous, result);
}

/* The bytes of tensor i, inputs first. */
static size_t flight_nbytes(const ab_flight *flight, const berth *b, size_t i)
{
    size_t inCount = flight->lane->inCount;
    if (flight->gear == NULL) {
        return b->at.tensors[i].nbytes;
    }
    return i < inCount ? flight->gear->in[i] : flight->gear->out[i - inCount];
}

/* Queues the copies in, or, from tensor inCount on, the copies out. */
static int64_t flight_copy(const ab_flight *flight, const berth *b, int out)
{
    const ab_lane *lane = flight->lane;
    size_t start = out ? lane->inCount : 0;
    size_t count = out ? lane->outCount : lane->inCount;
    for (size_t i = 0; i < count; i++) {
        const ab_slot *slot = &b->at.tensors[start + i];
        void *host = b->at.host[start + i];
        size_t nbytes = flight_nbytes(flight, b, start + i);
        aclError status =
            out ? aclrtMemcpyAsync(host, nbytes, slot->device, nbytes,
                                   lane->fromDevice, b->at.stream)
                : aclrtMemcpyAsync(slot->device, slot->nbytes, host, nbytes,
                                   lane->toDevice, b->at.stream);
        if (status != ACL_SUCCESS) {
            return failure(out ? AB_STEP_QUEUE_OUT : AB_STEP_QUEUE_IN, i,
                           status);
        }
    }
    return 0;
}

/* Queues the execute behind that of the run before. */
static int64_t flight_execute(const ab_flight *flight, const berth *b)
{
    const ab_lane *lane = flight->lane;
    aclError status;
    if (lane->latest != NULL) {
        status = aclrtStreamWaitEvent(b->at.stream, lane->latest->at.executed);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_STREAM_WAIT, 0, status);
        }
    }
    status = aclmdlExecuteAsync(lane->modelId, b->at.input, b->at.output,
                                b->at.stream);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_EXECUTE_ASYNC, 0, status);
    }
    status = aclrtRecordEvent(b->at.executed, b->at.stream);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_RECORD, 0, status);
}

/* Queues everything of a run. 0 or the failure of the first step. */
static int64_t flight_queue(const ab_flight *flight, const berth *b)
{
    int64_t result = 0;
    if (flight->gear != NULL) {
        result = gear_set(flight->lane->modelId, b->at.input, flight->gear);
    }
    if (result == 0) {
        result = flight_copy(flight, b, 0);
    }
    if (result == 0) {
        result = flight_execute(flight, b);
    }
    return result == 0 ? flight_copy(flight, b, 1) : result;
}

/*
 * A run of which only a part could be queued: waits for that part, or else
 * gives the run up. The mutex is held.
 */
static void berth_drain(ab_lane *lane, berth *b)
{
    aclError status =
        aclrtSynchronizeStreamWithTimeout(b->at.stream, DRAIN_MS);
    if (status != ACL_SUCCESS && !stream_done(b->at.stream)) {
        b->state = BERTH_FLYING;
        b->orphan = 1;
        lane->seat.inFlight++;
        berth_hang(lane, b, failure(AB_STEP_SYNCHRONIZE, 0, status));
    }
}

/* Begins a run in a free berth; the mutex is held. */
static int64_t flight_start(ab_flight *flight, berth *b)
{
    ab_lane *lane = flight->lane;
    int64_t result;
    for (size_t i = 0; i < lane->inCount; i++) {
        memcpy(b->at.host[i], flight->in[i], flight_nbytes(flight, b, i));
    }
    result = flight_queue(flight, b);
    if (result != 0) {
        berth_drain(lane, b);
        return result;
    }
    b->answer = gate_answer(lane->gate);
    b->state = BERTH_FLYING;
    lane->seat.inFlight++;
    lane->latest = b;
    flight->berth = (size_t)(b - lane->berths);
    return b->answer;
}

/*
 * Sees the end of a run that is on the device, or the deadline; the mutex is
 * held, and our context is current. 0: the berth is down. Else the answer, and who may still be on the device is nobody's.
 */
static int64_t flight_wait(ab_flight *flight, berth *b,
                           const struct timespec *deadline)
{
    ab_lane *lane = flight->lane;
    while (b->state == BERTH_FLYING && !b->hung) {
        int ms = gate_left(deadline);
        if (ms == 0 && !flight->last) {
            return failure(AB_STEP_RUNNING, 0, 0);
        }
        if (ms == 0) {
            berth_hang(lane, b,
                       failure(AB_STEP_SYNCHRONIZE, 0, STREAM_TIMEOUT));
        } else if (b->attended) {
            pthread_cond_timedwait(&lane->seat.landed, &lane->seat.mutex,
                                   deadline);
        } else {
            berth_attend(lane, b, ms);
        }
    }
    if (b->state == BERTH_DOWN) {
        return 0;
    }
    b->orphan = 1;
    flight->berth = NO_BERTH;
    return b->answer;
}

/*
 * Takes a result that is there into the caller's hands; the mutex is held.
 * When the bundle is closed its memory may be gone, and the result is lost.
 */
static int64_t flight_take(ab_flight *flight, berth *b)
{
    int64_t closed = ab_gate_check(flight->lane->gate);
    if (closed != 0) {
        flight->berth = NO_BERTH;
        berth_free(flight->lane, b);
        return closed;
    }
    flight->lane->seat.copying++;
    return 0;
}

/* Fetches the result that flight_take took, and frees its berth. */
static int64_t flight_fetch(ab_flight *flight, berth *b)
{
    ab_lane *lane = flight->lane;
    int64_t answer = b->answer;
    for (size_t i = 0; answer >= LOWEST_EPOCH && i < lane->outCount; i++) {
        memcpy(flight->out[i], b->at.host[lane->inCount + i],
               flight_nbytes(flight, b, lane->inCount + i));
    }
    pthread_mutex_lock(&lane->seat.mutex);
    lane->seat.copying--;
    berth_free(lane, b);
    pthread_mutex_unlock(&lane->seat.mutex);
    flight->berth = NO_BERTH;
    return answer;
}

/* flight_wait, in our context; only a run on the device needs it. */
static int64_t flight_attend(ab_flight *flight, berth *b,
                             const struct timespec *deadline)
{
    aclrtContext previous;
    int64_t result = context_enter(flight->lane->context, &previous);
    return result != 0 ? result
                       : context_leave(previous,
                                       flight_wait(flight, b, deadline));
}

/* ab_flight_land, until a time. */
static int64_t flight_land(ab_flight *flight, const struct timespec *deadline)
{
    ab_lane *lane = flight->lane;
    berth *b = &lane->berths[flight->berth];
    int64_t result = 0;
    pthread_mutex_lock(&lane->seat.mutex);
    if (b->state == BERTH_FLYING) {
        result = flight_attend(flight, b, deadline);
    }
    if (result == 0) {
        result = flight_take(flight, b);
    }
    pthread_mutex_unlock(&lane->seat.mutex);
    return result == 0 ? flight_fetch(flight, b) : result;
}

/* ab_flight_launch, until a time. */
static int64_t flight_launch(ab_flight *flight,
                             const struct timespec *deadline)
{
    aclrtContext previous;
    berth *b;
    int64_t result = lane_enter(flight->lane, deadline, &b, &previous);
    return result != 0 ? result
                       : lane_leave(flight->lane, previous,
                                    flight_start(flight, b));
}

/*
 * Copies the inputs to page-locked memory, and queues a run. Answers with the
 * epoch it reads, and the flight has a berth; or with a failure, and it has
 * none. Waits waitMs at most for a commit and for a berth: AB_STEP_BUSY.
 * AB_STEP_HUNG, with the graph's place: a run that was given up goes on.
 */
static int64_t ab_flight_launch(ab_flight *flight)
{
    struct timespec deadline = gate_deadline(flight->waitMs);
    return gate_is_foreign(flight->lane->gate)
               ? failure(AB_STEP_FORKED, 0, 0)
               : flight_launch(flight, &deadline);
}

/*
 * Waits waitMs for the end of a launched run, and copies its outputs to the
 * host arrays. Answers with the epoch that it read, or a failure; the flight
 * has no berth any more. When it is not over: AB_STEP_RUNNING; or, if this was
 * the last wait, the run is given up, with AB_STEP_SYNCHRONIZE.
 */
static int64_t ab_flight_land(ab_flight *flight)
{
    struct timespec deadline = gate_deadline(flight->waitMs);
    return gate_is_foreign(flight->lane->gate)
               ? failure(AB_STEP_FORKED, 0, 0)
               : flight_land(flight, &deadline);
}

/* Launches and lands, in waitMs together. */
static int64_t ab_flight_run(ab_flight *flight)
{
    struct timespec deadline = gate_deadline(flight->waitMs);
    int64_t result;
    if (gate_is_foreign(flight->lane->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = flight_launch(flight, &deadline);
    return flight->berth != NO_BERTH ? flight_land(flight, &deadline) : result;
}

/* Nobody wants the result any more. A flight without a berth is nothing. */
static void ab_flight_abandon(ab_flight *flight)
{
    ab_lane *lane = flight->lane;
    berth *b;
    if (flight->berth == NO_BERTH || gate_is_foreign(lane->gate)) {
        return;
    }
    b = &lane->berths[flight->berth];
    flight->berth = NO_BERTH;
    pthread_mutex_lock(&lane->seat.mutex);
    if (b->state == BERTH_FLYING) {
        b->orphan = 1;
    } else {
        berth_free(lane, b);
    }
    pthread_cond_broadcast(&lane->seat.landed);
    pthread_mutex_unlock(&lane->seat.mutex);
}

/* Waits until a run could be launched: 0, or as ab_flight_launch. */
static int64_t ab_lane_wait(ab_lane *lane, int waitMs)
{
    struct timespec deadline = gate_deadline(waitMs);
    aclrtContext previous;
    berth *b;
    int64_t result;
    if (gate_is_foreign(lane->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = lane_enter(lane, &deadline, &b, &previous);
    return result != 0 ? result : lane_leave(lane, previous, 0);
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
