/*
 * peers: which devices may reach the memory of which others.
 */
#ifndef FAKE_PEERS_H
#define FAKE_PEERS_H

#include <stdbool.h>

/* Do the chips share memory at all? 0, or 207000 of those that do not. */
int peers_needed(void);

/* May a device reach a chip's memory? Its own it may. */
bool peer_is_enabled(int device, int chip);

/* From now on it may. */
void peer_enable(int device, int chip);

#endif
