#include "image/library.h"

#include <dlfcn.h>
#include <glob.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "base/text.h"
#include "call/message.h"

static const char here;         /* an address of this library */

/* Appends one failure to the list of them. */
static void note(Text *tried, const char *path, const char *why)
{
    text_add(tried, "%s%s: %s", tried->length > 0 ? "; " : "", path, why);
}

static bool try_library(const char *path, const ImageSymbol *symbols, size_t count, Text *tried)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        note(tried, path, dlerror());
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        void *address = dlsym(library, symbols[i].name);
        if (address == NULL) {
            note(tried, path, "lacks a function of version 62 or 1.6");
            dlclose(library);
            return false;
        }
        memcpy(symbols[i].to, &address, sizeof address);
    }
    return true;
}

/* In Pillow's wheel, beside the package that this library lives in. */
static bool try_beside(const ImageLibrary *wanted, const ImageSymbol *symbols, size_t count,
                       Text *tried)
{
    char pattern[4096];
    Dl_info self;
    glob_t found;

    if (dladdr(&here, &self) == 0)
        return false;
    char *path = realpath(self.dli_fname, NULL);
    if (path == NULL)
        return false;
    snprintf(pattern, sizeof pattern, "%s/../../../pillow.libs/%s", dirname(path), wanted->pattern);
    free(path);
    if (glob(pattern, 0, NULL, &found) != 0) {
        note(tried, pattern, "no such file");
        return false;
    }
    bool opened = try_library(found.gl_pathv[0], symbols, count, tried);
    globfree(&found);
    return opened;
}

_Bool image_library_open(const ImageLibrary *wanted, const ImageSymbol *symbols, size_t count)
{
    char buffer[3072];
    Text tried = text_in(buffer, sizeof buffer);
    bool opened = wanted->setting[0] != '\0'
                      ? try_library(wanted->setting, symbols, count, &tried)
                      : try_beside(wanted, symbols, count, &tried) ||
                            try_library(wanted->soname, symbols, count, &tried);

    if (!opened)
        refuse(E_FEATURE_UNSUPPORTED,
               "this is computed with %s, which was not found; pip install \"pillow>=10\" or set "
               "%s to the path of %s. Tried: %s",
               wanted->name, wanted->variable, wanted->soname, buffer);
    return opened;
}
