/*
 * A second id of a graph, run behind its callers: on streams, with timeouts.
 * Read by cffi and by the compiler; no preprocessor line.
 *
 * A call that waits answers AB_STEP_BUSY when nothing was begun in time, and
 * AB_STEP_RUNNING when what was begun is not over.
 */

typedef struct ab_lane ab_lane;

/* A place for one run: where it is queued, and the memory it goes through. */
typedef struct ab_berth {
    aclrtStream stream;
    aclrtEvent executed;
    const aclmdlDataset *input;
    aclmdlDataset *output;
    const ab_slot *tensors;
    void *const *host;
} ab_berth;

ab_lane *ab_lane_new(ab_gate *gate, size_t graph, uint32_t modelId, aclrtContext context, int onHost,
                     size_t inCount, size_t outCount);
int ab_lane_add(ab_lane *lane, const ab_berth *berth);
int64_t ab_lane_wait(ab_lane *lane, int waitMs);
int ab_lane_hung(ab_lane *lane);
