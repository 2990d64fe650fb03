/*
 * Pointers of the names in FUNCTIONS, which is defined before, and find(),
 * which fills them from a library: 0, or -1 where it or one of them is missing.
 */
#include <dlfcn.h>

#define POINTER(result, name, args) static result(*name) args;
FUNCTIONS(POINTER)

#define FIND(result, name, args)                                              \
    symbol = dlsym(library, #name);                                           \
    if (symbol == NULL) {                                                     \
        return -1;                                                            \
    }                                                                         \
    memcpy(&name, &symbol, sizeof symbol);

static int find(const char *path)
{
    void *symbol, *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return -1;
    }
    FUNCTIONS(FIND)
    return 0;
}
