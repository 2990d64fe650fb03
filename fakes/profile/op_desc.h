/*
 * op_desc: one operator's record, as a subscription's pipe carries it.
 *
 * A record has a number in place of the operator's name and type; the texts
 * stay here until they are read, each once (facts 12.4). The first field is a
 * sum over the others: bytes that were cut or mixed up are refused.
 */
#ifndef FAKE_OP_DESC_H
#define FAKE_OP_DESC_H

#include <stdbool.h>
#include <stdint.h>

#include "call/record.h"

typedef struct OpDesc {
    uint32_t sum;
    uint32_t model;
    uint32_t flag;              /* aclprofSubscribeOpFlag */
    uint32_t thread;
    uint64_t index;             /* of its texts */
    uint64_t duration;          /* microseconds, as all times here */
    uint64_t start;
    uint64_t end;
    uint64_t execution;
    uint64_t cube;              /* 0: nothing counts them here */
    uint64_t vector;
    uint32_t device;
    uint32_t unused;            /* else bytes that no copy must keep, and the sum is over all */
} OpDesc;

/* The record of an operator, whose texts are kept; false: no memory. */
bool op_desc_make(const Record *record, OpDesc *desc);

#endif
