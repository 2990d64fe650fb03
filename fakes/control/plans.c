/*
 * plans: faults and latencies, as a text of a setting asks for them.
 *
 *     ACL_FAKE_FAIL=aclmdlExecute:2:507011,aclrtMalloc:0:207001
 *     ACL_FAKE_LATENCY=aclmdlExecute:75000,aclrtMemcpy:90000:0.23
 *
 * Faults are function:nth:code each, as aclfakeFail() takes them, latencies
 * function:fixedNs[:nsPerByte], as aclfakeLatency() does. Nothing changes
 * when one of them is no good.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "call/faults.h"
#include "call/settings.h"

enum { NAME_MAX_SIZE = 128 };

/* Takes what stands before the first colon; NULL when that is no name. */
static const char *take_name(const char *text, char *name)
{
    size_t length = strcspn(text, ":,");

    if (length == 0 || length >= NAME_MAX_SIZE || text[length] != ':')
        return NULL;
    memcpy(name, text, length);
    name[length] = '\0';
    return text + length + 1;
}

static const char *take_count(const char *text, uint64_t *number)
{
    char *end = NULL;

    if (text == NULL || *text < '0' || *text > '9')
        return NULL;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 ? end : NULL;
}

static const char *take_code(const char *text, int *code)
{
    char *end = NULL;

    if (text == NULL || *text != ':')
        return NULL;
    long number = strtol(text + 1, &end, 10);
    if (end == text + 1 || number == 0 || number < INT_MIN || number > INT_MAX)
        return NULL;
    *code = (int)number;
    return end;
}

/* Nothing there is a rate of zero. */
static const char *take_rate(const char *text, double *rate)
{
    char *end = NULL;

    *rate = 0;
    if (text == NULL || *text != ':')
        return text;
    *rate = strtod(text + 1, &end);
    return end > text + 1 && *rate >= 0 && *rate < 1e12 ? end : NULL;
}

/* Reads one fault, and arms it if told to; what follows it, or NULL. */
static const char *one_fault(const char *text, bool arm)
{
    char name[NAME_MAX_SIZE];
    uint64_t nth = 0;
    int code = 0;
    const char *end = take_code(take_count(take_name(text, name), &nth), &code);
    if (end == NULL)
        return NULL;
    FunctionId id = function_named(name);
    if (id == FUNCTION_COUNT && strcmp(name, "*") != 0)
        return NULL;
    if (arm)
        fault_arm(id, nth, code);
    return end;
}

static const char *one_latency(const char *text, bool set)
{
    char name[NAME_MAX_SIZE];
    uint64_t fixed = 0;
    double rate = 0;
    const char *end = take_rate(take_count(take_name(text, name), &fixed), &rate);
    if (end == NULL || function_named(name) == FUNCTION_COUNT)
        return NULL;
    if (set)
        latency_set(function_named(name), fixed, rate);
    return end;
}

/* Goes through a list, first to look and then to do. */
static bool each(const char *text, const char *(*one)(const char *text, bool act), bool act)
{
    while (*text != '\0') {
        text = one(text, act);
        if (text == NULL || (*text != ',' && *text != '\0'))
            return false;
        text += *text == ',';
    }
    return true;
}

static const char *set_faults(const char *text)
{
    if (each(text, one_fault, false) && each(text, one_fault, true))
        return NULL;
    return "function:nth:code, parted by commas; a function of AscendCL or "
           "\"*\", nth 0 for every call, a code that is not 0";
}

SETTING(SETTING_FAIL, "fail", set_faults, NULL)

static const char *set_latencies(const char *text)
{
    if (each(text, one_latency, false) && each(text, one_latency, true))
        return NULL;
    return "function:nanoseconds or function:nanoseconds:per byte, parted "
           "by commas";
}

SETTING(SETTING_LATENCY, "latency", set_latencies, NULL)
