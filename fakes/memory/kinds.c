#include "memory/kinds.h"

#include <ctype.h>
#include <string.h>

static const char *const names[KIND_COUNT] = {"nothing",
#define KIND(name, text) text,
                                              KINDS(KIND)
#undef KIND
};

const char *kind_name(Kind kind)
{
    return names[kind];
}

const char *kind_article(Kind kind)
{
    return strchr("aeiou", names[kind][0]) != NULL ? "an" : "a";
}

/* Letter for letter, without the spaces, as far as the argument goes. */
bool kind_is_said(Kind kind, const char *argument)
{
    const char *name = names[kind];

    for (; *argument != '\0'; argument++, name++) {
        while (*name == ' ')
            name++;
        if (tolower((unsigned char)*argument) != *name)
            return false;
    }
    return true;
}
