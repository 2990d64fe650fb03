/*
 * An inference as a function that Python calls without cffi between.
 * Read by cffi and by the compiler; no preprocessor line.
 */

uintptr_t ab_call_maker(void);
uintptr_t ab_bound_maker(void);
