/*
 * From float32 to the narrow floats several numbers at a time: eight with
 * AVX2 and F16C where the processor at hand has them, four with NEON. The
 * answers are those of acl_narrow.c, which does the last few of an array, and
 * all of them on any other processor.
 *
 * Counting costs next to nothing: each counter is the difference of two "how
 * many lie above a limit", kept per lane for the length of a block.
 */

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { TALLY_BLOCK = 4096 }; /* floats that fit the first cache with ease */

/* How many numbers of a block lie above each limit. */
typedef struct above {
    uint64_t zero, zeroTo, subnormal, normal, finite, infinite;
} above;

/* Turns them into what is counted. */
static void tally_block(ab_counts *counts, const above *n)
{
    counts->nan += n->infinite;
    counts->overflow += n->normal - n->finite;
    counts->underflow += n->zero - n->zeroTo;
    counts->subnormal += n->zeroTo - n->subnormal;
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2,f16c")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) static inline

enum { WIDTH = 8 };

/* Whether convert_wide may be called. */
static int convert_is_wide(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
}

AVX2_INLINE __m256i lanes_of(uint32_t value)
{
    return _mm256_set1_epi32((int)value);
}

/* Counts, in each lane, what is above a limit. */
AVX2_INLINE __m256i lanes_count(__m256i sum, __m256i a, uint32_t limit)
{
    return _mm256_sub_epi32(sum, _mm256_cmpgt_epi32(a, lanes_of(limit)));
}

AVX2_INLINE uint64_t lanes_sum(__m256i lanes)
{
    uint32_t each[WIDTH];
    uint64_t sum = 0;
    _mm256_storeu_si256((__m256i *)each, lanes);
    for (size_t i = 0; i < WIDTH; i++) {
        sum += each[i];
    }
    return sum;
}

AVX2_INLINE __m128i lanes_half(__m256i bits)
{
    return _mm256_cvtps_ph(_mm256_castsi256_ps(bits),
                           _MM_FROUND_TO_NEAREST_INT);
}

/* Lanes of no more than 16 bits, without the other 16. */
AVX2_INLINE __m128i lanes_pack(__m256i lanes)
{
    return _mm_packus_epi32(_mm256_castsi256_si128(lanes),
                            _mm256_extracti128_si256(lanes, 1));
}

AVX2_INLINE __m128i lanes_bfloat(__m256i bits, __m256i a)
{
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), lanes_of(1));
    __m256i up = _mm256_add_epi32(bits, lanes_of(0x7FFF));
    __m256i nan = _mm256_cmpgt_epi32(a, lanes_of(INFINITE));
    __m256i quiet = _mm256_or_si256(
        _mm256_and_si256(bits, lanes_of(0x80000000)), lanes_of(0x7FC00000));
    __m256i wide = _mm256_srli_epi32(
        _mm256_blendv_epi8(_mm256_add_epi32(up, odd), quiet, nan), 16);
    return lanes_pack(wide);
}

/* One block, of a multiple of WIDTH up to TALLY_BLOCK. */
AVX2_INLINE void convert_block(int half, unsigned char *dst,
                               const unsigned char *src, size_t count,
                               const limits *of, above *n)
{
    __m256i zero = _mm256_setzero_si256(), zeroTo = zero, subnormal = zero;
    __m256i normal = zero, finite = zero, infinite = zero;
    for (size_t i = 0; i < count; i += WIDTH) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(src + i * 4));
        __m256i a = _mm256_and_si256(bits, lanes_of(MAGNITUDE));
        _mm_storeu_si128((__m128i *)(dst + i * 2),
                         half ? lanes_half(bits) : lanes_bfloat(bits, a));
        zero = lanes_count(zero, a, 0);
        zeroTo = lanes_count(zeroTo, a, of->zeroTo);
        subnormal = lanes_count(subnormal, a, of->normalFrom - 1);
        normal = lanes_count(normal, a, of->infiniteFrom - 1);
        finite = lanes_count(finite, a, INFINITE - 1);
        infinite = lanes_count(infinite, a, INFINITE);
    }
    n->zero = lanes_sum(zero);
    n->zeroTo = lanes_sum(zeroTo);
    n->subnormal = lanes_sum(subnormal);
    n->normal = lanes_sum(normal);
    n->finite = lanes_sum(finite);
    n->infinite = lanes_sum(infinite);
}

/* The largest of unsigned lanes. */
AVX2_INLINE uint32_t lanes_most(__m256i lanes)
{
    uint32_t each[WIDTH];
    uint32_t most = 0;
    _mm256_storeu_si256((__m256i *)each, lanes);
    for (size_t i = 0; i < WIDTH; i++) {
        most = each[i] > most ? each[i] : most;
    }
    return most;
}

/*
 * convert_block for a block without overflow, infinities and NaN, which is
 * nearly every one. 0 if it is another one: its result is void then.
 */
AVX2 static int common_half(unsigned char *dst, const unsigned char *src,
                            size_t count, above *n)
{
    __m256i zero = _mm256_setzero_si256(), zeroTo = zero, subnormal = zero;
    __m256i most = zero;
    for (size_t i = 0; i < count; i += WIDTH) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(src + i * 4));
        __m256i a = _mm256_and_si256(bits, lanes_of(MAGNITUDE));
        _mm_storeu_si128((__m128i *)(dst + i * 2), lanes_half(bits));
        zero = lanes_count(zero, a, 0);
        zeroTo = lanes_count(zeroTo, a, HALF.zeroTo);
        subnormal = lanes_count(subnormal, a, HALF.normalFrom - 1);
        most = _mm256_max_epu32(most, a);
    }
    *n = (above){.zero = lanes_sum(zero),
                 .zeroTo = lanes_sum(zeroTo),
                 .subnormal = lanes_sum(subnormal)};
    return lanes_most(most) < HALF.infiniteFrom;
}

/*
 * The same, and without results below the normal ones but 0, which bfloat16
 * hardly has. What is left needs no counting, the extremes tell: of numbers
 * negated the largest was the least, and 0 stays 0.
 */
AVX2 static int common_bfloat(unsigned char *dst, const unsigned char *src,
                              size_t count, above *n)
{
    __m256i most = _mm256_setzero_si256(), negated = most;
    for (size_t i = 0; i < count; i += WIDTH) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(src + i * 4));
        __m256i a = _mm256_and_si256(bits, lanes_of(MAGNITUDE));
        __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16),
                                       lanes_of(1));
        __m256i up = _mm256_add_epi32(bits, lanes_of(0x7FFF));
        __m256i wide = _mm256_srli_epi32(_mm256_add_epi32(up, odd), 16);
        _mm_storeu_si128((__m128i *)(dst + i * 2), lanes_pack(wide));
        most = _mm256_max_epu32(most, a);
        negated = _mm256_max_epu32(
            negated, _mm256_sub_epi32(_mm256_setzero_si256(), a));
    }
    *n = (above){0};
    return lanes_most(most) < BFLOAT.infiniteFrom
           && lanes_most(negated) <= 0 - BFLOAT.normalFrom;
}

AVX2 static void block_half(unsigned char *dst, const unsigned char *src,
                            size_t count, above *n)
{
    if (!common_half(dst, src, count, n)) {
        convert_block(1, dst, src, count, &HALF, n);
    }
}

AVX2 static void block_bfloat(unsigned char *dst, const unsigned char *src,
                              size_t count, above *n)
{
    if (!common_bfloat(dst, src, count, n)) {
        convert_block(0, dst, src, count, &BFLOAT, n);
    }
}

#elif defined(__aarch64__)

enum { WIDTH = 4 };

/* Whether convert_wide may be called: NEON is part of every aarch64. */
static int convert_is_wide(void)
{
    return 1;
}

/* Counts, in each lane, what is above a limit. */
static inline uint32x4_t lanes_count(uint32x4_t sum, uint32x4_t a,
                                     uint32_t limit)
{
    return vsubq_u32(sum, vcgtq_u32(a, vdupq_n_u32(limit)));
}

static inline uint16x4_t lanes_half(uint32x4_t bits)
{
    return vreinterpret_u16_f16(vcvt_f16_f32(vreinterpretq_f32_u32(bits)));
}

static inline uint16x4_t lanes_bfloat(uint32x4_t bits, uint32x4_t a)
{
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t up = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7FFF)), odd);
    uint32x4_t nan = vcgtq_u32(a, vdupq_n_u32(INFINITE));
    uint32x4_t quiet = vorrq_u32(vandq_u32(bits, vdupq_n_u32(0x80000000)),
                                 vdupq_n_u32(0x7FC00000));
    return vshrn_n_u32(vbslq_u32(nan, quiet, up), 16);
}

/* One block, of a multiple of WIDTH up to TALLY_BLOCK. */
static inline void convert_block(int half, unsigned char *dst,
                                 const unsigned char *src, size_t count,
                                 const limits *of, above *n)
{
    uint32x4_t zero = vdupq_n_u32(0), zeroTo = zero, subnormal = zero;
    uint32x4_t normal = zero, finite = zero, infinite = zero;
    for (size_t i = 0; i < count; i += WIDTH) {
        uint32x4_t bits = vreinterpretq_u32_u8(vld1q_u8(src + i * 4));
        uint32x4_t a = vandq_u32(bits, vdupq_n_u32(MAGNITUDE));
        uint16x4_t narrow = half ? lanes_half(bits) : lanes_bfloat(bits, a);
        vst1_u8(dst + i * 2, vreinterpret_u8_u16(narrow));
        zero = lanes_count(zero, a, 0);
        zeroTo = lanes_count(zeroTo, a, of->zeroTo);
        subnormal = lanes_count(subnormal, a, of->normalFrom - 1);
        normal = lanes_count(normal, a, of->infiniteFrom - 1);
        finite = lanes_count(finite, a, INFINITE - 1);
        infinite = lanes_count(infinite, a, INFINITE);
    }
    n->zero = vaddlvq_u32(zero);
    n->zeroTo = vaddlvq_u32(zeroTo);
    n->subnormal = vaddlvq_u32(subnormal);
    n->normal = vaddlvq_u32(normal);
    n->finite = vaddlvq_u32(finite);
    n->infinite = vaddlvq_u32(infinite);
}

static void block_half(unsigned char *dst, const unsigned char *src,
                       size_t count, above *n)
{
    convert_block(1, dst, src, count, &HALF, n);
}

static void block_bfloat(unsigned char *dst, const unsigned char *src,
                         size_t count, above *n)
{
    convert_block(0, dst, src, count, &BFLOAT, n);
}

#endif

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
