/*
 * What each of the programs here does: stop at the first call that fails, make
 * datasets of device memory, and give them back.
 */
#ifndef PRELUDE_H
#define PRELUDE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "acl/acl_types.h"
#include "acl/acl_api.h"

#define CHECK(call)                                                     \
    do {                                                                \
        aclError status_ = (call);                                      \
        if (status_ != 0) {                                             \
            const char *text_ = aclGetRecentErrMsg();                   \
            fprintf(stderr, "%s: %d %s\n", #call, status_,              \
                    text_ == NULL ? "" : text_);                        \
            exit(1);                                                    \
        }                                                               \
    } while (0)

/* A new slot of a dataset with device memory of so many bytes; the dataset owns both. */
static inline void *append(aclmdlDataset *dataset, size_t nbytes)
{
    void *memory = NULL;
    CHECK(aclrtMalloc(&memory, nbytes, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK(aclmdlAddDatasetBuffer(dataset,
                                 aclCreateDataBuffer(memory, nbytes)));
    return memory;
}

/* Gives back a dataset, its buffers and the memory behind them. */
static inline void release(aclmdlDataset *dataset)
{
    for (size_t i = 0; i < aclmdlGetDatasetNumBuffers(dataset); i++) {
        aclDataBuffer *buffer = aclmdlGetDatasetBuffer(dataset, i);
        if (aclGetDataBufferAddr(buffer) != NULL)
            CHECK(aclrtFree(aclGetDataBufferAddr(buffer)));
        CHECK(aclDestroyDataBuffer(buffer));
    }
    CHECK(aclmdlDestroyDataset(dataset));
}

/* Says which shape the update graph's input i has; a length of 0 keeps its weight. */
static inline void describe(aclmdlDataset *dataset, size_t i, int64_t length)
{
    aclTensorDesc *desc =
        aclCreateTensorDesc(ACL_FLOAT, 1, &length, ACL_FORMAT_ND);
    CHECK(aclmdlSetDatasetTensorDesc(dataset, desc, i));
    aclDestroyTensorDesc(desc);
}

/* Device memory as host floats, printed in one line. */
static inline void print_floats(const void *memory, size_t count)
{
    size_t nbytes = count * sizeof(float);
    float *values = calloc(count + 1, sizeof *values);
    if (values == NULL)
        exit(2);
    CHECK(aclrtMemcpy(values, nbytes, memory, nbytes,
                      ACL_MEMCPY_DEVICE_TO_HOST));
    for (size_t i = 0; i < count; i++)
        printf("%.9g ", (double)values[i]);
    printf("\n");
    free(values);
}

#endif
