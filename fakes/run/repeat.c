#include "run/repeat.h"

#include "call/violations.h"
#include "memory/memory.h"
#include "run/changes.h"

bool repeat_begin(Model *model, const Wanted *wanted)
{
    Repeat *last = &model->repeat;
    Repeat now = {.input = wanted->input,
                  .output = wanted->output,
                  .changes = changes_count(),
                  .memory = device_memory_epoch()};

    if (last->kept && last->input == now.input && last->output == now.output &&
        last->changes == now.changes && last->memory == now.memory)
        return true;
    now.told = violations_told();
    *last = now;
    return false;
}

/* An update looks at values, and a gear is chosen anew each time. */
void repeat_keep(Model *model)
{
    model->repeat.kept = !model->dynamic && model->gear == NULL &&
                         model->program.kind != PROGRAM_ASSIGN &&
                         model->repeat.told == violations_told();
}
