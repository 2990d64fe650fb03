#include "control/environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tell.h"
#include "base/text.h"
#include "call/message.h"
#include "call/settings.h"
#include "runtime/initialised.h"

#define PREFIX "ACL_FAKE_"

enum { NAME_SIZE = 64 };

extern char **environ;

static char complaint[1024];
static bool told;               /* in this process */

/* Keeps one more thing that is wrong, as far as there is room. */
static void complain(const char *format, ...)
{
    size_t used = strlen(complaint);
    va_list arguments;

    if (used > 0 && used + 2 < sizeof complaint) {
        memcpy(complaint + used, "; ", 3);
        used += 2;
    }
    va_start(arguments, format);
    vsnprintf(complaint + used, sizeof complaint - used, format, arguments);
    va_end(arguments);
}

/* A program may ignore what aclInit returns: people read stderr. */
static void tell_complaint(void)
{
    if (told || complaint[0] == '\0')
        return;
    told = true;
    char line[2 * sizeof complaint];
    Text text = text_in(line, sizeof line);
    text_add(&text, "acl fake: ");
    text_add_visible(&text, complaint);
    text_add(&text, " (aclInit refuses it)\n");
    tell(line, text.length < sizeof line ? text.length : sizeof line - 1);
}

/* run_mode -> ACL_FAKE_RUN_MODE */
static void name_of(const char *key, char *name)
{
    size_t i = strlen(PREFIX);

    memcpy(name, PREFIX, i);
    for (; *key != '\0' && i + 1 < NAME_SIZE; key++)
        name[i++] = *key >= 'a' && *key <= 'z' ? (char)(*key - 32) : *key;
    name[i] = '\0';
}

static void apply(const char *key)
{
    char name[NAME_SIZE];

    name_of(key, name);
    const char *value = getenv(name);
    if (value == NULL || settings_set(key, value))
        return;
    const char *why = message_take();
    complain("environment variable %s: %s", name, why != NULL ? why : "");
}

/* Is this "NAME=value" of a setting? */
static bool known(const char *entry)
{
    size_t length = strcspn(entry, "=");

    for (size_t i = 0; settings_key(i) != NULL; i++) {
        char name[NAME_SIZE];
        name_of(settings_key(i), name);
        if (strlen(name) == length && memcmp(name, entry, length) == 0)
            return true;
    }
    return false;
}

static void complain_unknown(const char *entry)
{
    complain("environment variable %.*s: there is no such setting; "
             "fakes/aclfake.h lists them",
             (int)strcspn(entry, "="), entry);
}

void environment_apply(void)
{
    complaint[0] = '\0';
    for (size_t i = 0; settings_key(i) != NULL; i++)
        apply(settings_key(i));
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, PREFIX, strlen(PREFIX)) == 0 && !known(*entry))
            complain_unknown(*entry);
    init_complain(complaint[0] != '\0' ? complaint : NULL);
    tell_complaint();
}
