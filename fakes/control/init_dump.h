/*
 * init_dump: the block "dump" of the configuration.
 */
#ifndef FAKE_INIT_DUMP_H
#define FAKE_INIT_DUMP_H

#include "base/json.h"

/*
 * The block "dump" (init_dump.c): 0, or 100009. Nothing is ever dumped here;
 * what a device would refuse is refused.
 */
int config_dump(Json content);

#endif
