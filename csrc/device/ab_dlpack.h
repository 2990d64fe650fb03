/*
 * Arrays of the device as DLPack capsules, which other libraries take over.
 */
#ifndef AB_DLPACK_CALLS_H
#define AB_DLPACK_CALLS_H

#include <stdint.h>

uintptr_t ab_dlpack_maker(void);

#endif
