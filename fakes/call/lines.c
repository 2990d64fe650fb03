#include "call/lines.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/locks.h"

enum {
    LINES_MAX = 4096,           /* different ones */
    PROBES_MAX = 64,
    LINE_SIZE = 600
};

/* Of Python's stable interface, as far as it is asked for here. */
#define PYTHON(FUNCTION) \
    FUNCTION(int, Py_IsInitialized, (void)) \
    FUNCTION(void *, PyGILState_GetThisThreadState, (void)) \
    FUNCTION(int, PyGILState_Ensure, (void)) \
    FUNCTION(void, PyGILState_Release, (int)) \
    FUNCTION(int, PyGC_Disable, (void)) \
    FUNCTION(int, PyGC_Enable, (void)) \
    FUNCTION(void, PyErr_Fetch, (void **, void **, void **)) \
    FUNCTION(void, PyErr_Restore, (void *, void *, void *)) \
    FUNCTION(void *, PyEval_GetFrame, (void)) \
    FUNCTION(void *, PyFrame_GetBack, (void *)) \
    FUNCTION(void *, PyFrame_GetCode, (void *)) \
    FUNCTION(int, PyFrame_GetLineNumber, (void *)) \
    FUNCTION(void *, PyObject_GetAttrString, (void *, const char *)) \
    FUNCTION(const char *, PyUnicode_AsUTF8AndSize, (void *, ptrdiff_t *)) \
    FUNCTION(void, Py_IncRef, (void *)) \
    FUNCTION(void, Py_DecRef, (void *))

typedef struct Python {
#define MEMBER(result, name, arguments) result(*name) arguments;
    PYTHON(MEMBER)
#undef MEMBER
} Python;

/* Found once; NULL: there is none in the process so far. */
static _Atomic(const Python *) python;

/* Lines by their hash; owned, for good. The lock is for new ones. */
static struct {
    pthread_mutex_t lock;
    _Atomic(char *) line[LINES_MAX];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static const Python *find_python(void)
{
    static Python found;
    const Python *there = atomic_load_explicit(&python, memory_order_acquire);

    if (there != NULL || dlsym(RTLD_DEFAULT, "PyEval_GetFrame") == NULL)
        return there;
    pthread_mutex_lock(&state.lock);
    bool complete = true;
#define FIND(result, name, arguments) \
    *(void **)&found.name = dlsym(RTLD_DEFAULT, #name); \
    complete = complete && found.name != NULL;
    PYTHON(FIND)
#undef FIND
    if (complete)
        atomic_store(&python, &found);
    pthread_mutex_unlock(&state.lock);
    return complete ? &found : NULL;
}

bool line_is_there(void)
{
    const Python *py = find_python();

    return py != NULL && py->Py_IsInitialized() && py->PyGILState_GetThisThreadState() != NULL;
}

static bool ends_with(const char *path, const char *end)
{
    size_t length = strlen(path);

    return length >= strlen(end) && strcmp(path + length - strlen(end), end) == 0;
}

/* The length of the package's folder in this library's path; 0: it lies in none. */
static size_t package(const char **path)
{
    static const char place[] = "/fake/lib/libascendcl.so";
    Dl_info info;

    if (dladdr(&state, &info) == 0 || info.dli_fname == NULL || !ends_with(info.dli_fname, place))
        return 0;
    *path = info.dli_fname;
    return strlen(info.dli_fname) - strlen(place);
}

/* Is this a file of those who stand between the program and AscendCL? */
static bool is_between(const char *path)
{
    static const char *const modules[] = {"/contextlib.py", "/weakref.py", "/ctypes/__init__.py"};
    const char *own = NULL;
    size_t length = package(&own);

    if (strncmp(path, "<frozen", 7) == 0)
        return true;
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        if (ends_with(path, modules[i]))
            return true;
    return length > 0 && strncmp(path, own, length) == 0 && path[length] == '/';
}

/* The text of an attribute, which lives as long as the object; "" for none. */
static const char *attribute(const Python *py, void *object, const char *name)
{
    void *value = py->PyObject_GetAttrString(object, name);
    const char *text = value != NULL ? py->PyUnicode_AsUTF8AndSize(value, NULL) : NULL;

    if (value != NULL)
        py->Py_DecRef(value);
    return text != NULL ? text : "";
}

/* Writes the line of a frame, if it is the program's. */
static bool write_frame(const Python *py, void *frame, char *text)
{
    void *code = py->PyFrame_GetCode(frame);
    const char *path = attribute(py, code, "co_filename");
    bool good = *path != '\0' && !is_between(path);

    if (good)
        snprintf(text, LINE_SIZE, "%.400s:%d in %.150s", path, py->PyFrame_GetLineNumber(frame),
                 attribute(py, code, "co_name"));
    py->Py_DecRef(code);
    return good;
}

/* The innermost frame of the program's. The GIL is held. */
static bool find_line(const Python *py, char *text)
{
    void *frame = py->PyEval_GetFrame();
    bool found = false;

    if (frame != NULL)
        py->Py_IncRef(frame);
    while (frame != NULL && !found) {
        found = write_frame(py, frame, text);
        void *outer = py->PyFrame_GetBack(frame);
        py->Py_DecRef(frame);
        frame = outer;
    }
    if (frame != NULL)
        py->Py_DecRef(frame);
    return found;
}

/*
 * Frames are objects that Python makes when they are asked for. A collection
 * must not begin with that: finalizers would call us from here.
 */
static bool ask(const Python *py, char *text)
{
    void *error[3];
    int gil = py->PyGILState_Ensure();
    int collects = py->PyGC_Disable();

    py->PyErr_Fetch(&error[0], &error[1], &error[2]);
    bool found = find_line(py, text);
    py->PyErr_Restore(error[0], error[1], error[2]);
    if (collects)
        py->PyGC_Enable();
    py->PyGILState_Release(gil);
    return found;
}

/* The number of a line: its place in the table, and 1. */
static uint32_t number_of(const char *text)
{
    uint32_t hash = 2166136261u;
    uint32_t number = 0;

    for (const char *at = text; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    pthread_mutex_lock(&state.lock);
    for (uint32_t i = 0; i < PROBES_MAX && number == 0; i++) {
        uint32_t place = (hash + i) % LINES_MAX;
        char *there = atomic_load(&state.line[place]);
        if (there == NULL)
            atomic_store(&state.line[place], there = strdup(text));
        if (there == NULL)
            break;
        if (strcmp(there, text) == 0)
            number = place + 1;
    }
    pthread_mutex_unlock(&state.lock);
    return number;
}

uint32_t line_here(void)
{
    char text[LINE_SIZE];

    if (!line_is_there())
        return 0;
    return ask(atomic_load(&python), text) ? number_of(text) : 0;
}

const char *line_text(uint32_t line)
{
    return line != 0 ? atomic_load(&state.line[line - 1]) : NULL;
}
