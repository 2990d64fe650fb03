/*
 * query_size: the memory that a model asks for.
 */
#ifndef FAKE_QUERY_SIZE_H
#define FAKE_QUERY_SIZE_H

#include "base/reader.h"

typedef struct Need {
    size_t work;
    size_t weights;
} Need;

/*
 * What one model needs: 0, or a status of the graph engine. A model with
 * dynamic shapes finds its work memory as it runs.
 */
int query_need(Bytes model, Need *need);

#endif
