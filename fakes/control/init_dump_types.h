/*
 * init_dump_types: what is a list in the block "dump".
 */
#ifndef FAKE_INIT_DUMP_TYPES_H
#define FAKE_INIT_DUMP_TYPES_H

#include "base/json.h"

/* Is what is a list in that block made of what it must be? 0, or 100009. */
int config_dump_types(Json dump);

/* Is a member, if there is one, an array of objects that a check lets pass? */
int config_dump_objects(Json object, const char *name, int (*check)(Json item));

#endif
