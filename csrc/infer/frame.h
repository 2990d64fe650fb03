/*
 * A call under way: the arrays that it holds, and the run that is made of them.
 * Only files that are Python's include this.
 */
#ifndef AB_FRAME_H
#define AB_FRAME_H

#include <Python.h>

#include <stddef.h>
#include <stdint.h>

#include "infer/ab_call.h"
#include "infer/ab_run.h"
#include "infer/line.h"

/* What Python gives to make a call, and `self` keeps. */
enum part {
    SIGNATURE, /* int, the address of an ab_signature */
    NDARRAY,   /* the type */
    NAMES,     /* tuple: of inputs, then outputs */
    DTYPES,    /* tuple, the same */
    EMPTY,     /* empty(*arguments) makes an output */
    ARGUMENTS, /* tuple: for each choice a tuple, for each output a tuple */
    OUTPUTS,   /* Outputs() makes a result */
    VERSION,   /* "version", an attribute of it */
    VERSIONS,  /* dict: epoch -> version */
    EXPLAIN,   /* explain(answer) -> epoch, for a negative answer */
    SETTLE,    /* settle(inputs, out, ready) -> (address of an ab_run, outputs, what is held) */
    FINISH,    /* finish(address of ab_output[], outputs) -> arrays, in a dynamic graph */
    KEPT,      /* what SIGNATURE points at */
    PARTS
};

/* The parts at hand; the references are those of the tuple beside it in `self`. */
typedef struct signature {
    ab_signature is;
    size_t last; /* the choice of the run before, which is tried first */
    PyObject *part[PARTS];
    PyObject *of[]; /* names of inputs and outputs, then their dtypes */
} signature;

enum { FEW = 12 };

/* What a run answers that waits, and is to be called again: AB_STEP_BUSY. */
static const int64_t STILL_WAITS = -((int64_t)AB_STEP_BUSY << AB_STEP_SHIFT);

/* One call under way. */
typedef struct frame {
    signature *s;
    size_t count;       /* of inputs and outputs */
    PyObject **objects; /* references to the arrays, NULL where there is none yet */
    ab_array *arrays;
    ab_run run;
    int64_t *dims; /* of the inputs of a dynamic graph */
    PyObject *held;
    PyObject *fewObjects[FEW];
    ab_array fewArrays[FEW];
} frame;

int frame_open(frame *f, signature *s);
void frame_clear(frame *f);
void frame_close(frame *f);
int frame_take(frame *f, PyObject *given, PyObject *out);
int frame_take_arguments(frame *f, PyObject *const *args, Py_ssize_t count);
int frame_settle(frame *f, PyObject *arguments);
int frame_waits_on(const ab_engine *engine, waiter *w);
PyObject *frame_infer(frame *f);
PyObject *frame_outputs(const frame *f, PyObject *epoch);
PyObject *frame_arrays(const frame *f);
PyObject *epoch_of(int64_t answer, PyObject *explain);

#endif
