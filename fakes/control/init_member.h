/*
 * init_member: a member of an object in the configuration.
 */
#ifndef FAKE_INIT_MEMBER_H
#define FAKE_INIT_MEMBER_H

#include <stddef.h>

#include "base/json.h"

/* What a member of an object is. */
typedef enum Member { MEMBER_NONE, MEMBER_TEXT, MEMBER_OTHER } Member;

/* Looks for a text; one that size bytes do not hold is MEMBER_OTHER. */
Member config_text(Json object, const char *name, char *text, size_t size);

#endif
