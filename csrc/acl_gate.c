/*
 * The gate of one bundle. It keeps a seat for each of its engines, the
 * epoch (how many commits have succeeded) and what the variables are worth.
 *
 * There is no reader count: an inference holds its seat's mutex for as long
 * as it runs, so whoever holds every reader's mutex has the variables alone.
 * `writer` says that a commit waits or runs; an inference that sees it waits
 * on `opened` before it asks for its mutex, so that a stream of inferences
 * cannot keep a commit out. state and epoch are written only by whoever holds
 * every reader's mutex; whoever holds one of them reads the two in step.
 *
 * A commit that cannot get every mutex within WAIT_MS goes back to its caller
 * with AB_STEP_BUSY and its claim kept: the caller calls again, or retracts.
 */

enum { WAIT_MS = 100 };

enum gate_state { GATE_OPEN, GATE_UNDEFINED, GATE_POISONED, GATE_CLOSED };

/* What an engine has at the gate: the first member of every engine. */
typedef struct seat {
    pthread_mutex_t mutex;
    struct seat *nextReader;
    struct seat *nextOwned;
} seat;

struct ab_gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    atomic_int writer;
    atomic_llong epoch;
    _Atomic enum gate_state state;
    unsigned generation;
    seat *readers;
    seat *owned;
};

static pthread_once_t gate_once = PTHREAD_ONCE_INIT;
static atomic_uint gate_generation;

/* After fork: every gate made before it belongs to the parent. */
static void gate_forked(void)
{
    atomic_fetch_add(&gate_generation, 1);
}

static void gate_watch_fork(void)
{
    pthread_atfork(NULL, NULL, gate_forked);
}

/* The answer for a failure; see acl_gate.h. This function cannot fail. */
static int64_t failure(enum ab_step step, size_t index, aclError status)
{
    return -(int64_t)((uint64_t)index << 40 | (uint64_t)step << 32
                      | (uint32_t)status);
}

static int gate_is_foreign(const ab_gate *gate)
{
    return gate->generation != atomic_load(&gate_generation);
}

/*
 * A new gate, or NULL without memory. defined: no variable waits for its
 * first value.
 */
static ab_gate *ab_gate_new(int defined)
{
    ab_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        return NULL;
    }
    pthread_once(&gate_once, gate_watch_fork);
    gate->generation = atomic_load(&gate_generation);
    gate->state = defined ? GATE_OPEN : GATE_UNDEFINED;
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->opened, NULL);
    return gate;
}

/*
 * Frees the gate and its engines. No call may be inside or still come. The
 * mutexes are left alone: in a forked child they may be held for ever.
 */
static void ab_gate_free(ab_gate *gate)
{
    while (gate->owned != NULL) {
        seat *engine = gate->owned;
        gate->owned = engine->nextOwned;
        free(engine);
    }
    free(gate);
}

/*
 * Gives an engine its seat; the gate frees it. reads: it shares the gate as
 * an inference does, and every commit waits for it. No call may be inside.
 */
static void gate_seat(ab_gate *gate, seat *engine, int reads)
{
    pthread_mutex_init(&engine->mutex, NULL);
    engine->nextOwned = gate->owned;
    gate->owned = engine;
    if (reads) {
        engine->nextReader = gate->readers;
        gate->readers = engine;
    }
}

/* Commits that have succeeded so far. This function cannot fail. */
static int64_t ab_gate_epoch(ab_gate *gate)
{
    return (int64_t)atomic_load(&gate->epoch);
}

/* 0, or why this gate is of no use here: AB_STEP_FORKED or _CLOSED. */
static int64_t ab_gate_check(ab_gate *gate)
{
    if (gate_is_foreign(gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    return gate->state == GATE_CLOSED ? failure(AB_STEP_CLOSED, 0, 0) : 0;
}

/* Whether a failed commit left the variables in an unknown state. */
static int ab_gate_is_poisoned(ab_gate *gate)
{
    return gate->state == GATE_POISONED;
}

/* Lets inferences in again after a commit or a claim. */
static void ab_gate_retract(ab_gate *gate)
{
    if (gate_is_foreign(gate)) {
        return;
    }
    pthread_mutex_lock(&gate->mutex);
    atomic_store(&gate->writer, 0);
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}

static void gate_unlock_until(ab_gate *gate, const seat *end)
{
    for (seat *s = gate->readers; s != end; s = s->nextReader) {
        pthread_mutex_unlock(&s->mutex);
    }
}

/*
 * Claims the gate and takes every reader's mutex. Returns 0, or AB_STEP_BUSY
 * after WAIT_MS with the claim kept. One writer at a time: the caller sees to
 * it.
 */
static int64_t gate_shut(ab_gate *gate)
{
    struct timespec deadline;
    atomic_store(&gate->writer, 1);
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += WAIT_MS * 1000000L;
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000L;
    }
    for (seat *s = gate->readers; s != NULL; s = s->nextReader) {
        if (pthread_mutex_timedlock(&s->mutex, &deadline) != 0) {
            gate_unlock_until(gate, s);
            return failure(AB_STEP_BUSY, 0, 0);
        }
    }
    return 0;
}

/* Gives back what gate_shut took. */
static void gate_open(ab_gate *gate)
{
    gate_unlock_until(gate, NULL);
    ab_gate_retract(gate);
}

/* Takes one seat's mutex once no commit is waiting. Never fails. */
static void gate_enter(ab_gate *gate, seat *engine)
{
    if (atomic_load_explicit(&gate->writer, memory_order_acquire)) {
        pthread_mutex_lock(&gate->mutex);
        while (atomic_load(&gate->writer)) {
            pthread_cond_wait(&gate->opened, &gate->mutex);
        }
        pthread_mutex_unlock(&gate->mutex);
    }
    pthread_mutex_lock(&engine->mutex);
}

/* Whether an engine may run now: 0, or the failure that says why not. */
static int64_t gate_refusal(const ab_gate *gate)
{
    switch (gate->state) {
    case GATE_CLOSED:
        return failure(AB_STEP_CLOSED, 0, 0);
    case GATE_POISONED:
        return failure(AB_STEP_POISONED, 0, 0);
    default:
        return 0;
    }
}

/* The answer for a success: the epoch, marked while a variable is unset. */
static int64_t gate_answer(ab_gate *gate)
{
    int64_t epoch = ab_gate_epoch(gate);
    return gate->state == GATE_UNDEFINED ? -1 - epoch : epoch;
}

/*
 * Waits for running inferences and refuses all later ones. Returns 0, or
 * AB_STEP_BUSY (call again). A forked child closes at once: nothing of its
 * parent runs here.
 */
static int64_t ab_gate_close(ab_gate *gate)
{
    int64_t busy;
    if (gate_is_foreign(gate)) {
        return 0;
    }
    busy = gate_shut(gate);
    if (busy != 0) {
        return busy;
    }
    gate->state = GATE_CLOSED;
    gate_open(gate);
    return 0;
}
