/*
 * The staging of an update: new weights from the host to the device, ready
 * for the update graph. Read by cffi and by the compiler; no preprocessor line.
 */

typedef struct ab_stage ab_stage;

ab_stage *ab_stage_new(ab_engine *engine, aclmdlDataset *input, size_t count,
                       void *keepData, aclTensorDesc *keepDesc);
void ab_stage_free(ab_stage *stage);
void ab_stage_weight(ab_stage *stage, size_t index, aclDataBuffer *buffer, size_t nbytes,
                     aclTensorDesc *desc);
size_t ab_stage_nbytes(const ab_stage *stage, const uint32_t *changed, size_t count);
int64_t ab_stage_write(ab_stage *stage, void *area, void *bounce, size_t bounceSize,
                       const uint32_t *changed, const void *const *src, size_t count);
