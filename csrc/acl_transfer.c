/*
 * Transfers move weights from host arrays to the places that a stage gave
 * them. Small weights are gathered in the bounce buffer and cross in copies
 * of its size. Large ones that need no conversion cross straight from the
 * caller's array; the others are converted chunk by chunk into the bounce
 * buffer, which stays in the processor's cache, and copied from there.
 *
 * Several threads share the large weights: each asks for the next share (a
 * run of one weight's bytes) until none is left or one of them has failed.
 * The caller's thread is one of them. Each of the others sets the device's
 * context, has a part of the bounce buffer to itself, and is gone when the
 * call returns. Counters and results are noted under the crew's mutex.
 *
 * Without an area nothing is sent: what is left of a transfer then is to
 * count what its conversions do.
 */

enum { SHARE_LEAST = 1 << 20, SHARE_MOST = 16 << 20, SHARES_EACH = 4 };

/* What is to be moved; the caller's, unchanged but for counts. */
typedef struct transfer {
    ab_stage *stage;
    char *area;
    char *bounce;
    size_t bounceSize;
    const uint32_t *changed;
    const uint8_t *moves;
    const void *const *src;
    ab_counts *counts;
    size_t count;
} transfer;

/* Copies host bytes to a place in the area, if there is one. */
static aclError transfer_send(const transfer *t, size_t offset,
                              const void *src, size_t nbytes)
{
    if (t->area == NULL) {
        return ACL_SUCCESS;
    }
    return aclrtMemcpy(t->area + offset, nbytes, src, nbytes,
                       t->stage->engine->toDevice);
}

/* What lies in the bounce buffer, not yet sent. */
typedef struct pack {
    size_t filled;
    size_t offset; /* in the area, of its first byte */
    size_t first;  /* which of the transfer it is */
} pack;

/* Sends what is packed. */
static int64_t pack_flush(const transfer *t, pack *p)
{
    aclError status = ACL_SUCCESS;
    if (p->filled > 0) {
        status = transfer_send(t, p->offset, t->bounce, p->filled);
        p->filled = 0;
    }
    return status == ACL_SUCCESS ? 0
                                 : failure(AB_STEP_COPY_IN, p->first, status);
}

/* Copies or converts one whole weight to dst. */
static void pack_fill(const transfer *t, size_t i, char *dst)
{
    size_t nbytes = t->stage->weights[t->changed[i]].nbytes;
    if (t->moves[i] != AB_MOVE_COPY) {
        ab_convert(t->moves[i], dst, t->src[i], nbytes / 2, &t->counts[i]);
    } else if (t->area != NULL) {
        memcpy(dst, t->src[i], nbytes);
    }
}

/* Gathers one small weight. The bounce buffer holds at least one. */
static int64_t pack_small(const transfer *t, pack *p, size_t i)
{
    const staged *w = &t->stage->weights[t->changed[i]];
    size_t room = ab_stage_room(t->stage, t->changed[i]);
    char *dst;
    if (room > t->bounceSize - p->filled
        || w->offset != p->offset + p->filled) {
        int64_t result = pack_flush(t, p);
        if (result != 0) {
            return result;
        }
    }
    if (p->filled == 0) {
        p->offset = w->offset;
        p->first = i;
    }
    dst = t->bounce + p->filled;
    pack_fill(t, i, dst);
    memset(dst + w->nbytes, 0, room - w->nbytes);
    p->filled += room;
    return 0;
}

/* Moves the small weights. */
static int64_t transfer_small(const transfer *t)
{
    pack p = {0, 0, 0};
    int64_t result = 0;
    for (size_t i = 0; i < t->count && result == 0; i++) {
        if (staged_is_small(&t->stage->weights[t->changed[i]])) {
            result = pack_small(t, &p, i);
        }
    }
    return result == 0 ? pack_flush(t, &p) : result;
}

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

/* Adds what a share's conversion counted. */
static void crew_count(crew *c, size_t item, const ab_counts *more)
{
    ab_counts *sum = &c->transfer->counts[item];
    pthread_mutex_lock(&c->mutex);
    sum->overflow += more->overflow;
    sum->underflow += more->underflow;
    sum->subnormal += more->subnormal;
    sum->nan += more->nan;
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
    ab_counts counts = {0, 0, 0, 0};
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

/* Moves one share. */
static aclError hand_move(const hand *h, const share *s)
{
    const transfer *t = h->crew->transfer;
    const staged *w = &t->stage->weights[t->changed[s->item]];
    if (t->moves[s->item] != AB_MOVE_COPY) {
        return hand_convert(h, s);
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
    aclrtContext previous;
    aclrtContext ours = h->crew->transfer->stage->engine->context;
    int64_t result = context_enter(ours, &previous);
    if (result == 0) {
        hand_work(h, 1);
        result = context_leave(previous, 0);
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

/*
 * Moves weights to the places that ab_stage_lay gave them, each from a whole,
 * contiguous host array. Small ones go in the order in which they were laid.
 *
 * area holds what ab_stage_lay said; NULL sends nothing and only counts.
 * bounce is page-locked host memory: the room of the largest small weight or
 * more, and AB_STAGE_CHUNK for each thread if a large one is converted; not
 * used otherwise. moves tells for each weight what to do; src of a conversion
 * are float32, and counts[i] is added to. counts may be NULL without any.
 * threads: 1 to AB_STAGE_MAX_THREADS.
 *
 * Returns 0 or a failure, of the first weight given that failed.
 */
static int64_t ab_stage_move(ab_stage *stage, void *area, void *bounce,
                             size_t bounceSize, size_t threads,
                             const uint32_t *changed, const uint8_t *moves,
                             const void *const *src, ab_counts *counts,
                             size_t count)
{
    transfer t = {stage, area, bounce, bounceSize, changed,
                  moves, src,  counts, count};
    aclrtContext previous;
    int64_t result;
    stage->foreign = 0;
    if (gate_is_foreign(stage->engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = context_enter(stage->engine->context, &previous);
    if (result == 0) {
        result = transfer_small(&t);
        result = result == 0 ? transfer_large(&t, threads) : result;
        result = context_leave(previous, result);
    }
    return result;
}

/*
 * Moves some bytes of weight index, as the device is to have them, to offset
 * bytes behind its start. Returns 0 or a failure with index 0.
 */
static int64_t ab_stage_piece(ab_stage *stage, void *area, size_t index,
                              size_t offset, const void *src, size_t nbytes)
{
    aclrtContext previous;
    int64_t result;
    stage->foreign = 0;
    if (gate_is_foreign(stage->engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = context_enter(stage->engine->context, &previous);
    if (result == 0) {
        char *dst = (char *)area + stage->weights[index].offset + offset;
        aclError status = aclrtMemcpy(dst, nbytes, src, nbytes,
                                      stage->engine->toDevice);
        if (status != ACL_SUCCESS) {
            result = failure(AB_STEP_COPY_IN, 0, status);
        }
        result = context_leave(previous, result);
    }
    return result;
}

/*
 * What the library said when the last move failed on a thread of its own,
 * where the caller cannot ask; NULL when it failed on the caller's.
 */
static const char *ab_stage_detail(const ab_stage *stage)
{
    return stage->foreign ? stage->detail : NULL;
}
