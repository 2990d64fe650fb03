/*
 * The two conversions below are ACL's, not IEEE's: out of range, Inf and NaN
 * become the largest number on the way down, and an ordinary number on the
 * way up.
 */
#include "file/numeric.h"

#include <math.h>
#include <string.h>

#include "base/acl.h"
#include "call/calls.h"

size_t element_size(int data_type)
{
    switch (data_type) {
    case ACL_DT_UNDEFINED:
    case ACL_STRING:
        return 0;
    case ACL_INT4:
    case ACL_UINT1:
    case ACL_BOOL:
    case ACL_INT8:
    case ACL_UINT8:
    case ACL_HIFLOAT8:
    case ACL_FLOAT8_E5M2:
    case ACL_FLOAT8_E4M3FN:
    case ACL_FLOAT8_E8M0:
        return 1;
    case ACL_FLOAT16:
    case ACL_INT16:
    case ACL_UINT16:
    case ACL_BF16:
        return 2;
    case ACL_FLOAT:
    case ACL_INT32:
    case ACL_UINT32:
    case ACL_COMPLEX32:
        return 4;
    case ACL_COMPLEX128:
        return 16;
    default:
        return 8;
    }
}

bool multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

bool add(size_t a, size_t b, size_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

bool element_count(const int64_t *dims, size_t rank, size_t *count)
{
    *count = 1;
    for (size_t i = 0; i < rank; i++)
        if (dims[i] < 0 || !multiply(*count, (size_t)dims[i], count))
            return false;
    return true;
}

bool tensor_bytes(const int64_t *dims, size_t rank, int data_type, size_t *bytes)
{
    size_t count;

    return element_count(dims, rank, &count) && multiply(count, element_size(data_type), bytes);
}

size_t aclDataTypeSize(aclDataType dataType)
{
    ENTER_AS(aclDataTypeSize, 0, "dataType=%d", (int)dataType);
    return element_size((int)dataType);
}

/* Exponent 31 is an exponent like the others here. */
float half_value(uint16_t half)
{
    int exponent = (half >> 10) & 0x1f;
    int mantissa = half & 0x3ff;
    float magnitude = exponent == 0 ? ldexpf((float)mantissa, -24)
                                    : ldexpf((float)(mantissa | 0x400), exponent - 25);

    return half & 0x8000 ? -magnitude : magnitude;
}

float aclFloat16ToFloat(aclFloat16 value)
{
    ENTER_AS(aclFloat16ToFloat, 0.0f, "value=0x%04x", value);
    return half_value(value);
}

/* value >> bits, rounded to nearest, ties to even. */
static uint32_t shift_round(uint32_t value, unsigned bits)
{
    uint32_t kept = value >> bits;
    uint32_t rest = value & ((UINT32_C(1) << bits) - 1);
    uint32_t half = UINT32_C(1) << (bits - 1);

    return kept + (rest > half || (rest == half && (kept & 1)));
}

/* The 15 bits of the magnitude; the carry of rounding enters the exponent. */
static uint32_t half_magnitude(uint32_t single)
{
    uint32_t exponent = single >> 23;
    uint32_t mantissa = (single & 0x7fffff) | 0x800000;

    if (exponent < 102)
        return 0;
    if (exponent < 113)
        return shift_round(mantissa, 126 - exponent);
    if (exponent > 142)
        return 0x7bff;
    uint32_t half = shift_round(single - (UINT32_C(112) << 23), 13);
    return half > 0x7bff ? 0x7bff : half;
}

uint16_t half_of(float value)
{
    uint32_t single;

    memcpy(&single, &value, sizeof single);
    return (uint16_t)(half_magnitude(single & 0x7fffffff) | ((single >> 16) & 0x8000));
}

aclFloat16 aclFloatToFloat16(float value)
{
    ENTER_AS(aclFloatToFloat16, 0, "value=%g", (double)value);
    return half_of(value);
}
