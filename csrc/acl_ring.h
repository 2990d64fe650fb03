/*
 * Engines of one graph that is loaded several times.
 * Read by cffi and by the compiler; no preprocessor line.
 */

typedef struct ab_ring ab_ring;
typedef struct ab_engine ab_engine;

ab_ring *ab_ring_new(ab_gate *gate, size_t count, ab_engine *const *engines);
