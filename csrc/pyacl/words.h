/* What crosses between Python and C, by a pattern (ab_pyacl.h), and a function that has one. */
#ifndef PYACL_WORDS_H
#define PYACL_WORDS_H

#include <Python.h>

#include <stddef.h>
#include <stdint.h>

enum { MOST_WORDS = 18, FEW_WORDS = 6, MOST_NAME = 64 };

/* One parameter or one result of C, in a register or a slot of the stack. */
typedef uint64_t word;

typedef struct pyacl_function {
    PyMethodDef method;
    uintptr_t address; /* 0: not looked for yet */
    Py_ssize_t least;  /* arguments that Python passes */
    Py_ssize_t most;
    size_t count; /* of C's parameters */
    char pattern[MOST_WORDS + 1];
    char result;
    char name[MOST_NAME];
    char failed[2 * MOST_NAME]; /* the text of the TypeError */
} pyacl_function;

int pyacl_read(pyacl_function *f, const char *name, const char *failed, const char *pattern);
int pyacl_take(const pyacl_function *f, PyObject *const *args, Py_ssize_t count, word *words,
               word *cells);
PyObject *pyacl_give(const pyacl_function *f, PyObject *const *args, const word *cells,
                     word result);

#endif
