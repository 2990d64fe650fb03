/*
 * init_profiler: the block "profiler" of aclInit's configuration.
 */
#ifndef FAKE_INIT_PROFILER_H
#define FAKE_INIT_PROFILER_H

/*
 * Turns the profiler on where the configuration says so. What is wrong there
 * fails nothing, as in CANN: one line on stderr tells (facts 7.1).
 */
void config_profiler(const char *content);

#endif
