#include "live.h"

#include "device.h"
#include "host_memory.h"
#include "memory.h"
#include "models.h"
#include "objects.h"
#include "bundle.h"
#include "violations.h"

void live_each(LiveVisitor *visit, void *to)
{
    devices_live(visit, to);
    objects_live(visit, to);
    device_memory_live(visit, to);
    host_memory_live(visit, to);
    bundles_live(visit, to);
    models_live(visit, to);
}

static void write_line(const Live *live, void *to)
{
    text_add(to, "{\"kind\": \"%s\", \"handle\": \"0x%llx\", ", live->kind,
             (unsigned long long)live->handle);
    text_add(to, "\"created_by\": \"%s\", \"seq\": %llu, \"size\": %zu}\n",
             functions[live->origin.function].name,
             (unsigned long long)live->origin.seq, live->size);
}

static void report_leak(const Live *live, void *to)
{
    char text[80];

    (void)to;
    violate_mildly(V_LIVE_AT_FINALIZE,
                   "%s 0x%llx of %zu bytes, made by %s",
                   live->kind, (unsigned long long)live->handle, live->size,
                   origin_text(live->origin, text, sizeof text));
}

void live_read(Text *text)
{
    live_each(write_line, text);
}

void live_report_leaks(void)
{
    live_each(report_leak, NULL);
}
