/*
 * memory_borrow: device addresses for pages of another process's arena.
 */
#include <unistd.h>

#include "call/tally.h"
#include "memory/device_heaps.h"
#include "memory/memory.h"

/* The addresses from one step of marks to another are this allocation's alone. */
static uintptr_t borrow_locked(int index, size_t size, const ArenaPages *pages)
{
    size_t step = arena_marked();
    size_t lead = pages->offset % step;
    Allocation wanted = {.size = size, .lead = lead, .step = step, .page = PAGE_HUGE};

    wanted.span = (lead + pages->size + step - 1) / step * step - lead;
    wanted.owner = OWNER_IMPORT;
    uintptr_t start = heaps_take(index, wanted);
    Heap *device = &device_heaps.device[index];
    if (start == 0 || arena_borrow(&device->arena, start, pages))
        return start;
    heap_give(device, heap_find(device, start));
    return 0;
}

void *device_borrow(int device, size_t size, const ArenaPages *pages)
{
    pthread_mutex_lock(&device_heaps.lock);
    uintptr_t start = borrow_locked(device, size, pages);
    pthread_mutex_unlock(&device_heaps.lock);
    if (start != 0)
        tally_made("imported memory");
    return (void *)start;
}

/* A thread that is inside the memory goes on in pages that nobody has. */
void device_unborrow(void *address)
{
    pthread_mutex_lock(&device_heaps.lock);
    Heap *device = heap_of((uintptr_t)address);
    Allocation *found = device == NULL ? NULL : heap_find(device, (uintptr_t)address);
    if (found != NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t size = (found->size + page - 1) / page * page;
        arena_unborrow(&device->arena, found->start, size);
        heaps_give(device, found);
    }
    pthread_mutex_unlock(&device_heaps.lock);
}
