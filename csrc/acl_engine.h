/*
 * One executable graph: its model id, device buffers and datasets.
 * Read by cffi and by the compiler; no preprocessor line.
 */

typedef struct ab_engine ab_engine;

/* An engine together with the host arrays of one binding. */
typedef struct ab_plan {
    ab_engine *engine;
    const void *const *in;
    void *const *out;
    int closed;
} ab_plan;

ab_engine *ab_engine_new(ab_gate *gate, int reads, uint32_t modelId, aclrtContext context, int onHost,
                         const aclmdlDataset *input, const ab_slot *in, size_t inCount,
                         aclmdlDataset *output, const ab_slot *out, size_t outCount);
int64_t ab_run(ab_engine *engine, const void *const *in, void *const *out);
int64_t ab_run_gear(ab_engine *engine, const ab_gear *gear, const void *const *in, void *const *out);
int64_t ab_run_one(ab_engine *engine, const void *in, void *out);
int64_t ab_run_plan(const ab_plan *plan);
void ab_plan_close(ab_plan *plan);
void ab_engine_time(ab_engine *engine, aclrtStream stream, int timeoutMs);
int ab_engine_drained(const ab_engine *engine);
