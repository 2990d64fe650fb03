/*
 * program_check: a program that is read and found consistent.
 */
#ifndef FAKE_PROGRAM_CHECK_H
#define FAKE_PROGRAM_CHECK_H

#include "file/program.h"

/*
 * Reads the program of a model: 0, or the status of a load after a message
 * that names the record. On success program_free() is due.
 */
int program_parse(const Om *om, const Inout *inout, Program *program);

#endif
