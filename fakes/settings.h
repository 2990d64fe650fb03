/*
 * settings: what a test may choose about this library.
 *
 * They come from the environment when the library is opened and after every
 * aclfakeReset (ACL_FAKE_MODE, ACL_FAKE_DEVICES, ...: the keys of aclfakeSet
 * in capitals), and from aclfakeSet in between. A bad variable cannot be
 * refused where it is read; aclInit refuses it.
 */
#ifndef FAKE_SETTINGS_H
#define FAKE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum { DEVICES_MAX = 64 };

typedef struct Settings {
    bool strict;
    int devices;
    uint64_t memory;            /* bytes per device */
    int run_mode;               /* aclrtRunMode */
    char soc[64];
    char onnxruntime[4096];     /* "": search for it */
} Settings;

extern Settings settings;

/* Changes one setting. False: nothing changed, the error queue says why. */
bool settings_set(const char *key, const char *value);

/* Defaults, then the environment. */
void settings_reset(void);

/* What is wrong with the environment, or NULL. */
const char *settings_complaint(void);

#endif
