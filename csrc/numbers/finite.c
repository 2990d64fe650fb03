/*
 * Counting NaN and infinity in floats of any kind, beside a plain copy. A
 * number is told by a pattern: the bits under a mask have one value then.
 *
 * Nearly every array has none, and that is found with vectors of the
 * compiler's, a block at a time. Only a block that has some is counted number
 * by number.
 *
 * What costs is the way from memory, not the test: one run of addresses does
 * not keep memory busy, for the processor does not fetch ahead beyond a page.
 * So a block is several pages, which are read side by side.
 */

#include "numbers/ab_convert.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "numbers/blocks.h"
#include "numbers/moves.h"

enum { FINITE_VECTOR = 32, FINITE_STREAMS = 8 };
enum { FINITE_STEP = FINITE_STREAMS * 2 * FINITE_VECTOR }; /* a block is a multiple */
enum { FINITE_PAGE = 4096, FINITE_BLOCK = FINITE_STREAMS * FINITE_PAGE };

/* One kind of number: one part, or two for a complex one. */
typedef struct float_kind {
    size_t size;    /* bytes of a number */
    size_t part;    /* bytes of a part */
    uint64_t mask;  /* of a part */
    uint64_t value; /* under the mask, of what is not finite */
} float_kind;

/* By move, from AB_MOVE_COPY_FLOAT16 on. */
static const float_kind FLOAT_KINDS[] = {
    {2, 2, 0x7C00, 0x7C00},                             /* float16 */
    {2, 2, 0x7F80, 0x7F80},                             /* bfloat16 */
    {4, 4, 0x7F800000, 0x7F800000},                     /* float32 */
    {8, 8, 0x7FF0000000000000, 0x7FF0000000000000},     /* float64 */
    {8, 4, 0x7F800000, 0x7F800000},                     /* complex64 */
    {16, 8, 0x7FF0000000000000, 0x7FF0000000000000},    /* complex128 */
    {1, 1, 0x7F, 0x7F},                                 /* float8_e4m3fn: NaN alone */
    {1, 1, 0x7C, 0x7C},                                 /* float8_e5m2 */
    {1, 1, 0xFF, 0xFF},                                 /* float8_e8m0fnu: NaN alone */
};

/* A part as it lies in memory, little-endian. */
static uint64_t part_at(const unsigned char *at, size_t size)
{
    uint64_t bits = 0;
    memcpy(&bits, at, size);
    return bits;
}

/* How many of some numbers are not finite, one after the other. */
static uint64_t nonfinite_each(const float_kind *k, const unsigned char *src, size_t nbytes)
{
    uint64_t found = 0;
    for (size_t at = 0; at < nbytes; at += k->size) {
        int is = (part_at(src + at, k->part) & k->mask) == k->value;
        if (k->size > k->part && !is) {
            is = (part_at(src + at + k->part, k->part) & k->mask) == k->value;
        }
        found += (uint64_t)is;
    }
    return found;
}

/* A kind's mask and value, for every lane of a vector. */
typedef struct float_lanes {
    unsigned char mask[FINITE_VECTOR];
    unsigned char value[FINITE_VECTOR];
} float_lanes;

static void lanes_fill(const float_kind *k, float_lanes *lanes)
{
    /* Of a part of 8 bytes the low half is masked away, and must be 1. */
    uint64_t value = k->part == 8 ? k->value | 1 : k->value;
    for (size_t at = 0; at < FINITE_VECTOR; at += k->part) {
        memcpy(lanes->mask + at, &k->mask, k->part);
        memcpy(lanes->value + at, &value, k->part);
    }
}

/*
 * Whether a block has one. lane is a part, or half a part of 8 bytes, whose
 * low half then never fits. Two vectors at a time, so that neither waits.
 */
#define HAS_NONFINITE(name, lane, target) \
    target static int name(const float_lanes *of, const unsigned char *src, size_t nbytes) \
    { \
        typedef lane lanes __attribute__((vector_size(FINITE_VECTOR))); \
        lanes mask, value, one, two, any = {0}, also = {0}; \
        size_t apart = nbytes / FINITE_STREAMS; \
        memcpy(&mask, of->mask, sizeof mask); \
        memcpy(&value, of->value, sizeof value); \
        for (size_t at = 0; at < apart; at += 2 * sizeof one) { \
            for (size_t stream = 0; stream < FINITE_STREAMS; stream++) { \
                const unsigned char *from = src + stream * apart + at; \
                memcpy(&one, from, sizeof one); \
                memcpy(&two, from + sizeof one, sizeof two); \
                any |= (lanes)((one & mask) == value); \
                also |= (lanes)((two & mask) == value); \
            } \
        } \
        any |= also; \
        uint64_t bits[FINITE_VECTOR / 8]; \
        memcpy(bits, &any, sizeof bits); \
        return (bits[0] | bits[1] | bits[2] | bits[3]) != 0; \
    }

HAS_NONFINITE(has_nonfinite8, uint8_t, )
HAS_NONFINITE(has_nonfinite16, uint16_t, )
HAS_NONFINITE(has_nonfinite32, uint32_t, )

#if defined(__x86_64__)

/* The same by AVX2; asked for only where there is a convert_width. */
HAS_NONFINITE(has_nonfinite8_wide, uint8_t, AVX2)
HAS_NONFINITE(has_nonfinite16_wide, uint16_t, AVX2)
HAS_NONFINITE(has_nonfinite32_wide, uint32_t, AVX2)

#else

#define has_nonfinite8_wide has_nonfinite8
#define has_nonfinite16_wide has_nonfinite16
#define has_nonfinite32_wide has_nonfinite32

#endif

typedef int (*block_test)(const float_lanes *of, const unsigned char *src, size_t nbytes);

/* What tests a block, by the size of a kind's parts. */
static block_test block_test_of(const float_kind *k)
{
    int wide = convert_width() != 0;
    switch (k->part) {
    case 1:
        return wide ? has_nonfinite8_wide : has_nonfinite8;
    case 2:
        return wide ? has_nonfinite16_wide : has_nonfinite16;
    default:
        return wide ? has_nonfinite32_wide : has_nonfinite32;
    }
}

/* How many are in one block, of any multiple of FINITE_STEP up to FINITE_BLOCK. */
static uint64_t nonfinite_block(const float_kind *k, const float_lanes *lanes,
                                const unsigned char *src, size_t nbytes)
{
    block_test has = block_test_of(k);
    uint64_t found = 0;
    if (!has(lanes, src, nbytes)) {
        return 0;
    }
    for (size_t at = 0; at < nbytes; at += FINITE_PAGE) {
        size_t left = nbytes - at;
        size_t now = left < FINITE_PAGE ? left : FINITE_PAGE;
        if (has(lanes, src + at, now)) {
            found += nonfinite_each(k, src + at, now);
        }
    }
    return found;
}

/* How many are in a run of whole numbers, block by block. */
static uint64_t nonfinite_run(const float_kind *k, const float_lanes *lanes,
                              const unsigned char *at, size_t nbytes)
{
    uint64_t found = 0;
    while (nbytes >= FINITE_STEP) {
        size_t most = nbytes < FINITE_BLOCK ? nbytes : FINITE_BLOCK;
        size_t now = most - most % FINITE_STEP;
        found += nonfinite_block(k, lanes, at, now);
        at += now;
        nbytes -= now;
    }
    return found + nonfinite_each(k, at, nbytes);
}

/* Bytes before the first page, of whole numbers: at most nbytes. */
static size_t nonfinite_head(const unsigned char *at, size_t nbytes)
{
    size_t into = (uintptr_t)at % FINITE_PAGE;
    size_t head = (FINITE_PAGE - into) % FINITE_PAGE & ~(size_t)15;
    return head < nbytes ? head : nbytes;
}

/*
 * Returns how many numbers are NaN or infinite, of nbytes bytes that a move
 * copies: whole numbers, aligned or not. 0 of a move that does not count.
 * This function cannot fail.
 */
uint64_t ab_nonfinite(enum ab_move move, const void *src, size_t nbytes)
{
    const float_kind *k;
    float_lanes lanes;
    size_t head = nonfinite_head(src, nbytes);
    const unsigned char *body = (const unsigned char *)src + head;
    if (!move_counts(move)) {
        return 0;
    }
    k = &FLOAT_KINDS[move - AB_MOVE_COPY_FLOAT16];
    lanes_fill(k, &lanes);
    return nonfinite_run(k, &lanes, src, head) + nonfinite_run(k, &lanes, body, nbytes - head);
}
