/*
 * numeric: how large elements and tensors are.
 */
#ifndef FAKE_NUMERIC_H
#define FAKE_NUMERIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one element of an aclDataType, as ACL counts them. */
size_t element_size(int data_type);

/* a * b, a + b. False when the result has no room in a size_t. */
bool multiply(size_t a, size_t b, size_t *product);
bool add(size_t a, size_t b, size_t *sum);

/* The elements of a shape. False for a negative dim or too many. */
bool element_count(const int64_t *dims, size_t rank, size_t *count);

/* The bytes of a tensor. False as above. */
bool tensor_bytes(const int64_t *dims, size_t rank, int data_type, size_t *bytes);

/*
 * A number's half, to nearest, ties to even; beyond 65504 and of what is no
 * number: 65504, as CANN has it. And what 16 such bits say, which have no
 * infinities either.
 */
uint16_t half_of(float value);
float half_value(uint16_t half);

#endif
