/*
 * tally: how many things of each kind were ever made.
 *
 * Kinds are named as in keepers.h, and counted where they are made; what is
 * alive is told by its keepers, and the difference was destroyed. An object
 * that another one owns is that one's affair: neither counts it.
 */
#ifndef FAKE_TALLY_H
#define FAKE_TALLY_H

#include <stddef.h>
#include <stdint.h>

/* Counts one. kind is a literal; the 33rd kind is not counted. */
void tally_made(const char *kind);

/* The i-th kind in order of its first one, and its count; NULL: no more. */
const char *tally_row(size_t i, uint64_t *made);

#endif
