#include "model/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/codes.h"

enum { ORT_AS_IT_STANDS = 0 };  /* of GraphOptimizationLevel */

Blob blob_of_tensor(const Tensor *tensor, unsigned char *bytes)
{
    return (Blob){bytes, tensor->nbytes, tensor->dims, tensor->rank, tensor->data_type};
}

/* A runtime refuses NULL even for a tensor without bytes. */
OrtStatus *ort_value(const Ort *ort, const Blob *blob, OrtValue **value)
{
    static unsigned char nothing[16];
    void *bytes = blob->bytes != NULL ? blob->bytes : nothing;

    return ort->CreateTensorWithDataAsOrtValue(ort->memory, bytes, blob->size, blob->dims,
                                               blob->rank, ort_type(blob->data_type), value);
}

/* Hands the constants to the options; they are copied or referred to. */
static int add_constants(const Ort *ort, OrtSessionOptions *options, const Program *program,
                         unsigned char *const *constants)
{
    size_t count = 0;
    size_t room = program->feeds.count + 1;
    const char **names = calloc(room, sizeof *names);
    OrtValue **values = calloc(room, sizeof *values);
    int status = names != NULL && values != NULL ? E_NONE : E_GE;

    for (size_t i = 0; status == E_NONE && i < program->feeds.count; i++) {
        const Feed *feed = program_feed(program, i);
        if (feed->source != SOURCE_CONSTANT)
            continue;
        const Tensor *constant = program_constant(program, feed->index);
        Blob blob = blob_of_tensor(constant, constants[feed->index]);
        status = ort_check(ort, ort_value(ort, &blob, &values[count]), feed->name, E_GE);
        names[count] = feed->name;
        count += status == E_NONE;
    }
    if (status == E_NONE && count > 0)
        status = ort_check(
            ort,
            ort->AddExternalInitializers(options, names, (const OrtValue *const *)values, count),
            "constants", E_GE);
    for (size_t i = 0; i < count; i++)
        ort->ReleaseValue(values[i]);
    free(names);
    free(values);
    return status;
}

/* One thread: a fake device should not compete with the tests for cores. */
static int set_threads(const Ort *ort, OrtSessionOptions *options)
{
    int status = ort_check(ort, ort->SetIntraOpNumThreads(options, 1), "threads", E_GE);

    if (status != E_NONE)
        return status;
    return ort_check(ort, ort->SetInterOpNumThreads(options, 1), "threads", E_GE);
}

/* Whether the graph, with the graphs inside it, has so many nodes `If`. A name that reads the same
 * counts too. */
static int has_ifs(const Bytes *graph, int count)
{
    static const unsigned char op_type[] = {0x22, 2, 'I', 'f'};  /* NodeProto: field 4, 2 bytes */
    const unsigned char *at = graph->data, *end = graph->data + graph->size;

    while (count > 0 && (at = memmem(at, (size_t)(end - at), op_type, sizeof op_type)) != NULL) {
        at += sizeof op_type;
        count--;
    }
    return count == 0;
}

/*
 * Two optimisers read address 0 (seen in 1.32). MatmulTransposeFusion: in a graph that transposes
 * the first two of three dims, casts, and multiplies; it saves a CPU nothing that can be measured.
 * ConstantFolding: where an If with a constant condition holds such an If, which holds a third;
 * torch's EmbeddingBag is exported so.
 */
static int leave_out(const Ort *ort, const Bytes *graph, OrtSessionOptions *options)
{
    const char *names =
        has_ifs(graph, 3) ? "MatmulTransposeFusion;ConstantFolding" : "MatmulTransposeFusion";

    return ort_check(
        ort,
        ort->AddSessionConfigEntry(options, "optimization.disable_specified_optimizers", names),
        "options", E_GE);
}

/* As it stands, too: the optimiser refuses graphs that run without it. */
static int create(const Ort *ort, const Bytes *graph, OrtSessionOptions *options,
                  OrtSession **session)
{
    OrtStatus *refused =
        ort->CreateSessionFromArray(ort->env, graph->data, graph->size, options, session);

    if (refused == NULL)
        return E_NONE;
    ort->ReleaseStatus(refused);
    int status = ort_check(ort, ort->SetSessionGraphOptimizationLevel(options, ORT_AS_IT_STANDS),
                           "options", E_GE);
    if (status != E_NONE)
        return status;
    return ort_check(
        ort, ort->CreateSessionFromArray(ort->env, graph->data, graph->size, options, session),
        "the model's graph", E_GE);
}

int session_open(const Ort *ort, const Program *program, unsigned char *const *constants,
                 const char *times, OrtSession **session)
{
    OrtSessionOptions *options = NULL;
    int status = ort_check(ort, ort->CreateSessionOptions(&options), "options", E_GE);

    if (status != E_NONE)
        return status;
    status = set_threads(ort, options);
    if (status == E_NONE)
        status = leave_out(ort, &program->onnx, options);
    if (status == E_NONE && times != NULL)
        status = ort_check(ort, ort->EnableProfiling(options, times), "times", E_GE);
    if (status == E_NONE)
        status = add_constants(ort, options, program, constants);
    if (status == E_NONE)
        status = create(ort, &program->onnx, options, session);
    ort->ReleaseSessionOptions(options);
    return status;
}
