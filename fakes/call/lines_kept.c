/*
 * lines_kept: with the setting "lines" at on, what is made and ended
 * remembers the line of Python that did it.
 *
 * The line is asked for when such a call begins, for which it takes the GIL;
 * no lock of ours is held there. Other calls are left alone.
 */
#include <stdbool.h>
#include <string.h>

#include "call/calls.h"
#include "call/lines.h"
#include "call/settings.h"

static bool of_life[FUNCTION_COUNT];

/* Does a function of this name make or end something? */
static bool is_of_life(const char *name)
{
    static const char *const words[] = {"Create", "Malloc", "Load", "BundleInit", "SetDevice",
                                        "Open",   "Import", "Host", "Destroy",    "Free",
                                        "Unload", "Reset",  "Close"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(name, words[i]) != NULL)
            return true;
    return false;
}

static int ask(Call *call)
{
    if (of_life[call->function])
        call->line = line_here();
    return E_NONE;
}

WATCHER(WATCHER_LINES, .before = ask)

static const char *set_lines(const char *value)
{
    int on = setting_word(value, "on", "off");

    if (on < 0)
        return "on or off";
    for (int i = 0; i < FUNCTION_COUNT; i++)
        of_life[i] = is_of_life(functions[i].name);
    calls_watch(WATCHER_LINES, on == 1);
    return NULL;
}

SETTING(SETTING_LINES, "lines", set_lines, "off")
