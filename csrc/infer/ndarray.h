/*
 * An array of numpy, read through a mirror of its PyArrayObject. The layout
 * is part of numpy's ABI, compiled into every extension that uses numpy; it
 * has been this since 1.0. acl_bundle/_run/run.py asks for it only under a
 * numpy that is known to have it.
 */
#ifndef AB_NDARRAY_H
#define AB_NDARRAY_H

#include <Python.h>

#include <stddef.h>

/* The fields of PyArrayObject up to the last one needed. */
typedef struct ndarray {
    PyObject_HEAD
    void *data;
    int rank;
    Py_ssize_t *shape;
    Py_ssize_t *strides;
    PyObject *base;
    PyObject *dtype;
    int flags;
} ndarray;

/* NPY_ARRAY_C_CONTIGUOUS, and that with NPY_ARRAY_WRITEABLE. */
enum { READABLE = 0x1, WRITABLE = 0x401 };

#endif
