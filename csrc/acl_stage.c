/*
 * A stage fills the update graph's input dataset. It keeps, for every weight,
 * its data buffer, its byte count and the description that says "assign"; and
 * whether the dataset now asks to assign it. Descriptions stick to a dataset,
 * so only weights whose answer changes are touched.
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
    int assigns;
    int wanted;
} staged;

struct ab_stage {
    ab_engine *engine;
    aclmdlDataset *input;
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

/* A stage for count weights, all of them to be described; NULL without
 * memory. The engine and the dataset outlive it. */
static ab_stage *ab_stage_new(ab_engine *engine, aclmdlDataset *input,
                              size_t count)
{
    ab_stage *stage = calloc(1, sizeof *stage + count * sizeof(staged));
    if (stage != NULL) {
        stage->engine = engine;
        stage->input = input;
        stage->count = count;
    }
    return stage;
}

static void ab_stage_free(ab_stage *stage)
{
    free(stage);
}

/* Describes weight index; its slot in the dataset says "keep" so far. */
static void ab_stage_weight(ab_stage *stage, size_t index,
                            aclDataBuffer *buffer, size_t nbytes,
                            aclTensorDesc *desc)
{
    stage->weights[index] = (staged){buffer, desc, nbytes, 0, 0};
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

/* Points a weight's data buffer at its place in the area. */
static aclError stage_point(const packing *p, staged *w, size_t offset)
{
    return aclUpdateDataBuffer(w->buffer, p->area + offset, w->nbytes);
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
    status = stage_point(p, w, p->offset + p->filled);
    p->filled += size;
    return status == ACL_SUCCESS ? 0
                                 : failure(AB_STEP_SET_BUFFER, index, status);
}

/* Copies one large weight straight from the caller's array. */
static int64_t stage_large(packing *p, size_t index, const void *src)
{
    staged *w = &p->stage->weights[index];
    aclError status = stage_copy(p, p->offset, src, w->nbytes);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_COPY_IN, index, status);
    }
    status = stage_point(p, w, p->offset);
    p->offset += room(w->nbytes);
    return status == ACL_SUCCESS ? 0
                                 : failure(AB_STEP_SET_BUFFER, index, status);
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
 * Makes the dataset say "assign" for the wanted weights and "keep" for all
 * others. A kept weight's buffer points at keepData: an empty tensor, too,
 * wants a byte behind it.
 */
static int64_t stage_describe(ab_stage *stage, void *keepData,
                              aclTensorDesc *keepDesc)
{
    for (size_t i = 0; i < stage->count; i++) {
        staged *w = &stage->weights[i];
        aclError status;
        if (w->assigns == w->wanted) {
            continue;
        }
        status = aclmdlSetDatasetTensorDesc(
            stage->input, w->wanted ? w->desc : keepDesc, i);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_SET_DESC, i, status);
        }
        w->assigns = w->wanted;
        if (!w->wanted) {
            status = aclUpdateDataBuffer(w->buffer, keepData, 1);
            if (status != ACL_SUCCESS) {
                return failure(AB_STEP_SET_BUFFER, i, status);
            }
        }
    }
    return 0;
}

/*
 * Brings the changed weights (ascending, no repeats) to the device and makes
 * the dataset ready for ab_commit. area holds ab_stage_nbytes; bounce holds
 * the room of the largest small weight or more, and is not used without small
 * ones. Returns 0 or a failure; no variable is touched either way, and a
 * later write starts afresh.
 */
static int64_t ab_stage_write(ab_stage *stage, void *area, void *bounce,
                              size_t bounceSize, const uint32_t *changed,
                              const void *const *src, size_t count,
                              void *keepData, aclTensorDesc *keepDesc)
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
        result = stage_bytes(&p, changed, src, count);
        if (result == 0) {
            result = stage_describe(stage, keepData, keepDesc);
        }
        result = context_leave(previous, result);
    }
    return result;
}
