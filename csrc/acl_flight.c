/*
 * A flight is one run of a lane, from the caller's side: it is launched into
 * a free berth, which takes a copy of the inputs and queues everything, and
 * landed: the end is waited for, and the outputs are copied to the caller's
 * arrays. In between the caller may do what he likes, or abandon it.
 */

/* The bytes of tensor i, inputs first. */
static size_t flight_nbytes(const ab_flight *flight, const berth *b, size_t i)
{
    size_t inCount = flight->lane->inCount;
    const ab_slot *slot = &b->at.tensors[i];
    return i < inCount ? gear_in(flight->gear, slot, i)
                       : gear_out(flight->gear, slot, i - inCount);
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
    int64_t result =
        gear_set(flight->lane->modelId, b->at.input, flight->gear);
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
 * held, and our context is current. 0: the berth is down. Else the answer;
 * a run that was given up is nobody's any more.
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
    ab_visit visit;
    int64_t result = ab_context_enter(flight->lane->context, &visit);
    if (result == 0) {
        result = flight_wait(flight, b, deadline);
        ab_context_leave(&visit);
    }
    return result;
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
    ab_visit visit;
    berth *b;
    int64_t result = lane_enter(flight->lane, deadline, &b, &visit);
    if (result == 0) {
        result = flight_start(flight, b);
        lane_leave(flight->lane, &visit);
    }
    return result;
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
