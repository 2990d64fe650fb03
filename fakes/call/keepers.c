#include "call/keepers.h"

static Keeper keepers[KEEPER_COUNT];

void keepers_add(KeeperId id, Keeper keeper)
{
    keepers[id] = keeper;
}

void keepers_live(LiveVisitor *visit, void *to)
{
    for (int i = 0; i < KEEPER_COUNT; i++)
        if (keepers[i].live != NULL)
            keepers[i].live(visit, to);
}

void keepers_reset(void)
{
    for (int i = KEEPER_COUNT; i-- > 0;)
        if (keepers[i].reset != NULL)
            keepers[i].reset();
}
