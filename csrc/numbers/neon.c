/* Blocks of vectors.c by NEON. */

#include "numbers/blocks.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "numbers/narrow.h"

enum { WIDTH = 4 };

/* See blocks.h; NEON is part of every aarch64. */
size_t convert_width(void)
{
    return WIDTH;
}

/* Counts, in each lane, what is above a limit. */
static inline uint32x4_t lanes_count(uint32x4_t sum, uint32x4_t a, uint32_t limit)
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
    uint32x4_t quiet = vorrq_u32(vandq_u32(bits, vdupq_n_u32(0x80000000)), vdupq_n_u32(0x7FC00000));
    return vshrn_n_u32(vbslq_u32(nan, quiet, up), 16);
}

/* One block, of a multiple of WIDTH up to TALLY_BLOCK. */
static inline void convert_block(int half, unsigned char *dst, const unsigned char *src,
                                 size_t count, const limits *of, above *n)
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

void block_half(unsigned char *dst, const unsigned char *src, size_t count, above *n)
{
    convert_block(1, dst, src, count, &HALF, n);
}

void block_bfloat(unsigned char *dst, const unsigned char *src, size_t count, above *n)
{
    convert_block(0, dst, src, count, &BFLOAT, n);
}

#endif
