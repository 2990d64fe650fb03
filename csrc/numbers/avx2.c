/* Blocks of vectors.c by AVX2 and F16C, if the processor has them. */

#include "numbers/blocks.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "numbers/narrow.h"

#define AVX2_INLINE AVX2 __attribute__((always_inline)) static inline

enum { WIDTH = 8 };

static size_t width;

/*
 * Asks the processor once, when the library is opened. A virtual machine answers
 * CPUID in its monitor, which takes as long as it takes to convert a small weight.
 * clang 14 has no __builtin_cpu_supports for F16C. The system saves what both need,
 * the wide registers, where it gives AVX2.
 */
__attribute__((constructor)) static void width_ask(void)
{
    unsigned a, b, c, d;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0) {
        width = WIDTH;
    }
}

/* See blocks.h. */
size_t convert_width(void)
{
    return width;
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
    return _mm256_cvtps_ph(_mm256_castsi256_ps(bits), _MM_FROUND_TO_NEAREST_INT);
}

/* Lanes of no more than 16 bits, without the other 16. */
AVX2_INLINE __m128i lanes_pack(__m256i lanes)
{
    return _mm_packus_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
}

AVX2_INLINE __m128i lanes_bfloat(__m256i bits, __m256i a)
{
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), lanes_of(1));
    __m256i up = _mm256_add_epi32(bits, lanes_of(0x7FFF));
    __m256i nan = _mm256_cmpgt_epi32(a, lanes_of(INFINITE));
    __m256i quiet =
        _mm256_or_si256(_mm256_and_si256(bits, lanes_of(0x80000000)), lanes_of(0x7FC00000));
    __m256i wide = _mm256_srli_epi32(_mm256_blendv_epi8(_mm256_add_epi32(up, odd), quiet, nan), 16);
    return lanes_pack(wide);
}

/* One block, of a multiple of WIDTH up to TALLY_BLOCK. */
AVX2_INLINE void convert_block(int half, unsigned char *dst, const unsigned char *src, size_t count,
                               const limits *of, above *n)
{
    __m256i zero = _mm256_setzero_si256(), zeroTo = zero, subnormal = zero;
    __m256i normal = zero, finite = zero, infinite = zero;
    for (size_t i = 0; i < count; i += WIDTH) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(src + i * 4));
        __m256i a = _mm256_and_si256(bits, lanes_of(MAGNITUDE));
        _mm_storeu_si128((__m128i *)(dst + i * 2), half ? lanes_half(bits) : lanes_bfloat(bits, a));
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
AVX2 static int common_half(unsigned char *dst, const unsigned char *src, size_t count, above *n)
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
    *n = (above){
        .zero = lanes_sum(zero), .zeroTo = lanes_sum(zeroTo), .subnormal = lanes_sum(subnormal)};
    return lanes_most(most) < HALF.infiniteFrom;
}

/*
 * The same, and without results below the normal ones but 0, which bfloat16
 * hardly has. What is left needs no counting, the extremes tell: of numbers
 * negated the largest was the least, and 0 stays 0.
 */
AVX2 static int common_bfloat(unsigned char *dst, const unsigned char *src, size_t count, above *n)
{
    __m256i most = _mm256_setzero_si256(), negated = most;
    for (size_t i = 0; i < count; i += WIDTH) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(src + i * 4));
        __m256i a = _mm256_and_si256(bits, lanes_of(MAGNITUDE));
        __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), lanes_of(1));
        __m256i up = _mm256_add_epi32(bits, lanes_of(0x7FFF));
        __m256i wide = _mm256_srli_epi32(_mm256_add_epi32(up, odd), 16);
        _mm_storeu_si128((__m128i *)(dst + i * 2), lanes_pack(wide));
        most = _mm256_max_epu32(most, a);
        negated = _mm256_max_epu32(negated, _mm256_sub_epi32(_mm256_setzero_si256(), a));
    }
    *n = (above){0};
    return lanes_most(most) < BFLOAT.infiniteFrom && lanes_most(negated) <= 0 - BFLOAT.normalFrom;
}

AVX2 void block_half(unsigned char *dst, const unsigned char *src, size_t count, above *n)
{
    if (!common_half(dst, src, count, n)) {
        convert_block(1, dst, src, count, &HALF, n);
    }
}

AVX2 void block_bfloat(unsigned char *dst, const unsigned char *src, size_t count, above *n)
{
    if (!common_bfloat(dst, src, count, n)) {
        convert_block(0, dst, src, count, &BFLOAT, n);
    }
}

#endif
