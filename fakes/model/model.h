/*
 * model: what a loaded model is made of.
 */
#ifndef FAKE_MODEL_H
#define FAKE_MODEL_H

#include "call/functions.h"
#include "file/inout.h"
#include "file/program.h"
#include "model/blob.h"
#include "model/engine_onnx.h"
#include "model/variables.h"
#include "stream/stream.h"

/* A static model keeps to the way it was first executed. */
typedef enum ExecuteMode { MODE_NONE, MODE_SYNC, MODE_ASYNC } ExecuteMode;

typedef enum ModelState { MODEL_DEAD, MODEL_IDLE, MODEL_RUNNING } ModelState;

/* Device memory of a model: the user's or this library's. */
typedef struct Area {
    void *address;              /* NULL: none */
    size_t size;
    bool owned;
} Area;

typedef struct GearRun GearRun;
typedef struct ExternalWeight ExternalWeight;
typedef struct Lent Lent;

/* What the checks of a model's last synchronous run looked at (repeat.h). */
typedef struct Repeat {
    const void *input;          /* handles */
    const void *output;
    unsigned changes;
    unsigned memory;            /* epoch */
    unsigned told;              /* violations before them */
    bool kept;                  /* they found nothing */
} Repeat;

typedef struct Model {
    struct Model *next;         /* of those that models_unlock() lets go */
    atomic_uint holders;
    void (*strip)(struct Model *model); /* when the last hold ends */
    atomic_int state;
    uint32_t id;
    bool dynamic;
    uint32_t bundle;            /* id, or 0 */
    const void *context;        /* in which it was loaded */
    int device;
    Origin loaded;
    Inout *inout;
    Program program;
    Area work;
    Area weights;
    unsigned char **constant;   /* device addresses */
    Area *external;             /* one for each EXTERNAL record */
    Variables *variables;       /* shared with a bundle, or its own */
    unsigned char **variable;   /* device addresses */
    Engine *engine;             /* onnx programs only */
    Blob *input;                /* of the current run, one for each */
    Blob *output;
    Blob *fed;                  /* what the engine is given for the inputs; NULL: them */
    unsigned char **front;      /* one for each AIPP record: what it makes */
    int64_t *front_dims;        /* four for each of them */
    GearRun *gear;              /* NULL: the model has no gears */
    Lent *lent;                 /* what the user owns of the memory above */
    size_t lent_count;
    bool lent_apart;            /* none of it meets another, and it is in order of its bytes */
    void *graph;                /* owned, of program.onnx, or NULL */
    atomic_bool stale;          /* the weights are other than the engine's */
    bool all_set;               /* something wrote each variable it reads, */
    unsigned set_epoch;         /* as was found at device_unwritten_epoch() */
    Task now;                   /* of the synchronous run under way */
    Repeat repeat;
    unsigned memory_epoch;      /* at which user memory was last checked */
    atomic_int mode;            /* ExecuteMode, since the first execution */
    _Atomic(void *) old_stream; /* of the last aclmdlExecuteV2 with one */
    Stream *own_stream;         /* for runs with a timeout, or NULL */
} Model;

#endif
