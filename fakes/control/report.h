/*
 * report: what was made, destroyed and forgotten, as a table to read.
 *
 *     kind                    created  destroyed       live
 *     device memory                12         11          1
 *         0x7f0000000200 of 4096 bytes, made by aclrtMalloc (call 17)
 *
 * aclfakeRead("report") gives it at any time; what a process leaves behind is
 * told at its end (control/at_exit.h).
 */
#ifndef FAKE_REPORT_H
#define FAKE_REPORT_H

#include "base/text.h"

/* The whole table. */
void report_read(Text *text);
#endif
