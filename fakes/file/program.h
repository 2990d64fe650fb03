/*
 * program: what TASK_INFO tells this library to do (docs/program_format.md).
 *
 * A program that program_parse() accepted is consistent in itself, with the
 * model's inputs and outputs and with WEIGHTS_DATA: every index has its
 * record, every constant lies inside the weights or in a file that is looked
 * at when it is loaded, every variable inside the variable area, every
 * tensor has the bytes that its shape needs.
 */
#ifndef FAKE_PROGRAM_H
#define FAKE_PROGRAM_H

#include "file/aipp_record.h"
#include "file/inout.h"
#include "file/om.h"

typedef enum ProgramKind {
    PROGRAM_ONNX = 1,
    PROGRAM_ASSIGN = 2,
    PROGRAM_NULL = 3,
    PROGRAM_CALLBACK = 4
} ProgramKind;

typedef enum Source { SOURCE_INPUT = 0, SOURCE_VARIABLE = 1, SOURCE_CONSTANT = 2 } Source;

typedef struct Tensor {
    char *name;
    uint64_t offset;
    uint64_t nbytes;
    int32_t data_type;
    int32_t format;
    size_t rank;
    int64_t *dims;
    bool external;              /* of a constant: outside WEIGHTS_DATA */
} Tensor;

typedef struct Feed {
    Source source;
    uint32_t index;
    char *name;
} Feed;

typedef struct Fetch {
    uint32_t output;
    char *name;
} Fetch;

typedef struct Assign {
    uint32_t variable;
    Source source;
    uint32_t index;
} Assign;

/* A constant whose offset counts from the start of a file of its own. */
typedef struct External {
    uint32_t constant;
    char *name;
} External;

/* A growing array of records of one tag. */
typedef struct Records {
    void *item;
    size_t count;
    size_t room;
} Records;

typedef struct Program {
    ProgramKind kind;
    uint64_t work_size;
    uint64_t variable_area;
    Records variables;          /* Tensor */
    Records constants;          /* Tensor */
    Records feeds;              /* Feed */
    Records fetches;            /* Fetch */
    Records assigns;            /* Assign */
    Records externals;          /* External */
    Records aipps;              /* AippRecord */
    Bytes onnx;                 /* borrowed from the file */
    uint64_t callback;          /* number of a function, or 0 */
} Program;

static inline const Tensor *program_variable(const Program *program, size_t i)
{
    return (const Tensor *)program->variables.item + i;
}

static inline const Tensor *program_constant(const Program *program, size_t i)
{
    return (const Tensor *)program->constants.item + i;
}

static inline const Feed *program_feed(const Program *program, size_t i)
{
    return (const Feed *)program->feeds.item + i;
}

static inline const Fetch *program_fetch(const Program *program, size_t i)
{
    return (const Fetch *)program->fetches.item + i;
}

static inline const Assign *program_assign(const Program *program, size_t i)
{
    return (const Assign *)program->assigns.item + i;
}

static inline const External *program_external(const Program *program, size_t i)
{
    return (const External *)program->externals.item + i;
}

static inline const AippRecord *program_aipp(const Program *program, size_t i)
{
    return (const AippRecord *)program->aipps.item + i;
}

/* Is it an input whose images dynamic AIPP takes in any size that has room? */
static inline bool program_takes_any_image(const Program *program, size_t input)
{
    for (size_t i = 0; i < program->aipps.count; i++) {
        const AippRecord *aipp = program_aipp(program, i);
        if (aipp->mode == AIPP_DYNAMIC && aipp->input == input)
            return true;
    }
    return false;
}

/*
 * Reads the program of a model, as it stands there: 0, or a status after a
 * message. On success program_free() is due.
 */
int program_read(const Om *om, Program *program);

/*
 * Reads no more than the work size, which is 0 without TASK_INFO: 0, or
 * 545004 for a TASK_INFO that is no program.
 */
int program_work_size(const Om *om, uint64_t *size);

void program_free(Program *program);

#endif
