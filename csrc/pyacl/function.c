/*
 * A C function is called by its address with words. On LP64 Linux, x86-64 and
 * aarch64, an integer or a pointer of any size is one register or one slot of
 * eight bytes, the caller alone takes the arguments back, and who is called
 * looks at as many bytes as its own type has. So a function of integers is
 * called right with words of 64 bits, and with more of them than it takes,
 * which are 0.
 * A float is passed in other registers: no pattern takes one.
 */

#include "pyacl/words.h"

#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pyacl/ab_pyacl.h"

typedef word (*few)(word, word, word, word, word, word);
typedef word (*many)(word, word, word, word, word, word, word, word, word, word, word, word, word,
                     word, word, word, word, word);

static word call(uintptr_t address, size_t count, const word *w)
{
    if (count <= FEW_WORDS) {
        return ((few)address)(w[0], w[1], w[2], w[3], w[4], w[5]);
    }
    return ((many)address)(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10], w[11],
                           w[12], w[13], w[14], w[15], w[16], w[17]);
}

/* Asks Python where the function is. Returns 0, or -1 with its exception set. */
static int find(pyacl_function *f, PyObject *where)
{
    PyObject *address = PyObject_CallNoArgs(where);
    f->address = address != NULL ? (uintptr_t)PyLong_AsVoidPtr(address) : 0;
    Py_XDECREF(address);
    return f->address != 0 ? 0 : -1;
}

/* function(*args): what pyACL's answers. `self` is (capsule, where). */
static PyObject *function_call(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    pyacl_function *f = PyCapsule_GetPointer(PyTuple_GetItem(self, 0), NULL);
    word words[MOST_WORDS] = {0}, cells[MOST_WORDS], result;
    PyThreadState *thread;
    if (pyacl_take(f, args, count, words, cells) != 0 ||
        (f->address == 0 && find(f, PyTuple_GetItem(self, 1)) != 0)) {
        return NULL;
    }
    thread = PyEval_SaveThread();
    result = call(f->address, f->count, words);
    PyEval_RestoreThread(thread);
    return pyacl_give(f, args, cells, result);
}

static void function_free(PyObject *capsule)
{
    free(PyCapsule_GetPointer(capsule, NULL));
}

/* A function over a tuple (name, failed, pattern, where); or NULL. */
static PyObject *function_make(PyObject *parts)
{
    const char *name, *failed, *pattern;
    PyObject *where, *capsule, *self, *made;
    pyacl_function *f;
    if (!PyArg_ParseTuple(parts, "sssO", &name, &failed, &pattern, &where)) {
        return NULL;
    }
    f = calloc(1, sizeof *f);
    capsule = f != NULL ? PyCapsule_New(f, NULL, function_free) : PyErr_NoMemory();
    if (capsule == NULL) {
        free(f);
        return NULL;
    }
    self = Py_BuildValue("(NO)", capsule, where);
    if (self == NULL || pyacl_read(f, name, failed, pattern) != 0) {
        Py_XDECREF(self);
        return NULL;
    }
    f->method.ml_name = f->name;
    f->method.ml_meth = (PyCFunction)(void (*)(void))function_call;
    f->method.ml_flags = METH_FASTCALL;
    made = PyCFunction_NewEx(&f->method, self, NULL); /* self keeps the method */
    Py_DECREF(self);
    return made;
}

/*
 * The address of `PyObject *make(PyObject *parts)`, which wants the GIL and
 * so no cffi. This function cannot fail.
 */
uintptr_t ab_pyacl_maker(void)
{
    return (uintptr_t)function_make;
}
