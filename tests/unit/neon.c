/*
 * Converts the floats of stdin, as many as there are up to a mebibyte, by the
 * move that the argument is the number of: the narrow numbers go to stdout, and
 * behind them the counters.
 */

#include <stdio.h>
#include <stdlib.h>

#include "numbers/ab_convert.h"

static unsigned char wide[1 << 20], narrow[1 << 19];

int main(int count, char **words)
{
    size_t floats = fread(wide, 4, sizeof wide / 4, stdin);
    ab_counts counts = {0, 0, 0, 0, 0};
    if (count != 2) {
        return 2;
    }
    ab_convert((enum ab_move)atoi(words[1]), narrow, wide, floats, &counts);
    return fwrite(narrow, 2, floats, stdout) != floats || fwrite(&counts, sizeof counts, 1, stdout) != 1;
}
