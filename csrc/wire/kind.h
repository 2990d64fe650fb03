/*
 * Named tuples, made in C.
 */
#ifndef AB_KIND_H
#define AB_KIND_H

#include <Python.h>

#include <stdint.h>

/*
 * A tuple of a kind, of a plain one that it takes over; or NULL. Made as Python makes it: who
 * allocates it alone leaves zero where tuples keep their hash, from Python 3.14 on.
 */
static inline PyObject *tuple_of_kind(PyObject *kind, PyObject *plain)
{
    newfunc make = (newfunc)(uintptr_t)PyType_GetSlot(&PyTuple_Type, Py_tp_new);
    PyObject *args = plain != NULL ? Py_BuildValue("(N)", plain) : NULL;
    PyObject *made = args != NULL ? make((PyTypeObject *)kind, args, NULL) : NULL;
    Py_XDECREF(args);
    return made;
}

#endif
