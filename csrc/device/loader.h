/* The functions of acl/acl_api.h: the file that cffi makes has the table of them. */
#ifndef AB_LOADER_H
#define AB_LOADER_H

/* A function, and the pointer that stands for it; the last row has no name. */
typedef struct ab_function {
    const char *name;
    void *slot;
} ab_function;

extern const ab_function ab_functions[];

#endif
