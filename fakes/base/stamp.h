/*
 * stamp: what tells processes apart in memory that they share; a process's number is taken again.
 */
#ifndef FAKE_STAMP_H
#define FAKE_STAMP_H

#include <stdint.h>

/* A number that this process has and no other: 30 bits, and 32 zero bits behind them. */
uint64_t process_stamp(void);

#endif
