/*
 * blob: a tensor of one run.
 */
#ifndef FAKE_BLOB_H
#define FAKE_BLOB_H

#include <stddef.h>
#include <stdint.h>

/* A tensor of one run, where this process can touch it. */
typedef struct Blob {
    unsigned char *bytes;       /* NULL as an output: no buffer fits yet */
    size_t size;
    const int64_t *dims;
    size_t rank;
    int data_type;
} Blob;

#endif
