#include "control/init_member.h"

Member config_text(Json object, const char *name, char *text, size_t size)
{
    Json value;

    if (!json_find(object, name, &value))
        return MEMBER_NONE;
    return json_string(value, text, size) ? MEMBER_TEXT : MEMBER_OTHER;
}
