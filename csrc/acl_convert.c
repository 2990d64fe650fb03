/*
 * Conversion of float32 to float16 and bfloat16, by the best means that the
 * processor has (acl_vectors.c), which is asked at run time: what is built
 * here runs on every processor of its architecture.
 */

#if defined(__x86_64__) || defined(__aarch64__)

/*
 * convert_plain, several numbers at a time. Returns how many it has done: all
 * but the last few.
 */
static size_t convert_wide(enum ab_move move, unsigned char *dst,
                           const unsigned char *src, size_t count,
                           ab_counts *counts)
{
    size_t done = 0, whole = count - count % WIDTH;
    while (done < whole) {
        size_t now = whole - done < TALLY_BLOCK ? whole - done : TALLY_BLOCK;
        above n;
        if (move == AB_MOVE_HALF) {
            block_half(dst + done * 2, src + done * 4, now, &n);
        } else {
            block_bfloat(dst + done * 2, src + done * 4, now, &n);
        }
        tally_block(counts, &n);
        done += now;
    }
    return done;
}

#else

/* Whether convert_wide may be called: not on this processor. */
static int convert_is_wide(void)
{
    return 0;
}

static size_t convert_wide(enum ab_move move, unsigned char *dst,
                           const unsigned char *src, size_t count,
                           ab_counts *counts)
{
    (void)move, (void)dst, (void)src, (void)count, (void)counts;
    return 0;
}

#endif

/*
 * Converts count float32 at src to as many narrow floats at dst, both in host
 * memory, apart, aligned or not; adds to counts what happened to them. Any
 * move that converts. This function cannot fail.
 */
static void ab_convert(enum ab_move move, void *dst, const void *src,
                       size_t count, ab_counts *counts)
{
    size_t done = 0;
    if (convert_is_wide()) {
        done = convert_wide(move, dst, src, count, counts);
    }
    convert_plain(move, (unsigned char *)dst + done * 2,
                  (const unsigned char *)src + done * 4, count - done, counts);
}

/* ab_convert without what only some processors have, for comparison. */
static void ab_convert_plain(enum ab_move move, void *dst, const void *src,
                             size_t count, ab_counts *counts)
{
    convert_plain(move, dst, src, count, counts);
}
