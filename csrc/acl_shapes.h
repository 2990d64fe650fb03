/*
 * Runs of graphs whose shapes are known only then.
 * Read by cffi and by the compiler; no preprocessor line.
 */

/* An input of one run, on the host. */
typedef struct ab_given {
    const void *data;
    size_t nbytes;
    int rank;
    const int64_t *dims;
} ab_given;

/* An output of one run; data is for ab_host_free. */
typedef struct ab_made {
    char *data;
    size_t nbytes;
    size_t rank;
    int64_t dims[128];
} ab_made;

typedef struct ab_shapes ab_shapes;

ab_shapes *ab_shapes_new(ab_engine *engine, size_t inCount, size_t outCount);
void ab_shapes_input(ab_shapes *shapes, size_t index, aclDataBuffer *buffer, aclDataType type);
void ab_shapes_output(ab_shapes *shapes, size_t index, aclDataBuffer *buffer, int libraryAllocates);
aclError ab_shapes_release(ab_shapes *shapes);
void ab_shapes_free(ab_shapes *shapes);
int64_t ab_run_shapes(ab_shapes *shapes, const ab_given *in, ab_made *out);
void ab_host_free(char *data);
