/*
 * settings: what a test may choose about this library.
 *
 * They come from the environment when the library is opened and after every
 * aclfakeReset, and from aclfakeSet in between. What belongs to a part of its
 * own (faults, latencies, the trace, hidden functions) is handed on to it.
 */
#ifndef FAKE_SETTINGS_H
#define FAKE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEVICES_MAX = 64 };

typedef struct Settings {
    bool strict;
    int devices;
    uint64_t memory;            /* bytes per device */
    int run_mode;               /* aclrtRunMode */
    bool report;                /* print what leaked at finalize */
    char soc[64];
    char onnxruntime[4096];     /* "": search for it */
} Settings;

extern Settings settings;

/* Changes one setting. False: nothing changed, the error queue says why. */
bool settings_set(const char *key, const char *value);

/* Defaults, then the environment. */
void settings_reset(void);

/* The i-th key, NULL after the last one. */
const char *settings_key(size_t i);

/* What its default reads as; NULL for an order that leaves no setting. */
const char *settings_default(size_t i);

#endif
