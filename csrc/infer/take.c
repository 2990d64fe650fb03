/*
 * Arguments that can be used as they are. An array fits when it is an ndarray,
 * no subclass, of exactly the right dtype object, of a shape that the graph
 * takes, in C order, and writable where it is written.
 */

#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "infer/frame.h"
#include "infer/ndarray.h"

/* Takes the values of a dict for some of count names; 1 if it has no others. */
static int take_named(PyObject *const *names, size_t count, PyObject *given, PyObject **into)
{
    Py_ssize_t found = 0;
    for (size_t i = 0; i < count; i++) {
        into[i] = PyDict_GetItemWithError(given, names[i]);
        if (into[i] == NULL && PyErr_Occurred()) {
            return 0;
        }
        Py_XINCREF(into[i]);
        found += into[i] != NULL;
    }
    return found == PyDict_Size(given);
}

/* Takes the inputs of a dict, a list or a tuple. 1: there is one for each. */
static int take_inputs(frame *f, PyObject *given)
{
    size_t count = f->s->is.inCount;
    if (PyDict_CheckExact(given)) {
        return (size_t)PyDict_Size(given) == count &&
               take_named(f->s->of, count, given, f->objects);
    }
    if (!PyTuple_CheckExact(given) && !PyList_CheckExact(given)) {
        return 0;
    }
    if ((size_t)Py_SIZE(given) != count) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        f->objects[i] = PyTuple_CheckExact(given) ? PyTuple_GetItem(given, (Py_ssize_t)i)
                                                  : PyList_GetItem(given, (Py_ssize_t)i);
        Py_XINCREF(f->objects[i]);
    }
    return 1;
}

/* Takes the inputs of a call. 1: there is one for each. */
static int take_each(frame *f, PyObject *const *args, Py_ssize_t count)
{
    if ((size_t)count != f->s->is.inCount) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(args[i]);
        f->objects[i] = args[i];
    }
    return 1;
}

/* Takes the arrays of `out`, which may lack some. 1: it has no others. */
static int take_outputs(frame *f, PyObject *out)
{
    const ab_signature *is = &f->s->is;
    return out == Py_None ||
           (PyDict_CheckExact(out) &&
            take_named(f->s->of + is->inCount, is->outCount, out, f->objects + is->inCount));
}

/* Any shape. */
static const ab_extent ANY = {-1, NULL, NULL};

/* Notes where array i lies. 0: it is none that can be used in place, of a shape within an extent. */
static int note(const frame *f, size_t i, int flags, const ab_extent *extent)
{
    const ndarray *array = (const ndarray *)f->objects[i];
    size_t nbytes = f->s->is.sizes[i];
    if (array == NULL || (PyObject *)Py_TYPE(array) != f->s->part[NDARRAY] ||
        array->dtype != f->s->of[f->count + i] || (array->flags & flags) != flags ||
        (extent->rank < 0 ? array->rank > AB_RANK_MAX : array->rank != extent->rank)) {
        return 0;
    }
    for (int k = 0; k < array->rank; k++) {
        Py_ssize_t dim = array->shape[k];
        if (extent->rank >= 0 && (dim < extent->least[k] || dim > extent->most[k])) {
            return 0;
        }
        nbytes *= (size_t)dim;
    }
    f->arrays[i].data = array->data;
    f->arrays[i].nbytes = nbytes;
    f->arrays[i].onDevice = 0;
    return 1;
}

/* Notes where the inputs lie. 0: they do not fit in a choice of shapes. */
static int note_inputs(const frame *f, const ab_choice *choice)
{
    for (size_t i = 0; i < f->s->is.inCount; i++) {
        if (!note(f, i, READABLE, &choice->in[i])) {
            return 0;
        }
    }
    return 1;
}

/* Notes where the outputs lie; in a dynamic graph those that are there. 0: they do not fit. */
static int note_outputs(const frame *f, const ab_choice *choice)
{
    size_t start = f->s->is.inCount;
    for (size_t i = start; i < f->count; i++) {
        if (choice->out == NULL && f->objects[i] == NULL) {
            f->arrays[i].onDevice = 0;
        } else if (!note(f, i, WRITABLE, choice->out == NULL ? &ANY : &choice->out[i - start])) {
            return 0;
        }
    }
    return 1;
}

/* The place of the choice of shapes that the inputs have; SIZE_MAX: of none. */
static size_t choose(const frame *f)
{
    const ab_signature *is = &f->s->is;
    size_t at = f->s->last;
    for (size_t k = 0; k < is->choiceCount; k++) {
        if (note_inputs(f, &is->choices[at])) {
            return at;
        }
        at = at + 1 < is->choiceCount ? at + 1 : 0;
    }
    return SIZE_MAX;
}

/* Makes the outputs that were not given, of a choice. 0: one cannot be made. */
static int make_outputs(frame *f, size_t choice)
{
    PyObject *arguments = PyTuple_GetItem(f->s->part[ARGUMENTS], (Py_ssize_t)choice);
    size_t start = f->s->is.inCount;
    for (size_t i = start; i < f->count; i++) {
        if (f->objects[i] == NULL) {
            f->objects[i] = PyObject_Call(
                f->s->part[EMPTY], PyTuple_GetItem(arguments, (Py_ssize_t)(i - start)), NULL);
        }
        if (f->objects[i] == NULL) {
            return 0;
        }
    }
    return 1;
}

/* Copies the inputs' dims, which Python may change while the engine runs. */
static int copy_dims(frame *f)
{
    size_t inCount = f->s->is.inCount, total = 1;
    int64_t *next;
    for (size_t i = 0; i < inCount; i++) {
        total += (size_t)((const ndarray *)f->objects[i])->rank;
    }
    f->dims = next = malloc(total * sizeof *next);
    for (size_t i = 0; next != NULL && i < inCount; i++) {
        const ndarray *array = (const ndarray *)f->objects[i];
        f->arrays[i].rank = array->rank;
        f->arrays[i].dims = next;
        for (int k = 0; k < array->rank; k++) {
            *next++ = array->shape[k];
        }
    }
    return f->dims != NULL;
}

/* Whether two arrays have bytes in common. */
static int share(const ab_array *one, const ab_array *other)
{
    uintptr_t a = (uintptr_t)one->data, b = (uintptr_t)other->data;
    return a < b + other->nbytes && b < a + one->nbytes && one->nbytes > 0 && other->nbytes > 0;
}

/* Whether no two of the outputs that are there share memory. */
static int outputs_are_apart(const frame *f)
{
    size_t start = f->s->is.inCount;
    for (size_t i = start; i < f->count; i++) {
        for (size_t k = start; f->objects[i] != NULL && k < i; k++) {
            if (f->objects[k] != NULL && share(&f->arrays[i], &f->arrays[k])) {
                return 0;
            }
        }
    }
    return 1;
}

/*
 * Prepares the run of arrays that were taken. 0: some do not fit. They are
 * looked at last, so that no Python runs between the look and the use.
 */
static int prepare(frame *f)
{
    const ab_signature *is = &f->s->is;
    size_t at = is->choiceCount > 1 ? choose(f) : 0;
    const ab_choice *choice;
    if (at >= is->choiceCount || (!is->dynamic && !make_outputs(f, at))) {
        return 0;
    }
    choice = &is->choices[at];
    if (!note_inputs(f, choice) || !note_outputs(f, choice) || !outputs_are_apart(f) ||
        (is->dynamic && !copy_dims(f))) {
        return 0;
    }
    f->run.gear = choice->gear;
    f->run.in = f->arrays;
    f->run.out = f->arrays + is->inCount;
    f->run.readyCount = 0;
    f->s->last = at;
    return 1;
}

/*
 * Takes the inputs and the arrays of `out`, and prepares their run. 0: some do
 * not fit.
 */
int frame_take(frame *f, PyObject *given, PyObject *out)
{
    return f->s->is.readable && take_inputs(f, given) && take_outputs(f, out) && prepare(f);
}

/* frame_take of the arguments of a call. */
int frame_take_arguments(frame *f, PyObject *const *args, Py_ssize_t count)
{
    return f->s->is.readable && take_each(f, args, count) && prepare(f);
}
