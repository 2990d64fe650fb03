/*
 * init_config: the configuration of aclInit.
 */
#ifndef FAKE_INIT_CONFIG_H
#define FAKE_INIT_CONFIG_H

#include "base/json.h"

/*
 * The content of a configuration, up to its first NUL, "" for no path; the
 * caller frees it. 0, 100003 for what is no file of at most 10 MiB, or 100006
 * for more than 10 braces or brackets inside one another.
 */
int config_read(const char *path, char **content);

/* Checks what it says and does it, in ACL's order: 0, or ACL's status. */
int config_apply(const char *content);

/* What a member of an object is. */
typedef enum Member { MEMBER_NONE, MEMBER_TEXT, MEMBER_OTHER } Member;

/* Looks for a text; one that size bytes do not hold is MEMBER_OTHER. */
Member config_text(Json object, const char *name, char *text, size_t size);

/*
 * The block "dump" (init_dump.c): 0, or 100009. Nothing is ever dumped here;
 * what a device would refuse is refused.
 */
int config_dump(Json content);

/* Is what is a list in that block made of what it must be? 0, or 100009. */
int config_dump_types(Json dump);

/* Is a member, if there is one, an array of objects that a check lets pass? */
int config_dump_objects(Json object, const char *name,
                        int (*check)(Json item));

/*
 * Do dump_list and dump_stats, whose types are right, go together with the
 * rest of the block, which is valid? 0, or 100009.
 */
int config_dump_lists(Json dump, bool watches);

#endif
