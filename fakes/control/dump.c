/*
 * dump: the switches of CANN's dump of tensors. They are accepted in CANN's
 * order and turn nothing on; one line on stderr says so, once in a process.
 */
#include "control/dump.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/acl.h"
#include "base/json.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"
#include "control/init_config.h"
#include "memory/host_memory.h"
#include "runtime/initialised.h"

static atomic_bool begun;
static atomic_bool said;

/* 0 between aclmdlInitDump and aclmdlFinalizeDump. */
static int begun_needed(void)
{
    if (!init_is_done())
        return refuse(E_UNINITIALIZED, "aclInit was not called");
    return atomic_load(&begun) ? E_NONE
                               : refuse(E_DUMP_NOT_RUN, "aclmdlInitDump was not "
                                                        "called");
}

aclError aclmdlInitDump(void)
{
    ENTER(aclmdlInitDump, NO_ARGS);
    if (!init_is_done())
        LEAVE(refuse(E_UNINITIALIZED, "aclInit was not called"));
    if (atomic_exchange(&begun, true))
        LEAVE(refuse(E_REPEAT_INIT, "aclmdlInitDump was called before"));
    LEAVE(E_NONE);
}

static int check_file(const char *path)
{
    char *content = NULL;
    Json value;
    int status = config_read(path, &content);

    if (status == E_NONE && (!json_parse(content, &value) || !json_is_object(value)))
        status = refuse(E_PARSE, "%s is not a JSON object", path);
    free(content);
    return status;
}

aclError aclmdlSetDump(const char *dumpCfgPath)
{
    ENTER(aclmdlSetDump, "dumpCfgPath=%p", (const void *)dumpCfgPath);
    NOT_NULL(dumpCfgPath);
    int status = begun_needed();
    if (status == E_NONE)
        status = check_file(dumpCfgPath);
    if (status == E_NONE && !atomic_exchange(&said, true))
        fprintf(stderr, "acl fake: aclmdlSetDump is accepted, and nothing "
                        "is dumped\n");
    LEAVE(status);
}

aclError aclmdlFinalizeDump(void)
{
    ENTER(aclmdlFinalizeDump, NO_ARGS);
    int status = begun_needed();
    if (status == E_NONE)
        atomic_store(&begun, false);
    LEAVE(status);
}

static void forget_all(void)
{
    atomic_store(&begun, false);
}

KEEPER(KEEPER_DUMP, forget_all, NULL)
