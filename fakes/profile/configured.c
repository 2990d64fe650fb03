#include "profile/configured.h"

#include <errno.h>
#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "profile/folder.h"
#include "profile/profiler.h"
#include "profile/start.h"
#include "runtime/visible.h"

/* The lock is held. */
static int begin(const char *path, uint64_t switches)
{
    ProfConfig config = {.host = (switches & SWITCH_MSPROFTX) != 0, .switches = switches};

    if (profiler_mode() != PROFILER_OFF)
        return refuse(E_PROF_RUNS, "the profiler is in use");
    if (!folder_make(path))
        return refuse(E_FILE, "%s is no folder to write in: %s", path, strerror(errno));
    for (int i = 0; i < visible_count(); i++)
        config.devices |= (uint64_t)1 << i;
    int status = start_begin(&config, path);
    if (status == E_NONE)
        profiler_set_mode(PROFILER_CONFIGURED);
    return status;
}

int configured_begin(const char *path, uint64_t switches)
{
    profiler_lock();
    int status = begin(path, switches);
    profiler_unlock();
    return status;
}

void configured_end(void)
{
    profiler_lock();
    if (profiler_mode() == PROFILER_CONFIGURED) {
        start_end_all();
        profiler_set_mode(PROFILER_OFF);
    }
    profiler_unlock();
}
