#include "profile/config.h"

#include <string.h>

#include "call/calls.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "profile/profiler.h"
#include "runtime/visible.h"

const ProfConfig *prof_config_find(const aclprofConfig *handle)
{
    return object_find(handle, KIND_PROF_CONFIG, "profilerConfig");
}

const SubscribeConfig *subscribe_config_find(const aclprofSubscribeConfig *handle)
{
    return object_find(handle, KIND_PROF_SUBSCRIPTION, "profSubscribeConfig");
}

/* What is wrong with a list of devices is said; its bits otherwise. */
static bool take_devices(const uint32_t *list, uint32_t count, uint64_t *bits)
{
    uint32_t there = (uint32_t)visible_count();

    if (count > there)
        return refuse(E_PARAM, "deviceNums is %u, and there are %u devices", count, there), false;
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] >= there)
            return refuse(E_PARAM, "deviceIdList[%u] is %u, and there are %u devices", i, list[i],
                          there),
                   false;
        if ((*bits >> list[i] & 1) != 0)
            return refuse(E_PARAM, "deviceIdList names device %u twice", list[i]), false;
        *bits |= (uint64_t)1 << list[i];
    }
    return true;
}

static bool check_asked(const uint32_t *list, uint32_t count, const void *events, uint64_t switches)
{
    if (count != 0 && list == NULL)
        return refuse(E_PARAM, "deviceIdList is NULL, and deviceNums %u", count), false;
    if (list != NULL && host_check(list, "deviceIdList") != E_NONE)
        return false;
    if (events != NULL)
        return refuse(E_PARAM, "aicoreEvents is %p; it must be NULL", events), false;
    if (count == 0 && (switches & SWITCH_MSPROFTX) == 0)
        return refuse(E_PARAM, "deviceNums is 0; without devices, dataTypeConfig must have "
                               "ACL_PROF_MSPROFTX"),
               false;
    return true;
}

aclprofConfig *aclprofCreateConfig(uint32_t *deviceIdList, uint32_t deviceNums,
                                   aclprofAicoreMetrics aicoreMetrics,
                                   const aclprofAicoreEvents *aicoreEvents, uint64_t dataTypeConfig)
{
    ENTER_AS(aclprofCreateConfig, NULL,
             "deviceIdList=%p, deviceNums=%u, aicoreMetrics=%d, aicoreEvents=%p, "
             "dataTypeConfig=0x%llx",
             (void *)deviceIdList, deviceNums, (int)aicoreMetrics, (const void *)aicoreEvents,
             (unsigned long long)dataTypeConfig);
    uint64_t devices = 0;
    void *handle = NULL;
    if (!check_asked(deviceIdList, deviceNums, aicoreEvents, dataTypeConfig) ||
        !take_devices(deviceIdList, deviceNums, &devices)) {
        call.status = E_PARAM;
        return NULL;
    }
    ProfConfig *made = object_new(KIND_PROF_CONFIG, sizeof *made, NULL, NULL, &handle);
    if (made == NULL) {
        call.status = E_BAD_ALLOC;
        return NULL;
    }
    *made = (ProfConfig){devices, (dataTypeConfig & SWITCH_MSPROFTX) != 0, dataTypeConfig};
    return handle;
}

aclError aclprofDestroyConfig(const aclprofConfig *profilerConfig)
{
    ENTER(aclprofDestroyConfig, "profilerConfig=%p", (const void *)profilerConfig);
    if (profilerConfig == NULL)
        LEAVE(refuse(E_PARAM, "profilerConfig is NULL"));
    bool gone = object_destroy(profilerConfig, KIND_PROF_CONFIG, "profilerConfig");
    LEAVE(gone ? E_NONE : violation_status());
}

aclprofSubscribeConfig *aclprofCreateSubscribeConfig(int8_t timeInfoSwitch,
                                                     aclprofAicoreMetrics aicoreMetrics, void *fd)
{
    ENTER_AS(aclprofCreateSubscribeConfig, NULL, "timeInfoSwitch=%d, aicoreMetrics=%d, fd=%p",
             timeInfoSwitch, (int)aicoreMetrics, fd);
    void *handle = NULL;
    if (fd == NULL) {
        call.status =
            refuse(E_PARAM, "fd is NULL; it is the address of the pipe's end for writing");
        return NULL;
    }
    call.status = host_check(fd, "fd");
    if (call.status != E_NONE)
        return NULL;
    if (timeInfoSwitch != 0 && timeInfoSwitch != 1) {
        call.status = refuse(E_PARAM, "timeInfoSwitch is %d; it is 0 or 1", timeInfoSwitch);
        return NULL;
    }
    SubscribeConfig *made = object_new(KIND_PROF_SUBSCRIPTION, sizeof *made, NULL, NULL, &handle);
    if (made == NULL) {
        call.status = E_BAD_ALLOC;
        return NULL;
    }
    *made = (SubscribeConfig){timeInfoSwitch == 1, (int)aicoreMetrics, fd};
    return handle;
}

aclError aclprofDestroySubscribeConfig(const aclprofSubscribeConfig *profSubscribeConfig)
{
    ENTER(aclprofDestroySubscribeConfig, "profSubscribeConfig=%p",
          (const void *)profSubscribeConfig);
    if (profSubscribeConfig == NULL)
        LEAVE(refuse(E_PARAM, "profSubscribeConfig is NULL"));
    bool gone = object_destroy(profSubscribeConfig, KIND_PROF_SUBSCRIPTION, "profSubscribeConfig");
    LEAVE(gone ? E_NONE : violation_status());
}

/* What aclprofSetConfig takes: for a rate, its range; else one of some words. */
static const struct Choice {
    aclprofConfigType type;
    uint64_t low;
    uint64_t high;
    const char *unit;
    const char *words;          /* with a comma before and behind each; NULL: any text */
} choices[] = {
    {ACL_PROF_STORAGE_LIMIT, 200, UINT32_MAX, "MB", NULL},
    {ACL_PROF_SYS_HARDWARE_MEM_FREQ, 1, 100, "", NULL},
    {ACL_PROF_SYS_IO_FREQ, 1, 100, "", NULL},
    {ACL_PROF_SYS_INTERCONNECTION_FREQ, 1, 50, "", NULL},
    {ACL_PROF_DVPP_FREQ, 1, 100, "", NULL},
    {ACL_PROF_HOST_SYS_USAGE_FREQ, 1, 50, "", NULL},
    {ACL_PROF_LOW_POWER_FREQ, 1, 100, "", NULL},
    {ACL_PROF_SYS_CPU_FREQ, 1, 50, "", NULL},
    {ACL_PROF_LLC_MODE, 0, 0, NULL, ",read,write,"},
    {ACL_PROF_HOST_SYS, 0, 0, NULL, ",cpu,mem,disk,network,osrt,"},
    {ACL_PROF_HOST_SYS_USAGE, 0, 0, NULL, ",cpu,mem,"},
    {ACL_PROF_SYS_MEM_SERVICEFLOW, 0, 0, NULL, NULL},
    {ACL_PROF_OPTYPE, 0, 0, NULL, NULL},
    {ACL_PROF_NTS_METRICS, 0, 0, NULL, NULL},
    {ACL_PROF_PATH, 0, 0, NULL, NULL},
};

static bool number_fits(const struct Choice *choice, const char *value)
{
    char digits[24];
    size_t length = strlen(value);
    size_t unit = strlen(choice->unit);
    uint64_t number = 0;

    if (length <= unit || length - unit >= sizeof digits ||
        strcmp(value + length - unit, choice->unit) != 0)
        return false;
    memcpy(digits, value, length - unit);
    digits[length - unit] = '\0';
    return setting_number(digits, choice->low, choice->high, &number);
}

/* Is each word of a list, which commas divide, one of those of the choice? */
static bool words_fit(const struct Choice *choice, const char *value)
{
    char word[32];

    for (const char *at = value;; at++) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length > sizeof word - 3)
            return false;
        word[0] = ',';
        memcpy(word + 1, at, length);
        memcpy(word + 1 + length, ",", 2);
        if (strstr(choice->words, word) == NULL)
            return false;
        at += length;
        if (*at == '\0')
            return true;
    }
}

static int check_value(aclprofConfigType type, const char *value)
{
    const struct Choice *choice = NULL;

    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        if (choices[i].type == type)
            choice = &choices[i];
    if (choice == NULL)
        return refuse(E_PARAM, "configType %d is none", (int)type);
    if (choice->unit != NULL)
        return number_fits(choice, value)
                   ? E_NONE
                   : refuse(E_PARAM, "config is \"%s\"; right is a number from %llu to %llu%s%s",
                            value, (unsigned long long)choice->low,
                            (unsigned long long)choice->high,
                            choice->unit[0] != '\0' ? " and behind it " : "", choice->unit);
    if (choice->words != NULL && !words_fit(choice, value))
        return refuse(E_PARAM, "config is \"%s\"; right are words of \"%.*s\"", value,
                      (int)strlen(choice->words) - 2, choice->words + 1);
    return value[0] != '\0' ? E_NONE : refuse(E_PARAM, "config is empty");
}

/* What is configured is measured by hardware; it changes nothing here. */
aclError aclprofSetConfig(aclprofConfigType configType, const char *config, size_t configLength)
{
    ENTER(aclprofSetConfig, "configType=%d, config=%p, configLength=%zu", (int)configType,
          (const void *)config, configLength);
    if (configType < ACL_PROF_STORAGE_LIMIT || configType >= ACL_PROF_ARGS_MAX)
        LEAVE(refuse(E_PARAM, "configType %d is not from %d to %d", (int)configType,
                     (int)ACL_PROF_STORAGE_LIMIT, (int)ACL_PROF_ARGS_MAX - 1));
    NOT_NULL(config);
    if (strlen(config) != configLength)
        LEAVE(refuse(E_PARAM, "configLength is %zu, and config has %zu bytes", configLength,
                     strlen(config)));
    LEAVE(check_value(configType, config));
}
