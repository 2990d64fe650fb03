/*
 * program_check: is a program that was read consistent?
 */
#ifndef FAKE_PROGRAM_CHECK_H
#define FAKE_PROGRAM_CHECK_H

#include "file/program.h"

/* 0, or the status of a load after a message that names the record. */
int program_check(const Program *program, const Om *om, const Inout *inout);

#endif
