/*
 * Profiles: threads start, stop and subscribe beside each other's runs. Both
 * ways to profile exclude each other, so that many of these calls are refused,
 * each with a status that says why.
 */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"

enum { TASKS = 0x2, MARKS = 0x80, RUNS = 3 };

static char folder[] = "/tmp/soak-XXXXXX";

void profiling_begin(void)
{
    if (mkdtemp(folder) == NULL)
        fail("no folder for profiles", 0, 0);
}

static int drop(const char *path, const struct stat *about, int kind, struct FTW *at)
{
    (void)about, (void)kind, (void)at;
    return remove(path);
}

void profiling_end(void)
{
    nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* Refused for what other threads do: begun, started, stopped, the other way. */
static void must_or_beside(aclError status, const char *what)
{
    static const aclError beside[] = {0, 100002, 100042, 100043, 148047, -1};

    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
        if (status == beside[i])
            return;
    must(status, what);
}

/* A mark, a pushed stamp and an operator, if a start takes them just now. */
static void stamp_once(aclrtStream stream)
{
    void *stamp = aclprofCreateStamp();
    aclprofTensorInfo info = {.opNameId = aclprofStr2Id("soaked"), .stream = stream};
    aclprofEventAttributes attributes = {.version = 1, .message.tensorInfo = &info};

    if (stamp != NULL) {
        aclprofSetStampTraceMessage(stamp, "soak", 4);
        must_or_beside(aclprofMark(stamp), "mark");
        must_or_beside(aclprofPush(stamp), "push");
        must_or_beside(aclprofPop(), "pop");
        aclprofDestroyStamp(stamp);
    }
    must(aclprofRangePushEx(&attributes), "range push");
    must(aclprofRangePop(), "range pop");
}

static void write_files(const Loaded *own)
{
    uint32_t device = 0;
    aclrtStream stream = NULL;
    aclprofConfig *config = aclprofCreateConfig(&device, 1, ACL_AICORE_NONE, NULL, TASKS | MARKS);

    must(aclrtCreateStream(&stream), "create stream");
    must_or_beside(aclprofInit(folder, strlen(folder)), "profiler");
    must_or_beside(aclprofStart(config), "start");
    stamp_once(stream);
    bundle_infer(own, 2, 1);
    must_or_beside(aclprofStop(config), "stop");
    must_or_beside(aclprofFinalize(), "profiler's end");
    must(aclprofDestroyConfig(config), "destroy configuration");
    must(aclrtDestroyStream(stream), "destroy stream");
}

/* Each run of the model is one operator, whose record comes whole. */
static void read_records(int reader)
{
    char records[RUNS * 80];
    size_t size = 0;
    uint32_t count = 0;
    ssize_t got;

    while ((got = read(reader, records + size, sizeof records - size)) > 0)
        size += (size_t)got;
    must(aclprofGetOpNum(records, size, &count), "count of operators");
    if (count != RUNS)
        fail("operators", count, RUNS);
}

static void subscribe(const Loaded *own)
{
    int ends[2];

    if (pipe(ends) != 0)
        fail("no pipe", 0, 0);
    aclprofSubscribeConfig *config = aclprofCreateSubscribeConfig(1, ACL_AICORE_NONE, &ends[1]);
    aclError status = aclprofModelSubscribe(own->model[INFER], config);
    must_or_beside(status, "subscribe");
    for (int i = 0; i < RUNS; i++)
        bundle_infer(own, 2, 1);
    if (status == 0) {
        must(aclprofModelUnSubscribe(own->model[INFER]), "unsubscribe");
        read_records(ends[0]);
    } else {
        close(ends[1]);
    }
    close(ends[0]);
    must(aclprofDestroySubscribeConfig(config), "destroy subscription");
}

void profiling_step(const char *path, unsigned *seed)
{
    Loaded own = bundle_load(path);

    if (rand_r(seed) % 2 == 0)
        write_files(&own);
    else
        subscribe(&own);
    bundle_unload(&own);
}
