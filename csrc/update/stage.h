/* A stage, as the files see it that move its weights. */
#ifndef AB_STAGE_H
#define AB_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "update/ab_stage.h"

enum { START = 64, PAD = 32, DETAIL_SIZE = 1024 };

typedef struct staged {
    aclDataBuffer *buffer;
    aclTensorDesc *desc;
    const aclTensorDesc *says; /* what the dataset was given last */
    size_t nbytes;
    size_t offset;  /* in the area, of a wanted weight */
    void *lent;     /* of a wanted weight that lies elsewhere on the device: where */
    int wanted;     /* to be assigned */
    int told;       /* may say anything but "keep" */
    void *data;     /* what the buffer was given last */
    size_t size;
} staged;

struct ab_stage {
    ab_engine *engine;
    aclmdlDataset *input;
    void *keepData;
    aclTensorDesc *keepDesc;
    int foreign; /* the last move failed on another thread than its caller's */
    char detail[DETAIL_SIZE]; /* what the library said there */
    uint32_t *wanted; /* the weights of which the flags are set */
    uint32_t *told;
    size_t wantedCount;
    size_t toldCount;
    size_t count;
    staged weights[];
};

/* Whether a weight crosses with others: see update/ab_stage.h. */
static inline int staged_is_small(const staged *w)
{
    return w->nbytes < AB_STAGE_SMALL;
}

#endif
