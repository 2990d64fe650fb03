/*
 * image_library: finds libjpeg and libpng when the program first needs one.
 */
#ifndef FAKE_IMAGE_LIBRARY_H
#define FAKE_IMAGE_LIBRARY_H

#include <stddef.h>

/* One library: how it is asked for, searched and explained. */
typedef struct ImageLibrary {
    const char *name;           /* "libjpeg" */
    const char *setting;        /* the path that was asked for; "": search */
    const char *variable;       /* the environment's name of that setting */
    const char *pattern;        /* of the file in Pillow's wheel */
    const char *soname;         /* of the system's */
} ImageLibrary;

/* A function of the library, and where its address goes. */
typedef struct ImageSymbol {
    const char *name;
    void *to;
} ImageSymbol;

/*
 * Opens a library that has all of the symbols and takes their addresses. False
 * after a message that says what to install and what was tried.
 */
_Bool image_library_open(const ImageLibrary *wanted, const ImageSymbol *symbols, size_t count);

#endif
