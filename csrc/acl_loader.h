/*
 * Opens libascendcl.so and fills the pointers that stand for its functions.
 * Read by cffi and by the compiler; no preprocessor line.
 */

const char *ab_open(const char *path, const char *second);
int ab_has(const char *function);
