/*
 * A stage fills the update graph's input dataset. It keeps, for every weight,
 * its data buffer, its byte count and the description that says "assign"; and
 * whether the dataset now asks to assign it. Descriptions stick to a dataset,
 * so only weights whose answer changes are touched, and only once every byte
 * has arrived: until then the dataset is as the last write left it. What says
 * "keep" never points into the area, which may be gone by the next write.
 *
 * In the staging area each weight starts at a multiple of 64 and is followed
 * by ALIGN_UP(nbytes, 32) + 32 bytes of its own, as sub-allocated device
 * memory must be. Weights under SMALL bytes come first, side by side: they
 * are gathered in the bounce buffer and cross in copies of its size. The
 * others cross directly.
 *
 * The area and the bounce buffer are the caller's, for one write each.
 */

enum { SMALL = 256 * 1024, START = 64, PAD = 32 };

typedef struct staged {
    aclDataBuffer *buffer;
    aclTensorDesc *desc;
    size_t nbytes;
    size_t offset; /* in the area, of a wanted weight */
    int points;    /* the buffer may lead into the area */
    int assigns;   /* what the dataset says */
    int wanted;    /* what it is to say */
} staged;

struct ab_stage {
    ab_engine *engine;
    aclmdlDataset *input;
    void *keepData;
    aclTensorDesc *keepDesc;
    size_t count;
    staged weights[];
};

/* Where a write stands: what lies in the bounce buffer, not yet copied. */
typedef struct packing {
    ab_stage *stage;
    char *area;
    char *bounce;
    size_t bounceSize;
    size_t filled;
    size_t offset; /* in the area, of the bounce buffer's first byte */
} packing;

/*
 * A stage over a dataset of count inputs that all say "keep": described by
 * keepDesc, and pointing at keepData, for an empty tensor, too, wants a byte
 * behind it. NULL without memory. What is given outlives it.
 */
static ab_stage *ab_stage_new(ab_engine *engine, aclmdlDataset *input,
                              size_t count, void *keepData,
                              aclTensorDesc *keepDesc)
{
    ab_stage *stage = calloc(1, sizeof *stage + count * sizeof(staged));
    if (stage != NULL) {
        stage->engine = engine;
        stage->input = input;
        stage->keepData = keepData;
        stage->keepDesc = keepDesc;
        stage->count = count;
    }
    return stage;
}

static void ab_stage_free(ab_stage *stage)
{
    free(stage);
}

/* Describes weight index; what the dataset says of it stays as it is. */
static void ab_stage_weight(ab_stage *stage, size_t index,
                            aclDataBuffer *buffer, size_t nbytes,
                            aclTensorDesc *desc)
{
    staged *w = &stage->weights[index];
    w->buffer = buffer;
    w->desc = desc;
    w->nbytes = nbytes;
}

/* The room a weight takes in the area: START-aligned, padding included. */
static size_t room(size_t nbytes)
{
    size_t padded = ((nbytes + PAD - 1) & ~(size_t)(PAD - 1)) + PAD;
    return (padded + START - 1) & ~(size_t)(START - 1);
}

/*
 * The area that these weights need, in bytes; 0 when the sum is more than a
 * size_t can hold.
 */
static size_t ab_stage_nbytes(const ab_stage *stage, const uint32_t *changed,
                              size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t nbytes = stage->weights[changed[i]].nbytes;
        if (nbytes > SIZE_MAX - PAD - 2 * START
            || total > SIZE_MAX - room(nbytes)) {
            return 0;
        }
        total += room(nbytes);
    }
    return total;
}

/* Copies host bytes to a place in the area. */
static aclError stage_copy(const packing *p, size_t offset, const void *src,
                           size_t nbytes)
{
    return aclrtMemcpy(p->area + offset, nbytes, src, nbytes,
                       p->stage->engine->toDevice);
}

/* Sends what the bounce buffer holds. */
static aclError stage_flush(packing *p)
{
    aclError status = ACL_SUCCESS;
    if (p->filled > 0) {
        status = stage_copy(p, p->offset, p->bounce, p->filled);
        p->offset += p->filled;
        p->filled = 0;
    }
    return status;
}

/* Gathers one small weight. The bounce buffer holds at least one. */
static int64_t stage_small(packing *p, size_t index, const void *src)
{
    staged *w = &p->stage->weights[index];
    size_t size = room(w->nbytes);
    aclError status;
    if (size > p->bounceSize - p->filled) {
        status = stage_flush(p);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_COPY_IN, index, status);
        }
    }
    memcpy(p->bounce + p->filled, src, w->nbytes);
    memset(p->bounce + p->filled + w->nbytes, 0, size - w->nbytes);
    w->offset = p->offset + p->filled;
    p->filled += size;
    return 0;
}

/* Copies one large weight straight from the caller's array. */
static int64_t stage_large(packing *p, size_t index, const void *src)
{
    staged *w = &p->stage->weights[index];
    aclError status = stage_copy(p, p->offset, src, w->nbytes);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_COPY_IN, index, status);
    }
    w->offset = p->offset;
    p->offset += room(w->nbytes);
    return 0;
}

/* Moves the bytes of every changed weight, the small ones first. */
static int64_t stage_bytes(packing *p, const uint32_t *changed,
                           const void *const *src, size_t count)
{
    int64_t result = 0;
    aclError status;
    for (size_t i = 0; i < count && result == 0; i++) {
        if (p->stage->weights[changed[i]].nbytes < SMALL) {
            result = stage_small(p, changed[i], src[i]);
        }
    }
    if (result != 0) {
        return result;
    }
    status = stage_flush(p);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_COPY_IN, 0, status);
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        if (p->stage->weights[changed[i]].nbytes >= SMALL) {
            result = stage_large(p, changed[i], src[i]);
        }
    }
    return result;
}

/*
 * Makes one input of the dataset say what is wanted of its weight. The data
 * buffer goes first: a description never stands over a pointer that is gone.
 */
static int64_t stage_describe(const packing *p, size_t index)
{
    ab_stage *stage = p->stage;
    staged *w = &stage->weights[index];
    aclError status = ACL_SUCCESS;
    if (w->wanted) {
        status = aclUpdateDataBuffer(w->buffer, p->area + w->offset, w->nbytes);
    } else if (w->points) {
        status = aclUpdateDataBuffer(w->buffer, stage->keepData, 1);
    }
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_BUFFER, index, status);
    }
    w->points = w->wanted;
    if (w->assigns != w->wanted) {
        status = aclmdlSetDatasetTensorDesc(
            stage->input, w->wanted ? w->desc : stage->keepDesc, index);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_SET_DESC, index, status);
        }
        w->assigns = w->wanted;
    }
    return 0;
}

/* Moves the bytes, then makes the whole dataset say what is wanted. */
static int64_t stage_write(packing *p, const uint32_t *changed,
                           const void *const *src, size_t count)
{
    ab_stage *stage = p->stage;
    int64_t result = stage_bytes(p, changed, src, count);
    for (size_t i = 0; i < stage->count && result == 0; i++) {
        result = stage_describe(p, i);
    }
    return result;
}

/*
 * Brings the changed weights (no repeats) to the device and makes the dataset
 * ready for ab_commit. area holds ab_stage_nbytes; bounce holds the room of
 * the largest small weight or more, and is not used without small ones.
 * Returns 0 or a failure; no variable is touched either way, and a later
 * write starts afresh.
 */
static int64_t ab_stage_write(ab_stage *stage, void *area, void *bounce,
                              size_t bounceSize, const uint32_t *changed,
                              const void *const *src, size_t count)
{
    packing p = {stage, area, bounce, bounceSize, 0, 0};
    aclrtContext previous;
    int64_t result;
    if (gate_is_foreign(stage->engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    for (size_t i = 0; i < stage->count; i++) {
        stage->weights[i].wanted = 0;
    }
    for (size_t i = 0; i < count; i++) {
        stage->weights[changed[i]].wanted = 1;
    }
    result = context_enter(stage->engine->context, &previous);
    if (result == 0) {
        result = stage_write(&p, changed, src, count);
        result = context_leave(previous, result);
    }
    return result;
}
