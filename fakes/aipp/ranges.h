/*
 * ranges: what a parameter of AIPP may be.
 */
#ifndef FAKE_AIPP_RANGES_H
#define FAKE_AIPP_RANGES_H

#include <stddef.h>
#include <stdint.h>

/* Parameters are checked one by one, in the order of a call's arguments. */
typedef struct Ranged {
    const char *name;
    int64_t value;
    int64_t low;
    int64_t high;
} Ranged;

/* 0, or ACL_ERROR_INVALID_PARAM with the first that is out of its range. */
int ranges_check(const Ranged *row, size_t count);

#define CHECK_ALL(...) \
    ranges_check((const Ranged[]){__VA_ARGS__}, \
                 sizeof((const Ranged[]){__VA_ARGS__}) / sizeof(Ranged))
#define RANGED(name, low, high) {#name, name, low, high}

#endif
