#include "run/changes.h"

#include <stdatomic.h>

static atomic_uint count;

void changes_note(void)
{
    atomic_fetch_add(&count, 1);
}

unsigned changes_count(void)
{
    return atomic_load(&count);
}
