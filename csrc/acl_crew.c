/*
 * The large weights of a transfer. Those that need no conversion cross
 * straight from the caller's array; the others are converted chunk by chunk
 * into the bounce buffer, which stays in the processor's cache, and copied
 * from there.
 *
 * Several threads share the work: each asks for the next share (a run of one
 * weight's bytes) until none is left or one of them has failed. The caller's
 * thread is one of them. Each of the others sets the device's context, has a
 * part of the bounce buffer to itself, and is gone when the call returns.
 * Counters and results are noted under the crew's mutex.
 */

enum { SHARE_LEAST = 1 << 20, SHARE_MOST = 16 << 20, SHARES_EACH = 4 };
enum { COUNT_PART = 8 << 20 }; /* large, for a device asks its price for each copy */

/* Some bytes of one large weight, counted on the device's side. */
typedef struct share {
    size_t item;
    size_t start;
    size_t nbytes;
} share;

/* The threads of one transfer, and what they have left to do. */
typedef struct crew {
    const transfer *transfer;
    pthread_mutex_t mutex;
    share next;        /* where to go on; nbytes is the size of a share */
    size_t failedItem; /* the first that failed; count if none has */
    int64_t result;
} crew;

/* One thread of a crew, and its part of the bounce buffer. */
typedef struct hand {
    crew *crew;
    pthread_t thread;
    char *bounce;
    size_t bounceSize;
} hand;

/* Takes the next share. Returns 0 when there is none, or somebody failed. */
static int crew_take(crew *c, share *taken)
{
    const transfer *t = c->transfer;
    int found = 0;
    pthread_mutex_lock(&c->mutex);
    while (!found && c->result == 0 && c->next.item < t->count) {
        const staged *w = &t->stage->weights[t->changed[c->next.item]];
        size_t left = w->nbytes - c->next.start;
        if (staged_is_small(w) || left == 0) {
            c->next.item++;
            c->next.start = 0;
            continue;
        }
        *taken = c->next;
        taken->nbytes = left < c->next.nbytes ? left : c->next.nbytes;
        c->next.start += taken->nbytes;
        found = 1;
    }
    pthread_mutex_unlock(&c->mutex);
    return found;
}

/*
 * Notes a failure of this thread. On another thread than the caller's
 * (foreign) the library's own words are kept, too: only this one can ask.
 */
static void crew_fail(crew *c, size_t item, int64_t result, int foreign)
{
    pthread_mutex_lock(&c->mutex);
    if (c->result == 0 || item < c->failedItem) {
        ab_stage *stage = c->transfer->stage;
        const char *text = NULL;
        if (foreign && aclGetRecentErrMsg != NULL) {
            text = aclGetRecentErrMsg();
        }
        stage->foreign = foreign;
        snprintf(stage->detail, DETAIL_SIZE, "%s", text == NULL ? "" : text);
        c->failedItem = item;
        c->result = result;
    }
    pthread_mutex_unlock(&c->mutex);
}

/* Adds what a share's move counted. */
static void crew_count(crew *c, size_t item, const ab_counts *more)
{
    ab_counts *sum = &c->transfer->counts[item];
    pthread_mutex_lock(&c->mutex);
    sum->overflow += more->overflow;
    sum->underflow += more->underflow;
    sum->subnormal += more->subnormal;
    sum->nan += more->nan;
    sum->nonfinite += more->nonfinite;
    pthread_mutex_unlock(&c->mutex);
}

/* Converts a share chunk by chunk, sending each. */
static aclError hand_convert(const hand *h, const share *s)
{
    const transfer *t = h->crew->transfer;
    const char *src = t->src[s->item];
    size_t place = t->stage->weights[t->changed[s->item]].offset;
    size_t end = s->start + s->nbytes;
    aclError status = ACL_SUCCESS;
    ab_counts counts = {0, 0, 0, 0, 0};
    for (size_t at = s->start; at < end && status == ACL_SUCCESS;) {
        size_t now = end - at < h->bounceSize ? end - at : h->bounceSize;
        ab_convert(t->moves[s->item], h->bounce, src + at * 2, now / 2,
                   &counts);
        status = transfer_send(t, place + at, h->bounce, now);
        at += now;
    }
    crew_count(h->crew, s->item, &counts);
    return status;
}

/*
 * Counts what is not finite in a share and sends it, in parts that the copy
 * then finds in the processor's cache: so the count costs no second way
 * through memory.
 */
static aclError hand_count(const hand *h, const share *s)
{
    const transfer *t = h->crew->transfer;
    const char *src = (const char *)t->src[s->item] + s->start;
    size_t place = t->stage->weights[t->changed[s->item]].offset + s->start;
    aclError status = ACL_SUCCESS;
    ab_counts counts = {0, 0, 0, 0, 0};
    for (size_t at = 0; at < s->nbytes && status == ACL_SUCCESS;) {
        size_t left = s->nbytes - at;
        size_t now = left < COUNT_PART ? left : COUNT_PART;
        counts.nonfinite += ab_nonfinite(t->moves[s->item], src + at, now);
        status = transfer_send(t, place + at, src + at, now);
        at += now;
    }
    crew_count(h->crew, s->item, &counts);
    return status;
}

/* Moves one share. */
static aclError hand_move(const hand *h, const share *s)
{
    const transfer *t = h->crew->transfer;
    const staged *w = &t->stage->weights[t->changed[s->item]];
    if (move_converts(t->moves[s->item])) {
        return hand_convert(h, s);
    }
    if (move_counts(t->moves[s->item])) {
        return hand_count(h, s);
    }
    return transfer_send(t, w->offset + s->start,
                         (const char *)t->src[s->item] + s->start, s->nbytes);
}

/* Moves shares until none is left, the context being set. */
static void hand_work(hand *h, int foreign)
{
    share s;
    while (crew_take(h->crew, &s)) {
        aclError status = hand_move(h, &s);
        if (status != ACL_SUCCESS) {
            crew_fail(h->crew, s.item,
                      failure(AB_STEP_COPY_IN, s.item, status), foreign);
        }
    }
}

/* What another thread than the caller's does. */
static void *hand_main(void *argument)
{
    hand *h = argument;
    ab_visit visit;
    aclrtContext ours = h->crew->transfer->stage->engine->context;
    int64_t result = ab_context_enter(ours, &visit);
    if (result == 0) {
        hand_work(h, 1);
        ab_context_leave(&visit);
    }
    if (result != 0) {
        crew_fail(h->crew, h->crew->transfer->count, result, 1);
    }
    return NULL;
}

/* The bytes of the large weights. */
static size_t transfer_large_nbytes(const transfer *t)
{
    size_t total = 0;
    for (size_t i = 0; i < t->count; i++) {
        const staged *w = &t->stage->weights[t->changed[i]];
        total += staged_is_small(w) ? 0 : w->nbytes;
    }
    return total;
}

/*
 * How many bytes a thread takes at once: all of a weight if it is alone, else
 * little enough that all end together. A multiple of START.
 */
static size_t share_size(size_t total, size_t threads)
{
    size_t size = total / threads / SHARES_EACH;
    if (threads == 1) {
        return SIZE_MAX;
    }
    size = size < SHARE_LEAST ? SHARE_LEAST : size;
    return (size < SHARE_MOST ? size : SHARE_MOST) & ~(size_t)(START - 1);
}

/* Shares the bounce buffer among the threads of a crew. */
static void hands_equip(hand *hands, size_t threads, crew *c)
{
    const transfer *t = c->transfer;
    size_t part = t->bounceSize / threads & ~(size_t)(START - 1);
    for (size_t i = 0; i < threads; i++) {
        hands[i].crew = c;
        hands[i].bounce = t->bounce + i * part;
        hands[i].bounceSize = part < AB_STAGE_CHUNK ? part : AB_STAGE_CHUNK;
    }
}

/* Moves the large weights. A thread that cannot be had is done without. */
static int64_t transfer_large(const transfer *t, size_t threads)
{
    hand hands[AB_STAGE_MAX_THREADS];
    crew c = {.transfer = t, .failedItem = t->count};
    size_t total = transfer_large_nbytes(t), started = 1;
    if (total == 0) {
        return 0;
    }
    threads = total < threads * SHARE_LEAST ? 1 : threads;
    c.next.nbytes = share_size(total, threads);
    pthread_mutex_init(&c.mutex, NULL);
    hands_equip(hands, threads, &c);
    while (started < threads
           && pthread_create(&hands[started].thread, NULL, hand_main,
                             &hands[started]) == 0) {
        started++;
    }
    hand_work(&hands[0], 0);
    while (--started > 0) {
        pthread_join(hands[started].thread, NULL);
    }
    pthread_mutex_destroy(&c.mutex);
    return c.result;
}
