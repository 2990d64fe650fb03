/*
 * lines: which line of a Python program calls.
 *
 * Where an interpreter is in the process, its own functions tell the stack of
 * the thread. They need the GIL, so nobody asks under a lock: another thread
 * may wait for that lock with the GIL. The line is the innermost one outside
 * of the package that this library lies in, and of those modules of Python
 * that stand between the program and AscendCL.
 */
#ifndef FAKE_LINES_H
#define FAKE_LINES_H

#include <stdbool.h>
#include <stdint.h>

/* Does Python's code call, on this thread? Takes no lock. */
bool line_is_there(void);

/* The line that calls; 0: none. The caller holds no lock. */
uint32_t line_here(void);

/* "app.py:12 in load" for good, or NULL for 0. */
const char *line_text(uint32_t line);

#endif
