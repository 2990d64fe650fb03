/*
 * models: the loaded models.
 *
 * Looking an id up and holding the model is one step: who holds a model may
 * look at all of it until he lets it go, whoever unloads it meanwhile. The
 * last one to let go of an unloaded model takes it apart. The table of ids
 * is a holder, and so is every execution that is queued.
 *
 * A run claims the model it holds (IDLE to RUNNING) and so does an unload
 * (IDLE to DEAD): whoever comes second is told. Loading and unloading take
 * models_lock().
 */
#ifndef FAKE_MODELS_H
#define FAKE_MODELS_H

#include "call/calls.h"
#include "call/keepers.h"
#include "file/inout.h"
#include "file/program.h"
#include "model/engine_onnx.h"
#include "model/variables.h"
#include "runtime/stream.h"

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
    GearRun *gear;              /* NULL: the model has no gears */
    Lent *lent;                 /* what the user owns of the memory above */
    size_t lent_count;
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

/* What a load is given beside the file. */
typedef struct LoadOptions {
    Area work;
    Area weights;
    Variables *variables;       /* of the bundle, or NULL: its own */
    uint32_t bundle;
    const char *path;           /* of the file, or NULL */
    const char *weight_folder;  /* of external weights; NULL: beside path */
    const ExternalWeight *external;
    size_t external_count;
} LoadOptions;

/*
 * Loads one model; models_lock() is held. 0 and its id, or a status that is
 * still raw (ge_status() makes it public). Nothing is kept on failure.
 */
int model_load(Bytes file, const LoadOptions *options, uint32_t *id);

/*
 * Holds the loaded model of an id, or NULL. Whoever holds one lets it go, and
 * has no lock then that a stream's end, a callback or a release may take.
 */
Model *model_hold(uint32_t id);

/* One more who holds a model that is held. */
void model_hold_again(Model *model);

/* Lets a model go; NULL is nothing. */
void model_let_go(Model *model);

/*
 * The loaded model of an id, or NULL, for who has models_lock(): it stays as
 * long as the lock is held.
 */
Model *model_find(uint32_t id);

/*
 * Claims a held model, and its variables, for a run: 0, or the status of a
 * violation.
 */
int model_claim(Model *model);

/* Ends a run. */
void model_release(Model *model);

/* Who loaded it, as history_text() writes it. */
const char *model_history(const Model *model, char *text);

/*
 * Unloads a loaded model; models_lock() is held. 0, or a violation's. The
 * table lets it go in models_unlock(), after the lock is dropped: its
 * stream's thread is joined then, in which a callback may want the lock.
 */
int model_unload(Model *model);

/* The next id of those that bundles and dynamic models share. */
uint32_t models_next_shared_id(void);

void models_lock(void);
void models_unlock(void);

#endif
