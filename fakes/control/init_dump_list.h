/*
 * init_dump_list: dump_list and dump_stats of the block "dump".
 */
#ifndef FAKE_INIT_DUMP_LIST_H
#define FAKE_INIT_DUMP_LIST_H

#include <stdbool.h>

#include "base/json.h"

/*
 * Do dump_list and dump_stats, whose types are right, go together with the
 * rest of the block, which is valid? 0, or 100009.
 */
int config_dump_lists(Json dump, bool watches);

#endif
