/*
 * Tensors on the device, and the gears that say how much of one is used.
 * Read by cffi and by the compiler; no preprocessor line.
 */

/* A tensor's place on the device. */
typedef struct ab_slot {
    void *device;
    size_t nbytes;
} ab_slot;

/* One gear: what the library is told, and the bytes of each tensor in it. */
typedef struct ab_gear {
    int kind;
    size_t index;
    uint64_t first;
    uint64_t second;
    const aclmdlIODims *dims;
    const size_t *in;
    const size_t *out;
} ab_gear;
