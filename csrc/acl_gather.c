/*
 * A view has dims and strides, in bytes, of any sign. Its elements cross in C
 * order: gathered into the bounce buffer a slab at a time, converted and
 * counted there while they lie in the cache, and copied from there.
 *
 * A transposed matrix is read along one axis and written along another, so
 * one of the two leaps. A tile of both is small enough that every cache line
 * it touches is used up before it goes.
 */

enum { GATHER_LINES = 64, GATHER_ACROSS = 16 }; /* a tile, in elements */
enum { GATHER_SLAB = 1 << 20 };                 /* bytes, which a cache keeps */

/* A view whose axes are as few as they can be. */
typedef struct strided {
    const char *data;
    size_t itemsize;
    size_t rank;
    size_t dims[AB_GATHER_RANK];
    int64_t strides[AB_GATHER_RANK];
} strided;

/* Leaves out axes of one, and joins those that follow one another in memory. */
static strided strided_of(const void *src, size_t itemsize, size_t rank,
                          const size_t *dims, const int64_t *strides)
{
    strided v = {src, itemsize, 0, {0}, {0}};
    for (size_t i = 0; i < rank; i++) {
        size_t last = v.rank - 1; /* not read while there is none */
        if (dims[i] == 1) {
            continue;
        }
        if (v.rank > 0
            && v.strides[last] == strides[i] * (int64_t)dims[i]) {
            v.dims[last] *= dims[i];
            v.strides[last] = strides[i];
            continue;
        }
        v.dims[v.rank] = dims[i];
        v.strides[v.rank] = strides[i];
        v.rank++;
    }
    return v;
}

/* Elements of all axes from one on. */
static size_t strided_count(const strided *v, size_t axis)
{
    size_t count = 1;
    for (size_t i = axis; i < v->rank; i++) {
        count *= v->dims[i];
    }
    return count;
}

/*
 * Squares of elements that are turned in registers: the lines of one are four
 * or eight elements that lie side by side in the source, colStride apart.
 */
#if defined(__clang__)
#define MIX(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MIX(type, a, b, ...) __builtin_shuffle(a, b, (type){__VA_ARGS__})
#endif

typedef uint32_t four_words __attribute__((vector_size(16)));
typedef uint16_t eight_halves __attribute__((vector_size(16)));

static four_words words_at(const char *at)
{
    four_words v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* Turns four by four elements of four bytes. */
static void turn_words(char *dst, size_t dstRow, const char *src,
                       int64_t colStride)
{
    four_words a = words_at(src), b = words_at(src + colStride);
    four_words c = words_at(src + 2 * colStride);
    four_words d = words_at(src + 3 * colStride);
    four_words ab = MIX(four_words, a, b, 0, 4, 1, 5);
    four_words AB = MIX(four_words, a, b, 2, 6, 3, 7);
    four_words cd = MIX(four_words, c, d, 0, 4, 1, 5);
    four_words CD = MIX(four_words, c, d, 2, 6, 3, 7);
    four_words rows[4] = {MIX(four_words, ab, cd, 0, 1, 4, 5),
                          MIX(four_words, ab, cd, 2, 3, 6, 7),
                          MIX(four_words, AB, CD, 0, 1, 4, 5),
                          MIX(four_words, AB, CD, 2, 3, 6, 7)};
    for (size_t i = 0; i < 4; i++) {
        memcpy(dst + i * dstRow, &rows[i], sizeof rows[i]);
    }
}

/* Turns eight by eight elements of two bytes: pairs, fours, then whole lines. */
static void turn_halves(char *dst, size_t dstRow, const char *src,
                        int64_t colStride)
{
    eight_halves line[8], pair[8];
    for (size_t i = 0; i < 8; i++) {
        memcpy(&line[i], src + (int64_t)i * colStride, sizeof line[i]);
    }
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 4; i++) {
            pair[2 * i] = MIX(eight_halves, line[i], line[i + 4],
                              0, 8, 1, 9, 2, 10, 3, 11);
            pair[2 * i + 1] = MIX(eight_halves, line[i], line[i + 4],
                                  4, 12, 5, 13, 6, 14, 7, 15);
        }
        memcpy(line, pair, sizeof line);
    }
    for (size_t i = 0; i < 8; i++) {
        memcpy(dst + i * dstRow, &line[i], sizeof line[i]);
    }
}

/* Copies a rectangle element by element. */
static void tile_plain(char *dst, size_t dstRow, const char *src,
                       int64_t rowStride, int64_t colStride, size_t rows,
                       size_t cols, size_t itemsize)
{
    for (size_t i = 0; i < rows; i++) {
        const char *from = src + (int64_t)i * rowStride;
        char *to = dst + i * dstRow;
        for (size_t j = 0; j < cols; j++) {
            memcpy(to, from, itemsize);
            from += colStride;
            to += itemsize;
        }
    }
}

/*
 * Copies a rectangle: rows of dst are contiguous and lie dstRow apart; rows of
 * src lie rowStride apart and the elements of one colStride.
 */
static void tile_copy(char *dst, size_t dstRow, const char *src,
                      int64_t rowStride, int64_t colStride, size_t rows,
                      size_t cols, size_t itemsize)
{
    size_t side = itemsize == 4 ? 4 : itemsize == 2 ? 8 : 0;
    size_t lines = 0, across = 0;
    if (side != 0 && rowStride == (int64_t)itemsize) {
        lines = rows - rows % side;
        across = cols - cols % side;
    }
    for (size_t i = 0; i < lines; i += side) {
        for (size_t j = 0; j < across; j += side) {
            char *to = dst + i * dstRow + j * itemsize;
            const char *from = src + i * itemsize + (int64_t)j * colStride;
            if (side == 4) {
                turn_words(to, dstRow, from, colStride);
            } else {
                turn_halves(to, dstRow, from, colStride);
            }
        }
    }
    tile_plain(dst + across * itemsize, dstRow,
               src + (int64_t)across * colStride, rowStride, colStride, lines,
               cols - across, itemsize);
    tile_plain(dst + lines * dstRow, dstRow,
               src + (int64_t)lines * rowStride, rowStride, colStride,
               rows - lines, cols, itemsize);
}

/* Copies a whole matrix by tiles; dstRow is the distance of its rows in dst. */
static void matrix_copy(char *dst, size_t dstRow, const char *src,
                        int64_t rowStride, int64_t colStride, size_t rows,
                        size_t cols, size_t itemsize)
{
    for (size_t j = 0; j < cols; j += GATHER_ACROSS) {
        size_t across = cols - j < GATHER_ACROSS ? cols - j : GATHER_ACROSS;
        for (size_t i = 0; i < rows; i += GATHER_LINES) {
            size_t lines = rows - i < GATHER_LINES ? rows - i : GATHER_LINES;
            tile_copy(dst + i * dstRow + j * itemsize, dstRow,
                      src + (int64_t)i * rowStride + (int64_t)j * colStride,
                      rowStride, colStride, lines, across, itemsize);
        }
    }
}

/* The axis, before the last, along which the source is read in small steps. */
static size_t strided_lines(const strided *v)
{
    size_t best = v->rank - 2;
    for (size_t i = 0; i + 1 < v->rank; i++) {
        if (llabs(v->strides[i]) < llabs(v->strides[best])) {
            best = i;
        }
    }
    return best;
}

/*
 * Gathers axes from axis on into dst. lines is the axis that goes with the
 * last one in tiles; it is stepped over here.
 */
static void gather_axes(const strided *v, char *dst, const char *src,
                        size_t axis, size_t lines)
{
    size_t last = v->rank - 1;
    if (axis == lines && axis < last) {
        gather_axes(v, dst, src, axis + 1, lines);
        return;
    }
    if (axis == last) {
        size_t row = v->itemsize * strided_count(v, lines + 1);
        matrix_copy(dst, row, src, v->strides[lines], v->strides[last],
                    v->dims[lines], v->dims[last], v->itemsize);
        return;
    }
    for (size_t i = 0; i < v->dims[axis]; i++) {
        gather_axes(v, dst, src, axis + 1, lines);
        dst += v->itemsize * strided_count(v, axis + 1);
        src += v->strides[axis];
    }
}

/* Gathers axes from axis on, of which the last is contiguous. */
static void gather_runs(const strided *v, char *dst, const char *src,
                        size_t axis)
{
    size_t nbytes = v->itemsize * strided_count(v, axis + 1);
    if (axis == v->rank - 1) {
        memcpy(dst, src, v->dims[axis] * v->itemsize);
        return;
    }
    for (size_t i = 0; i < v->dims[axis]; i++) {
        gather_runs(v, dst + i * nbytes, src, axis + 1);
        src += v->strides[axis];
    }
}

/* Gathers a whole view. */
static void strided_gather(const strided *v, char *dst)
{
    if (v->rank == 0) {
        memcpy(dst, v->data, v->itemsize);
    } else if (v->strides[v->rank - 1] == (int64_t)v->itemsize) {
        gather_runs(v, dst, v->data, 0);
    } else if (v->rank == 1) {
        matrix_copy(dst, v->itemsize * v->dims[0], v->data, 0, v->strides[0],
                    1, v->dims[0], v->itemsize);
    } else {
        gather_axes(v, dst, v->data, 0, strided_lines(v));
    }
}

/* One weight on its way, slab by slab. */
typedef struct gathering {
    const transfer *t;
    enum ab_move move;
    size_t offset; /* in the area, of the next slab */
    ab_counts *counts;
} gathering;

/* Bytes of the bounce buffer that one slab may take before it is converted. */
static size_t gathering_room(const gathering *g)
{
    size_t size = g->t->bounceSize < GATHER_SLAB ? g->t->bounceSize
                                                 : GATHER_SLAB;
    return move_converts(g->move) ? size / 3 * 2 : size;
}

/* Gathers, converts, counts and sends one slab, which fits. */
static int64_t gathering_slab(gathering *g, const strided *v)
{
    size_t count = strided_count(v, 0), nbytes = count * v->itemsize;
    char *slab = g->t->bounce;
    aclError status;
    strided_gather(v, slab);
    if (move_converts(g->move)) {
        char *narrow = slab + gathering_room(g);
        ab_convert(g->move, narrow, slab, count, g->counts);
        slab = narrow;
        nbytes = count * 2;
    } else if (move_counts(g->move)) {
        g->counts->nonfinite += ab_nonfinite(g->move, slab, nbytes);
    }
    status = transfer_send(g->t, g->offset, slab, nbytes);
    g->offset += nbytes;
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_COPY_IN, 0, status);
}

/* Cuts a view along an axis until its pieces fit, and moves each. */
static int64_t gathering_cut(gathering *g, strided v, size_t axis)
{
    size_t each = strided_count(&v, axis + 1) * v.itemsize;
    size_t fit = axis < v.rank ? gathering_room(g) / each : 1;
    size_t left = axis < v.rank ? v.dims[axis] : 1;
    int64_t result = 0;
    while (left > 0 && result == 0) {
        size_t now = fit == 0 ? 1 : left < fit ? left : fit;
        if (axis < v.rank) {
            v.dims[axis] = now;
        }
        result = fit == 0 ? gathering_cut(g, v, axis + 1)
                          : gathering_slab(g, &v);
        v.data += axis < v.rank ? (int64_t)now * v.strides[axis] : 0;
        left -= now;
    }
    return result;
}

/*
 * Moves weight index from a view of at most AB_GATHER_RANK axes, none of them
 * empty, to its place, in C order; see ab_stage_move for area and moves, of
 * which none but a conversion changes the size of an element. bounce holds an
 * element of the view and what it is converted to, and is as fast as it can be
 * with AB_STAGE_CHUNK. Returns 0 or a failure with index 0.
 */
static int64_t ab_stage_gather(ab_stage *stage, void *area, void *bounce,
                               size_t bounceSize, size_t index,
                               enum ab_move move, const void *src,
                               size_t itemsize, size_t rank,
                               const size_t *dims, const int64_t *strides,
                               ab_counts *counts)
{
    transfer t = {stage, area, bounce, bounceSize, NULL, NULL, NULL, NULL, 0};
    gathering g = {&t, move, stage->weights[index].offset, counts};
    ab_visit visit;
    int64_t result = stage_enter(stage, &visit);
    if (result == 0) {
        strided v = strided_of(src, itemsize, rank, dims, strides);
        result = gathering_cut(&g, v, 0);
        ab_context_leave(&visit);
    }
    return result;
}
