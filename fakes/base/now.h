/*
 * now: the time that latencies, deadlines and the trace are told in.
 */
#ifndef FAKE_NOW_H
#define FAKE_NOW_H

#include <stdint.h>

/* Monotonic nanoseconds, never 0. */
uint64_t now_ns(void);

/* The moment a timeout in milliseconds ends; 0, for ever, for -1. */
uint64_t deadline_of(int32_t timeout_ms);

#endif
