#include "call/settings.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/acl.h"
#include "base/codes.h"
#include "base/locks.h"
#include "call/message.h"

Settings settings;

/* The lock is for chosen and normal: the rest is set before the first read. */
static struct {
    pthread_mutex_t lock;
    struct {
        const char *key;
        Setter *set;
        const char *normal;     /* what its default reads as; NULL: none */
        char *chosen;           /* owned; NULL: the default */
    } row[SETTING_COUNT];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

void settings_add(SettingId id, const char *key, Setter *set, const char *normal)
{
    state.row[id].key = key;
    state.row[id].set = set;
    state.row[id].normal = normal;
}

const char *settings_key(size_t i)
{
    return i < SETTING_COUNT ? state.row[i].key : NULL;
}

/* Keeps a value; a setting has its default when memory is short. */
static void choose(size_t i, const char *value)
{
    pthread_mutex_lock(&state.lock);
    free(state.row[i].chosen);
    state.row[i].chosen = value != NULL ? strdup(value) : NULL;
    pthread_mutex_unlock(&state.lock);
}

static bool is_chosen(size_t i)
{
    pthread_mutex_lock(&state.lock);
    bool chosen = state.row[i].chosen != NULL;
    pthread_mutex_unlock(&state.lock);
    return chosen;
}

static void refuse_key(const char *key)
{
    char keys[256];
    Text text = text_in(keys, sizeof keys);

    for (size_t i = 0; i < SETTING_COUNT; i++)
        text_add(&text, "%s%s", i > 0 ? ", " : "", state.row[i].key);
    refuse(E_PARAM, "there is no setting \"%s\"; there are %s", key, keys);
}

bool settings_set(const char *key, const char *value)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(state.row[i].key, key) != 0)
            continue;
        const char *right = state.row[i].set(value);
        if (right != NULL)
            refuse(E_PARAM, "setting %s = \"%s\": should be %s", key, value, right);
        else
            choose(i, value);
        return right == NULL;
    }
    refuse_key(key);
    return false;
}

const char *settings_default(SettingId id, const char *normal)
{
    const char *right = is_chosen(id) ? NULL : state.row[id].set(normal);

    if (right != NULL)
        return right;
    pthread_mutex_lock(&state.lock);
    state.row[id].normal = normal;
    pthread_mutex_unlock(&state.lock);
    return NULL;
}

void settings_reset(void)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        choose(i, NULL);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (state.row[i].normal != NULL)
            state.row[i].set(state.row[i].normal);
}

void settings_read(Text *text)
{
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *chosen = state.row[i].chosen;
        if (state.row[i].normal == NULL)
            continue;
        text_add(text, "{\"key\": \"%s\", \"value\": ", state.row[i].key);
        text_add_string(text, chosen != NULL ? chosen : state.row[i].normal);
        text_add(text, "}\n");
    }
    pthread_mutex_unlock(&state.lock);
}

int setting_word(const char *value, const char *yes, const char *no)
{
    if (strcmp(value, yes) == 0)
        return 1;
    return strcmp(value, no) == 0 ? 0 : -1;
}

bool setting_number(const char *value, uint64_t low, uint64_t high, uint64_t *number)
{
    char *end;

    if (*value < '0' || *value > '9')
        return false;
    errno = 0;
    *number = strtoull(value, &end, 10);
    return errno == 0 && *end == '\0' && *number >= low && *number <= high;
}

static bool copy_in(char *to, size_t size, const char *value)
{
    size_t length = strlen(value);

    if (length >= size)
        return false;
    memcpy(to, value, length + 1);
    return true;
}

static const char *set_mode(const char *value)
{
    int strict = setting_word(value, "strict", "faithful");

    if (strict >= 0)
        settings.strict = strict == 1;
    return strict >= 0 ? NULL : "strict or faithful";
}

SETTING(SETTING_MODE, "mode", set_mode, "strict")

static const char *set_devices(const char *value)
{
    uint64_t number;

    if (!setting_number(value, 1, DEVICES_MAX, &number))
        return "a number from 1 to 64";
    settings.devices = (int)number;
    return NULL;
}

SETTING(SETTING_DEVICES, "devices", set_devices, "8")

static const char *set_run_mode(const char *value)
{
    int host = setting_word(value, "host", "device");

    if (host >= 0)
        settings.run_mode = host == 1 ? ACL_HOST : ACL_DEVICE;
    return host >= 0 ? NULL : "host or device";
}

SETTING(SETTING_RUN_MODE, "run_mode", set_run_mode, "host")

static const char *set_soc(const char *value)
{
    return copy_in(settings.soc, sizeof settings.soc, value) ? NULL
                                                             : "a name of less than 64 characters";
}

SETTING(SETTING_SOC, "soc", set_soc, "")

static const char *set_path(char *path, const char *value)
{
    return copy_in(path, sizeof settings.onnxruntime, value)
               ? NULL
               : "a path of less than 4096 characters";
}

static const char *set_onnxruntime(const char *value)
{
    return set_path(settings.onnxruntime, value);
}

SETTING(SETTING_ONNXRUNTIME, "onnxruntime", set_onnxruntime, "")

static const char *set_libjpeg(const char *value)
{
    return set_path(settings.libjpeg, value);
}

SETTING(SETTING_LIBJPEG, "libjpeg", set_libjpeg, "")

static const char *set_libpng(const char *value)
{
    return set_path(settings.libpng, value);
}

SETTING(SETTING_LIBPNG, "libpng", set_libpng, "")

static const char *set_report(const char *value)
{
    static const char *const words[] = {"off", "exit", "live"};

    for (int i = REPORT_OFF; i <= REPORT_LIVE; i++)
        if (strcmp(value, words[i]) == 0) {
            settings.report = (Reporting)i;
            return NULL;
        }
    return "live, exit or off";
}

SETTING(SETTING_REPORT, "report", set_report, "exit")
