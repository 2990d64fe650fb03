/*
 * The loader keeps one fact: which library this process calls.
 *
 * Every function of acl_api.h is a pointer of the same name, and
 * ab_functions lists them (both made by csrc/build.py). They are NULL until
 * ab_open succeeds, and a pointer whose symbol the library lacks stays NULL:
 * an older CANN costs only the features that need what it does not have.
 * The library is never closed, because nothing can prove that no thread of
 * its own is still inside it.
 *
 *     ab_open("/usr/local/Ascend/latest/lib64/libascendcl.so", NULL);
 *     ab_open("libacl_rt.so", "libacl_mdl.so");
 */

#include "device/loader.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "device/ab_loader.h"

static struct {
    pthread_mutex_t lock;
    int open;
    void *first; /* the library, and its second half or NULL */
    void *second;
    char error[512];
} loader = {PTHREAD_MUTEX_INITIALIZER, 0, NULL, NULL, ""};

/* Keeps a text for the caller of ab_open. This function cannot fail. */
static const char *loader_error(const char *text)
{
    snprintf(loader.error, sizeof loader.error, "%s", text != NULL ? text : "unknown error");
    return loader.error;
}

/* The symbol in either library, or NULL. A NULL handle is passed over. */
static void *loader_symbol(void *first, void *second, const char *name)
{
    void *symbol = dlsym(first, name);
    if (symbol == NULL && second != NULL) {
        symbol = dlsym(second, name);
    }
    return symbol;
}

/* Opens both files and fills the table; closes what it opened on failure. */
static const char *loader_fill(const char *path, const char *second_path)
{
    void *second = NULL;
    void *first = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (first == NULL) {
        return loader_error(dlerror());
    }
    if (second_path != NULL) {
        second = dlopen(second_path, RTLD_NOW | RTLD_LOCAL);
        if (second == NULL) {
            const char *error = loader_error(dlerror());
            dlclose(first);
            return error;
        }
    }
    if (loader_symbol(first, second, "aclInit") == NULL) {
        if (second != NULL) {
            dlclose(second);
        }
        dlclose(first);
        return loader_error("it does not define aclInit");
    }
    for (const ab_function *f = ab_functions; f->name != NULL; f++) {
        void *symbol = loader_symbol(first, second, f->name);
        memcpy(f->slot, &symbol, sizeof symbol);
    }
    loader.first = first;
    loader.second = second;
    loader.open = 1;
    return NULL;
}

/*
 * Opens the library, or the pair that together is one (second may be NULL).
 * Returns NULL, or why it cannot be: a text that lives until the next call.
 * Once a library is open every later call fails.
 */
const char *ab_open(const char *path, const char *second)
{
    const char *error;
    pthread_mutex_lock(&loader.lock);
    error =
        loader.open ? loader_error("another library is already open") : loader_fill(path, second);
    pthread_mutex_unlock(&loader.lock);
    return error;
}

/* Whether the open library has this function of acl_api.h. */
int ab_has(const char *function)
{
    for (const ab_function *f = ab_functions; f->name != NULL; f++) {
        if (strcmp(f->name, function) == 0) {
            void *symbol;
            memcpy(&symbol, f->slot, sizeof symbol);
            return symbol != NULL;
        }
    }
    return 0;
}

/* The address of any symbol of the open library; 0 without one. */
uintptr_t ab_symbol(const char *name)
{
    uintptr_t address = 0;
    pthread_mutex_lock(&loader.lock);
    if (loader.open) {
        address = (uintptr_t)loader_symbol(loader.first, loader.second, name);
    }
    pthread_mutex_unlock(&loader.lock);
    return address;
}
