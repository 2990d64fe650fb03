/*
 * The functions of acl_bundle.pyacl: a C function by its name, as a function of
 * Python's own calling convention that takes and gives what pyACL's does.
 *
 * A pattern says what crosses, in the order of C's parameters, then ">" and
 * what C returns:
 *
 *     taken   k uint64_t, I uint32_t, B uint8_t (they wrap), l int64_t,
 *             i int32_t, h int16_t, b int8_t from 0 to 255 (they are checked),
 *             s str, S the same or absent
 *     given   P size_t or pointer, Q int64_t, U uint32_t, D int32_t, F float;
 *             Python does not pass them, they come first in the tuple that
 *             answers
 *     result  e aclError, u uint32_t, p size_t or pointer, q int64_t,
 *             t char * (NULL is None), v void, m aclError behind the first
 *             argument
 *
 *     aclrtMalloc  "Pki>e"   malloc(size, policy): (pointer, ret)
 */
#ifndef AB_PYACL_CALLS_H
#define AB_PYACL_CALLS_H

#include <stdint.h>

uintptr_t ab_pyacl_maker(void);

#endif
