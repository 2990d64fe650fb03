/*
 * A ring keeps the engines of one graph that no run has: a stack, so that a
 * lone thread goes on with the engine it had before. A run takes one before
 * it comes to the gate, and gives it back after its seat.
 *
 * Its own seat only lends it a mutex, a condition and somebody who frees it;
 * no run ever sits there.
 */

struct ab_ring {
    seat seat;
    size_t count; /* of those that are free */
    ab_engine *idle[];
};

static void engine_join(ab_engine *engine, ab_ring *ring);

/*
 * A ring of engines of one gate, which frees it; NULL without memory. From
 * now on a run of any of them is a run of whichever is free.
 */
static ab_ring *ab_ring_new(ab_gate *gate, size_t count,
                            ab_engine *const *engines)
{
    ab_ring *ring = calloc(1, sizeof *ring + count * sizeof(ab_engine *));
    if (ring == NULL) {
        return NULL;
    }
    gate_seat(gate, &ring->seat, 0);
    ring->count = count;
    for (size_t i = 0; i < count; i++) {
        ring->idle[i] = engines[i];
        engine_join(engines[i], ring);
    }
    return ring;
}

/* Takes a free engine, or waits for one. This function cannot fail. */
static ab_engine *ring_take(ab_ring *ring)
{
    ab_engine *engine;
    pthread_mutex_lock(&ring->seat.mutex);
    while (ring->count == 0) {
        pthread_cond_wait(&ring->seat.landed, &ring->seat.mutex);
    }
    engine = ring->idle[--ring->count];
    pthread_mutex_unlock(&ring->seat.mutex);
    return engine;
}

/* Gives an engine back. This function cannot fail. */
static void ring_give(ab_ring *ring, ab_engine *engine)
{
    pthread_mutex_lock(&ring->seat.mutex);
    ring->idle[ring->count++] = engine;
    pthread_cond_signal(&ring->seat.landed);
    pthread_mutex_unlock(&ring->seat.mutex);
}
