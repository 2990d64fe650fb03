/*
 * The gate of one bundle. It keeps a seat for each of its engines, the
 * epoch (how many commits have succeeded) and what the variables are worth.
 *
 * state and epoch are written only while the gate is shut (acl_claim.c);
 * whoever holds a seat reads the two in step. A run that may still write the
 * variables, or may have written a part, has left the state at GATE_POISONED.
 */

/* Answers below this are failures: see acl_gate.h. */
static const int64_t LOWEST_EPOCH = -(INT64_C(1) << 32);

enum gate_state { GATE_OPEN, GATE_UNDEFINED, GATE_POISONED, GATE_CLOSED };

/*
 * What an engine has at the gate: the first member of every engine. The mutex
 * is held for as long as a run takes, or to count one that goes on behind it.
 * land sees to runs that nobody waits for, the mutex being held, until the
 * deadline (NULL: only looks); it says whether any of them ended.
 */
typedef struct seat {
    pthread_mutex_t mutex;
    pthread_cond_t landed;
    unsigned inFlight;
    unsigned hung;    /* of these, given up */
    unsigned held;    /* runs that are over, whose outputs nobody has yet */
    unsigned copying; /* of these, in somebody's hands just now */
    size_t graph;     /* its place in the file, for messages */
    int (*land)(struct seat *self, const struct timespec *deadline);
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
    _Atomic(seat *) readers;
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
 * an inference does, and every commit waits for it; one that is under way
 * need not, for no run of it comes in before that commit's end.
 */
static void gate_seat(ab_gate *gate, seat *engine, int reads)
{
    pthread_mutex_init(&engine->mutex, NULL);
    pthread_cond_init(&engine->landed, NULL);
    pthread_mutex_lock(&gate->mutex);
    engine->nextOwned = gate->owned;
    gate->owned = engine;
    if (reads) {
        engine->nextReader = atomic_load(&gate->readers);
        atomic_store(&gate->readers, engine);
    }
    pthread_mutex_unlock(&gate->mutex);
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
 * Ends a commit, the gate being shut: what was written is the next epoch.
 * defines: every variable has a value now. Returns the answer for it.
 */
static int64_t ab_gate_publish(ab_gate *gate, int defines)
{
    gate->state = defines ? GATE_OPEN : GATE_UNDEFINED;
    atomic_fetch_add(&gate->epoch, 1);
    return gate_answer(gate);
}

/* Ends a commit whose writes were all undone, the gate being shut. */
static void ab_gate_revert(ab_gate *gate, int defined)
{
    gate->state = defined ? GATE_OPEN : GATE_UNDEFINED;
}
