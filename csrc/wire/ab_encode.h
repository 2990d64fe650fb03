/*
 * A protobuf message, written from objects of Python's.
 */
#ifndef AB_ENCODE_CALLS_H
#define AB_ENCODE_CALLS_H

#include <stdint.h>

/*
 * The address of `PyObject *make(void)`, which wants the GIL and so no cffi. It returns the
 * function `encode(message) -> bytes`, the caller's; or NULL, and Python's exception is set.
 *
 * A message is a tuple of fields, each a number and behind it what the field holds: an
 * integer, a float of 32 bits, a text, bytes, or a message of its own, which is a tuple; and a
 * list of these where the field is there for each. Fields stand as they are given.
 */
uintptr_t ab_encode_maker(void);

#endif
