/*
 * settings: what a test may choose about this library.
 *
 * They come from the environment when the library is opened and after every
 * aclfakeReset, and from aclfakeSet in between. Plain values stand in the
 * struct below; what belongs to a part of its own (the trace, memory, faults,
 * a profile) is set by that part, which names the setting here:
 *
 *     SETTING(SETTING_TRACE, "trace", set_trace, "off")
 *
 * What a setting was given is kept word for word, so that a test can read it
 * and put it back. A setting that was not chosen has its default. Orders that
 * are carried out and not kept (fail, latency) have none and are not told.
 */
#ifndef FAKE_SETTINGS_H
#define FAKE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { DEVICES_MAX = 64 };

/* What stderr is told of violations and leaks (call/places.h, control/at_exit.h). */
typedef enum Reporting { REPORT_OFF, REPORT_EXIT, REPORT_LIVE } Reporting;

typedef struct Settings {
    bool strict;
    int devices;
    uint64_t memory;            /* bytes per device */
    int run_mode;               /* aclrtRunMode */
    Reporting report;
    unsigned fail_on;           /* a bit for each severity that fails the process */
    char soc[64];
    char onnxruntime[4096];     /* "": search for it, */
    char libjpeg[4096];         /* and so with these */
    char libpng[4096];
} Settings;

extern Settings settings;

/* In the order in which they are told, and taken from the environment. */
typedef enum SettingId {
    SETTING_MODE,
    SETTING_TRACE,
    SETTING_DEVICES,
    SETTING_MEMORY,
    SETTING_RUN_MODE,
    SETTING_SOC,
    SETTING_ONNXRUNTIME,
    SETTING_LIBJPEG,
    SETTING_LIBPNG,
    SETTING_MEMORY_ENDS,
    SETTING_REPORT,
    SETTING_FAIL_ON,
    SETTING_LINES,
    SETTING_HIDE,
    SETTING_FAIL,
    SETTING_PROFILE,            /* before latencies, which it replaces */
    SETTING_LATENCY,
    SETTING_COUNT
} SettingId;

/* Sets a value: NULL, or what would have been right; nothing changed then. */
typedef const char *Setter(const char *value);

/* Names a setting, before the library begins. */
#define SETTING(id, key, set, normal) \
    __attribute__((constructor(101))) static void name_##id(void) \
    { \
        settings_add(id, key, set, normal); \
    }

/* What the macro calls; normal is NULL for an order. */
void settings_add(SettingId id, const char *key, Setter *set, const char *normal);

/* Changes one setting. False: nothing changed, the error queue says why. */
bool settings_set(const char *key, const char *value);

/*
 * Gives a setting another default, which it has now unless it was chosen:
 * NULL, or what would have been right. normal is a literal.
 */
const char *settings_default(SettingId id, const char *normal);

/* All defaults. */
void settings_reset(void);

/* The i-th key, NULL after the last one. */
const char *settings_key(size_t i);

/* {"key","value"} for each setting, as JSON lines. */
void settings_read(Text *text);

/* A number from low to high, all of value: false for anything else. */
bool setting_number(const char *value, uint64_t low, uint64_t high, uint64_t *number);

/* 1 for the first word, 0 for the second, -1 for any other. */
int setting_word(const char *value, const char *yes, const char *no);

#endif
