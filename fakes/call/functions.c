#include "call/functions.h"

#include <string.h>

const Function functions[FUNCTION_COUNT] = {
#define FUNCTION(name, returns, layer) {#name, returns, layer},
    FUNCTIONS(FUNCTION)
#undef FUNCTION
#define RETURNS_ERROR STATUS
#define RETURNS_POINTER FACTORY
#define RETURNS_NUMBER VALUE
#define RETURNS_NOTHING VALUE
#define RETURNS_SILENCE VALUE
#define FUNCTION(name, result) {#name, RETURNS_##result, RT},
        UNSIMULATED(FUNCTION)
#undef FUNCTION
};

FunctionId function_named(const char *name)
{
    for (int i = 0; i < FUNCTION_COUNT; i++)
        if (strcmp(functions[i].name, name) == 0)
            return (FunctionId)i;
    return FUNCTION_COUNT;
}
