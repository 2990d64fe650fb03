#include "base/rows.h"

/*
 * The first row that ends behind a start is the only one to look at: the
 * rows before it lie before the range, and a later one begins later.
 */
static bool meets_range(const Rows *rows, uintptr_t start, size_t size)
{
    size_t row = 0;

    if (rows->start + rows->size <= start) {
        if (rows->more == 0)
            return false;
        row = (start - rows->start - rows->size) / rows->pitch + 1;
    }
    return row <= rows->more && rows->start + row * rows->pitch < start + size;
}

/*
 * Rows i of a and k of b meet where the last row of a would meet row
 * k + (its number - i) of b, were there so many more.
 */
static bool meet_in_step(const Rows *a, const Rows *b)
{
    Rows longer = *b;

    longer.more += a->more;
    return meets_range(&longer, a->start + a->more * a->pitch, a->size);
}

bool rows_meet(const Rows *a, const Rows *b)
{
    if (a->more > b->more)
        return rows_meet(b, a);
    if (a->more > 0 && a->pitch == b->pitch)
        return meet_in_step(a, b);
    for (size_t i = 0; i <= a->more; i++)
        if (meets_range(b, a->start + i * a->pitch, a->size))
            return true;
    return false;
}
