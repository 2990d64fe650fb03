/*
 * device_heaps: the heaps of all devices, for memory*.c alone.
 */
#ifndef FAKE_DEVICE_HEAPS_H
#define FAKE_DEVICE_HEAPS_H

#include <pthread.h>
#include <stdatomic.h>

#include "call/settings.h"
#include "memory/freed.h"
#include "memory/heap.h"

typedef struct DeviceHeaps {
    pthread_mutex_t lock;
    Heap device[DEVICES_MAX];
    atomic_int opened;          /* devices beyond have no arena yet */
    Freed freed;
    atomic_uint epoch;          /* of the threads' caches */
    uint64_t ends;              /* bytes yet to be given; UINT64_MAX: all */
} DeviceHeaps;

extern DeviceHeaps device_heaps;

/* The heap in whose range an address lies, or NULL. Needs no lock. */
Heap *heap_of(uintptr_t address);

/* Takes a range on a device: its start, or 0. The lock is held. */
uintptr_t heaps_take(int device, Allocation wanted);

/* Ends an allocation. The lock is held. */
void heaps_give(Heap *device, Allocation *dead);

#endif
