#include "aipp/ranges.h"

#include "base/codes.h"
#include "call/message.h"

int ranges_check(const Ranged *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (row[i].value < row[i].low || row[i].value > row[i].high)
            return refuse(E_PARAM, "%s is %lld; %lld to %lld are right", row[i].name,
                          (long long)row[i].value, (long long)row[i].low, (long long)row[i].high);
    return E_NONE;
}
