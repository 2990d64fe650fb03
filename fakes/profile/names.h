/*
 * names: texts that the program has numbers for (facts 12.5).
 */
#ifndef FAKE_NAMES_H
#define FAKE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Copies the text of a number that aclprofStr2Id gave, or the number as text. */
void name_copy(uint64_t id, char *text, size_t size);

#endif
